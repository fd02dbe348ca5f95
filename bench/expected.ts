// What single output elements of a measured layer must be, in float64 and plain loops: another way to
// the same number than any kernel takes. Formulas are those of MXNet's operators.

import { type LayerData, sizeOf } from "./data.ts";
import { type ConvolutionGeometry, convolutionOf, type Layer, shuffleOf } from "./layers.ts";

type Position = readonly number[];
/** One output element at a channel-first position. */
type Rule = (layer: Layer, data: LayerData, position: Position) => number;

/** Coordinates of a row-major index. */
function unravel(index: number, shape: readonly number[]): number[] {
  const result: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis]!;
    result.unshift(index % extent);
    index = Math.floor(index / extent);
  }
  return result;
}

/** Row-major index of coordinates. */
function ravel(position: Position, shape: readonly number[]): number {
  return shape.reduce(
    (index, extent, axis) => index * extent + position[axis]!,
    0,
  );
}

function isInside(position: Position, extents: readonly number[]): boolean {
  return position.every((at, axis) => at >= 0 && at < extents[axis]!);
}

/** Calls `visit` with every tap of a kernel and its number. */
function eachTap(
  kernel: readonly number[],
  visit: (offsets: Position, tap: number) => void,
): void {
  const taps = sizeOf(kernel);
  for (let tap = 0; tap < taps; tap++) visit(unravel(tap, kernel), tap);
}

/** Where an element of a two-dimensional pixel shuffle comes from. */
function shuffleSource(position: Position, factor: number): number[] {
  const [batch, channel, row, column] = position as [
    number,
    number,
    number,
    number,
  ];
  const inner = (row % factor) * factor + column % factor;
  return [
    batch,
    channel * factor * factor + inner,
    Math.floor(row / factor),
    Math.floor(column / factor),
  ];
}

/** The group of a channel of the result: its input channels, and the place of the channel within it. */
function groupOf(
  { groups, inChannels, channels }: ConvolutionGeometry,
  channel: number,
): { inputs: number; first: number; outputs: number; inner: number } {
  const [inputs, outputs] = [inChannels / groups, channels / groups];
  const group = Math.floor(channel / outputs);
  return { inputs, first: group * inputs, outputs, inner: channel % outputs };
}

const convolved: Rule = (layer, data, position) => {
  const geometry = convolutionOf(layer)!;
  const { kernelSize, strides, padding, dilation } = geometry;
  const [item, channel, ...at] = position as [number, number, ...number[]];
  const { inputs, first } = groupOf(geometry, channel);
  const taps = sizeOf(kernelSize);
  let sum = data.bias![channel]!;
  eachTap(kernelSize, (offsets, tap) => {
    const source = at.map((out, axis) =>
      out * strides[axis]! - padding[axis]! + offsets[axis]! * dilation[axis]!
    );
    if (!isInside(source, layer.input.slice(2))) return;
    for (let c = 0; c < inputs; c++) {
      const from = ravel([item, first + c, ...source], layer.input);
      sum += data.input[from]! * data.weight![(channel * inputs + c) * taps + tap]!;
    }
  });
  return sum;
};

const transposed: Rule = (layer, data, position) => {
  const geometry = convolutionOf(layer)!;
  const { kernelSize, strides, padding, dilation } = geometry;
  const [item, channel, ...at] = position as [number, number, ...number[]];
  const { inputs, first, outputs, inner } = groupOf(geometry, channel);
  const taps = sizeOf(kernelSize);
  let sum = data.bias![channel]!;
  eachTap(kernelSize, (offsets, tap) => {
    const source = at.map((out, axis) =>
      (out + padding[axis]! - offsets[axis]! * dilation[axis]!) / strides[axis]!
    );
    if (
      !source.every(Number.isInteger) || !isInside(source, layer.input.slice(2))
    ) return;
    for (let from = first; from < first + inputs; from++) {
      sum += data.input[ravel([item, from, ...source], layer.input)]! *
        data.weight![(from * outputs + inner) * taps + tap]!;
    }
  });
  return sum;
};

