// Float16 for plans of kernels that compute in float32. A kernel that can load and store float16 itself is told which of
// its operands are (the constants that `ProgramBinding.half` names); for every other the operands are widened into
// temporaries and the result is narrowed. Storage is float16, arithmetic float32, and values are rounded once, at the end.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch, Program } from "../core/dispatch.ts";
import { type DType, dtypeByteLength } from "../core/dtype.ts";
import { elementCount, type Shape } from "../core/shape.ts";
import { planCast } from "./cast.ts";
import { type Capabilities, pipelineKey, type Plan, type Slot } from "./plan.ts";

/**
 * Elements from which kernels of a CPU device load and store float16 themselves. Casts of fewer take microseconds, while
 * the driver compiles a second kernel for tenths of a second in a program that computes the same in float32.
 */
const NATIVE_ELEMENTS = 4096;

/** Shape and dtype of an operand. */
export interface OperandSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Bindings that a shader reads only if a constant says so; else another operand stands in for them. */
const OPTIONAL_BINDINGS: readonly (readonly [prefix: string, constant: string])[] = [
  ["bias", "has_bias"],
  ["residual", "has_residual"],
];

/**
 * The same operand in float32 where it is float16.
 *
 * @param spec The operand; null for an absent one.
 * @returns What a float32 kernel sees of it.
 */
export function widenSpec<S extends OperandSpec | null>(spec: S): S | OperandSpec {
  return spec?.dtype === "float16" ? { shape: spec.shape, dtype: "float32" } : spec;
}

/**
 * Whether kernels should load and store float16 themselves, not between casts: always, but for small operands of a CPU
 * device.
 *
 * @param capabilities The device.
 * @param operands The operands and the result; null for absent ones.
 * @returns Whether they should.
 */
export function prefersNativeHalf(
  capabilities: Capabilities,
  operands: readonly (OperandSpec | null)[],
): boolean {
  return capabilities.deviceClass !== "cpu" ||
    operands.some((spec) => spec !== null && elementCount(spec.shape) >= NATIVE_ELEMENTS);
}

/**
 * Makes a float32 plan take and give float16. Bindings of float16 inputs and of the result are marked as such where the
 * kernel knows both dtypes. An input that some kernel knows as float32 alone is cast into a temporary first; so is the
 * result, last, unless every kernel that touches it can write float16. What the plan prepares from an input is prepared
 * from the input as it is stored, or from a cast that does not stay.
 *
 * @param capabilities The device.
 * @param plan A plan for {@linkcode widenSpec} of the operands.
 * @param inputs The operands as they are stored; null for absent ones.
 * @param output The result as it is to be stored.
 * @param native Whether kernels may load and store float16 themselves; without, all is cast. Default
 *   {@linkcode prefersNativeHalf}.
 * @returns A plan with the same inputs and output; operands that are not float16 are bound as before.
 */
export function widenPlan(
  capabilities: Capabilities,
  plan: Plan,
  inputs: readonly (OperandSpec | null)[],
  output: OperandSpec,
  native: boolean = prefersNativeHalf(capabilities, [...inputs, output]),
): Plan {
  const slots: Slot[] = [];
  const before: Dispatch[] = [];
  const behind: Dispatch[] = [];
  const slotOf = new Map<string, number>();
  const find = (key: string, make: () => Slot): number => {
    const found = slotOf.get(key) ?? slots.push(make()) - 1;
    slotOf.set(key, found);
    return found;
  };
  const cast = (spec: OperandSpec, to: DType, ends: readonly number[]): Dispatch[] =>
    planCast(capabilities, to === "float32" ? "float16" : "float32", to, elementCount(spec.shape))
      .dispatches.map((dispatch) => ({ ...dispatch, slots: ends }));
  const temporary = (spec: OperandSpec): Slot => ({
    role: "temporary",
    byteLength: elementCount(spec.shape) * 4,
  });
  const isResult = (at: number): boolean => {
    const slot = plan.slots[at]!;
    return slot.role === "output" && slot.index === 0;
  };
  // A result of which one kernel writes a part in float32 is float32 for all of them.
  const narrowsResult = native &&
    plan.dispatches.every((dispatch) =>
      dispatch.slots.every((at, binding) =>
        !isResult(at) || !readsBinding(dispatch, binding) ||
        (knowsHalf(dispatch, binding) && !storesSingly(capabilities, dispatch) &&
          !keepsSums(dispatch))
      )
    );

  /** The new slot of an old one at a binding, and whether the kernel is to know it as float16. */
  const place = (
    dispatch: Dispatch,
    at: number,
    binding: number,
  ): [slot: number, half: boolean] => {
    const slot = plan.slots[at]!;
    if (slot.role === "temporary") return [find(`temporary ${at}`, () => slot), false];
    if (slot.role === "prepared") {
      const make = () => widenPrepared(capabilities, slot, inputs[slot.source], native);
      return [find(`prepared ${at}`, make), false];
    }
    if (slot.role === "output" && slot.index > 0) return [find(`hidden ${at}`, () => slot), false];
    const spec = slot.role === "input" ? inputs[slot.index] : output;
    const name = `${slot.role} ${slot.index}`;
    const outside = find(name, () => slot);
    if (spec?.dtype !== "float16" || !readsBinding(dispatch, binding)) return [outside, false];
    if (isResult(at) ? narrowsResult : native && knowsHalf(dispatch, binding)) {
      return [outside, true];
    }
    const wide = find(`wide ${name}`, () => {
      const inside = slots.length;
      if (slot.role === "input") before.push(...cast(spec, "float32", [outside, inside]));
      else behind.push(...cast(spec, "float16", [inside, outside]));
      return temporary(spec);
    });
    return [wide, false];
  };

  const dispatches = plan.dispatches.map((dispatch) => {
    const places = dispatch.slots.map((at, binding) => place(dispatch, at, binding));
    const marked = markHalves(
      dispatch,
      places.map(([slot]) => slot),
      places.map(([, half]) => half),
    );
    return capabilities.float16 ? storeShorts(marked) : marked;
  });
  return {
    label: `${plan.label}/float16`,
    slots,
    dispatches: [...before, ...dispatches, ...behind],
    flops: plan.flops,
    bytes: [...inputs, output].reduce(
      (sum, spec) => spec === null ? sum : sum + bytesOf(spec),
      0,
    ),
  };
}

