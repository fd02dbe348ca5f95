// Float64 oracle of pooling in any number of spatial axes (spec: layers.md sections 6 and 7), of the places of maxima
// and of unpooling. Plain loops over windows; every layout is brought to channel-first and back.

import { build, get, indices, offset, type Reference, size } from "./array.ts";
import { layoutAxes } from "./convolution.ts";
import { transpose } from "./movement.ts";

/** Attributes of a pooling; lists run over the spatial axes. */
export interface PoolingAttributes {
  readonly type: "max" | "avg";
  /** Absent for one window over everything. */
  readonly kernel?: readonly number[];
  /** Default 1. */
  readonly stride?: readonly number[];
  readonly padding?: readonly number[];
  /** Default as in front. */
  readonly paddingAfter?: readonly number[];
  /** Default `valid`. */
  readonly convention?: "valid" | "full" | "clip";
  /** Windows on each axis of an adaptive pooling, instead of a kernel. */
  readonly adaptive?: readonly number[];
  /** Default true. */
  readonly countIncludePad?: boolean;
  /** Default false. */
  readonly propagate?: boolean;
  /** Default channel-first. */
  readonly layout?: string;
  /** What a maximum of nothing is; default that of float32. */
  readonly lowest?: number;
}

const FIRST = ["", "NC", "NCW", "NCHW", "NCDHW"];
const FLOAT32_LOWEST = -3.4028234663852886e38;

/** One window on one axis: valid elements `first <= e < last`, and what it counts in an average. */
interface Span {
  readonly first: number;
  readonly last: number;
  readonly length: number;
}

function spans(length: number, axis: number, attributes: PoolingAttributes): Span[] {
  const count = attributes.adaptive?.[axis];
  if (count !== undefined) {
    return Array.from({ length: count }, (_, i) => {
      const first = Math.floor((i * length) / count);
      const last = Math.ceil(((i + 1) * length) / count);
      return { first, last, length: last - first };
    });
  }
  const kernel = attributes.kernel?.[axis];
  if (kernel === undefined) return [{ first: 0, last: length, length }];
  const stride = attributes.stride?.[axis] ?? 1;
  const before = attributes.padding?.[axis] ?? 0;
  const after = attributes.paddingAfter?.[axis] ?? before;
  const steps = (length + before + after - kernel) / stride;
  const convention = attributes.convention ?? "valid";
  let windows = (convention === "valid" ? Math.floor(steps) : Math.ceil(steps)) + 1;
  if (convention === "clip" && (windows - 1) * stride >= length + before) windows--;
  return Array.from({ length: windows }, (_, i) => {
    const a = i * stride - before;
    const b = Math.min(a + kernel, length + after);
    const first = Math.max(a, 0);
    const last = Math.min(b, length);
    return { first, last, length: (attributes.countIncludePad ?? true) ? b - a : last - first };
  });
}

/** Everything that all functions here need: windows by axis and the input channel-first. */
function prepare(x: Reference, attributes: PoolingAttributes) {
  const rank = x.shape.length - 2;
  const first = FIRST[rank + 1]!;
  const layout = attributes.layout ?? first;
  const input = transpose(x, layoutAxes(layout, first));
  const axes = input.shape.slice(2).map((length, axis) => spans(length, axis, attributes));
  const shape = [...input.shape.slice(0, 2), ...axes.map((each) => each.length)];
  return { input, axes, shape, back: layoutAxes(first, layout), forth: layoutAxes(layout, first) };
}

/** Indices of the elements of a window in row-major order. */
function elements(spansOfWindow: readonly Span[]): number[][] {
  const sizes = spansOfWindow.map(({ first, last }) => Math.max(last - first, 0));
  return [...indices(sizes)].map((at) => at.map((each, axis) => each + spansOfWindow[axis]!.first));
}

function windowAt(axes: readonly Span[][], place: readonly number[]): Span[] {
  return place.map((each, axis) => axes[axis]![each]!);
}

/** Where the maximum of a window is, or undefined. */
function winner(
  input: Reference,
  [n, c]: readonly [number, number],
  window: readonly Span[],
  attributes: PoolingAttributes,
): number[] | undefined {
  let best = attributes.lowest ?? FLOAT32_LOWEST;
  let found: number[] | undefined;
  for (const at of elements(window)) {
    const value = get(input, [n, c, ...at]);
    const wins = attributes.propagate
      ? found === undefined || (!Number.isNaN(best) && (value > best || Number.isNaN(value)))
      : value > best || (found === undefined && value === best);
    if (wins) [best, found] = [value, at];
  }
  return found;
}

