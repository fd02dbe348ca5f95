// Float16 for kernels that compute in float32: the operands are widened into temporaries, the result is narrowed once.
// Storage is float16, arithmetic float32, on every device.

import type { Dispatch } from "../core/dispatch.ts";
import { type DType, dtypeByteLength } from "../core/dtype.ts";
import { elementCount, type Shape } from "../core/shape.ts";
import { planCast } from "./cast.ts";
import type { Capabilities, Plan, Slot } from "./plan.ts";

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
 * Makes a float32 plan take and give float16. Each float16 input that the plan reads is cast into a temporary first,
 * and the result is cast back from one last: values are rounded once, at the end. What the plan prepares from an
 * input is prepared from the cast input, which does not stay.
 *
 * @param capabilities The device.
 * @param plan A plan for {@linkcode widenSpec} of the operands.
 * @param inputs The operands as they are stored; null for absent ones.
 * @param output The result as it is to be stored.
 * @returns A plan with the same inputs and output; operands that are not float16 are bound as before.
 */
export function widenPlan(
  capabilities: Capabilities,
  plan: Plan,
  inputs: readonly (OperandSpec | null)[],
  output: OperandSpec,
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

  /** The new slot of an old one; `reads` is false for a stand-in, which stays as it is. */
  const place = (at: number, reads: boolean): number => {
    const slot = plan.slots[at]!;
    if (slot.role === "temporary") return find(`temporary ${at}`, () => slot);
    if (slot.role === "prepared") {
      return find(`prepared ${at}`, () => widenPrepared(capabilities, slot, inputs[slot.source]));
    }
    if (slot.role === "output" && slot.index > 0) return find(`hidden ${at}`, () => slot);
    const spec = slot.role === "input" ? inputs[slot.index] : output;
    const name = `${slot.role} ${slot.index}`;
    const outside = find(name, () => slot);
    if (spec?.dtype !== "float16" || !reads) return outside;
    return find(`wide ${name}`, () => {
      const inside = slots.length;
      if (slot.role === "input") before.push(...cast(spec, "float32", [outside, inside]));
      else behind.push(...cast(spec, "float16", [inside, outside]));
      return temporary(spec);
    });
  };

  const dispatches = plan.dispatches.map((dispatch) => ({
    ...dispatch,
    slots: dispatch.slots.map((at, binding) => place(at, readsBinding(dispatch, binding))),
  }));
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

function bytesOf({ shape, dtype }: OperandSpec): number {
  return elementCount(shape) * dtypeByteLength(dtype);
}

/** Whether a dispatch reads or writes what it binds, or only needs anything there. */
function readsBinding({ program, constants }: Dispatch, binding: number): boolean {
  const { name } = program.bindings[binding]!;
  return !OPTIONAL_BINDINGS.some(([prefix, constant]) =>
    name.startsWith(prefix) && constants[constant] === 0
  );
}

/** The cast source is one more scratch buffer: what stays is what stayed before. */
function widenPrepared(
  capabilities: Capabilities,
  slot: Slot & { readonly role: "prepared" },
  source: OperandSpec | null | undefined,
): Slot {
  if (source?.dtype !== "float16") return slot;
  const count = elementCount(source.shape);
  const scratch = slot.scratchByteLengths ?? [];
  const wide = 2 + scratch.length;
  const casts = planCast(capabilities, "float16", "float32", count).dispatches;
  return {
    ...slot,
    key: `float16/${slot.key}`,
    scratchByteLengths: [...scratch, count * 4],
    dispatches: [
      ...casts.map((dispatch) => ({ ...dispatch, slots: [0, wide] })),
      ...slot.dispatches.map((dispatch) => ({
        ...dispatch,
        slots: dispatch.slots.map((at) => at === 0 ? wide : at),
      })),
    ],
  };
}
