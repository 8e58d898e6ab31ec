/**
 * A process that writes rows through a file sink, one snapshot after the other, until it is killed.
 *
 * Arguments: the path of the output, the path of the pointer, the epoch. The pointer file is replaced in one step, as the pointer of a job is.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { file } from "../../framework/connectors/file.ts";
import { noCluster } from "./home.ts";
import { valueOf } from "./file-sink-job.ts";
import { identityOf, rowsFor } from "./writing.ts";

const [path = "", pointerPath = "", epoch = ""] = process.argv.slice(2);

function readPointer(): { readonly last: number; readonly listed: readonly string[] } {
  try {
    return JSON.parse(readFileSync(pointerPath, "utf8")) as {
      readonly last: number;
      readonly listed: readonly string[];
    };
  } catch {
    return { last: 0, listed: [] };
  }
}

const pointer = readPointer();
const spec = file(path);
const writer = await spec.open(identityOf({ epoch: Number(epoch) }), noCluster);
await writer.recover?.(pointer.listed.map((prepared) => Buffer.from(prepared, "base64")));
process.stdout.write("writing\n");
for (let last = pointer.last; ;) {
  const count = 500 + (last % 700);
  await writer.write(
    rowsFor(
      spec,
      Array.from({ length: count }, (_, at) => valueOf(last + 1 + at)),
      last + 1,
    ),
  );
  last += count;
  const prepared = await writer.prepare?.();
  if (prepared === undefined) throw new Error("nothing was prepared");
  writeFileSync(`${pointerPath}.new`, JSON.stringify({ last, listed: [Buffer.from(prepared).toString("base64")] }));
  renameSync(`${pointerPath}.new`, pointerPath);
  await writer.commit?.(prepared);
}
