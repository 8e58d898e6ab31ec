/**
 * An operator of the tests' own: the JWTs that a nats-server in operator mode trusts, and a user's credentials file.
 */
import { nkeys } from "@nats-io/transport-node";

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** What a server is configured with, and what its user shows. */
export interface Operator {
  /** Lines of the server's configuration. */
  readonly config: string;
  /** Contents of the user's credentials file. */
  readonly credentials: string;
  /** The secret in them, and what it signs for. */
  readonly seed: string;
  readonly userJwt: string;
  /** Contents of a credentials file of the same user, which the server takes for so many seconds. */
  credentialsFor(seconds: number): string;
  /** The configuration once the user's credentials are revoked. */
  readonly revoking: string;
}

/** Makes an operator with a system account, and one account with JetStream that has one user. */
export function makeOperator(): Operator {
  const [operator, system, account, user] = [
    nkeys.createOperator(),
    nkeys.createAccount(),
    nkeys.createAccount(),
    nkeys.createUser(),
  ];
  const unlimited = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const systemId = system.getPublicKey();
  const accountId = account.getPublicKey();
  const tokens = {
    operator: token(operator, operator, "operator", { system_account: systemId }),
    system: token(system, operator, "account", { limits: unlimited }),
  };
  const configWith = (claims: object) => {
    const granted = token(account, operator, "account", { limits: { ...unlimited, ...storage }, ...claims });
    return `operator: ${tokens.operator}
      system_account: ${systemId}
      resolver: MEMORY
      resolver_preload: { ${systemId}: ${tokens.system}, ${accountId}: ${granted} }`;
  };
  const seed = Buffer.from(user.getSeed()).toString();
  const userJwtUntil = (exp?: number) => token(user, account, "user", { subs: -1, data: -1, payload: -1 }, exp);
  const fileOf = (jwt: string) => `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n
-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
  const userJwt = userJwtUntil();
  return {
    config: configWith({}),
    credentials: fileOf(userJwt),
    seed,
    userJwt,
    credentialsFor: (seconds) => fileOf(userJwtUntil(Math.floor(Date.now() / 1_000) + seconds)),
    revoking: configWith({ revocations: { [user.getPublicKey()]: Math.floor(Date.now() / 1_000) } }),
  };
}

/** @param exp when it ends, s since the epoch */
function token(subject: KeyPair, issuer: KeyPair, type: string, claims: object, exp?: number): string {
  const header = { typ: "JWT", alg: "ed25519-nkey" };
  const body = {
    jti: subject.getPublicKey(),
    ...(exp !== undefined && { exp }),
    iat: 1_700_000_000,
    iss: issuer.getPublicKey(),
    name: type,
    sub: subject.getPublicKey(),
    nats: { ...claims, type, version: 2 },
  };
  const signed = [header, body].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString("base64url")}`;
}
