// The table of a model's layers: shapes, parameters and work, from one call of the model.
// After apache/mxnet python/mxnet/gluon/block.py, Block.summary.

import { StateError } from "../core/errors.ts";
import { describe, elementCount, formatShape } from "../core/shape.ts";
import { type OperatorCall, setRecorder } from "../ops/define.ts";
import { multiplyAdds } from "../ops/multiply_adds.ts";
import { scope, Tensor } from "../tensor/mod.ts";
import type { Block } from "./block.ts";
import type { HookHandle } from "./hooks.ts";
import type { Parameter } from "./parameter.ts";
import { checkNesting } from "./structure.ts";
import { printAsText } from "./text.ts";

/** One call of a block. */
export interface SummaryRow {
  /** Class and number, such as `Conv2D-2`; `Input` for the inputs of the model. */
  readonly name: string;
  /** The block; null for the inputs. */
  readonly block: Block | null;
  /** Shapes of the outputs as Python prints them: `(1, 8, 10, 10)`, several separated by commas. */
  readonly outputShape: string;
  /** Elements of the block's own parameters, without those of its children. */
  readonly parameters: number;
  /** Of these, the elements whose `gradReq` is not `null`. */
  readonly trainable: number;
  /** Of these, the elements that a row further up has counted. */
  readonly shared: number;
  /** Multiply-adds of the block's own operators with weights, without those of its children. */
  readonly macs: number;
  /** Bytes that the block's own operators read and write if each operand passes once. */
  readonly bytes: number;
}

/**
 * What {@linkcode Block.summary} found: rows as data, and MXNet's text as a string.
 */
export class Summary {
  /** The inputs, then one row for each call of a block, in the order in which the calls ended. */
  readonly rows: readonly SummaryRow[];
  /** Multiply-adds of the whole call. */
  readonly macs: number;
  /** Bytes that all operators read and write if each operand passes once. */
  readonly bytes: number;

  /**
   * Blocks make summaries; programs receive them.
   *
   * @param rows The rows.
   * @param work Totals of all operators, also of those outside any row.
   * @throws {TypeError} If one has a wrong type.
   */
  constructor(
    rows: readonly SummaryRow[],
    work: { readonly macs: number; readonly bytes: number },
  ) {
    if (!Array.isArray(rows) || typeof work !== "object" || work === null) {
      throw new TypeError(
        `Cannot construct Summary: rows is ${describe(rows)}, work is ${describe(work)}, ` +
          `expected a list and { macs, bytes }; see Block.summary`,
      );
    }
    this.rows = rows;
    this.macs = work.macs;
    this.bytes = work.bytes;
  }

  /** Elements of all parameters of all rows; shared ones count each time. */
  get totalParameters(): number {
    return this.#sum("parameters");
  }

  /** Of these, the elements whose `gradReq` is not `null`. */
  get trainableParameters(): number {
    return this.#sum("trainable");
  }

  /** Elements counted more than once. */
  get sharedParameters(): number {
    return this.#sum("shared");
  }

  /** Elements of all parameters, each counted once. */
  get uniqueParameters(): number {
    return this.totalParameters - this.sharedParameters;
  }

  /**
   * The table in MXNet's form, letter for letter.
   *
   * @returns Lines of 80 characters.
   */
  toString(): string {
    const rows = this.rows.map(({ name, outputShape, parameters }) =>
      formatRow(name, outputShape, parameters)
    );
    return [
      "-".repeat(80),
      formatRow("Layer (type)", "Output Shape", "Param #"),
      "=".repeat(80),
      ...rows,
      "=".repeat(80),
      "Parameters in forward computation graph, duplicate included",
      `   Total params: ${this.totalParameters}`,
      `   Trainable params: ${this.trainableParameters}`,
      `   Non-trainable params: ${this.totalParameters - this.trainableParameters}`,
      `Shared params in forward computation graph: ${this.sharedParameters}`,
      `Unique parameters in model: ${this.uniqueParameters}`,
      "-".repeat(80),
    ].join("\n");
  }

  #sum(key: "parameters" | "trainable" | "shared"): number {
    return this.rows.reduce((sum, row) => sum + row[key], 0);
  }
}

printAsText(Summary.prototype);

