// The matrix product of packed operands that deformable convolution and its gradients are made of, in two variants.

import type { Dispatch } from "../core/dispatch.ts";
import { ACTIVATIONS, type ActivationSettings } from "./activation.ts";
import { deformableProgram } from "./deformable_problem.ts";
import { foldGrid } from "./grid.ts";
import { type Capabilities, makeDispatch } from "./plan.ts";

/** An operand of a product in a slot; places in vec4s. */
export interface ProductOperand {
  readonly slot: number;
  readonly start: number;
  /** From one block of eight rows, or one panel of 32 columns, to the next. */
  readonly block: number;
  readonly group: number;
}

/** A product for each group: `result[m][n] = sum over k of left[m][k] * right[k][n]`. */
export interface Product {
  readonly groups: number;
  /** Rows of a group. */
  readonly rows: number;
  /** Four columns each. */
  readonly runs: number;
  /** Quads. */
  readonly depth: number;
  /** First run among all runs of all images. */
  readonly runStart: number;
  readonly runsPerImage: number;
  /** Columns of an image that exist. */
  readonly outputs: number;
  readonly left: ProductOperand;
  readonly right: ProductOperand;
  /** Where results go; places in floats. */
  readonly result: {
    readonly slot: number;
    readonly image: number;
    readonly group: number;
    readonly m: number;
    readonly n: number;
  };
  readonly accumulate?: boolean;
  /** Slot of the bias. */
  readonly bias?: number;
  readonly activation?: ActivationSettings;
}

/** How a product is computed: subgroup shuffles on CPU devices, shared memory on others. */
export type ProductVariant = "cpu" | "tile";

/** Shared memory of one set of 64 invocations of the tile variant. */
const PART_BYTES = 2 * 4 * 72 * 16;

/** Quads of depth that a set takes at once. */
const STEP = 4;

/** Sets of 64 invocations that share the depth of a tile: more where there are few tiles. */
function partsOfDepth(capabilities: Capabilities, workgroups: number, depth: number): number {
  const { processors, maxSharedMemoryBytes, maxWorkgroupInvocations } = capabilities;
  return [4, 2].find((parts) =>
    workgroups * parts <= 16 * processors && depth >= 2 * STEP * parts &&
    parts * PART_BYTES <= maxSharedMemoryBytes && parts * 64 <= maxWorkgroupInvocations
  ) ?? 1;
}

/** Whether a device can run a variant. */
export function supportsProduct(capabilities: Capabilities, variant: ProductVariant): boolean {
  return variant === "cpu"
    ? capabilities.subgroupSize === 8 && capabilities.subgroupShuffle
    : capabilities.maxSharedMemoryBytes >= PART_BYTES && capabilities.maxWorkgroupInvocations >= 64;
}

/** The variant for a device. */
export function chooseProduct(capabilities: Capabilities): ProductVariant {
  return capabilities.deviceClass === "cpu" && supportsProduct(capabilities, "cpu")
    ? "cpu"
    : "tile";
}

/** 1 for vec4s along the columns, 2 for vec4s along the rows, 0 where neither lies aligned. */
function storeMode({ result, outputs, rows, group }: Product & { group: number }): number {
  const aligned = (...steps: readonly number[]): boolean => steps.every((step) => step % 4 === 0);
  if (result.n === 1 && aligned(outputs, result.m, group, result.image)) return 1;
  if (result.m === 1 && aligned(rows, result.n, group, result.image)) return 2;
  return 0;
}

/**
 * Plans a product.
 *
 * @param capabilities The device.
 * @param variant How to compute it.
 * @param product What to compute.
 * @returns One dispatch.
 */
export function dispatchProduct(
  capabilities: Capabilities,
  variant: ProductVariant,
  product: Product,
): Dispatch {
  const { rows, runs, groups, left, right, result } = product;
  const together = rows > 8 ? 2 : 1;
  const localSize = variant === "tile" ? 64 : cpuLocalSize(runs);
  const slabs = variant === "tile" ? Math.ceil(runs / 16) : Math.ceil(runs / localSize);
  const blocks = variant === "tile" ? Math.ceil(rows / 64) : Math.ceil(rows / (8 * together));
  const workgroups = slabs * blocks * groups;
  const parts = partsOfDepth(capabilities, workgroups, product.depth);
  const { name, alpha = 0.01 } = product.activation ?? { name: "none" };
  return makeDispatch(
    deformableProgram(capabilities, variant === "tile" ? "product_tile" : "product_cpu"),
    {
      ...(variant === "tile"
        ? { local_size_x: 64 * parts, parts }
        : { local_size_x: localSize, blocks: together }),
      store: storeMode({ ...product, group: groups > 1 ? result.group : 0 }),
      accumulate: product.accumulate ? 1 : 0,
      activation: ACTIVATIONS[name].code,
      alpha,
      has_bias: product.bias === undefined ? 0 : 1,
    },
    {
      workgroups,
      slabs,
      blocks,
      depth: product.depth,
      rows,
      runs,
      run_start: product.runStart,
      runs_per_image: product.runsPerImage,
      outputs: product.outputs,
      left_start: left.start,
      left_block: left.block,
      left_group: left.group,
      right_start: right.start,
      right_panel: right.block,
      right_group: right.group,
      result_image: result.image,
      result_group: result.group,
      result_m: result.m,
      result_n: result.n,
    },
    // An absent bias is bound to the left operand, which the shader then does not read as bias.
    [left.slot, right.slot, product.bias ?? left.slot, result.slot],
    foldGrid(capabilities, workgroups),
  );
}

/** Runs of a workgroup: subgroups of eight, few where there are few, so that every thread of the device has some. */
function cpuLocalSize(runs: number): number {
  return runs >= 512 ? 64 : runs >= 128 ? 32 : 8;
}
