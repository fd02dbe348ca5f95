// Padding and pixel shuffle layers: copies, whose bits have to be equal; random rows, seeded.

import * as vknn from "../../mod.ts";
import type { Reference } from "../reference/array.ts";
import { pixelShuffle, pixelUnshuffle } from "../reference/movement.ts";
import { pad, padGradient } from "../reference/pad.ts";
import { Random } from "../support/random.ts";
import {
  CHANNELS,
  draw,
  EXACT,
  type Float,
  halfTolerance,
  type LayerCase,
  shapeIn,
  sumTolerance,
  type TableLayer,
} from "./layer.ts";

type Maker = new (...values: unknown[]) => TableLayer;
const classes = vknn as unknown as Readonly<Record<string, Maker>>;
const FIRST = ["", "NCW", "NCHW", "NCDHW"];

/** A layer that is linear: its result, and its gradient for a head. */
interface Linear {
  readonly layer: string;
  readonly rank: number;
  readonly values: readonly unknown[];
  readonly shape: readonly number[];
  apply(x: Reference, isDirection: boolean): Reference;
  gradient(head: Reference): Reference;
  /** How many elements may show one, and give it their gradients. */
  readonly copies: number;
}

function makeCase(linear: Linear, random: Random, index: number): LayerCase {
  const { layer, rank, values, shape, copies } = linear;
  const dtype: Float = index % 4 === 3 ? "float16" : "float32";
  const input = draw(random, shape, dtype);
  const output = linear.apply(input, false);
  const head = draw(random, output.shape, dtype);
  const gradient = linear.gradient(head);
  const direction = draw(random, shape);
  const half = dtype === "float16";
  return {
    layer,
    layout: FIRST[rank]!,
    dtype,
    label: `${layer} ${dtype} ${JSON.stringify(values)} of ${shape}`,
    make: () => new classes[layer]!(...values),
    input,
    params: {},
    head,
    expected: () => ({ output, gradients: { input: gradient } }),
    tolerance: {
      output: EXACT,
      gradients: copies === 1 ? EXACT : half ? halfTolerance(gradient) : sumTolerance(copies),
    },
    ...(half ? {} : {
      second: () => ({
        directions: { input: direction },
        expected: { head: linear.apply(direction, true) },
      }),
    }),
  };
}

const MODES = {
  Reflection: "reflect",
  Replication: "edge",
  Constant: "constant",
  Circular: "circular",
  Zero: "constant",
} as const;

function padLayer(kind: keyof typeof MODES, rank: number, random: Random): Linear {
  const layer = `${kind}Pad${rank}D`;
  const spatial = Array.from({ length: rank }, () => random.integer(1, [0, 17, 9, 5][rank]!));
  // ReflectionPad2D is Gluon's, which wants pads below the size; the others repeat.
  const limited = layer === "ReflectionPad2D";
  const pairs = spatial.map((length): [number, number] => {
    const most = limited ? length - 1 : length + 1;
    return [random.integer(0, most), random.integer(0, most)];
  });
  const value = kind === "Constant" ? random.integer(-8, 8) / 4 : 0;
  const widths: [number, number][] = [[0, 0], [0, 0], ...pairs];
  const attributes = { widths, mode: MODES[kind] };
  const shape = shapeIn(FIRST[rank]!, random.integer(1, 2), random.pick(CHANNELS), spatial);
  return {
    layer,
    rank,
    values: [limited ? widths.flat() : pairs, ...(kind === "Constant" ? [value] : [])],
    shape,
    // The constant adds to the result, not to a derivative.
    apply: (x, isDirection) => pad(x, { ...attributes, value: isDirection ? 0 : value }),
    gradient: (head) => padGradient(shape, head, attributes),
    copies: MODES[kind] === "constant"
      ? 1
      : pairs.reduce((all, [before, after]) => all * (before + after + 1), 1),
  };
}

function shuffleLayer(inverse: boolean, rank: number, random: Random): Linear {
  const factors = Array.from({ length: rank }, () => random.integer(1, 3));
  const product = factors.reduce((all, each) => all * each, 1);
  const sizes = factors.map(() => random.integer(1, [0, 13, 6, 4][rank]!));
  const channels = random.pick(rank === 3 ? [1, 2, 4] : CHANNELS);
  const batch = random.integer(1, 2);
  const shape = inverse
    ? [batch, channels, ...sizes.map((each, axis) => each * factors[axis]!)]
    : [batch, channels * product, ...sizes];
  const [forth, back] = inverse ? [pixelUnshuffle, pixelShuffle] : [pixelShuffle, pixelUnshuffle];
  return {
    layer: `Pixel${inverse ? "Uns" : "S"}huffle${rank}D`,
    rank,
    values: [rank === 1 ? factors[0]! : factors],
    shape,
    apply: (x) => forth(x, factors),
    gradient: (head) => back(head, factors),
    copies: 1,
  };
}

/**
 * Cases of all padding and pixel shuffle layers.
 *
 * @param each Rows of each class.
 */
export function movementLayerCases(each: number): LayerCase[] {
  const makers: ((random: Random) => Linear)[] = [];
  for (const rank of [1, 2, 3]) {
    for (const kind of ["Reflection", "Replication", "Constant", "Circular"] as const) {
      makers.push((random) => padLayer(kind, rank, random));
    }
    makers.push((random) => shuffleLayer(false, rank, random));
    makers.push((random) => shuffleLayer(true, rank, random));
  }
  makers.push((random) => padLayer("Zero", 2, random));
  return makers.flatMap((make, at) => {
    const random = new Random(200 + at);
    return Array.from({ length: each }, (_, index) => makeCase(make(random), random, index));
  });
}
