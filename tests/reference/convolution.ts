// Float64 oracle of convolution in any number of spatial axes (spec: layers.md section 2.5): the sum over channels of a
// group and over kernel positions, with zeros outside the input.

import { build, indices, offset, type Reference, size as sizeOf } from "./array.ts";
import { transpose } from "./movement.ts";

/** Attributes of a convolution; lists run over the spatial axes. */
export interface ConvolutionAttributes {
  readonly stride?: readonly number[];
  readonly padding?: readonly number[];
  /** Zeros behind; default as in front. */
  readonly paddingAfter?: readonly number[];
  readonly dilation?: readonly number[];
  readonly groups?: number;
  /** Layout of the input and the result; default channel-first. */
  readonly layout?: string;
  /** Layout of the weight; default `layout`. */
  readonly weightLayout?: string;
  /** Layout of the result; default `layout`. */
  readonly outputLayout?: string;
}

const FIRST = ["", "NC", "NCW", "NCHW", "NCDHW"];

/** Axes with which `transpose` turns one layout into another. */
export function layoutAxes(from: string, to: string): number[] {
  return [...to].map((letter) => from.indexOf(letter));
}

/** Convolves. The weight is `[O, I / groups, kernel…]`, permuted as its layout says. */
export function convolution(
  input: Reference,
  weight: Reference,
  bias: Reference | null,
  attributes: ConvolutionAttributes = {},
): Reference {
  const rank = input.shape.length - 2;
  const first = FIRST[rank + 1]!;
  const layout = attributes.layout ?? first;
  const weightLayout = attributes.weightLayout ?? layout;
  const outputLayout = attributes.outputLayout ?? layout;
  const x = transpose(input, layoutAxes(layout, first));
  const k = transpose(weight, layoutAxes(weightLayout, first));
  const fill = (value: number): number[] => new Array<number>(rank).fill(value);
  const stride = attributes.stride ?? fill(1);
  const padding = attributes.padding ?? fill(0);
  const behind = attributes.paddingAfter ?? padding;
  const dilation = attributes.dilation ?? fill(1);
  const groups = attributes.groups ?? 1;
  const [batch, , ...inputSize] = x.shape as [number, number, ...number[]];
  const [filters, groupChannels, ...kernel] = k.shape as [number, number, ...number[]];
  const size = inputSize.map((each, axis) =>
    Math.floor(
      (each + padding[axis]! + behind[axis]! - dilation[axis]! * (kernel[axis]! - 1) - 1) /
        stride[axis]!,
    ) + 1
  );
  const positions = [...indices(kernel)];
  const plane = sizeOf(inputSize);
  const y = build([batch, filters, ...size], ([n, o, ...place]) => {
    const group = Math.floor(o! / (filters / groups));
    let sum = bias === null ? 0 : bias.data[o!]!;
    for (const position of positions) {
      const at = place.map((each, axis) =>
        each * stride[axis]! - padding[axis]! + position[axis]! * dilation[axis]!
      );
      if (at.some((each, axis) => each < 0 || each >= inputSize[axis]!)) continue;
      // From one channel to the next, both tensors step by the size of a plane.
      const from = offset(x.shape, [n!, group * groupChannels, ...at]);
      const tap = offset(k.shape, [o!, 0, ...position]);
      for (let c = 0; c < groupChannels; c++) {
        sum += x.data[from + c * plane]! * k.data[tap + c * positions.length]!;
      }
    }
    return sum;
  });
  return transpose(y, layoutAxes(first, outputLayout));
}
