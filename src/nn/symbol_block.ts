// A block made of an exported graph. After apache/mxnet python/mxnet/gluon/block.py, class SymbolBlock.

import { DTYPES } from "../core/dtype.ts";
import { ShapeError } from "../core/errors.ts";
import { boolean, describe, optional, readOptions } from "../core/options.ts";
import { GraphProgram } from "../graph/program.ts";
import type { FileSource } from "../io/files.ts";
import type { SymbolGraph, SymbolNode } from "../io/symbol_json.ts";
import { checkSymbol, checkTypes } from "../io/symbol_writer.ts";
import { Tensor } from "../tensor/mod.ts";
import { HybridBlock } from "./hybrid_block.ts";
import { Parameter } from "./parameter.ts";
import { type DeviceOrDevices, readDevices } from "./parameter_options.ts";
import type { TensorLike } from "./values.ts";

function isListOfNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}

/** Options of {@linkcode SymbolBlock.imports}. */
export interface ImportOptions {
  /** Where the parameters go; the default device if absent. */
  readonly device?: DeviceOrDevices;
  /** Leave parameters without values as they are; else that is an error. */
  readonly allowMissing?: boolean;
  /** Ignore values without a parameter; else that is an error. */
  readonly ignoreExtra?: boolean;
}

/**
 * A block made of a graph that `export` wrote, here or in MXNet 1.x or 2. Its parameters are the variables of the graph
 * that are no inputs.
 *
 * @example
 * ```ts
 * import { SymbolBlock, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const graph = `{"nodes": [
 *   {"op": "null", "name": "data", "inputs": []},
 *   {"op": "Activation", "name": "a", "attrs": {"act_type": "relu"}, "inputs": [[0, 0, 0]]}
 * ], "arg_nodes": [0], "heads": [[1, 0, 0]], "attrs": {"mxnet_version": ["int", 10901]}}`;
 * const block = await SymbolBlock.imports(new TextEncoder().encode(graph), "data");
 * using x = tensor([-1, 2]);
 * using y = block.call(x);
 * assertEquals([...await y.data()], [0, 2]);
 * ```
 */
export class SymbolBlock extends HybridBlock {
  readonly #program: GraphProgram;
  readonly #inputs: readonly string[];
  readonly #several: boolean;

