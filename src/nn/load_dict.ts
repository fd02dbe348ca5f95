// Gives the parameters of a model values by name. Knows no blocks and no files.
// After apache/mxnet python/mxnet/gluon/block.py, Block.load_dict.

import { type DType, DTYPES } from "../core/dtype.ts";
import { ShapeError } from "../core/errors.ts";
import { boolean, oneOf, optional, readOptions } from "../core/options.ts";
import { describe, formatShape } from "../core/shape.ts";
import { type ArrayContent, checkArray, type FileDType } from "../io/file_array.ts";
import { toNumbers } from "../io/tensors.ts";
import { Tensor } from "../tensor/mod.ts";
import type { Parameter } from "./parameter.ts";
import { type DeviceOrDevices, formatPartial, readDevices } from "./parameter_options.ts";
import { dtypeOf, readValue, type TensorLike, type Value } from "./values.ts";

/** Values by dotted parameter name; arrays of files may have any dtype. */
export type ParameterValues =
  | ReadonlyMap<string, TensorLike | ArrayContent>
  | Readonly<Record<string, TensorLike | ArrayContent>>;

/** Options of {@linkcode Block.loadDict}. */
export interface LoadDictOptions {
  /** Where uninitialized parameters go; the default device if absent. Others must live there. */
  readonly device?: DeviceOrDevices;
  /** Leave parameters without values as they are; else that is an error. */
  readonly allowMissing?: boolean;
  /** Ignore values without a parameter; else that is an error. */
  readonly ignoreExtra?: boolean;
  /** Convert where dtypes differ; else that is an error. */
  readonly castDtype?: boolean;
  /**
   * Whose dtype a conversion keeps: that of the parameter (`current`) or of the values (`saved`).
   * Saved float64 and bfloat16, which tensors do not have, become float32.
   */
  readonly dtypeSource?: "current" | "saved";
}

const RULES = {
  device: optional(readDevices),
  allowMissing: boolean(false),
  ignoreExtra: boolean(false),
  castDtype: boolean(false),
  dtypeSource: oneOf<"current" | "saved">(["current", "saved"], "current"),
};

/** Names of the options of {@linkcode loadDict}. */
export const LOAD_DICT_OPTIONS: readonly string[] = Object.keys(RULES);

/** Values with the dtype that they had where they come from. */
interface Loaded {
  readonly value: Value;
  readonly dtype: FileDType;
}

/** One thing that does not fit. */
interface Problem {
  readonly kind: "missing" | "unexpected" | "shape" | "dtype";
  /** The name, and what is wrong with it where that is not plain. */
  readonly text: string;
  /** The error if it is the only problem, in MXNet's words. */
  readonly error: Error;
}

/**
 * Gives parameters values by name. If anything does not fit, the error tells all that does not.
 *
 * @param owner Class of the model, for messages.
 * @param parameters The parameters by dotted name; shared ones under several names.
 * @param values The values by name; a leading `arg:` or `aux:` is ignored.
 * @param options What to tolerate.
 * @param source Where the values come from, for messages.
 */
export function loadDict(
  owner: string,
  parameters: ReadonlyMap<string, Parameter>,
  values: ParameterValues,
  options: LoadDictOptions,
  source: string = "values",
): void {
  const where = `load parameters of ${owner}`;
  const read = readOptions(where, options, RULES);
  const given = readValues(where, values);
  const problems = read.allowMissing ? [] : findMissing(parameters, given, source);
  // Everything is checked before anything changes, so that an error leaves the model as it was.
  const loads: [Parameter, Loaded][] = [];
  for (const [name, loaded] of given) {
    const parameter = parameters.get(name);
    if (parameter !== undefined) {
      problems.push(...findMisfit(name, parameter, loaded, read));
      loads.push([parameter, loaded]);
    } else if (!read.ignoreExtra) {
      problems.push({
        kind: "unexpected",
        text: `'${name}'`,
        error: new RangeError(
          `Parameter '${name}' loaded from '${source}' is not present in ${owner}, which contains ` +
            `parameters ${brief(parameters.keys())}. Set ignoreExtra to ignore`,
        ),
      });
    }
  }
  if (problems.length > 0) throw errorOf(`${where} from '${source}'`, problems, given);
  for (const [parameter, { value, dtype }] of loads) {
    const own = tensorDTypeOf(dtype);
    if (read.castDtype && read.dtypeSource === "saved" && own !== null) parameter.cast(own);
    parameter.load(value, read.device);
  }
}

function readValues(where: string, values: unknown): Map<string, Loaded> {
  const plain = typeof values === "object" && values !== null && !Array.isArray(values) &&
    !ArrayBuffer.isView(values);
  if (!plain) {
    throw new TypeError(
      `Cannot ${where}: values is ${describe(values)}, expected a Map or object of tensors by name`,
    );
  }
  const entries = values instanceof Map ? [...values] : Object.entries(values);
  const read = new Map<string, Loaded>();
  for (const [key, value] of entries as [unknown, unknown][]) {
    if (typeof key !== "string") {
      throw new TypeError(`Cannot ${where}: a name is ${describe(key)}, expected a string`);
    }
    const name = key.replace(/^(arg|aux):/, "");
    if (read.has(name)) {
      throw new RangeError(`Cannot ${where}: there are two values for '${name}' (as '${key}')`);
    }
    read.set(name, readLoaded(`${where}: '${name}'`, value));
  }
  return read;
}

