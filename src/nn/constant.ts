// A parameter that never trains. After apache/mxnet python/mxnet/gluon/parameter.py, class Constant.

import { describe } from "../core/shape.ts";
import { readHostData, Tensor, type TensorData } from "../tensor/mod.ts";
import { Constant as ConstantInitializer } from "./initializer.ts";
import { warn } from "./messages.ts";
import { Parameter } from "./parameter.ts";
import type { GradReq } from "./parameter_options.ts";
import type { HostTensor } from "./values.ts";

/**
 * A parameter with given values and without gradient, which is saved and moved with its block.
 *
 * @example
 * ```ts
 * import { Constant, HybridBlock, mul, tensor, type Tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * class Scale extends HybridBlock {
 *   readonly factor = new Constant([2, 10]);
 *   override forward(x: Tensor): Tensor {
 *     return mul(x, this.factor.data());
 *   }
 * }
 * const block = new Scale();
 * block.initialize();
 * using x = tensor([1, 2]);
 * using y = block.call(x);
 * assertEquals([...await y.data()], [2, 20]);
 * block.dispose();
 * ```
 */
export class Constant extends Parameter {
  /**
   * Makes the parameter.
   *
   * @param value Numbers, nested lists of numbers, a typed array with its shape, or a tensor, whose
   *   values are read at once.
   * @throws {TypeError} If it is none of these.
   * @throws {ShapeError} If lists are ragged or the shape does not fit.
   */
  constructor(value: TensorData | HostTensor | Tensor) {
    const where = "construct Constant";
    const { data, shape: wanted } = value instanceof Tensor
      ? { data: value.dataSync(), shape: value.shape }
      : isHostTensor(value)
      ? value
      : { data: value, shape: undefined };
    const { values, shape } = readHostData(where, data, wanted, "float32");
    super("const", { shape, gradReq: "null", init: new ConstantInitializer(values) });
  }

  /** Always `null`: a constant has no gradient. */
  override get gradReq(): GradReq {
    return "null";
  }

  /** Anything but `null` is refused with a warning. */
  override set gradReq(gradReq: GradReq) {
    if (gradReq !== "null") {
      warn(
        `Constant keeps gradReq "null": it has no gradient, ${describe(gradReq)} is ignored`,
      );
    }
  }
}

function isHostTensor(value: TensorData | HostTensor): value is HostTensor {
  return typeof value === "object" && value !== null && "data" in value && "shape" in value;
}
