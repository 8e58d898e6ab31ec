/**
 * What cannot work is refused: one clear line, soon, with an exit code, and nothing half-created.
 */
import { writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { nats, start } from "tidemark";
import { silentLogger } from "../../framework/platform/logger.ts";
import { systemRandom } from "../../framework/platform/random.ts";
import { realClock } from "../../framework/platform/real-clock.ts";
import quickStart from "../../examples/quick-start.ts";
import sensorHistory from "../../examples/sensor-history.ts";
import { temporaryFolder } from "../connectors/temporary-folder.ts";
import { runTidemark } from "../support/command.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { startNode } from "../support/program.ts";
import { historyPlace } from "./history-place.ts";

const timeout = 90_000;
/** An answer comes within 5 s; the rest is for a busy machine. */
const answerMsMax = 10_000;
const binary = await binaryForTests();
const platform = { clock: realClock(), random: systemRandom(), logger: silentLogger };

/** What `start` says to a server, and after how long. */
async function refusal(url: string) {
  const startedMs = performance.now();
  const error: unknown = await start(quickStart, nats({ servers: url }), { platform }).catch(
    (reason: unknown) => reason,
  );
  expect(performance.now() - startedMs).toBeLessThan(answerMsMax);
  return error as Error & { readonly code: string };
}

/** The command says the same in one line and has an exit code. */
async function expectCommand(url: string, line: RegExp): Promise<void> {
  const { code, out, said } = await runTidemark(["run", "examples/quick-start.ts", "--nats", url]);
  expect(said).toMatch(line);
  expect(said).not.toContain("\n");
  expect(out).toBe("");
  expect(code).toBe(1);
}

async function serverWith(config: string) {
  const folder = await temporaryFolder();
  const path = join(folder, "nats.conf");
  writeFileSync(path, config);
  const started = await natsForTests({ config: path }, onTestFinished);
  if (started === undefined) throw new Error("no nats-server");
  return started;
}

describe("a server", { timeout }, () => {
  test("that is absent", async () => {
    const url = "nats://127.0.0.1:9";
    expect(await refusal(url)).toMatchObject({
      code: "SERVER_UNREACHABLE",
      message: expect.stringContaining("127.0.0.1:9") as string,
    });
    await expectCommand(url, /^SERVER_UNREACHABLE: no NATS server answers at .*127\.0\.0\.1:9/);
  });

  test("that says nothing", async () => {
    const mute = createServer();
    onTestFinished(() => void mute.close());
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    const address = mute.address();
    const url = `nats://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    expect(await refusal(url)).toMatchObject({ code: "SERVER_UNREACHABLE" });
  });

  test("that is too old", async () => {
    const old = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.write(
        'INFO {"server_id":"old","version":"2.8.4","proto":1,"headers":true,"jetstream":true,"max_payload":1048576}\r\n',
      );
      socket.on("data", (bytes) => bytes.toString().includes("PING") && socket.write("PONG\r\n"));
    });
    onTestFinished(() => void old.close());
    await new Promise<void>((resolve) => old.listen(0, "127.0.0.1", resolve));
    const address = old.address();
    const url = `nats://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    expect(await refusal(url)).toMatchObject({ code: "SERVER_UNSUITABLE" });
    await expectCommand(url, /^SERVER_UNSUITABLE: .*version 2\.8\.4.*2\.10/);
  });
});

describe.skipIf(binary === undefined)("a nats-server", { timeout }, () => {
  test("without JetStream", async () => {
    const place = await serverWith("max_payload: 1MB");
    expect(await refusal(place.server.url)).toMatchObject({ code: "SERVER_UNSUITABLE" });
    await expectCommand(place.server.url, /^SERVER_UNSUITABLE: .*no JetStream/);
  });

  test("that refuses the credentials", async () => {
    const place = await serverWith('jetstream {}\nauthorization { user: "tide", password: "mark" }');
    expect(await refusal(place.server.url)).toMatchObject({ code: "SERVER_REFUSED" });
    const wrong = place.server.url.replace("//", "//tide:wr0ng@");
    await expectCommand(wrong, /^SERVER_REFUSED: (?!.*wr0ng).*refuses the credentials/);
    const seams = await place.connect({ servers: place.server.url.replace("//", "//tide:mark@") });
    expect(await seams.logs.list("")).toEqual([]);
  });

  test("that forbids creating streams", async () => {
    const permissions =
      'permissions: { publish: ["$JS.API.INFO", "$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO.>", "tm.>"], subscribe: ["_INBOX.>", "tm.>"] }';
    const place = await serverWith(
      `jetstream {}\nauthorization { users: [{ user: "weak", password: "weak", ${permissions} }, { user: "strong", password: "strong" }] }`,
    );
    expect(await refusal(place.server.url.replace("//", "//weak:weak@"))).toMatchObject({ code: "SERVER_REFUSED" });
    const seams = await place.connect({ servers: place.server.url.replace("//", "//strong:strong@") });
    expect(await seams.logs.list("")).toEqual([]);
  });

  test.each([
    [
      "of the account",
      "jetstream { store_dir: '.js' }\naccounts { A { jetstream { max_file: 200MB }, users: [{ user: a, password: a }] } }",
      "a:a@",
    ],
    ["of the server", "jetstream { store_dir: '.js', max_file_store: 200MB }", ""],
  ])("that is full: the limit %s", async (_whose, config, user) => {
    const place = await serverWith(config);
    const url = place.server.url.replace("//", `//${user}`);
    expect(await refusal(url)).toMatchObject({ code: "SERVER_FULL" });
    await expectCommand(url, /^SERVER_FULL: .*\d+ bytes/);
    const seams = await place.connect({ servers: url });
    expect(await seams.logs.list("")).toEqual([]);
  });
});

describe.skipIf(binary === undefined)("a server that is full", { timeout }, () => {
  const full = "jetstream { store_dir: '.js', max_file_store: 200MB }";

  test("is found out of a new life, too, and the older one stays as it was", async () => {
    const place = await serverWith(full);
    const seams = await place.connect();
    await seams.registers(quickStart.name);
    const home = nats({ servers: place.server.url });
    const next = start(quickStart, home, { platform, startNew: true });
    await expect(next).rejects.toMatchObject({ code: "SERVER_FULL" });
    expect(await seams.logs.list("TM_")).toEqual([]);
  });

  test("is found out whatever an older job of that name has left behind", async () => {
    const place = await serverWith(full);
    const seams = await place.connect();
    const left = `TM_${quickStart.name}_1_LOG`;
    await seams.logs.create(left, { maxBytes: 1024 * 1024, full: "refuse" });
    expect(await refusal(place.server.url)).toMatchObject({ code: "SERVER_FULL" });
    expect((await seams.logs.list("")).map(({ name }) => name)).toEqual([left]);
  });
});

describe("an output", { timeout }, () => {
  test.each([
    ["in a folder that is not there", (folder: string) => join(folder, "no", "out.jsonl")],
    ["that is a folder", (folder: string) => join(folder, "out.jsonl")],
  ])("%s is refused before anything starts", async (_what, pathOf) => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, "out.jsonl"));
    const of = await historyPlace({ seed: 1, files: 1, hours: 5 });
    // The address is one where nobody answers: it is not asked.
    const program = startNode([
      "examples/sensor-history.ts",
      "--input",
      of.inputs[0] ?? "",
      "--out",
      pathOf(folder),
      "--nats",
      "nats://127.0.0.1:9",
    ]);
    const { code } = await program.ended();
    expect(code).not.toBe(0);
    expect(program.stderr).toEqual([expect.stringMatching(/^PATH_UNUSABLE: .*out\.jsonl/)]);
  });

  test("an input that is not there is refused, too", async () => {
    const folder = await temporaryFolder();
    const program = startNode([
      "examples/sensor-history.ts",
      "--input",
      join(folder, "no.csv"),
      "--out",
      join(folder, "out.jsonl"),
    ]);
    expect((await program.ended()).code).not.toBe(0);
    expect(program.stderr).toEqual([expect.stringMatching(/^PATH_UNUSABLE: .*no\.csv/)]);
  });
});

