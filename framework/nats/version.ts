/**
 * Versions of nats-server: which are too old.
 *
 * Older servers accept newer options silently, so the version decides, not an error.
 */

/** Major, minor and patch. */
export type Version = readonly [major: number, minor: number, patch: number];

/** The oldest server that has all that is needed. */
export const versionNeeded: Version = [2, 10, 0];

/** The oldest server that is recommended. */
export const versionRecommended: Version = [2, 12, 0];

/** The first version number in `text`, if there is one. */
export function parseVersion(text: string): Version | undefined {
  const [, major, minor, patch] = /(\d+)\.(\d+)\.(\d+)/.exec(text) ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor), Number(patch)];
}

/** Whether `version` is there and not below `least`. */
export function isAtLeast(version: Version | undefined, least: Version): boolean {
  if (version === undefined) return false;
  const at = version.findIndex((part, index) => part !== least[index]);
  return at < 0 || (version[at] ?? 0) > (least[at] ?? 0);
}

/** `2.10` or `2.10.4`. */
export function describeVersion(version: Version): string {
  return version[2] === 0 ? `${version[0]}.${version[1]}` : version.join(".");
}
