/**
 * The home of a job that runs in the memory of this process, as sources and sinks see it.
 */
import type { EndHome } from "../../framework/log/ends.ts";
import { silentLogger } from "../../framework/platform/logger.ts";

/** No cluster, and nothing is said. */
export const noCluster: EndHome = { cluster: undefined, logger: silentLogger };
