// Matrix products of long sums on CPU devices whose driver inlines texel loads (Mesa 22), with the left operand packed as
// one stream.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { ACTIVATIONS, type ActivationSettings } from "./activation.ts";
import { LANES, supportsCpuKernels } from "./convolution_cpu_weight.ts";
import { product } from "./convolution_problem.ts";
import { planFill } from "./elementwise.ts";
import { type Capabilities, makeDispatch } from "./plan.ts";
import { copyRegion } from "./region.ts";
import type { DerivedWeight } from "./slots.ts";

/** Floats of each lane's planes on the stack; see convolution_cpu_pointwise.ts. */
const STACK_FLOATS = 512;
/** As many are better than a second pass. */
const MOST_FLOATS = 768;
/** Workgroups that keep every thread of a device busy to the end. */
const ENOUGH_WORKGROUPS = 32;
/** Runs that a workgroup takes one after the other, where as many workgroups are left as keep the threads busy. */
const MOST_TOGETHER = 4;
const FEW_WORKGROUPS = 16;
/** Fewest rows of a workgroup: each reads all planes. */
const LEAST_ROWS = 32;

/** Places of an invocation: what widths of planes are multiples of. */
export const RUN = 8;

/** How a sum is cut. */
export interface Passes {
  readonly count: number;
  /** Quads of a pass, and how long it is. */
  readonly quads: number;
  readonly length: number;
}

/** Passes of a sum over `depth` planes. */
export function passesOf(depth: number): Passes {
  const parts = Math.ceil(depth / 16);
  const floats = parts * 16 * RUN;
  const wanted = floats <= MOST_FLOATS ? 1 : Math.ceil(floats / STACK_FLOATS);
  const quads = Math.ceil(parts / wanted) * 4;
  return { quads, length: quads * 4, count: Math.ceil(depth / (quads * 4)) };
}

/** Whether a device can run the kernel on operands of so many floats. */
export function supportsCpuProduct(
  capabilities: Capabilities,
  ...floats: readonly number[]
): boolean {
  return capabilities.deviceClass === "cpu" && capabilities.loadPath === "texel" &&
    supportsCpuKernels(capabilities, ...floats);
}

/** A left operand in other memory: axes of rows with their strides, and the stride of the sum. */
export interface LeftView {
  readonly base: number;
  readonly groups: number;
  readonly groupStride: number;
  /** Sizes of the axes of a group's rows, where their elements lie, and the row that each begins. */
  readonly rows: readonly { readonly size: number; readonly from: number; readonly to: number }[];
  readonly depth: number;
  readonly depthStride: number;
}

/** Floats of a packed left operand; the last lanes read on for as many quads as a multiple of 8 lacks. */
export function leftFloats(groups: number, rows: number, passes: Passes): number {
  return groups * passes.count * rows * passes.length + 4 * (-passes.quads & 7);
}

/**
 * Packs a left operand as `[group][pass][row][k]`, with zeros behind its depth.
 *
 * @param capabilities The device.
 * @param view Where it lies.
 * @param rows Rows of a group, those included that are zero.
 * @param passes How the sum is cut.
 * @param slots The operand, and the packed one.
 * @param first Pass of the packed operand that the first element goes to.
 * @param all Passes of the packed operand.
 * @returns The dispatches, without those that fill zeros.
 */
export function packLeft(
  capabilities: Capabilities,
  view: LeftView,
  rows: number,
  passes: Passes,
  slots: readonly [number, number],
  first: number = 0,
  all: number = passes.count,
): Dispatch[] {
  const { groups, depth, depthStride } = view;
  const { length } = passes;
  const part = (from: number, count: number, size: number): Dispatch[] =>
    copyRegion(
      capabilities,
      {
        sizes: [groups, count, ...view.rows.map((axis) => axis.size), size],
        from: {
          base: view.base + from * length * depthStride,
          strides: [
            view.groupStride,
            length * depthStride,
            ...view.rows.map((axis) => axis.from),
            depthStride,
          ],
        },
        to: {
          base: (first + from) * rows * length,
          strides: [
            all * rows * length,
            rows * length,
            ...view.rows.map((axis) => axis.to * length),
            1,
          ],
        },
        outputCount: groups * all * rows * length,
      },
      4,
      slots,
    );
  const whole = Math.floor(depth / length);
  return [...part(0, whole, length), ...part(whole, 1, depth - whole * length)];
}