describe.skipIf(binary === undefined)("a job that is there already", { timeout }, () => {
  test("with another plan is refused with the difference, with another version by both", async () => {
    const server = await natsForTests({}, onTestFinished);
    const home = nats({ servers: server?.server.url ?? "" });
    const of = await historyPlace({ seed: 1, files: 1, hours: 300 });
    const args = ["--input", of.inputs[0] ?? "", "--out", of.out, "--rate", "10"];
    const program = new URL("../../examples/sensor-history.ts", import.meta.url).pathname;
    const handle = await start(sensorHistory(args), home, { platform, program });

    const other = [...args, "--disorder", "2h"];
    await expect(start(sensorHistory(other), home, { platform, program })).rejects.toMatchObject({
      code: "JOB_MISMATCH",
      message: expect.stringMatching(/- .*1h[\s\S]*\+ .*2h[\s\S]*--new/) as string,
    });
    await expect(start(sensorHistory(args), home, { platform, program: of.inputs[0] })).rejects.toMatchObject({
      code: "JOB_MISMATCH",
      message: expect.stringMatching(/runs version [0-9a-f]{16}, this program is [0-9a-f]{16}/) as string,
    });
    await handle.stop();
    expect(await handle.done).toMatchObject({ state: "stopped" });
  });
});
