// Float64 oracle of deformable convolution v1 and v2 and of its gradients (spec: layers.md sections 8 and 9): plain loops
// over outputs, taps and channels, channel-first; other layouts by permuting.

import { build, get, indices, offset as placeOf, type Reference, size } from "./array.ts";
import { layoutAxes } from "./convolution.ts";
import { transpose } from "./movement.ts";

/** Attributes of a deformable convolution; lists are (height, width). */
export interface DeformableAttributes {
  readonly stride?: readonly number[];
  readonly padding?: readonly number[];
  readonly dilation?: readonly number[];
  readonly groups?: number;
  readonly deformableGroups?: number;
  /** Layout of all tensors; default NCHW. */
  readonly layout?: string;
}

/** Data, offsets, weight, and for v2 the mask. */
export interface DeformableOperands {
  readonly data: Reference;
  readonly offset: Reference;
  /** v2 if there is one. */
  readonly mask: Reference | null;
  readonly weight: Reference;
}

/** The gradients of all operands. */
export interface DeformableGradients {
  readonly data: Reference;
  readonly offset: Reference;
  readonly mask: Reference | null;
  readonly weight: Reference;
  readonly bias: Reference;
}

const FIRST = "NCHW";

interface Neighbor {
  readonly row: number;
  readonly column: number;
  readonly weight: number;
  /** Derivatives of the weight. */
  readonly byY: number;
  readonly byX: number;
}

/** The neighbors of a place that count, by sampler S1 (v1) or S2 (v2). */
function neighbors(y: number, x: number, height: number, width: number, v2: boolean): Neighbor[] {
  const low = v2 ? -1 : 0;
  const inside = v2
    ? y > low && x > low && y < height && x < width
    : y >= low && x >= low && y < height && x < width;
  if (!inside) return [];
  const line = (at: number, length: number): [number, number, number] => {
    const first = Math.floor(at);
    if (!v2 && first >= length - 1) return [length - 1, length - 1, 0];
    return [first, first + 1, at - first];
  };
  const [y0, y1, fy] = line(y, height);
  const [x0, x1, fx] = line(x, width);
  const all: Neighbor[] = [
    { row: y0, column: x0, weight: (1 - fy) * (1 - fx), byY: -(1 - fx), byX: -(1 - fy) },
    { row: y0, column: x1, weight: (1 - fy) * fx, byY: -fx, byX: 1 - fy },
    { row: y1, column: x0, weight: fy * (1 - fx), byY: 1 - fx, byX: -fy },
    { row: y1, column: x1, weight: fy * fx, byY: fx, byX: fy },
  ];
  return all.filter(({ row, column }) => row >= 0 && row < height && column >= 0 && column < width);
}

/** Calls back for every sample: output place, tap, deformable group. */
function walk(
  operands: DeformableOperands,
  attributes: DeformableAttributes,
  visit: (
    n: number,
    place: readonly [number, number],
    tap: readonly [number, number],
    deformable: number,
    channel: number,
    found: readonly Neighbor[],
  ) => void,
): void {
  const { data, weight, offset } = operands;
  const { stride = [1, 1], padding = [0, 0], dilation = [1, 1], deformableGroups = 1 } = attributes;
  const [batch, , height, width] = data.shape as [number, number, number, number];
  const kernel = weight.shape.slice(2) as [number, number];
  const output = offset.shape.slice(2) as [number, number];
  for (const [n, qy, qx] of indices([batch, ...output]) as Generator<[number, number, number]>) {
    for (let deformable = 0; deformable < deformableGroups; deformable++) {
      for (const [i, j] of indices(kernel) as Generator<[number, number]>) {
        const channel = (deformable * kernel[0] + i) * kernel[1] + j;
        const y = qy * stride[0]! - padding[0]! + i * dilation[0]! +
          get(offset, [n, 2 * channel, qy, qx]);
        const x = qx * stride[1]! - padding[1]! + j * dilation[1]! +
          get(offset, [n, 2 * channel + 1, qy, qx]);
        const found = neighbors(y, x, height, width, operands.mask !== null);
        visit(n, [qy, qx], [i, j], deformable, channel, found);
      }
    }
  }
}

function firstLayout(operands: DeformableOperands, layout: string): DeformableOperands {
  const axes = layoutAxes(layout, FIRST);
  const turn = (array: Reference): Reference => transpose(array, axes);
  return {
    data: turn(operands.data),
    offset: turn(operands.offset),
    mask: operands.mask === null ? null : turn(operands.mask),
    weight: turn(operands.weight),
  };
}

