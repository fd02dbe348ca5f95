// Steps of optimizers: they overwrite a weight and the states that belong to it, so they are no operators,
// which give new tensors. After apache/mxnet src/operator/optimizer_op.cc.

import { DeviceError, ShapeError } from "../core/errors.ts";
import { formatShape, sameShape } from "../core/shape.ts";
import {
  planUpdate,
  stateLength,
  UPDATE_RULES,
  type UpdateNumbers,
  type UpdateRule,
} from "../kernels/optimizer.ts";
import { checkWrite, execute, type Tensor } from "../tensor/mod.ts";
import { checkFloat, checkSameDType } from "./define.ts";

export { stateLength, type UpdateNumbers, type UpdateRule } from "../kernels/optimizer.ts";

/**
 * Names of the states of a rule, in the order in which {@linkcode updateInPlace} expects them.
 *
 * @param rule The rule.
 * @param master Whether a copy of the weight in float32 is among them.
 * @returns The names.
 */
export function stateNames(rule: UpdateRule, master: boolean): readonly string[] {
  return [...UPDATE_RULES[rule].states, ...(master ? ["weight"] : [])];
}

/**
 * Makes one step of an optimizer, in a single launch.
 *
 * @param rule How to update.
 * @param weight Is overwritten; float32 or float16.
 * @param gradient Of shape and dtype of the weight.
 * @param states Is overwritten: float32 `[number of states, stateLength(weight.size)]`; null for none.
 * @param numbers Learning rate and so on.
 * @param master Whether the last state is the weight in float32, from which the step starts.
 * @throws {ShapeError} If shapes do not fit.
 * @throws {TypeError} If dtypes do not fit.
 * @throws {DeviceError} If tensors lie on different devices.
 * @throws {AutogradError} If the weight is in a graph and operators are being recorded.
 * @throws {DisposedError} If a tensor was disposed.
 */
export function updateInPlace(
  rule: UpdateRule,
  weight: Tensor,
  gradient: Tensor,
  states: Tensor | null,
  numbers: UpdateNumbers,
  master: boolean = false,
): void {
  const where = "update a parameter";
  const { device } = weight.storage; // throws if it was disposed
  for (const [name, other] of [["gradient", gradient], ["states", states]] as const) {
    if (other === null || other.storage.device === device) continue;
    throw new DeviceError(
      `Cannot ${where}: ${name} lies on another device (${other.device.adapter.name}) than the ` +
        `weight (${device.adapter.name})`,
    );
  }
  checkFloat(where, "weight", weight);
  checkSameDType(where, "gradient", gradient, ["the weight", weight]);
  checkShape(where, "gradient", gradient, weight.shape);
  const count = stateNames(rule, master).length;
  if (states !== null) checkShape(where, "states", states, [count, stateLength(weight.size)]);
  checkWrite(weight);
  const problem = { rule, count: weight.size, dtype: weight.dtype, master };
  const plan = planUpdate(device.capabilities, problem, numbers);
  execute(device, plan, [weight, gradient, states], []);
  weight.storage.touch();
  states?.storage.touch();
}

function checkShape(where: string, name: string, { shape }: Tensor, wanted: readonly number[]) {
  if (sameShape(shape, wanted)) return;
  throw new ShapeError(
    `Cannot ${where}: ${name} has shape ${formatShape(shape)}, expected ${formatShape(wanted)}`,
  );
}
