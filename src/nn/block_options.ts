// Types around blocks: hooks, options and flags, and the checks of options.

import { anything, boolean, describe, integer, optional, readOptions } from "../core/options.ts";
import type { Tensor } from "../tensor/mod.ts";
import type { Block } from "./block.ts";
import type { DeviceOrDevices } from "./parameter_options.ts";

/** Called before a block's forward with the block and its inputs; the result is ignored. */
export type ForwardPreHook = (block: Block, inputs: readonly unknown[]) => void;

/** Called after a block's forward with the block, its inputs and its output; the result is ignored. */
export type ForwardHook = (block: Block, inputs: readonly unknown[], output: unknown) => void;

/**
 * Called when a backward pass has computed the gradient of an output of a block, with the position of the
 * output; the result is ignored.
 */
export type BackwardHook = (block: Block, gradient: Tensor, index: number) => void;

/** Options of {@linkcode Block.initialize}. */
export interface InitializeOptions {
  /** Where the parameters live; several devices hold equal copies. The default device if absent. */
  readonly device?: DeviceOrDevices;
  /** Initialize again what is initialized already; else that is left alone, with a warning. */
  readonly forceReinit?: boolean;
  /** Report every parameter that gets values. */
  readonly verbose?: boolean;
}

/** Flags of {@linkcode Block.hybridize}; only `staticAlloc` can change results, by their last bits. */
export interface HybridizeFlags {
  /** Accepted for Gluon's sake. */
  readonly partitionIfDynamic?: boolean;
  /**
   * Fuse what is predicted in float32 (neither training nor recorded): activations, sums, pixel shuffles and
   * zeros around become part of convolutions, normalizations, nearest-neighbor upsamplings and 1x1 convolutions in
   * front of another one part of their weights, which are computed anew when parameters change. Results agree with those of unfused calls within
   * 1e-5 of the largest.
   *
   * Values inside of the graph lie in one arena, which is planned by how long each is needed, shared by the graphs of
   * all shapes, as large as the largest needs, and kept until the block is changed or disposed of
   * (`memoryReport()` shows it as `arena`). Results never lie in it: they belong to the caller, and no later call
   * changes them. Graphs that draw random numbers, such as a `Dropout` that is always on, run call by call.
   */
  readonly staticAlloc?: boolean;
  /**
   * Record the commands of such predictions and submit them as a whole from the second call on; needs `staticAlloc`.
   * Values are always those of the call's own inputs and parameters. Recordings name memory: eight are kept for
   * inputs and results in different places, and a caller that never comes back to the same places has inputs and
   * results copied instead. Other shapes are traced and recorded too.
   */
  readonly staticShape?: boolean;
  /** Accepted for Gluon's sake. */
  readonly inlineLimit?: number;
  /** Accepted for Gluon's sake. */
  readonly forwardBulkSize?: number | null;
  /** Accepted for Gluon's sake. */
  readonly backwardBulkSize?: number | null;
}

/** Options of {@linkcode HybridBlock.optimizeFor}. */
export interface OptimizeOptions extends HybridizeFlags {
  /** Only null, this module itself, is known. */
  readonly backend?: string | null;
  /** Trace anew even if the block is active. */
  readonly clear?: boolean;
}

const flagRules = {
  partitionIfDynamic: boolean(true),
  staticAlloc: boolean(false),
  staticShape: boolean(false),
  inlineLimit: integer({ minimum: 0 }, 2),
  forwardBulkSize: optional(integer({ minimum: 0 })),
  backwardBulkSize: optional(integer({ minimum: 0 })),
};

/**
 * Checks flags.
 *
 * @param where What is being done, for messages.
 * @param flags The flags.
 * @throws {TypeError} If a flag is unknown or has a wrong type.
 * @throws {RangeError} If a value is not allowed.
 */
export function checkHybridizeFlags(where: string, flags: HybridizeFlags): void {
  readOptions(where, flags, flagRules);
}

/**
 * Checks the arguments of `optimizeFor`.
 *
 * @param where What is being done, for messages.
 * @param inputs Arguments of `forward`.
 * @param options The options.
 * @returns Whether to begin anew, and the flags.
 * @throws {TypeError} If an option is unknown, or a type is wrong.
 * @throws {RangeError} If a backend is named: there is none.
 */
export function checkOptimize(
  where: string,
  inputs: unknown,
  options: OptimizeOptions,
): { readonly clear: boolean; readonly flags: HybridizeFlags } {
  if (!Array.isArray(inputs)) {
    throw new TypeError(
      `Cannot ${where}: inputs is ${describe(inputs)}, expected the list of arguments of forward`,
    );
  }
  const rules = { ...flagRules, backend: anything, clear: boolean(false) };
  const { clear } = readOptions(where, options, rules);
  const { backend = null, clear: _, ...flags } = options;
  if (backend !== null) {
    throw new RangeError(
      `Cannot ${where}: unknown backend ${describe(backend)}, expected null, which is this one`,
    );
  }
  return { clear, flags };
}

/** A property that {@linkcode Block.setattr} sets. */
export type ParameterSetting = "gradReq" | "lrMult" | "wdMult" | "init";

/** All values of {@linkcode ParameterSetting}. */
export const PARAMETER_SETTINGS: readonly ParameterSetting[] = [
  "gradReq",
  "lrMult",
  "wdMult",
  "init",
];
