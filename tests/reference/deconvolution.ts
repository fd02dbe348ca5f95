// Float64 oracle of transposed convolution and of all gradients of both convolutions (spec: layers.md sections 2.6 and
// 3). One walk over every product of the definition serves them all: result and gradients differ only in which of the
// three tensors gathers what the other two multiply. Nothing is decomposed, nothing is flipped.

import { type ConvolutionAttributes, layoutAxes } from "./convolution.ts";
import { indices, offset, type Reference, size } from "./array.ts";
import { transpose } from "./movement.ts";

/** Attributes of a transposed convolution; `size` are the spatial sizes of the result. */
export type DeconvolutionAttributes = ConvolutionAttributes & { readonly size: readonly number[] };

const FIRST = ["", "NC", "NCW", "NCHW", "NCDHW"];

/** Shapes, channel-first, of the three tensors of a convolution: the large image, the weight, and the small image. */
interface Shapes {
  readonly large: readonly number[];
  readonly weight: readonly number[];
  readonly small: readonly number[];
}

/** Calls back for every product `small[o] ~ large[c] * weight[o, c]` with the places of all three. */
function walk(
  { large, weight, small }: Shapes,
  { stride, padding, dilation, groups }: ConvolutionAttributes,
  visit: (large: number, weight: number, small: number) => void,
): void {
  const rank = large.length - 2;
  const [filters, groupChannels, ...kernel] = weight as [number, number, ...number[]];
  const groupFilters = filters / (groups ?? 1);
  const positions = [...indices(kernel)];
  const plane = size(large.slice(2));
  for (const [n, o, ...q] of indices(small) as Iterable<[number, number, ...number[]]>) {
    const first = Math.floor(o / groupFilters) * groupChannels;
    for (const position of positions) {
      const at: number[] = [];
      for (let axis = 0; axis < rank; axis++) {
        at.push(
          q[axis]! * (stride?.[axis] ?? 1) - (padding?.[axis] ?? 0) +
            position[axis]! * (dilation?.[axis] ?? 1),
        );
      }
      if (at.some((each, axis) => each < 0 || each >= large[axis + 2]!)) continue;
      const place = offset(small, [n, o, ...q]);
      // From one channel to the next, image and weight step by the size of a plane.
      const from = offset(large, [n, first, ...at]);
      const tap = offset(weight, [o, 0, ...position]);
      for (let c = 0; c < groupChannels; c++) {
        visit(from + c * plane, tap + c * positions.length, place);
      }
    }
  }
}

function toFirst(x: Reference, attributes: ConvolutionAttributes): Reference {
  const first = FIRST[x.shape.length - 1]!;
  return transpose(x, layoutAxes(attributes.layout ?? first, first));
}

function fromFirst(
  data: Float64Array<ArrayBuffer>,
  shape: readonly number[],
  attributes: ConvolutionAttributes,
): Reference {
  const first = FIRST[shape.length - 1]!;
  return transpose({ data, shape }, layoutAxes(first, attributes.layout ?? first));
}

/** Shape of a convolution's input, channel-first, from its spatial sizes. */
function largeShape(
  small: Reference,
  weight: Reference,
  spatial: readonly number[],
  attributes: ConvolutionAttributes,
): number[] {
  return [small.shape[0]!, weight.shape[1]! * (attributes.groups ?? 1), ...spatial];
}

/**
 * Transposed convolution: the weight is `[I, O / groups, kernel…]`. Also the gradient of a convolution with respect to
 * its input, whose spatial sizes are `size`.
 */
export function deconvolution(
  input: Reference,
  weight: Reference,
  bias: Reference | null,
  attributes: DeconvolutionAttributes,
): Reference {
  const x = toFirst(input, attributes);
  const w = toFirst(weight, attributes);
  const large = largeShape(x, w, attributes.size, attributes);
  const y = new Float64Array(size(large));
  const pixels = size(attributes.size);
  if (bias !== null) {
    for (let at = 0; at < y.length; at++) y[at] = bias.data[Math.floor(at / pixels) % large[1]!]!;
  }
  walk({ large, weight: w.shape, small: x.shape }, attributes, (l, k, s) => {
    y[l]! += x.data[s]! * w.data[k]!;
  });
  return fromFirst(y, large, attributes);
}

/**
 * Gradient of a convolution with respect to its weight, whose kernel sizes are `kernel`. Of a transposed convolution:
 * the same with `data` and `head` exchanged.
 */
export function weightGradient(
  data: Reference,
  head: Reference,
  kernel: readonly number[],
  attributes: ConvolutionAttributes,
): Reference {
  const x = toFirst(data, attributes);
  const g = toFirst(head, attributes);
  const groups = attributes.groups ?? 1;
  const shape = [g.shape[1]!, x.shape[1]! / groups, ...kernel];
  const w = new Float64Array(size(shape));
  walk({ large: x.shape, weight: shape, small: g.shape }, attributes, (l, k, s) => {
    w[k]! += x.data[l]! * g.data[s]!;
  });
  return fromFirst(w, shape, attributes);
}

/** Gradient with respect to a bias: the sum over all axes but the channels. */
export function biasGradient(head: Reference, attributes: ConvolutionAttributes): Reference {
  const g = toFirst(head, attributes);
  const channels = g.shape[1]!;
  const pixels = size(g.shape.slice(2));
  const data = new Float64Array(channels);
  for (let at = 0; at < g.data.length; at++) {
    data[Math.floor(at / pixels) % channels]! += g.data[at]!;
  }
  return { data, shape: [channels] };
}