/** Whether a kernel can be told that what it binds is float16. */
function knowsHalf({ program }: Dispatch, binding: number): boolean {
  return program.bindings[binding]!.half !== undefined;
}

/**
 * Whether a kernel of a CPU device stores results one by one: single halves take two atomic steps in a loop over the lanes,
 * which compile for twice as long and run no faster than a cast.
 */
function storesSingly({ deviceClass }: Capabilities, { constants }: Dispatch): boolean {
  return deviceClass === "cpu" && constants["vector_store"] === 0;
}

/** Whether a kernel keeps its sums in the result between passes: float16 would round each of them. */
function keepsSums({ constants }: Dispatch): boolean {
  return (constants["passes"] ?? 1) > 1;
}

/** The dispatch on other slots, of which some are float16. */
function markHalves(
  dispatch: Dispatch,
  slots: readonly number[],
  halves: readonly boolean[],
): Dispatch {
  if (!halves.includes(true)) return { ...dispatch, slots };
  const constants: Record<string, number> = { ...dispatch.constants };
  halves.forEach((half, binding) => {
    if (half) constants[dispatch.program.bindings[binding]!.half!] = 1;
  });
  return { ...dispatch, constants, pipelineKey: pipelineKey(dispatch.program, constants), slots };
}

/** A dispatch all of whose operands are float16, or the dispatch itself. */
export function withHalves(dispatch: Dispatch, halves: boolean): Dispatch {
  return halves ? markHalves(dispatch, dispatch.slots, dispatch.slots.map(() => true)) : dispatch;
}

/** The build that stores single halves as 16-bit words, where there is one and the dispatch writes some. */
function storeShorts(dispatch: Dispatch): Dispatch {
  const { program, constants } = dispatch;
  const { id, bindings } = program;
  const writes = bindings.some(({ access, half }) =>
    access !== "read" && constants[half ?? ""] === 1
  );
  const table: Readonly<Record<string, Program>> = programs;
  const shorts = table[id.includes(".") ? `${id}_shorts` : `${id}.shorts`];
  if (!writes || shorts === undefined) return dispatch;
  return { ...dispatch, program: shorts, pipelineKey: pipelineKey(shorts, constants) };
}

function bytesOf({ shape, dtype }: OperandSpec): number {
  return elementCount(shape) * dtypeByteLength(dtype);
}

/** Whether a dispatch reads or writes what it binds, or only needs anything there. */
export function readsBinding({ program, constants }: Dispatch, binding: number): boolean {
  const { name } = program.bindings[binding]!;
  return !OPTIONAL_BINDINGS.some(([prefix, constant]) =>
    name.startsWith(prefix) && constants[constant] === 0
  );
}

/** The source as it is stored, or its cast in one more scratch buffer: what stays is what stayed before. */
function widenPrepared(
  capabilities: Capabilities,
  slot: Slot & { readonly role: "prepared" },
  source: OperandSpec | null | undefined,
  native: boolean,
): Slot {
  if (source?.dtype !== "float16") return slot;
  const scratch = slot.scratchByteLengths ?? [];
  const wide = 2 + scratch.length;
  let casts: readonly Dispatch[] = [];
  const dispatches = slot.dispatches.map((dispatch) => {
    const isSource = dispatch.slots.map((at) => at === 0);
    if (native && isSource.every((is, binding) => !is || knowsHalf(dispatch, binding))) {
      return markHalves(dispatch, dispatch.slots, isSource);
    }
    const count = elementCount(source.shape);
    casts = planCast(capabilities, "float16", "float32", count).dispatches
      .map((cast) => ({ ...cast, slots: [0, wide] }));
    return { ...dispatch, slots: dispatch.slots.map((at) => at === 0 ? wide : at) };
  });
  return {
    ...slot,
    key: `float16/${slot.key}`,
    ...casts.length > 0 ? { scratchByteLengths: [...scratch, elementCount(source.shape) * 4] } : {},
    dispatches: [...casts, ...dispatches],
  };
}