/** Pools. */
export function pooling(x: Reference, attributes: PoolingAttributes): Reference {
  const { input, axes, shape, back } = prepare(x, attributes);
  const y = build(shape, ([n, c, ...place]) => {
    const window = windowAt(axes, place);
    if (attributes.type === "max") {
      const at = winner(input, [n!, c!], window, attributes);
      return at === undefined ? attributes.lowest ?? FLOAT32_LOWEST : get(input, [n!, c!, ...at]);
    }
    const inside = elements(window);
    const sum = inside.reduce((all, at) => all + get(input, [n!, c!, ...at]), 0);
    return inside.length === 0 ? 0 : sum / size(window.map(({ length }) => length));
  });
  return transpose(y, back);
}

/** The row-major place of each window's maximum in its plane, or -1. */
export function poolingPlaces(x: Reference, attributes: PoolingAttributes): Reference {
  const { input, axes, shape, back } = prepare(x, attributes);
  const plane = input.shape.slice(2);
  const y = build(shape, ([n, c, ...place]) => {
    const at = winner(input, [n!, c!], windowAt(axes, place), attributes);
    return at === undefined ? -1 : offset(plane, at);
  });
  return transpose(y, back);
}

/** The gradient to the input for a gradient of the output. */
export function poolingGradient(
  x: Reference,
  head: Reference,
  attributes: PoolingAttributes,
): Reference {
  const { input, axes, shape, back, forth } = prepare(x, attributes);
  const g = transpose(head, forth);
  const data = new Float64Array(size(input.shape));
  for (const [n, c, ...place] of indices(shape)) {
    const window = windowAt(axes, place);
    const value = get(g, [n!, c!, ...place]);
    const at = attributes.type === "max"
      ? [winner(input, [n!, c!], window, attributes)].filter((each) => each !== undefined)
      : elements(window);
    const share = attributes.type === "max" ? 1 : size(window.map(({ length }) => length));
    for (const each of at) data[offset(input.shape, [n!, c!, ...each])]! += value / share;
  }
  return transpose({ data, shape: input.shape }, back);
}

/** Puts values at places of planes of the given spatial size; the last of equal places stays. */
export function maxUnpool(
  values: Reference,
  places: Reference,
  spatial: readonly number[],
  layout: string = FIRST[spatial.length + 1]!,
): Reference {
  const first = FIRST[spatial.length + 1]!;
  const from = transpose(values, layoutAxes(layout, first));
  const at = transpose(places, layoutAxes(layout, first));
  const shape = [...from.shape.slice(0, 2), ...spatial];
  const plane = size(spatial);
  const data = new Float64Array(size(shape));
  for (const index of indices(from.shape)) {
    const place = get(at, index);
    if (place < 0 || place >= plane) continue;
    data[(index[0]! * from.shape[1]! + index[1]!) * plane + place] = get(from, index);
  }
  return transpose({ data, shape }, layoutAxes(first, layout));
}

/** The gradient of {@linkcode maxUnpool} to its values. */
export function maxUnpoolGradient(
  head: Reference,
  places: Reference,
  spatial: readonly number[],
  layout: string = FIRST[spatial.length + 1]!,
): Reference {
  const first = FIRST[spatial.length + 1]!;
  const g = transpose(head, layoutAxes(layout, first));
  const at = transpose(places, layoutAxes(layout, first));
  const plane = size(spatial);
  const last = new Map<number, number>();
  const target = (index: readonly number[]): number =>
    (index[0]! * at.shape[1]! + index[1]!) * plane + get(at, index);
  const valid = (index: readonly number[]): boolean =>
    get(at, index) >= 0 && get(at, index) < plane;
  for (const index of indices(at.shape)) {
    if (valid(index)) last.set(target(index), offset(at.shape, index));
  }
  const result = build(at.shape, (index) => {
    if (!valid(index) || last.get(target(index)) !== offset(at.shape, index)) return 0;
    return g.data[target(index)]!;
  });
  return transpose(result, layoutAxes(first, layout));
}
