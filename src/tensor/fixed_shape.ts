// Shapes that nobody can change, shared between tensors: copying and freezing one costs as much as a native call.

const fixed = new WeakSet<readonly number[]>();

/**
 * A shape that never changes.
 *
 * @param shape Sizes along every axis.
 * @returns A frozen copy; the same array if it came from here.
 */
export function fixedShape(shape: readonly number[]): readonly number[] {
  if (fixed.has(shape)) return shape;
  const copy = Object.freeze([...shape]);
  fixed.add(copy);
  return copy;
}