  /**
   * Makes the block of a graph.
   *
   * @param graph The graph.
   * @param inputNames Names of the variables that are inputs, in the order of the arguments of `call`.
   * @throws {TypeError} If they are no graph or no names.
   * @throws {RangeError} If the graph has no such variable, or holds what is not supported.
   */
  constructor(graph: SymbolGraph, inputNames: string | readonly string[]) {
    super();
    const where = "make a SymbolBlock";
    checkTypes(where, graph);
    checkSymbol(graph, (message) => {
      throw new RangeError(`Cannot ${where}: ${message}`);
    });
    const names: unknown = typeof inputNames === "string" ? [inputNames] : inputNames;
    if (!isListOfNames(names)) {
      throw new TypeError(
        `Cannot ${where}: inputNames is ${
          describe(inputNames)
        }, expected a name or a list of names`,
      );
    }
    this.#program = new GraphProgram(graph);
    this.#inputs = [...names];
    this.#several = graph.heads.length > 1;
    const variables = graph.nodes.filter(({ op }) => op === "null");
    for (const name of names) {
      if (variables.some((variable) => variable.name === name)) continue;
      throw new RangeError(
        `Cannot make a SymbolBlock: the graph has no variable ${describe(name)}, expected one of ` +
          `${variables.map((variable) => variable.name).join(", ")}`,
      );
    }
    const statistics = statisticsOf(graph);
    const used = new Set(this.#program.variables);
    for (const variable of variables) {
      if (names.includes(variable.name) || !used.has(variable.name)) continue;
      const parameter = parameterOf(variable, statistics.has(variable.name));
      Object.assign(this, { [variable.name]: parameter });
    }
  }

  /**
   * Loads a graph and its parameters, as `export` wrote them.
   *
   * @param symbolFile The graph: path, `file:` URL, bytes, or stream of bytes.
   * @param inputNames Names of its inputs, such as `data`.
   * @param paramFile The parameters in any form of MXNet; null to initialize them yourself.
   * @param options Device, and what to tolerate.
   * @returns The block.
   * @throws {FormatError} If a file is damaged.
   * @throws {RangeError} If the graph holds what is not supported, or names do not fit.
   * @throws {ShapeError} If the shape of a value does not fit.
   */
  static async imports(
    symbolFile: FileSource,
    inputNames: string | readonly string[],
    paramFile: FileSource | null = null,
    options: ImportOptions = {},
  ): Promise<SymbolBlock> {
    const { device, ...tolerate } = readOptions("import a SymbolBlock", options, {
      device: optional(readDevices),
      allowMissing: boolean(false),
      ignoreExtra: boolean(false),
    });
    const { readSymbol } = await import("../io/symbol_json.ts");
    const block = new SymbolBlock(await readSymbol(symbolFile), inputNames);
    if (paramFile === null) return block;
    const { readParameters } = await import("../io/parameters.ts");
    const arrays = await readParameters(paramFile);
    if (arrays.size === 0) return block;
    // Tensors have no float64; everything else keeps the dtype of the file.
    const values = Array.from(arrays, ([name, array]) =>
      [
        name,
        array.dtype === "float64"
          ? { shape: array.shape, data: Float32Array.from(array.data as Float64Array) }
          : array,
      ] as const);
    block.loadDict(new Map<string, TensorLike>(values as [string, TensorLike][]), {
      ...tolerate,
      ...(device === undefined ? {} : { device }),
      castDtype: true,
      dtypeSource: "saved",
    });
    return block;
  }

  /**
   * Runs the graph.
   *
   * @param inputs One tensor for each input name.
   * @returns The output; an array if the graph has several.
   * @throws {TypeError} If an input is missing.
   * @throws {ShapeError} If shapes do not fit.
   */
  override forward(...inputs: Tensor[]): Tensor {
    const given = inputs.flat();
    const values = new Map<string, Tensor>();
    this.#inputs.forEach((name, index) => {
      const value: unknown = given[index];
      if (!(value instanceof Tensor)) {
        throw new TypeError(
          `Cannot call ${this.constructor.name}: input ${name} is ${describe(value)}, ` +
            `expected a Tensor`,
        );
      }
      values.set(name, value);
    });
    const { device } = given[0]!;
    const outputs = this.#program.run((name) =>
      values.get(name) ?? this.params.get(name)!.data(device)
    );
    // Declared as one tensor, which nearly all graphs give.
    return this.#several ? outputs as unknown as Tensor : outputs[0]!;
  }
}

/** Names of running statistics, which have no gradient. */
function statisticsOf({ nodes }: SymbolGraph): Set<string> {
  const names = new Set<string>();
  for (const { op, inputs } of nodes) {
    if (!/batch_?norm/i.test(op)) continue;
    for (const { node } of inputs.slice(3, 5)) names.add(nodes[node]!.name);
  }
  return names;
}

function attributeOf({ attrs }: SymbolNode, name: string): string | undefined {
  return attrs.get(`__${name}__`) ?? attrs.get(name);
}

function parameterOf(variable: SymbolNode, isStatistic: boolean): Parameter {
  const shape = shapeOf(variable);
  const code = Number(attributeOf(variable, "dtype") ?? "0");
  const dtype = (["float32", undefined, "float16", "uint8", "int32", "int8"] as const)[code];
  return new Parameter(variable.name, {
    ...(shape === undefined ? {} : { shape }),
    dtype: DTYPES.find((each) => each === dtype) ?? "float32",
    allowDeferredInit: true,
    lrMult: Number(attributeOf(variable, "lr_mult") ?? 1),
    wdMult: Number(attributeOf(variable, "wd_mult") ?? 1),
    ...(isStatistic ? { differentiable: false } : {}),
  });
}

/** Sizes of a variable; 0 and -1 are unknown. */
function shapeOf(variable: SymbolNode): number[] | undefined {
  const text = attributeOf(variable, "shape");
  if (text === undefined || text === "None") return undefined;
  const numbers = text.match(/-?\d+/g) ?? [];
  if (!/^[([][-\d\s,L]*[)\]]$/.test(text)) {
    throw new ShapeError(
      `Cannot make a SymbolBlock: the shape of ${variable.name} is ${describe(text)}, ` +
        `expected a tuple of integers`,
    );
  }
  return numbers.map((size) => Number(size) > 0 ? Number(size) : -1);
}
