// What makes an operator, as types: attributes, shape rule, plan and gradient in one object.

import type { BackwardCall } from "../autograd/graph.ts";
import type { OptionRule, OptionValues } from "../core/options.ts";
import type { Capabilities, Plan } from "../kernels/plan.ts";
import type { TunableWork } from "../kernels/tuning.ts";
import type { Tensor, TensorSpec } from "../tensor/mod.ts";
import type { InputSpecs } from "./operand_checks.ts";

/** Rules of all attributes of an operator, by MXNet's names. */
export type AttributeRules = Readonly<Record<string, OptionRule<unknown>>>;

/** Checked attributes. */
export type Attributes = Readonly<Record<string, unknown>>;

/** Everything that makes an operator. */
export interface OperatorDefinition<R extends AttributeRules> {
  /** MXNet's name, as in symbol JSON; our own for what MXNet has not. */
  readonly name: string;
  /** Names of the inputs for messages; the last stands for all that follow. */
  readonly inputs: readonly string[];
  /** How many of the first inputs must be there; the others may be null. Default all. */
  readonly required?: number;
  readonly attributes: R;
  /**
   * Checks inputs against each other and the attributes.
   *
   * @throws {ShapeError} If shapes do not fit.
   * @throws {TypeError} If dtypes do not fit.
   */
  inferShape(attributes: OptionValues<R>, inputs: InputSpecs): TensorSpec;
  /**
   * Plans the forward; null, always or for some attributes, where the output is a view of input 0's memory.
   * Only operators that are `modal` may depend on `training`.
   */
  readonly plan:
    | ((
      capabilities: Capabilities,
      attributes: OptionValues<R>,
      inputs: InputSpecs,
      output: TensorSpec,
      training: boolean,
    ) => Plan | null)
    | null;
  /**
   * Inputs whose images are computed one by one: axis 0 of the input, if it is as long as that of the output. Such
   * calls are split where the whole is more than the device can do.
   */
  readonly batched?:
    | readonly number[]
    | ((attributes: OptionValues<R>, inputs: InputSpecs) => readonly number[]);
  /**
   * Inputs whose images are added up: the result is the sum of those of parts. Such calls are split too, in float32,
   * and round once more for each part.
   */
  summed?(attributes: OptionValues<R>, inputs: InputSpecs): readonly number[];
  /** Whether the operator does something else in training; each call then reads the mode that is in force. */
  readonly modal?: boolean;
  /** Results that only `backward` reads; the plan knows them as outputs from 1 on. Absent for none. */
  hidden?(
    attributes: OptionValues<R>,
    inputs: InputSpecs,
    training: boolean,
  ): readonly TensorSpec[];
  /** Which inputs the plan overwrites in place, such as running statistics; they may not be in a graph. */
  overwrites?(attributes: OptionValues<R>, training: boolean): readonly number[];
  /** Gives what draws anew for each call, whose plan is not kept: `plan` and `backward` find it among the attributes. */
  draw?(attributes: OptionValues<R>, training: boolean): (() => object) | null;
  /**
   * Whether `plan` takes and gives float16 itself. Else it sees float32 in its place: kernels that can are told to load
   * and store float16, and casts are added around the others; data is rounded once, when the result is stored.
   */
  readonly native16?: boolean;
  /**
   * Plans a call all of whose operands are float16 where the device has kernels of its own for it; null where it has none,
   * and `plan` takes over. Only of operators that are not `native16`.
   */
  plan16?(
    capabilities: Capabilities,
    attributes: OptionValues<R>,
    inputs: InputSpecs,
    output: TensorSpec,
  ): Plan | null;
  /** Names a call and the variants that can be measured for it; operands are float32, also where the call has float16. */
  tunable?(
    capabilities: Capabilities,
    attributes: OptionValues<R>,
    inputs: InputSpecs,
    output: TensorSpec,
  ): TunableWork;
  /**
   * Gradients of the inputs, null where none is needed or it is zero. Made of operators, so that it can be
   * recorded and differentiated itself; without it the operator has no gradient.
   */
  backward?(call: BackwardCall<OptionValues<R>>): readonly (Tensor | null)[];
  /**
   * What `backward` reads: indices of inputs, and `"output"`; the rest has shape, dtype and device only.
   * Everything if absent. What is kept takes memory until the backward pass.
   *
   * @param needs For each input whether its gradient may be wanted.
   * @param training The mode of the call.
   */
  keeps?(
    attributes: OptionValues<R>,
    needs: readonly boolean[],
    training: boolean,
  ): readonly (number | "output")[];
}
