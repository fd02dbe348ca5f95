// From one call to what has to run: the plan, or plans for parts of the batch where the whole is more than a kernel of the
// device can address. Parts are copied out of the inputs and into the result, which copies of any size can do.

import { LimitError } from "../core/errors.ts";
import { planBinary } from "../kernels/elementwise.ts";
import type { Capabilities, Plan } from "../kernels/plan.ts";
import { widenPlan, widenSpec } from "../kernels/widen.ts";
import {
  type Device,
  execute,
  type ResultSpec,
  resultSpec,
  Storage,
  Tensor,
  type TensorSpec,
} from "../tensor/mod.ts";
import { dtypeByteLength } from "../core/dtype.ts";
import type { AttributeRules, Attributes, OperatorDefinition } from "./definition.ts";
import type { InputSpecs } from "./operand_checks.ts";
import type { BatchPart, PlanEntry } from "./plan_cache.ts";

type Definition = OperatorDefinition<AttributeRules>;

/**
 * Plans a call.
 *
 * @param definition The operator.
 * @param capabilities The device.
 * @param attributes Checked attributes.
 * @param inputs Shapes and dtypes; null where an input is absent.
 * @param training Whether the operator behaves as in training.
 * @returns What to run.
 * @throws {LimitError} If the device cannot do it, not even one image at a time.
 */
export function planCall(
  definition: Definition,
  capabilities: Capabilities,
  attributes: Attributes,
  inputs: InputSpecs,
  training: boolean,
): PlanEntry {
  const specs = inputs.map((input) =>
    input === null ? null : { shape: input.shape, dtype: input.dtype }
  );
  const { shape, dtype } = definition.inferShape(attributes, specs);
  const output = resultSpec({ shape, dtype });
  const hidden = definition.hidden?.(attributes, specs, training) ?? [];
  const outputs = [output, ...hidden.map(resultSpec)];
  if (definition.plan === null || shape.includes(0)) {
    return { outputs, plan: null, view: definition.plan === null };
  }
  const plan = (of: InputSpecs, result: TensorSpec) =>
    planOne(definition, capabilities, attributes, of, result, training);
  try {
    const whole = plan(specs, output);
    return { outputs, plan: whole, view: whole === null };
  } catch (error) {
    if (!(error instanceof LimitError) || hidden.length > 0) throw error;
    const split = splitInputs(definition, attributes, specs, output);
    if (split === null) throw error;
    const parts = planParts(plan, specs, output, split);
    if (parts === null) throw error;
    if (split.summed) {
      const sum = planBinary(capabilities, "add", output.shape, output.shape, output.dtype);
      return { outputs, plan: null, parts, sum, view: false };
    }
    return { outputs, plan: null, parts, view: false };
  }
}

function planOne(
  definition: Definition,
  capabilities: Capabilities,
  attributes: Attributes,
  specs: InputSpecs,
  output: TensorSpec,
  training: boolean,
): Plan | null {
  const { plan, native16 = false } = definition;
  const isHalf = [...specs, output].some((spec) => spec?.dtype === "float16");
  if (isHalf && [...specs, output].every((spec) => spec === null || spec.dtype === "float16")) {
    const own = definition.plan16?.(capabilities, attributes, specs, output);
    if (own) return own;
  }
  if (native16 || !isHalf) return plan!(capabilities, attributes, specs, output, training);
  const wides = specs.map(widenSpec);
  const wide = plan!(capabilities, attributes, wides, widenSpec(output), training);
  return wide === null ? null : widenPlan(capabilities, wide, specs, output);
}

/** How a call is split along the batch. */
interface Split {
  /** Images. */
  readonly batch: number;
  /** For each input whether it has the batch in front. */
  readonly batched: readonly boolean[];
  /** Whether results of parts are added up, not put behind each other. */
  readonly summed: boolean;
}

/** How to split a call; null if it cannot be. */
function splitInputs(
  definition: Definition,
  attributes: Attributes,
  specs: InputSpecs,
  output: TensorSpec,
): Split | null {
  const { batched = [] } = definition;
  const free = typeof batched === "function"; // knows the ranks
  const listed = free ? batched(attributes, specs) : batched;
  const batch = output.shape[0] ?? 1;
  const sliced = specs.map((spec, at) =>
    spec !== null && listed.includes(at) && spec.shape[0] === batch &&
    (free || spec.shape.length === output.shape.length)
  );
  if (batch > 1 && sliced.includes(true)) return { batch, batched: sliced, summed: false };
  const summed = definition.summed?.(attributes, specs) ?? [];
  const images = specs[summed[0] ?? -1]?.shape[0] ?? 1;
  if (images < 2 || output.dtype !== "float32") return null;
  return { batch: images, batched: specs.map((_, at) => summed.includes(at)), summed: true };
}

