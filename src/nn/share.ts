// Parameters that several blocks use: what may replace a block's own.
// After apache/mxnet python/mxnet/gluon/block.py, Block.share_parameters.

import { ShapeError } from "../core/errors.ts";
import { describe, type Shape } from "../core/shape.ts";
import { warn } from "./messages.ts";
import { Parameter } from "./parameter.ts";

/**
 * Checks parameters that are to replace those of a block; unknown names are reported as warnings.
 *
 * @param owner Class of the block, for messages.
 * @param own The block's parameters by dotted name.
 * @param shared The parameters to use instead, by dotted name.
 * @returns The replacements that the block has a name for.
 */
export function checkShared(
  owner: string,
  own: ReadonlyMap<string, Parameter>,
  shared: unknown,
): Map<string, Parameter> {
  const where = `share parameters with ${owner}`;
  if (typeof shared !== "object" || shared === null || Array.isArray(shared)) {
    throw new TypeError(
      `Cannot ${where}: shared is ${describe(shared)}, expected a Map or object of parameters`,
    );
  }
  const entries: [unknown, unknown][] = shared instanceof Map
    ? [...shared]
    : Object.entries(shared);
  const replacements = new Map<string, Parameter>();
  for (const [name, parameter] of entries) {
    if (typeof name !== "string" || !(parameter instanceof Parameter)) {
      throw new TypeError(
        `Cannot ${where}: ${describe(name)} is ${describe(parameter)}, expected a Parameter`,
      );
    }
    const previous = own.get(name);
    if (previous === undefined) {
      warn(`Parameter '${name}' is not shared: ${owner} has no parameter of that name`);
      continue;
    }
    if (!agree(previous.shape, parameter.shape)) {
      throw new ShapeError(
        `Cannot ${where}: '${name}' is ${parameter}, expected a shape that fits ${previous}`,
      );
    }
    replacements.set(name, parameter);
  }
  return replacements;
}

/** True if both shapes may become the same. */
function agree(a: Shape | null, b: Shape | null): boolean {
  return a === null || b === null || a.length === b.length &&
      a.every((size, axis) => size === -1 || b[axis] === -1 || size === b[axis]);
}
