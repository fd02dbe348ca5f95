// Which texels of a function are read for their bits alone.

import type { Instruction, Routine } from "./module.ts";

/**
 * Reads of texels, and parts of them, that are only reinterpreted as integers: as numbers, the bits of some NaN would change.
 *
 * @param routine The function.
 * @returns Ids of the results.
 */
export function rawTexels(routine: Routine): ReadonlySet<number> {
  const users = new Map<number, Instruction[]>();
  const reads: number[] = [];
  for (const { body } of routine.blocks.values()) {
    for (const each of body) {
      if (each.op === 98) reads.push(each.id);
      for (const id of each.args) {
        const known = users.get(id);
        if (known === undefined) users.set(id, [each]);
        else known.push(each);
      }
    }
  }
  const onlyBits = (id: number): boolean =>
    (users.get(id) ?? []).every(({ op, id: own, args }) =>
      op === 124 || (op === 81 && args[0] === id && onlyBits(own))
    );
  const found = new Set<number>();
  for (const id of reads) {
    if (!onlyBits(id)) continue;
    found.add(id);
    for (const { op, id: own } of users.get(id) ?? []) if (op === 81) found.add(own);
  }
  return found;
}
