/**
 * Golden cases in which this engine answers something else on purpose, by id, each with the reason: where the other one has a defect, or throws a record
 * away that can be kept.
 */
export const betterOnPurpose: Readonly<Record<string, string>> = {};