/** The largest parts that the device can do, halved until they fit; null if single images do not fit either. */
function planParts(
  plan: (specs: InputSpecs, output: TensorSpec) => Plan | null,
  specs: InputSpecs,
  output: TensorSpec,
  { batch, batched, summed }: Split,
): BatchPart[] | null {
  const take = ({ shape, dtype }: TensorSpec, count: number): ResultSpec =>
    resultSpec({ shape: [count, ...shape.slice(1)], dtype });
  const part = (first: number, count: number): BatchPart | null => {
    const own = specs.map((spec, at) => spec !== null && batched[at]! ? take(spec, count) : spec);
    const outputs = [summed ? resultSpec(output) : take(output, count)];
    const planned = plan(own, outputs[0]!);
    return planned === null ? null : { first, count, batched, plan: planned, outputs };
  };
  for (let count = Math.ceil(batch / 2);; count = Math.ceil(count / 2)) {
    try {
      const whole = part(0, count);
      const last = batch % count === 0 ? whole : part(0, batch % count);
      if (whole === null || last === null) return null; // a view has no kernel to split
      return Array.from({ length: Math.ceil(batch / count) }, (_, at) => ({
        ...((at + 1) * count > batch ? last : whole),
        first: at * count,
      }));
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      if (count === 1) return null;
    }
  }
}

/**
 * Runs a call part by part.
 *
 * @param device The device.
 * @param entry Its parts, in order.
 * @param inputs The inputs of the whole.
 * @param label Named in errors and memory reports.
 * @returns The result.
 */
export function runParts(
  device: Device,
  { parts = [], sum, outputs }: PlanEntry,
  inputs: readonly (Tensor | null)[],
  label: string,
): Tensor {
  const pieces = function* (): Generator<[BatchPart, Tensor]> {
    for (const part of parts) {
      const { first, count, batched } = part;
      const slices = inputs.map((input, at) =>
        input !== null && batched[at]! ? sliceOf(device, input, first, count, label) : input
      );
      try {
        yield [part, execute(device, part.plan, slices, part.outputs)[0]!];
      } finally {
        slices.forEach((slice, at) => batched[at]! && slice?.dispose());
      }
    }
  };
  return sum === undefined
    ? joinPieces(device, pieces(), outputs[0]!, label)
    : addPieces(device, pieces(), sum, outputs);
}

function joinPieces(
  device: Device,
  pieces: Iterable<[BatchPart, Tensor]>,
  output: ResultSpec,
  label: string,
): Tensor {
  const rowBytes = output.byteLength / output.shape[0]!;
  const result = Storage.allocate(device, output.byteLength, label);
  try {
    for (const [{ first, count }, made] of pieces) {
      using piece = made;
      const { buffer } = piece.storage;
      device.copy(buffer!, 0, result.buffer!, first * rowBytes, count * rowBytes);
    }
  } catch (error) {
    result.release();
    throw error;
  }
  return new Tensor(result, output.shape, output.dtype, label, output.size);
}

/** The sum of all pieces, in order: equal bits in every run. */
function addPieces(
  device: Device,
  pieces: Iterable<[BatchPart, Tensor]>,
  sum: Plan,
  outputs: readonly ResultSpec[],
): Tensor {
  let result: Tensor | undefined;
  try {
    for (const [, piece] of pieces) {
      const before = result;
      if (before === undefined) {
        result = piece;
        continue;
      }
      try {
        result = execute(device, sum, [before, piece], outputs)[0]!;
        before.dispose();
      } finally {
        piece.dispose();
      }
    }
  } catch (error) {
    result?.dispose();
    throw error;
  }
  return result!;
}

function sliceOf(
  device: Device,
  tensor: Tensor,
  first: number,
  count: number,
  label: string,
): Tensor {
  const rowBytes = tensor.size * dtypeByteLength(tensor.dtype) / tensor.shape[0]!;
  const storage = Storage.allocate(device, count * rowBytes, label);
  device.copy(tensor.storage.buffer!, first * rowBytes, storage.buffer!, 0, count * rowBytes);
  return new Tensor(storage, [count, ...tensor.shape.slice(1)], tensor.dtype, label);
}
