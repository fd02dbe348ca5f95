// Plain arrays with shapes: what every oracle takes and gives. Float64, row-major, plain loops, nothing shared with
// the code under test.

/** Numbers with a shape. */
export interface Reference {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

/** Number of elements of a shape. */
export function size(shape: readonly number[]): number {
  return shape.reduce((product, each) => product * each, 1);
}

/** Row-major place of an index. */
export function offset(shape: readonly number[], index: readonly number[]): number {
  let at = 0;
  for (let axis = 0; axis < shape.length; axis++) at = at * shape[axis]! + index[axis]!;
  return at;
}

/** Every index of a shape in row-major order. */
export function* indices(shape: readonly number[]): Generator<number[]> {
  const index = shape.map(() => 0);
  const count = size(shape);
  for (let done = 0; done < count; done++) {
    yield [...index];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
}

/** Makes an array by computing each element from its index. */
export function build(
  shape: readonly number[],
  element: (index: readonly number[]) => number,
): Reference {
  const data = new Float64Array(size(shape));
  let at = 0;
  for (const index of indices(shape)) data[at++] = element(index);
  return { data, shape: [...shape] };
}

/** The element at an index. */
export function get(array: Reference, index: readonly number[]): number {
  return array.data[offset(array.shape, index)]!;
}
