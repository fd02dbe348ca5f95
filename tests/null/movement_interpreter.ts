// Which words the kernels in movement/ that copy blocks and transpose move.

import { assert } from "@std/assert";
import type { Dispatch } from "../../src/core/dispatch.ts";

/** Push words by name, as signed numbers. */
export function words(dispatch: Dispatch): (name: string) => number {
  const view = new DataView(dispatch.push.buffer);
  return (name) => {
    const { offset, type } = dispatch.program.push[name]!;
    return type === "i32" ? view.getInt32(offset, true) : view.getUint32(offset, true);
  };
}

/** Calls `copy` with source and target of every word that a block kernel moves. */
export function eachBlockWord(dispatch: Dispatch, copy: (from: number, to: number) => void): void {
  const push = words(dispatch);
  const { factor, rank, store_octets } = dispatch.constants as Record<string, number>;
  const separates = dispatch.program.id.startsWith("movement/separate");
  for (let i = 0; i < push("count"); i++) {
    let rest = i;
    let [from, to] = [push("from"), push("to")];
    for (let axis = 0; axis < rank!; axis++) {
      const outermost = axis === rank! - 1;
      const coordinate = outermost ? rest : rest % push(`size_${axis}`);
      if (!outermost) rest = Math.floor(rest / push(`size_${axis}`));
      from += coordinate * push(`from_${axis}`);
      if (separates) to += coordinate * push(`to_${axis}`);
    }
    if (!separates) {
      assert(!store_octets || push("to") % 2 === 0 && factor! % 2 === 0);
      for (let k = 0; k < 4 * factor!; k++) {
        const word = (from + k % factor! * push("step")) * 4 + Math.floor(k / factor!);
        copy(word, (push("to") + i * factor!) * 4 + k);
      }
      continue;
    }
    for (let f = 0; f < factor!; f++) {
      const target = to + f * push("part");
      assert(!store_octets || target % 2 === 0);
      for (let k = 0; k < (store_octets ? 8 : 4); k++) {
        const source = k * factor! + f;
        copy((from + Math.floor(source / 4) * push("step")) * 4 + source % 4, target * 4 + k);
      }
    }
  }
}

/** Calls `copy` with source and target of every word that movement/transpose moves. */
export function eachTransposedWord(
  dispatch: Dispatch,
  copy: (from: number, to: number) => void,
): void {
  const push = words(dispatch);
  const rank = dispatch.constants.rank!;
  const [x, y, z] = dispatch.grid;
  assert(x * y * z >= push("count"), "every tile has a workgroup");
  for (let tile = 0; tile < push("count"); tile++) {
    let rest = tile;
    let [from, to] = [push("from"), push("to")];
    const corner = [0, 0];
    for (let axis = 0; axis < rank; axis++) {
      const outermost = axis === rank - 1;
      const coordinate = outermost ? rest : rest % push(`size_${axis}`);
      if (!outermost) rest = Math.floor(rest / push(`size_${axis}`));
      const steps = [[32 * push("step_from"), 32], [32, 32 * push("step_to")]][axis] ??
        [push(`from_${axis}`), push(`to_${axis}`)];
      from += coordinate * steps[0]!;
      to += coordinate * steps[1]!;
      if (axis < 2) corner[axis] = coordinate * 32;
    }
    for (let row = 0; row < Math.min(32, push("height") - corner[1]!); row++) {
      for (let column = 0; column < Math.min(32, push("width") - corner[0]!); column++) {
        copy(from + column * push("step_from") + row, to + column + row * push("step_to"));
      }
    }
  }
}
