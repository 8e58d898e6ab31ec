/**
 * What is said of the workers of a job, besides what they host: records of the job log, and the presence of those who start workers.
 *
 * `protos/` defines their bytes; `record/wire/` writes and reads them.
 */

/** Somebody wants something of the job's workers. Counts whoever leads, and whether anybody does. */
export interface FleetOrder {
  readonly kind: "fleetOrder";
  /**
   * `drain`: the worker gives everything away and takes nothing, until `undrain` or its end. `scale`: the process that starts workers keeps so many.
   * `release`: the quarantine of a worker or host ends.
   */
  readonly order: FleetOrderKind;
  /** Id of the worker (`drain`, `undrain`), of the starter (`scale`), worker or host (`release`). */
  readonly subject: string;
  /** Of `scale`; 0 otherwise. */
  readonly workers: number;
  /** Who wanted it, for people. */
  readonly by: string;
}

/** What may be wanted of workers. */
export type FleetOrderKind = "drain" | "undrain" | "scale" | "release";

/** What is in quarantine: one worker, or all of a machine. */
export type QuarantineScope = "worker" | "host";

/** A worker, or every worker of a host, is given nothing for a while, by decision of a leader. */
export interface QuarantineRecord {
  readonly kind: "quarantine";
  readonly leader: number;
  readonly scope: QuarantineScope;
  /** Id of the worker, or name of the host. */
  readonly subject: string;
  /** What speaks against it, for people. */
  readonly evidence: string;
  /** From the moment when the job log stores the record, in the log's own time. */
  readonly durationMs: number;
}

/** A process that starts workers says that it lives. */
export interface StarterPresence {
  readonly starter: string;
  /** The machine it runs on, and its process there. */
  readonly host: string;
  readonly processId: number;
  /** Workers that it keeps. */
  readonly workers: number;
}
