/**
 * Automatic differentiation: recording operators and running backward passes. Loading this file also gives
 * tensors their gradient methods. After apache/mxnet python/mxnet/autograd.py.
 *
 * @module
 */

import { AutogradError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { setTensorGradients } from "../tensor/mod.ts";
import { backward } from "./backward.ts";
import { isRecording } from "./flags.ts";
import { isInGraph } from "./graph.ts";
import { attachGrad, dropGrad, forget, gradOf } from "./variable.ts";

export { backward, grad, type GradOptions } from "./backward.ts";
export {
  isRecording,
  isTraining,
  type ModeOptions,
  ModeScope,
  pause,
  predictMode,
  record,
  setRecording,
  setTraining,
  trainMode,
} from "./flags.ts";
export { markVariables } from "./variable.ts";
export type { BackwardOptions, GradReq } from "../tensor/mod.ts";

setTensorGradients({
  attachGrad,
  gradOf,
  dropGrad,
  backward: (head, headGradient, options) => backward(head, headGradient, options),
  disposed: forget,
  beforeWrite: (tensor) => {
    if (!isRecording() || !isInGraph(tensor)) return;
    throw new AutogradError(
      `Cannot assign to a tensor of shape ${formatShape(tensor.shape)}: it is in a graph, whose ` +
        `gradients would be wrong, and operators are being recorded; assign outside of ` +
        `autograd.record(), or compute a new tensor`,
    );
  },
});
