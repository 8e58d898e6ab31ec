/** Contexts as the command `nats` writes them: what is kept, what is refused, and that nothing secret is said. */
import { promises as files } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { StreamError } from "../../framework/errors.ts";
import { readContext } from "../../framework/nats/context.ts";

const home = await files.mkdtemp(join(tmpdir(), "tidemark-context-"));
const environment = { XDG_CONFIG_HOME: home, HOME: "/home/ada" };
await files.mkdir(join(home, "nats", "context"), { recursive: true });

afterAll(() => files.rm(home, { recursive: true, force: true }));

/** As `nats context add` writes it: every field is there. */
const untouched = {
  description: "",
  url: "nats://127.0.0.1:4222",
  socks_proxy: "",
  token: "",
  user: "",
  password: "",
  creds: "",
  nkey: "",
  cert: "",
  key: "",
  ca: "",
  nsc: "",
  jetstream_domain: "",
  jetstream_api_prefix: "",
  jetstream_event_prefix: "",
  inbox_prefix: "",
  user_jwt: "",
  color_scheme: "",
  tls_first: false,
};

function write(name: string, context: unknown): Promise<void> {
  const text = typeof context === "string" ? context : JSON.stringify(context);
  return files.writeFile(join(home, "nats", "context", `${name}.json`), text);
}

async function refusal(name: string): Promise<StreamError> {
  const error = await readContext(name, environment).catch((thrown: unknown) => thrown);
  if (!StreamError.is(error)) throw new Error(`not a StreamError: ${String(error)}`);
  expect(error.message).not.toContain("\n");
  expect(error.message).not.toContain("hidden");
  return error;
}

describe("what is kept", () => {
  test("servers, user, password, token, nkey, inbox prefix, and paths below the home directory", async () => {
    await write("prod", {
      ...untouched,
      url: "nats://a:4222,nats://b:4222",
      user: "tide",
      password: "hidden",
      creds: "~/prod.creds",
      nkey: "/etc/prod.nk",
      ca: "~/ca.pem",
      inbox_prefix: "_INBOX_tide",
      user_jwt: "a.b.c",
      user_seed: "SUAB",
      jetstream_domain: "hub",
      jetstream_api_prefix: "JS.tenant.API",
      jetstream_event_prefix: "events",
    });
    expect(await readContext("prod", environment)).toEqual({
      servers: "nats://a:4222,nats://b:4222",
      user: "tide",
      password: "hidden",
      token: undefined,
      credentials: "/home/ada/prod.creds",
      nkey: "/etc/prod.nk",
      tls: { ca: "/home/ada/ca.pem", cert: undefined, key: undefined, handshakeFirst: false },
      inboxPrefix: "_INBOX_tide",
      userJwt: "a.b.c",
      userSeed: "SUAB",
      domain: "hub",
      apiPrefix: "JS.tenant.API",
    });
  });

  test("an untouched one says where the server is, and nothing else", async () => {
    await write("local", untouched);
    const { servers, ...rest } = await readContext("local", environment);
    expect(servers).toBe("nats://127.0.0.1:4222");
    expect(Object.values(rest).every((value) => value === undefined)).toBe(true);
  });

  test("X1: the selected one only by its special name", async () => {
    expect(await refusal("@selected")).toMatchObject({ code: "PATH_UNUSABLE" });
    await files.writeFile(join(home, "nats", "context.txt"), "local\n");
    expect((await readContext("@selected", environment)).servers).toBe("nats://127.0.0.1:4222");
  });

  test("below HOME where XDG_CONFIG_HOME is not set", async () => {
    const error = await readContext("prod", { HOME: "/nowhere" }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "PATH_UNUSABLE" });
    expect(String(error)).toContain("/nowhere/.config/nats/context/prod.json");
  });
});

describe("what is refused", () => {
  test("one that is not there, by its path", async () => {
    const error = await refusal("nothing");
    expect(error.code).toBe("PATH_UNUSABLE");
    expect(error.message).toContain(join(home, "nats", "context", "nothing.json"));
  });

  test.each(["", "../x", "a/b"])("%j is no name", async (name) => {
    expect(await refusal(name)).toMatchObject({ code: "OPTION_INVALID" });
  });

  test.each(["{ hidden", '"hidden"', "[]"])("X3: %j is no context, and is not quoted", async (text) => {
    await write("broken", text);
    expect(await refusal("broken")).toMatchObject({ code: "OPTION_INVALID" });
  });

  test.each(["socks_proxy", "nsc", "windows_cert_store", "something_new"])(
    "X2: %s is named as not supported",
    async (field) => {
      await write("special", { ...untouched, [field]: "hidden" });
      const error = await refusal("special");
      expect(error.code).toBe("OPTION_INVALID");
      expect(error.message).toContain(`sets ${field}, which is not supported`);
    },
  );

  test("X2: a proxy is refused with what to do instead", async () => {
    await write("proxied", { ...untouched, socks_proxy: "socks5://hidden" });
    expect((await refusal("proxied")).message).toMatch(/SOCKS proxy cannot be made: let a leaf node near by/);
  });

  test("X2: a field of another type", async () => {
    await write("typed", { ...untouched, user: 5 });
    expect((await refusal("typed")).message).toContain("user is no text");
  });
});
