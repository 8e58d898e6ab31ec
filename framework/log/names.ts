/**
 * Names of everything a job leaves outside its own memory (design, section 13: "Names").
 *
 * A name carries job and generation, so that two jobs, or two lives of one, never meet.
 */
import { StreamError } from "../errors.ts";

/** What job, stage and sink names look like. */
export const namePattern: RegExp = /^[a-z0-9-]{1,32}$/;

/** Checks a job, stage or sink name. @throws PLAN_INVALID with the name and what it is the name of */
export function checkName(name: string, what: string): void {
  if (!namePattern.test(name)) {
    throw new StreamError(
      "PLAN_INVALID",
      `${what} ${JSON.stringify(name)}: names consist of 1 to 32 of a-z, 0-9 and "-"`,
    );
  }
}

/** The names of one generation of one job. */
export class JobNames {
  readonly job: string;
  readonly generation: number;

  constructor(job: string, generation: number) {
    this.job = job;
    this.generation = generation;
  }

  /** Prefix of every log of this generation. */
  get prefix(): string {
    return `TM_${this.job}_${this.generation}_`;
  }
  /** Log of assignments, splits and results: the job's own. */
  get jobLog(): string {
    return `${this.prefix}LOG`;
  }
  /** Log of records that could not be processed. */
  get deadLetters(): string {
    return `${this.prefix}DEAD`;
  }
  /** Log of late records that nobody reads. */
  get late(): string {
    return `${this.prefix}LATE`;
  }
  /** Log of what one instance is told. */
  inbox(stage: string, partition: number): string {
    return `${this.prefix}IN_${stage}_${partition}`;
  }
  /** Log of what one split of a push source has produced. */
  ingress(source: string, split: number): string {
    return `${this.prefix}INGRESS_${source}_${split}`;
  }

  /** Register that names an instance's current snapshot. */
  pointer(stage: string, partition: number): string {
    return `pointer.${this.generation}.${stage}.${partition}`;
  }

  /** Register of the dead letters that nobody wants to see any more. */
  get droppedLetters(): string {
    return `dropped.${this.generation}`;
  }

  /** Register that names whose turn a worker is, or was, in: while one takes suspiciously long, and while an instance is on probation there. */
  suspect(worker: string): string {
    return `suspect.${this.generation}.${worker}`;
  }

  /** Register of what the leader knows of progress (R15). */
  get settled(): string {
    return `settled.${this.generation}`;
  }

  /** Bus subject on which workers announce themselves. */
  get workersSubject(): string {
    return this.#subject("workers");
  }
  /** Bus subject on which processes that start workers say that they live. */
  get startersSubject(): string {
    return this.#subject("starters");
  }
  /** Bus subject on which workers of a successor say that they wait for its savepoint. */
  get waitingSubject(): string {
    return this.#subject("waiting");
  }
  /** Bus subject on which whoever has the job held by that savepoint answers. */
  holderSubject(savepoint: string): string {
    return this.#subject(`holder.${savepoint}`);
  }
  /** Bus subject on which a leader's heartbeats are heard. */
  get heartbeatSubject(): string {
    return this.#subject("heartbeat");
  }
  /** Bus subject on which only the leader answers. */
  get leaderSubject(): string {
    return this.#subject("leader");
  }
  /** Bus subject on which the leader hears the instances' reports. */
  get reportsSubject(): string {
    return this.#subject("reports");
  }
  /** Bus subject on which one worker is spoken to. */
  workerSubject(worker: string): string {
    return this.#subject(`worker.${worker}`);
  }

  #subject(rest: string): string {
    return `tm.${this.job}.${this.generation}.${rest}`;
  }
}

/** Beginning of the registers of savepoints; what follows is the name. */
export const savepointRegisters = "savepoint.";

/** Register of the savepoint of that name: {@link import("../record/savepoint-record.ts").SavepointRecord}. */
export function savepointRegister(name: string): string {
  return savepointRegisters + name;
}

/** What the names of all chunks of a savepoint begin with: the same name may have been tried before. */
export function savepointPrefix(name: string, generation: number, savepoint: number): string {
  return `${name}.${generation}.${savepoint}.`;
}

/** Beginning of the registers of successors; what follows is the number of the generation. */
export const successorRegisters = "successor.";

/** Register of a generation that is to take the place of the running one: a {@link import("../record/job-record.ts").JobRecord}. */
export function successorRegister(generation: number): string {
  return successorRegisters + String(generation);
}

/** Register that holds the job itself: {@link import("../record/job-record.ts").JobRecord}. */
export const jobRegister = "job";