/** A weight as the left operand of a product, packed. */
export function derivedLeft(
  capabilities: Capabilities,
  view: LeftView,
  rows: number,
): DerivedWeight {
  const passes = passesOf(view.depth);
  const floats = leftFloats(view.groups, rows, passes);
  const filled = rows === product(view.rows.map(({ size }) => size)) &&
    view.depth === passes.count * passes.length;
  return {
    key: `left:${JSON.stringify(view)}:${rows}`,
    byteLength: floats * 4,
    dispatches: (to) => [
      ...(filled ? [] : fillLeft(capabilities, floats, to)),
      ...packLeft(capabilities, view, rows, passes, [0, to]),
    ],
  };
}

/** Fills a packed left operand with zeros. */
export function fillLeft(
  capabilities: Capabilities,
  floats: number,
  slot: number,
): Dispatch[] {
  const { dispatches } = planFill(capabilities, 0, floats * 4);
  return dispatches.map((fill) => ({ ...fill, slots: [slot] }));
}

/** A product: `y[image][group][row][place] = sum over k of left[group][row][k] * x[image][group][k][place]`. */
export interface CpuProduct {
  readonly images: number;
  readonly groups: number;
  /** Of a group. */
  readonly rows: number;
  /** Of a group. */
  readonly depth: number;
  readonly passes: Passes;
  /** Of a plane, a multiple of {@linkcode RUN}. */
  readonly places: number;
  /** Steps in floats, multiples of {@linkcode RUN}: image, group, plane. */
  readonly x: { readonly n: number; readonly g: number; readonly k: number };
  /** Image, group, row. */
  readonly y: { readonly n: number; readonly g: number; readonly m: number };
  readonly accumulate?: boolean;
  readonly hasBias?: boolean;
  readonly activation?: ActivationSettings;
}

/**
 * Plans a product.
 *
 * @param given The product.
 * @param slots Planes, packed left operand, bias (anything where there is none) and result.
 * @returns The dispatch.
 */
export function dispatchCpuProduct(
  given: CpuProduct,
  slots: readonly [x: number, left: number, bias: number, y: number],
): Dispatch {
  const { images, groups, rows, depth, passes, places, x, y } = given;
  const runs = images * places / RUN;
  const subgroups = Math.ceil(runs / LANES);
  let split = 1;
  while (split * groups * subgroups < ENOUGH_WORKGROUPS && rows / split >= LEAST_ROWS) split++;
  const blockRows = Math.ceil(rows / split);
  const blocks = Math.ceil(rows / blockRows);
  const whole = blocks * groups * subgroups;
  const together = Math.max(1, Math.min(MOST_TOGETHER, Math.floor(whole / FEW_WORKGROUPS)));
  const { name, alpha = 0.01 } = given.activation ?? { name: "none" };
  return makeDispatch(
    programs["deformable/product_cpu.texel"],
    {
      local_size_x: LANES,
      quads: passes.quads,
      accumulate: given.accumulate ? 1 : 0,
      activation: ACTIVATIONS[name].code,
      alpha,
      has_bias: given.hasBias ? 1 : 0,
    },
    {
      depth,
      passes: passes.count,
      rows,
      block_rows: blockRows,
      blocks,
      runs,
      together,
      runs_per_image: places / RUN,
      x_n: x.n / 4,
      x_g: x.g / 4,
      x_k: x.k / 4,
      y_n: y.n / 4,
      y_g: y.g / 4,
      y_m: y.m / 4,
    },
    [...slots, slots[3]],
    [blocks * groups, Math.ceil(subgroups / together), 1],
  );
}