/** Bilinear sample of one plane; `clamped` is the rule of the first version at the border. */
function sampled(
  data: LayerData,
  layer: Layer,
  item: number,
  channel: number,
  [y, x]: readonly [number, number],
  clamped: boolean,
): number {
  const [height, width] = layer.input.slice(2) as [number, number];
  const read = (row: number, column: number) =>
    isInside([row, column], [height, width])
      ? data.input[ravel([item, channel, row, column], layer.input)]!
      : 0;
  if (clamped ? y < 0 || x < 0 : y <= -1 || x <= -1) return 0;
  if (y >= height || x >= width) return 0;
  const split = (at: number, extent: number): [number, number, number] => {
    const low = Math.floor(at);
    return clamped && low >= extent - 1 ? [extent - 1, extent - 1, 0] : [low, low + 1, at - low];
  };
  const [top, bottom, fy] = split(y, height);
  const [left, right, fx] = split(x, width);
  return (1 - fy) * ((1 - fx) * read(top, left) + fx * read(top, right)) +
    fy * ((1 - fx) * read(bottom, left) + fx * read(bottom, right));
}

const deformed: Rule = (layer, data, position) => {
  const { kernelSize, strides, padding, dilation, inChannels } = convolutionOf(
    layer,
  )!;
  const deformableGroups = layer.args.num_deformable_group!;
  const [item, channel, row, column] = position as [
    number,
    number,
    number,
    number,
  ];
  const taps = sizeOf(kernelSize);
  let sum = data.bias![channel]!;
  eachTap(kernelSize, (offsets, tap) => {
    for (let c = 0; c < inChannels; c++) {
      const group = Math.floor(c / (inChannels / deformableGroups));
      const move = (r: number) =>
        data
          .offset![
            ravel(
              [item, (group * taps + tap) * 2 + r, row, column],
              layer.offset!,
            )
          ]!;
      const at: [number, number] = [
        row * strides[0]! - padding[0]! + offsets[0]! * dilation[0]! + move(0),
        column * strides[1]! - padding[1]! + offsets[1]! * dilation[1]! +
        move(1),
      ];
      const factor = data.mask === undefined ? 1 : data
        .mask[ravel([item, group * taps + tap, row, column], layer.mask!)]!;
      sum += factor *
        sampled(data, layer, item, c, at, data.mask === undefined) *
        data.weight![(channel * inChannels + c) * taps + tap]!;
    }
  });
  return sum;
};

/** The elements of a pooling window that lie inside of the input. */
function windowOf(layer: Layer, data: LayerData, position: Position): number[] {
  const kernel = layer.args.pool_size ?? layer.input.slice(2);
  const strides = layer.args.strides ?? kernel.map(() => 1);
  const padding = layer.args.padding ?? kernel.map(() => 0);
  const found: number[] = [];
  eachTap(kernel, (offsets) => {
    const source = position.slice(2).map((out, axis) =>
      out * strides[axis]! - padding[axis]! + offsets[axis]!
    );
    if (!isInside(source, layer.input.slice(2))) return;
    found.push(
      data.input[ravel([...position.slice(0, 2), ...source], layer.input)]!,
    );
  });
  return found;
}

const maximum: Rule = (layer, data, position) => Math.max(...windowOf(layer, data, position));

/** Without padding, as all rows of the table are. */
const average: Rule = (layer, data, position) => {
  const window = windowOf(layer, data, position);
  return window.reduce((sum, value) => sum + value, 0) / window.length;
};

const reflected: Rule = (layer, data, position) => {
  const source = position.slice(2).map((out, axis) => {
    const extent = layer.input[axis + 2]!;
    const at = Math.abs(out - layer.args.padding![axis]!);
    return at < extent ? at : 2 * (extent - 1) - at;
  });
  return data.input[ravel([...position.slice(0, 2), ...source], layer.input)]!;
};

const copied: Rule = (layer, data, position) => data.input[ravel(position, layer.input)]!;

const rules: Readonly<Record<string, Rule>> = {
  Conv1D: convolved,
  Conv2D: convolved,
  Conv3D: convolved,
  Conv1DTranspose: transposed,
  Conv2DTranspose: transposed,
  DeformableConvolution: deformed,
  ModulatedDeformableConvolution: deformed,
  MaxPool2D: maximum,
  GlobalAvgPool2D: average,
  AvgPool3D: average,
  PixelShuffle2D: copied,
  ReflectionPad2D: reflected,
};

/** The outputs at the given positions, in float64. */
export function expected(
  layer: Layer,
  data: LayerData,
  indices: readonly number[],
): Float64Array {
  const factor = shuffleOf(layer);
  const rule = rules[layer.class]!;
  return Float64Array.from(indices, (index) => {
    const position = unravel(index, layer.output);
    return rule(
      layer,
      data,
      factor === undefined ? position : shuffleSource(position, factor),
    );
  });
}