function formatRow(name: string, shape: string, parameters: string | number): string {
  return `${name.padStart(20)}  ${shape.padStart(42)} ${String(parameters).padStart(15)}`;
}

/** Work of the operators that one call of a block applies itself. */
interface Work {
  macs: number;
  bytes: number;
}

/** Hooks of all blocks of a model, which fill the rows. */
class Observer {
  readonly rows: SummaryRow[] = [];
  readonly total: Work = { macs: 0, bytes: 0 };
  readonly #calls: Work[] = [];
  readonly #seen = new Set<Parameter>();
  readonly #handles: HookHandle[] = [];

  /** Watches a block and its descendants; one that occurs twice gives two rows for each call. */
  attach(model: Block): void {
    const listed: Block[] = [];
    model.apply((block) => {
      // Plain blocks have no such property.
      if ((block as { readonly active?: boolean }).active === true) {
        throw new StateError(
          `Cannot summarize ${model.constructor.name}: "${block.constructor.name}" must not be ` +
            `hybridized to print summary. Call hybridize(false) first`,
        );
      }
      if (block.listedInSummary) listed.push(block);
    });
    const distinct = new Set(listed);
    for (const block of distinct) {
      this.#handles.push(
        block.registerForwardPreHook(() => this.#calls.push({ macs: 0, bytes: 0 })),
      );
    }
    for (const block of listed) {
      const hook = (_: Block, __: unknown, output: unknown) => this.#addRow(block, output);
      this.#handles.push(block.registerForwardHook(hook));
    }
    for (const block of distinct) {
      this.#handles.push(block.registerForwardHook(() => this.#calls.pop()));
    }
  }

  detach(): void {
    for (const handle of this.#handles) handle.detach();
  }

  /** Counts a call of an operator for the innermost block. */
  count(call: OperatorCall): void {
    const { operator, attributes, inputs, output } = call;
    const macs = multiplyAdds(call);
    const { bytes } = operator.cost(output.device.capabilities, attributes, inputs);
    for (const work of [this.total, this.#calls.at(-1)]) {
      if (work === undefined) continue;
      work.macs += macs;
      work.bytes += bytes;
    }
  }

  #addRow(block: Block, output: unknown): void {
    let [parameters, trainable, shared] = [0, 0, 0];
    for (const parameter of block.params.values()) {
      const count = elementCount(parameter.listData()[0]!.shape);
      parameters += count;
      if (parameter.gradReq !== "null") trainable += count;
      if (this.#seen.has(parameter)) shared += count;
      this.#seen.add(parameter);
    }
    this.rows.push({
      name: `${block.constructor.name}-${this.rows.length}`,
      block,
      outputShape: formatShapes(output),
      parameters,
      trainable,
      shared,
      ...this.#calls.at(-1) ?? { macs: 0, bytes: 0 },
    });
  }
}

/** Shapes in the nesting of Python lists; the outermost brackets are left out. */
function formatShapes(value: unknown, depth: number = 0): string {
  checkNesting(depth);
  if (value instanceof Tensor) return formatShape(value.shape);
  if (value === null || value === undefined) return "None";
  const items = Array.isArray(value)
    ? value
    : value instanceof Map
    ? [...value.values()]
    : typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype
    ? Object.values(value as object)
    : null;
  if (items === null) return typeof value === "object" ? describe(value) : String(value);
  const text = items.map((item) => formatShapes(item, depth + 1)).join(", ");
  return depth === 0 ? text : `[${text}]`;
}

/**
 * Calls a model once and describes every call of a block in it.
 *
 * @param model The model.
 * @param inputs Its inputs.
 * @returns The rows and totals.
 */
export function summarize(model: Block, inputs: readonly unknown[]): Summary {
  const observer = new Observer();
  observer.rows.push({
    name: "Input",
    block: null,
    outputShape: formatShapes(inputs),
    parameters: 0,
    trainable: 0,
    shared: 0,
    macs: 0,
    bytes: 0,
  });
  try {
    observer.attach(model);
    const before = setRecorder((call) => {
      observer.count(call);
      before?.(call);
    });
    try {
      // Nothing leaves the scope, so that the output is freed too.
      scope(() => void model.call(...inputs));
    } finally {
      setRecorder(before);
    }
  } finally {
    observer.detach();
  }
  return new Summary(observer.rows, observer.total);
}
