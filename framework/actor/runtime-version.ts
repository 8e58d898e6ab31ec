/** What the results of a turn may depend on besides the program: recorded in every manifest (hazard of `Math.sin`, `Intl` and sorting). */

/** `node 24.21.0, v8 13.6, x64`. */
export const runtimeVersion: string = `node ${process.versions.node}, v8 ${process.versions.v8}, ${process.arch}`;
