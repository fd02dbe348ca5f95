// Plans of the steps of optimizers: one launch for each parameter, in place.

import { programs } from "../../shaders/manifest.ts";
import type { DType } from "../core/dtype.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { checkDType, countOperand } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/** Name of a rule. */
export type UpdateRule =
  | "sgd"
  | "momentum"
  | "nag"
  | "adam"
  | "adamw"
  | "rmsprop"
  | "centered";

/** Rules of optimizers: the number of update.comp, and the names of the states. */
export const UPDATE_RULES: Readonly<
  Record<UpdateRule, { readonly code: number; readonly states: readonly string[] }>
> = {
  sgd: { code: 0, states: [] },
  momentum: { code: 1, states: ["momentum"] },
  nag: { code: 2, states: ["momentum"] },
  adam: { code: 3, states: ["mean", "variance"] },
  adamw: { code: 4, states: ["mean", "variance"] },
  rmsprop: { code: 5, states: ["square"] },
  centered: { code: 6, states: ["square", "mean", "delta"] },
};

/** Numbers of one step; what a rule does not use is not read. */
export interface UpdateNumbers {
  /** Learning rate, with every multiplier and correction. */
  readonly lr: number;
  /** Weight decay. */
  readonly wd: number;
  /** Multiplies the gradient. */
  readonly rescale: number;
  /** Bound of the rescaled gradient; null for none. */
  readonly clip: number | null;
  /** How much of the last step is repeated. */
  readonly momentum?: number;
  /** Decay of the average of gradients. */
  readonly beta1?: number;
  /** Decay of the average of squared gradients, and of both averages of `centered`. */
  readonly beta2?: number;
  /** Keeps the divisor away from zero. */
  readonly epsilon?: number;
  /** Bound of the weights; null for none. */
  readonly clipWeights?: number | null;
}

/** What is updated. */
export interface UpdateProblem {
  readonly rule: UpdateRule;
  /** Number of weights. */
  readonly count: number;
  /** Element type of weight and gradient: float32 or float16. */
  readonly dtype: DType;
  /** Whether a copy of the weight in float32 follows the states. */
  readonly master: boolean;
}

/**
 * Elements of one state in the buffer of states: as many as the weight has, in whole quads.
 *
 * @param count Number of weights.
 * @returns A multiple of 4.
 */
export function stateLength(count: number): number {
  return Math.ceil(count / 4) * 4;
}

/**
 * Plans one step.
 *
 * @param capabilities The device.
 * @param problem What is updated.
 * @param numbers Learning rate and so on.
 * @returns Inputs 0 weight and 1 gradient, and 2 all states if there are any; 0 and 2 are overwritten.
 */
export function planUpdate(
  capabilities: Capabilities,
  problem: UpdateProblem,
  numbers: UpdateNumbers,
): Plan {
  const { rule, count, dtype, master } = problem;
  const where = "update a parameter";
  checkDType(where, dtype, ["float32", "float16"]);
  const stateCount = UPDATE_RULES[rule].states.length + (master ? 1 : 0);
  const bytes = dtype === "float16" ? 2 : 4;
  countOperand(capabilities, where, [stateCount, stateLength(count)], 4);
  const quads = stateLength(count) / 4;
  const inputs = stateCount === 0 ? [0, 1] : [0, 1, 2];
  const result = {
    label: `Update/${rule}`,
    slots: inputs.map((index) => ({ role: "input", index } as const)),
    flops: (3 + 4 * stateCount) * count,
    bytes: (3 * bytes + 8 * stateCount) * count,
  };
  if (count === 0) return { ...result, dispatches: [] };
  const { lr, wd, rescale, clip, momentum = 0, beta1 = 0, beta2 = 0, epsilon = 0 } = numbers;
  const clipWeights = numbers.clipWeights ?? null;
  const dispatch = makeDispatch(
    programs[stateCount === 0 ? "optimizer/update.plain" : "optimizer/update.states"],
    {
      local_size_x: plainLocalSize(capabilities),
      rule: UPDATE_RULES[rule].code,
      half: dtype === "float16" ? 1 : 0,
      clip: clip === null ? 0 : 1,
      clip_weight: clipWeights === null ? 0 : 1,
      master: master ? 1 : 0,
    },
    {
      quad_count: quads,
      lr,
      wd,
      rescale,
      clip: clip ?? 0,
      momentum,
      keep_1: beta1,
      // In float32, 1 - 0.999 would be wrong in the fifth digit.
      add_1: 1 - beta1,
      keep_2: beta2,
      add_2: 1 - beta2,
      epsilon,
      clip_weight: clipWeights ?? 0,
    },
    inputs,
    gridForItems(capabilities, quads),
  );
  return { ...result, dispatches: [dispatch] };
}
