/**
 * `tidemark savepoint JOB [NAME]` and `tidemark inspect JOB [NAME] | FILE`.
 */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import { openSavepointFile, writeSavepointFile } from "../savepoint-file.ts";
import { lookAtSavepoint, type SavepointLook } from "../administration/savepoint-look.ts";
import { takeSavepoint, type TakenSavepoint } from "../administration/savepoint-request.ts";
import { listSavepoints, openSavepoint, type SavepointSummary } from "../administration/savepoints.ts";
import { StreamError } from "../errors.ts";
import { type Duration, parseDuration } from "../time/duration.ts";
import { administrate, administrationCommand, print, type AdministrationFlags } from "./administrate.ts";
import { bytesText, table, timeText } from "./table.ts";

interface SavepointFlags extends AdministrationFlags {
  readonly stop?: boolean;
  readonly out?: string;
  readonly timeout: string;
}

/** Adds the commands. */
export function addSavepointCommands(program: Command): void {
  administrationCommand(program, "savepoint", "take a savepoint of a running job: all of its state, at one cut")
    .argument("<job>", "name of the job")
    .argument("[name]", "name of the savepoint; the date and time when left out")
    .option("--stop", "stop the job by it: nothing is read behind it")
    .option("--out <file>", "write it into a file, too")
    .option("--timeout <duration>", "after this long the job goes on without one", "60s")
    .action(async (job: string, name: string | undefined, flags: SavepointFlags) => {
      const timeoutMs = parseDuration(flags.timeout as Duration, "--timeout", { minMs: 1 });
      checkOut(flags.out);
      const mode = flags.stop === true ? "stop" : "resume";
      const taken = await administrate(flags, async (administrator) => {
        const savepoint = await takeSavepoint(administrator, job, { name, mode, timeoutMs });
        if (flags.out === undefined) return savepoint;
        const file = resolve(flags.out);
        const bytes = await writeSavepointFile(file, await openSavepoint(administrator, job, savepoint.name));
        return { ...savepoint, file, bytes };
      });
      print(flags, taken, takenText);
    });

  administrationCommand(program, "inspect", "show the savepoints of a job, or what is in one; all of it is read")
    .argument("<job|file>", "name of the job, or a file that savepoint --out has written")
    .argument("[name]", "name of the savepoint; the list of all when left out")
    .action(async (what: string, name: string | undefined, flags: AdministrationFlags) => {
      if (isFile(what)) return print(flags, await lookAtFile(what), lookText);
      if (name === undefined)
        return print(
          flags,
          await administrate(flags, (administrator) => listSavepoints(administrator, what)),
          listText,
        );
      const look = await administrate(flags, async (administrator) =>
        lookAtSavepoint(await openSavepoint(administrator, what, name)),
      );
      print(flags, look, lookText);
    });
}

/** Before anything stops. */
function checkOut(out: string | undefined): void {
  if (out === undefined) return;
  if (existsSync(out)) throw new StreamError("PATH_UNUSABLE", `${out} exists already: no savepoint has been taken`);
  const folder = dirname(resolve(out));
  if (!existsSync(folder))
    throw new StreamError("PATH_UNUSABLE", `there is no folder ${folder}: no savepoint has been taken`);
}

/** Names of jobs have neither dots nor slashes. */
function isFile(what: string): boolean {
  return !/^[a-z0-9-]{1,32}$/.test(what) || existsSync(what);
}

async function lookAtFile(path: string): Promise<SavepointLook> {
  const file = await openSavepointFile(resolve(path));
  try {
    return await lookAtSavepoint(file);
  } finally {
    await file.close();
  }
}

function takenText(taken: TakenSavepoint & { readonly file?: string }): string {
  const { job, generation, name, atMs, bytes, isStopped, file } = taken;
  const onwards = isStopped
    ? `the job is stopped by it; tidemark restart ${job} lets it go on`
    : "the job goes on; tidemark inspect shows what is in it";
  const where = file === undefined ? "" : `, in ${file}, too`;
  return `job ${job}, generation ${generation}, has savepoint ${name} (${timeText(atMs)}, ${bytesText(bytes)})${where}: ${onwards}`;
}

function listText(savepoints: readonly SavepointSummary[]): string {
  if (savepoints.length === 0) return "no savepoints";
  const rows = savepoints.map(({ name, generation, atMs, bytes, state }) => {
    const isComplete = state === "complete";
    return [name, String(generation), isComplete ? timeText(atMs) : "being taken", isComplete ? bytesText(bytes) : "-"];
  });
  return table(["SAVEPOINT", "GENERATION", "TAKEN", "SIZE"], rows);
}

function lookText(look: SavepointLook): string {
  const { job, name, generation, atMs, by, version, runtimeVersion, stages, bytes } = look;
  const head = [
    `savepoint ${name} of job ${job}, generation ${generation}: ${timeText(atMs)}, by ${by}, ${bytesText(bytes)}`,
    `program version ${version}, ${runtimeVersion}`,
  ];
  const states = stages.flatMap((stage) =>
    stage.states.map((state) => [
      stage.name,
      state.name === "" ? state.operator : `${state.operator}/${state.name}`,
      state.kind || "-",
      String(state.version),
      String(state.keys),
      bytesText(state.bytes),
    ]),
  );
  const instances = stages.flatMap((stage) =>
    stage.instances.map((each) => [
      each.name,
      each.split ?? "-",
      String(each.position),
      timeText(each.watermark),
      bytesText(each.bytes),
    ]),
  );
  return [
    head.join("\n"),
    table(["STAGE", "STATE", "KIND", "VERSION", "KEYS", "BYTES"], states),
    table(["INSTANCE", "SPLIT", "POSITION", "WATERMARK", "BYTES"], instances),
  ].join("\n\n");
}
