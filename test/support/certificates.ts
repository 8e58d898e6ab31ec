/**
 * An authority of the tests' own, and certificates that it has signed: made with `openssl`, in a directory of the caller.
 */
import { execFile } from "node:child_process";
import { promises as files } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Paths of a certificate and its key. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes an authority. */
export function makeAuthority(directory: string, name: string): Promise<Certificate> {
  const made = pathsOf(directory, name);
  const subject = ["-x509", "-days", "2", "-subj", `/CN=${name}`];
  return run("openssl", ["req", ...subject, ...newKey, "-keyout", made.key, "-out", made.cert]).then(() => made);
}

/** Makes a certificate for `localhost` and 127.0.0.1, signed by `authority`; one of -1 days has expired. */
export async function makeCertificate(
  directory: string,
  name: string,
  authority: Certificate,
  days = 2,
): Promise<Certificate> {
  const made = pathsOf(directory, name);
  const request = join(directory, `${name}.csr`);
  const extensions = join(directory, `${name}.ext`);
  await files.writeFile(extensions, "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  await run("openssl", ["req", "-subj", `/CN=${name}`, ...newKey, "-keyout", made.key, "-out", request]);
  const by = ["-CA", authority.cert, "-CAkey", authority.key, "-CAcreateserial", "-days", String(days)];
  await run("openssl", ["x509", "-req", "-in", request, ...by, "-extfile", extensions, "-out", made.cert]);
  return made;
}

function pathsOf(directory: string, name: string): Certificate {
  return { cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) };
}
