// Float64 oracle of matrix products, with NumPy's rules for batches.

import { build, get, offset, type Reference } from "./array.ts";

/** Exchanges the last two axes. */
export function transposed(x: Reference): Reference {
  const shape = [...x.shape.slice(0, -2), x.shape.at(-1)!, x.shape.at(-2)!];
  return build(
    shape,
    (index) => get(x, [...index.slice(0, -2), index.at(-1)!, index.at(-2)!]),
  );
}

/** Product of the last two axes; those in front broadcast. */
export function matmul(a: Reference, b: Reference): Reference {
  const left = a.shape.length === 1 ? { ...a, shape: [1, ...a.shape] } : a;
  const right = b.shape.length === 1 ? { ...b, shape: [...b.shape, 1] } : b;
  const rank = Math.max(left.shape.length, right.shape.length) - 2;
  const front = (shape: readonly number[]) => [
    ...new Array<number>(rank - shape.length + 2).fill(1),
    ...shape.slice(0, -2),
  ];
  const [one, two] = [front(left.shape), front(right.shape)];
  const batch = one.map((each, axis) => each === 1 ? two[axis]! : each);
  const start = (x: Reference, index: readonly number[], row: number, column: number) => {
    const places = x.shape.slice(0, -2).map((each, axis) =>
      each === 1 ? 0 : index[axis + rank - (x.shape.length - 2)]!
    );
    return offset(x.shape, [...places, row, column]);
  };
  const [depth, width] = [left.shape.at(-1)!, right.shape.at(-1)!];
  const product = build([...batch, left.shape.at(-2)!, right.shape.at(-1)!], (index) => {
    let sum = 0;
    const [row, column] = [index.at(-2)!, index.at(-1)!];
    const [first, second] = [start(left, index, row, 0), start(right, index, 0, column)];
    for (let k = 0; k < depth; k++) sum += left.data[first + k]! * right.data[second + k * width]!;
    return sum;
  });
  const shape = [
    ...batch,
    ...(a.shape.length === 1 ? [] : [product.shape.at(-2)!]),
    ...(b.shape.length === 1 ? [] : [product.shape.at(-1)!]),
  ];
  return { data: product.data, shape };
}