function readLoaded(where: string, given: unknown): Loaded {
  const named = typeof given === "object" && given !== null && "dtype" in given &&
    !(given instanceof Tensor);
  if (!named) {
    const value = readValue(where, given);
    return { value, dtype: dtypeOf(value) };
  }
  const { data, shape, dtype } = checkArray(where, { name: "", ...given });
  const value = { data: isTensorDType(dtype) ? data : toNumbers(dtype, data), shape };
  return { value: value as Value, dtype };
}

/** The dtype of a tensor that takes saved values; null if there is none for them. */
function tensorDTypeOf(dtype: FileDType): DType | null {
  if (isTensorDType(dtype)) return dtype;
  return dtype === "float64" || dtype === "bfloat16" ? "float32" : null;
}

function isTensorDType(dtype: string): dtype is DType {
  return (DTYPES as readonly string[]).includes(dtype);
}

/** Every parameter needs a value under one of its names at least. */
function findMissing(
  parameters: ReadonlyMap<string, Parameter>,
  given: ReadonlyMap<string, Loaded>,
  source: string,
): Problem[] {
  const found = new Set<Parameter>();
  for (const [name, parameter] of parameters) if (given.has(name)) found.add(parameter);
  const problems: Problem[] = [];
  for (const [name, parameter] of parameters) {
    if (found.has(parameter)) continue;
    found.add(parameter);
    problems.push({
      kind: "missing",
      text: `'${name}'`,
      error: new RangeError(
        `Parameter '${name}' is missing in '${source}', which contains parameters: ` +
          `${brief(given.keys())}. Set allowMissing to ignore missing parameters`,
      ),
    });
  }
  return problems;
}

function findMisfit(
  name: string,
  parameter: Parameter,
  { value, dtype }: Loaded,
  read: Required<Pick<LoadDictOptions, "castDtype" | "dtypeSource">> & {
    readonly device: Parameters<Parameter["checkLoad"]>[1];
  },
): Problem[] {
  const problems: Problem[] = [];
  try {
    parameter.checkLoad(value.shape, read.device);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    const shapes = `${formatPartial(parameter.shape)} vs saved ${formatShape(value.shape)}`;
    problems.push({ kind: "shape", text: `'${name}' expected ${shapes}`, error });
  }
  const impossible = read.dtypeSource === "saved" && tensorDTypeOf(dtype) === null;
  if (dtype !== parameter.dtype && (!read.castDtype || impossible)) {
    const advice = read.castDtype
      ? `no tensor has that dtype, set dtypeSource to "current"`
      : "set castDtype to convert them";
    const dtypes = `expected ${parameter.dtype} vs saved ${dtype}`;
    problems.push({
      kind: "dtype",
      text: `'${name}' ${dtypes}`,
      error: new TypeError(
        `Failed loading Parameter '${name}' from saved params: dtype incompatible ${dtypes}; ` +
          advice,
      ),
    });
  }
  return problems;
}

const KINDS: readonly (readonly [Problem["kind"], string])[] = [
  ["missing", "missing"],
  ["unexpected", "unexpected"],
  ["shape", "of another shape"],
  ["dtype", "of another dtype"],
];

/** One problem in MXNet's words, several in one list. */
function errorOf(
  where: string,
  problems: readonly Problem[],
  given: ReadonlyMap<string, unknown>,
): Error {
  if (problems.length === 1) return problems[0]!.error;
  const parts: string[] = [];
  for (const [kind, words] of KINDS) {
    const texts = problems.filter((problem) => problem.kind === kind).map(({ text }) => text);
    if (texts.length > 0) parts.push(`${texts.length} ${words} (${shorten(texts)})`);
  }
  const has = (kind: Problem["kind"]) => problems.some((problem) => problem.kind === kind);
  const found = has("missing") ? `; found ${brief(given.keys())}` : "";
  const switches = [
    has("missing") ? "allowMissing" : "",
    has("unexpected") ? "ignoreExtra" : "",
    has("dtype") ? `castDtype (with dtypeSource "current")` : "",
  ].filter((name) => name !== "");
  const advice = switches.length > 0 ? `. Set ${switches.join(", ")} to tolerate that` : "";
  const message = `Cannot ${where}: ${parts.join(", ")}${found}${advice}`;
  if (has("missing") || has("unexpected")) return new RangeError(message);
  return has("shape") ? new ShapeError(message) : new TypeError(message);
}

/** Names in quotes, as MXNet lists them. */
function brief(names: Iterable<string>): string {
  const quoted = Array.from(names, (name) => `'${name}'`);
  return quoted.length === 0 ? "none" : shorten(quoted);
}

/** All up to seven, else the first three and the last four. */
function shorten(texts: readonly string[]): string {
  return (texts.length > 7 ? [...texts.slice(0, 3), "...", ...texts.slice(-4)] : texts).join(", ");
}