/** The convolution. */
export function deformableConvolution(
  given: DeformableOperands,
  bias: Reference | null,
  attributes: DeformableAttributes = {},
): Reference {
  const { layout = FIRST, groups = 1, deformableGroups = 1 } = attributes;
  const operands = firstLayout(given, layout);
  const { data, weight, mask } = operands;
  const [filters, groupChannels] = weight.shape as [number, number];
  const channels = data.shape[1]!;
  const output = operands.offset.shape.slice(2);
  const shape = [data.shape[0]!, filters, ...output];
  const sums = Float64Array.from(build(shape, ([, o]) => bias === null ? 0 : bias.data[o!]!).data);
  const share = channels / deformableGroups;
  walk(operands, attributes, (n, [qy, qx], [i, j], deformable, channel, found) => {
    const m = mask === null ? 1 : get(mask, [n, channel, qy, qx]);
    for (let c = deformable * share; c < (deformable + 1) * share; c++) {
      const group = Math.floor(c / groupChannels);
      let sample = 0;
      for (const { row, column, weight } of found) {
        sample += weight * get(data, [n, c, row, column]);
      }
      for (let o = group * filters / groups; o < (group + 1) * filters / groups; o++) {
        sums[placeOf(shape, [n, o, qy, qx])]! += m * sample *
          get(weight, [o, c - group * groupChannels, i, j]);
      }
    }
  });
  return transpose({ data: sums, shape }, layoutAxes(FIRST, layout));
}

/** The gradients for a head gradient. */
export function deformableGradients(
  given: DeformableOperands,
  givenHead: Reference,
  attributes: DeformableAttributes = {},
): DeformableGradients {
  const { layout = FIRST, groups = 1, deformableGroups = 1 } = attributes;
  const operands = firstLayout(given, layout);
  const head = transpose(givenHead, layoutAxes(layout, FIRST));
  const { data, weight, mask, offset } = operands;
  const [filters, groupChannels] = weight.shape as [number, number];
  const channels = data.shape[1]!;
  const zeros = (array: Reference): Float64Array => new Float64Array(size(array.shape));
  const sums = {
    data: zeros(data),
    offset: zeros(offset),
    mask: mask === null ? null : zeros(mask),
    weight: zeros(weight),
    bias: new Float64Array(filters),
  };
  const share = channels / deformableGroups;
  walk(operands, attributes, (n, [qy, qx], [i, j], deformable, channel, found) => {
    const m = mask === null ? 1 : get(mask, [n, channel, qy, qx]);
    for (let c = deformable * share; c < (deformable + 1) * share; c++) {
      const group = Math.floor(c / groupChannels);
      let sample = 0;
      let byY = 0;
      let byX = 0;
      for (const each of found) {
        const value = get(data, [n, c, each.row, each.column]);
        sample += each.weight * value;
        byY += each.byY * value;
        byX += each.byX * value;
      }
      let column = 0;
      for (let o = group * filters / groups; o < (group + 1) * filters / groups; o++) {
        const at = [o, c - group * groupChannels, i, j];
        const g = get(head, [n, o, qy, qx]);
        column += get(weight, at) * g;
        sums.weight[placeOf(weight.shape, at)]! += g * m * sample;
      }
      for (const each of found) {
        sums.data[placeOf(data.shape, [n, c, each.row, each.column])]! += column * m * each.weight;
      }
      sums.offset[placeOf(offset.shape, [n, 2 * channel, qy, qx])]! += column * m * byY;
      sums.offset[placeOf(offset.shape, [n, 2 * channel + 1, qy, qx])]! += column * m * byX;
      if (mask !== null) sums.mask![placeOf(mask.shape, [n, channel, qy, qx])]! += column * sample;
    }
  });
  for (const [n, o, qy, qx] of indices(head.shape)) {
    sums.bias[o!]! += get(head, [n!, o!, qy!, qx!]);
  }
  const back = (values: Float64Array, like: Reference): Reference =>
    transpose({ data: values, shape: like.shape }, layoutAxes(FIRST, layout));
  return {
    data: back(sums.data, data),
    offset: back(sums.offset, offset),
    mask: mask === null ? null : back(sums.mask!, mask),
    weight: back(sums.weight, weight),
    bias: { data: sums.bias, shape: [filters] },
  };
}
