// Plan of batched matrix products.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { divisor } from "./divisor.ts";
import { planBinary, planFill } from "./elementwise.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { countOperand, plainSlots, totalBytes, usesTexels } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";
import { planReduce } from "./reduce.ts";

/** A product of matrices: `[batch, m, k]` times `[batch, k, n]`, each matrix dense, row by row. */
export interface MatmulProblem {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** The first operand is stored as `[batch, k, m]`. */
  readonly transposeA: boolean;
  /** The second operand is stored as `[batch, n, k]`. */
  readonly transposeB: boolean;
}

/** A product with the transpose of a weight matrix: `[m, k]` times `[n, k]` transposed, plus a bias of size n. */
export interface FullyConnectedProblem {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly hasBias: boolean;
}

/** Longest sum of one invocation where there would be few invocations otherwise. */
const CHUNK = 512;
/** So many invocations keep a device busy. */
const FEW = 4096;

/**
 * Plans a batched matrix product.
 *
 * @param capabilities The device.
 * @param problem Sizes and storage.
 * @returns Inputs 0 and 1, output 0 of shape `[batch, m, n]`.
 */
export function planMatmul(
  capabilities: Capabilities,
  problem: MatmulProblem,
): Plan {
  const where = "multiply matrices";
  const { batch, m, n, k, transposeA, transposeB } = problem;
  const counts = [
    countOperand(capabilities, where, [batch, m, k], 4),
    countOperand(capabilities, where, [batch, k, n], 4),
    countOperand(capabilities, where, [batch, m, n], 4),
  ] as const;
  const count = counts[2];
  const result = {
    label: "Matmul/tile4x4",
    slots: plainSlots(2),
    flops: 2 * count * k,
    bytes: totalBytes("float32", ...counts),
  };
  if (count === 0) return { ...result, dispatches: [] };
  if (k === 0) {
    const [fill] = planFill(capabilities, 0, count * 4).dispatches;
    return { ...result, dispatches: [{ ...fill!, slots: [2] }] };
  }
  const [tilesM, tilesN] = [Math.ceil(m / 4), Math.ceil(n / 4)];
  const splits = k > 2 * CHUNK && batch * tilesM * tilesN < FEW;
  const chunk = splits ? CHUNK : Math.ceil(k / 4) * 4;
  const chunks = Math.ceil(k / chunk);
  const items = chunks * batch * tilesM * tilesN;
  const [aRow, bRow] = [transposeA ? m : k, transposeB ? k : n];
  const [byN, byM, byBatch] = [
    divisor(tilesN),
    divisor(tilesM),
    divisor(batch),
  ];
  const slots: Slot[] = [...result.slots];
  const to = chunks === 1
    ? 2
    : slots.push({ role: "temporary", byteLength: chunks * count * 4 }) - 1;
  const dispatches: Dispatch[] = [makeDispatch(
    programs[
      usesTexels(capabilities) ? "matmul/matmul.texel" : "matmul/matmul.storage"
    ],
    {
      local_size_x: plainLocalSize(capabilities),
      a_by_k: transposeA ? 0 : 1,
      b_by_k: transposeB ? 1 : 0,
      a_quads: aRow % 4 === 0 ? 1 : 0,
      b_quads: bRow % 4 === 0 ? 1 : 0,
      result_quads: n % 4 === 0 ? 1 : 0,
    },
    {
      items,
      m,
      n,
      k,
      a_row: aRow,
      b_row: bRow,
      a_batch: m * k,
      b_batch: k * n,
      tiles_n: tilesN,
      tiles_m: tilesM,
      batch,
      chunk,
      multiplier_n: byN.multiplier,
      multiplier_m: byM.multiplier,
      multiplier_batch: byBatch.multiplier,
      shifts: byN.shift | (byM.shift << 5) | (byBatch.shift << 10),
    },
    [0, 1, to],
    gridForItems(capabilities, items),
  )];
  if (chunks > 1) {
    const sums = planReduce(
      capabilities,
      "sum",
      [chunks, count],
      [0],
      "float32",
    );
    const own = sums.slots.map((slot) =>
      slot.role === "input" ? to : slot.role === "output" ? 2 : slots.push(slot) - 1
    );
    for (const dispatch of sums.dispatches) {
      dispatches.push({
        ...dispatch,
        slots: dispatch.slots.map((slot) => own[slot]!),
      });
    }
  }
  return { ...result, slots, dispatches };
}

/**
 * Plans a fully connected layer.
 *
 * @param capabilities The device.
 * @param problem Sizes.
 * @returns Inputs 0 data, 1 weight and, with a bias, 2 bias; output 0 of shape `[m, n]`.
 */
export function planFullyConnected(
  capabilities: Capabilities,
  problem: FullyConnectedProblem,
): Plan {
  const { m, n, k, hasBias } = problem;
  const sizes = { batch: 1, m, n, k, transposeA: false, transposeB: true };
  if (!hasBias) return planMatmul(capabilities, sizes);
  const product = planMatmul(capabilities, sizes);
  const count = m * n;
  // The product goes to a temporary instead, to which the bias is then added.
  const slots: Slot[] = product.slots.map((slot) =>
    slot.role === "output" ? { role: "temporary", byteLength: count * 4 } : slot
  );
  const bias = slots.push({ role: "input", index: 2 }) - 1;
  const to = slots.push({ role: "output", index: 0 }) - 1;
  const [add] = planBinary(capabilities, "add", [m, n], [n], "float32").dispatches;
  return {
    label: "FullyConnected/tile4x4",
    slots,
    dispatches: add === undefined ? [] : [...product.dispatches, { ...add, slots: [2, bias, to] }],
    flops: product.flops + count,
    bytes: product.bytes + n * 4,
  };
}
