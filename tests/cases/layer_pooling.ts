// Pooling layers with sliding, adaptive and global windows, and unpooling: random rows, seeded.

import * as vknn from "../../mod.ts";
import { build, type Reference, size } from "../reference/array.ts";
import * as oracle from "../reference/pooling.ts";
import { Random } from "../support/random.ts";
import {
  CHANNELS,
  draw,
  EXACT,
  type Float,
  halfTolerance,
  type LayerCase,
  shapeIn,
  spatialOf,
  type TableLayer,
} from "./layer.ts";
import { LAYOUTS, type PoolingCase, poolingCases } from "./pooling.ts";

type Maker = new (...values: unknown[]) => TableLayer;
const classes = vknn as unknown as Readonly<Record<string, Maker>>;

/** reliability.md section 3; a window has at most 125 elements. */
const AVERAGE = { rtol: 1e-6, atol: 1e-6 };
const GRADIENT = { rtol: 1e-5, atol: 1e-6 };
const LOWEST_HALF = -65504;

/** The class of a case and what its constructor takes. */
function layerOf({ settings }: PoolingCase): readonly [name: string, ...values: unknown[]] {
  const { type, layout, windows, nanPolicy = "skip", countIncludePad = true } = settings;
  const name = `${type === "max" ? "Max" : "Avg"}Pool${layout.length - 2}D`;
  const common = { layout, ...(type === "max" ? { nanPolicy } : {}) };
  if (windows.kind === "global") return [`Global${name}`, common];
  if (windows.kind === "adaptive") return [`Adaptive${name}`, windows.outputSize, common];
  const { kernel, stride: strides, padding: before, paddingAfter: after = before } = windows;
  return [name, kernel, {
    ...common,
    strides,
    padding: before.map((each, axis) => [each, after[axis]!]),
    ceilMode: windows.convention === "clip" ? "clip" : windows.convention === "full",
    ...(type === "avg" ? { countIncludePad } : {}),
  }];
}

/** Elements at places of planes, 0 where there is none. */
function take(x: Reference, places: Reference, layout: string): Reference {
  const last = layout.endsWith("C");
  const channels = x.shape[layout.indexOf("C")]!;
  const plane = size(spatialOf(x.shape, layout));
  let window = 0;
  return build(places.shape, (index) => {
    const place = places.data[window++]!;
    if (place < 0) return 0;
    const c = index[layout.indexOf("C")]!;
    const at = last
      ? (index[0]! * plane + place) * channels + c
      : (index[0]! * channels + c) * plane + place;
    return x.data[at]!;
  });
}

function makeCase(each: PoolingCase, index: number): LayerCase {
  const random = new Random(index);
  const dtype: Float = index % 4 === 3 ? "float16" : "float32";
  const { settings } = each;
  const { layout, type } = settings;
  // Distinct numbers beyond the 4096th are not exact in float16: some become equal.
  const data = dtype === "float16" ? Float32Array.from(Float16Array.from(each.data)) : each.data;
  const input = { data, shape: settings.input };
  const attributes = {
    ...each.attributes,
    ...(dtype === "float16" ? { lowest: LOWEST_HALF } : {}),
  };
  const output = oracle.pooling(input, attributes);
  const head = draw(random, output.shape, dtype);
  const gradient = oracle.poolingGradient(input, head, attributes);
  const [layer, ...values] = layerOf(each);
  const direction = draw(random, settings.input);
  const half = dtype === "float16";
  return {
    layer,
    layout,
    dtype,
    label: `${layer} ${dtype} ${each.label}`,
    make: () => new classes[layer]!(...values),
    input,
    params: {},
    head,
    expected: () => ({ output, gradients: { input: gradient } }),
    tolerance: {
      output: type === "max" ? EXACT : half ? halfTolerance(output) : AVERAGE,
      gradients: half ? halfTolerance(gradient) : GRADIENT,
    },
    ...(half || index % 2 === 1 ? {} : {
      second: () => ({
        directions: { input: direction },
        expected: {
          head: type === "avg"
            ? oracle.pooling(direction, attributes)
            : take(direction, oracle.poolingPlaces(input, attributes), layout),
        },
      }),
    }),
  };
}

/** A pooling whose windows do not overlap, so that every place is named once, and its inverse. */
function makeUnpool(rank: number, index: number): LayerCase {
  const random = new Random(1000 * rank + index);
  const dtype: Float = index % 4 === 3 ? "float16" : "float32";
  const layout = random.pick(LAYOUTS[rank]!);
  const layer = `MaxUnpool${rank}D`;
  const window = Array.from({ length: rank }, () => random.integer(1, 3));
  const few = window.map(() => random.integer(1, rank === 3 ? 3 : 5));
  const [batch, channels] = [random.integer(1, 2), random.pick(CHANNELS)];
  const spatial = few.map((count, axis) => count * window[axis]!);
  const image = {
    data: random.distinct(batch * channels * size(spatial)),
    shape: shapeIn(layout, batch, channels, spatial),
  };
  const attributes = { type: "max", layout, kernel: window, stride: window } as const;
  const indices = oracle.poolingPlaces(image, attributes);
  const input = draw(random, indices.shape, dtype);
  const head = draw(random, image.shape, dtype);
  const direction = draw(random, indices.shape);
  return {
    layer,
    layout,
    dtype,
    label: `${layer} ${dtype} ${layout} ${window} ${image.shape}`,
    make: () => new classes[layer]!(window, { layout }),
    input,
    indices,
    params: {},
    head,
    expected: () => ({
      output: oracle.maxUnpool(input, indices, spatial, layout),
      gradients: { input: oracle.maxUnpoolGradient(head, indices, spatial, layout) },
    }),
    tolerance: { output: EXACT, gradients: EXACT },
    ...(dtype === "float16" ? {} : {
      second: () => ({
        directions: { input: direction },
        expected: { head: oracle.maxUnpool(direction, indices, spatial, layout) },
      }),
    }),
  };
}

/**
 * Cases of all pooling layers: random ones until every class has enough.
 *
 * @param least Rows of each class.
 */
export function poolingLayerCases(least: number): LayerCase[] {
  const rows = new Map<string, LayerCase[]>();
  for (const each of poolingCases(71, 60 * least)) {
    const [layer] = layerOf(each);
    const own = rows.get(layer) ?? [];
    rows.set(layer, own);
    if (own.length < least) own.push(makeCase(each, own.length));
  }
  for (const rank of [1, 2, 3]) {
    const unpools = Array.from({ length: least }, (_, index) => makeUnpool(rank, index));
    rows.set(unpools[0]!.layer, unpools);
  }
  return [...rows.values()].flat();
}
