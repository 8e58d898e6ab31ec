/**
 * The random numbers of a stage's instances, computed a second time: what a program has drawn must be the first numbers of each, without a hole.
 *
 * A hole is a draw of a step that has been undone (L1 of `operator/ledger.ts`).
 */
const instancesMax = 8;
const generation = 1;

/** What is wrong with the numbers that all instances of a stage have drawn together; nothing, when each has drawn its first ones. */
export function foreignDraws(stage: string, draws: readonly number[]): readonly string[] {
  const left = new Set(draws);
  for (let partition = 0; partition < instancesMax; partition += 1) {
    const next = numbersOf(`${stage}/${partition}`);
    while (left.delete(next()));
  }
  const [example] = left;
  return example === undefined
    ? []
    : [`${left.size} of ${draws.length} random numbers are not the next ones, such as ${example}`];
}

/** SplitMix32, two words for each number of 53 bits. */
function numbersOf(instance: string): () => number {
  let state = generation;
  for (const character of instance) state = (Math.imul(state, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  const word = () => {
    state = (state + 0x9e3779b9) >>> 0;
    const first = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    const second = Math.imul(first ^ (first >>> 15), 0x735a2d97);
    return (second ^ (second >>> 15)) >>> 0;
  };
  return () => ((word() >>> 5) * 2 ** 26 + (word() >>> 6)) / 2 ** 53;
}
