// Gives the parameters of a model values, or other parameters, by name. Knows no blocks and no files.
// After apache/mxnet python/mxnet/gluon/block.py, Block.load_dict.

import { boolean, oneOf, optional, readOptions } from "../core/options.ts";
import { ShapeError } from "../core/errors.ts";
import { describe, type Shape } from "../core/shape.ts";
import { warn } from "./messages.ts";
import { Parameter } from "./parameter.ts";
import { type DeviceOrDevices, readDevices } from "./parameter_options.ts";
import { dtypeOf, readValue, type TensorLike, type Value } from "./values.ts";

/** Values by dotted parameter name. */
export type ParameterValues =
  | ReadonlyMap<string, TensorLike>
  | Readonly<Record<string, TensorLike>>;

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
  /** Whose dtype a conversion keeps: that of the parameter (`current`) or of the values (`saved`). */
  readonly dtypeSource?: "current" | "saved";
}

/**
 * Gives parameters values by name.
 *
 * @param owner Class of the model, for messages.
 * @param parameters The parameters by dotted name; shared ones under several names.
 * @param values The values by name; a leading `arg:` or `aux:` is ignored.
 * @param options What to tolerate.
 */
export function loadDict(
  owner: string,
  parameters: ReadonlyMap<string, Parameter>,
  values: ParameterValues,
  options: LoadDictOptions,
): void {
  const where = `load parameters of ${owner}`;
  const { device, allowMissing, ignoreExtra, castDtype, dtypeSource } = readOptions(
    where,
    options,
    {
      device: optional(readDevices),
      allowMissing: boolean(false),
      ignoreExtra: boolean(false),
      castDtype: boolean(false),
      dtypeSource: oneOf<"current" | "saved">(["current", "saved"], "current"),
    },
  );
  const given = readValues(where, values);
  if (!allowMissing) checkMissing(parameters, given);
  // Everything is checked before anything changes, so that an error leaves the model as it was.
  const loads: [Parameter, Value][] = [];
  for (const [name, value] of given) {
    const parameter = parameters.get(name);
    if (parameter !== undefined) {
      parameter.checkLoad(value.shape, device);
      if (dtypeOf(value) !== parameter.dtype) {
        checkCast(name, parameter, value, castDtype, dtypeSource);
      }
      loads.push([parameter, value]);
    } else if (!ignoreExtra) {
      throw new RangeError(
        `Parameter '${name}' loaded from 'values' is not present in ${owner}, which contains ` +
          `parameters ${brief(parameters.keys())}. Set ignoreExtra to ignore`,
      );
    }
  }
  for (const [parameter, value] of loads) {
    const dtype = dtypeOf(value);
    if (dtypeSource === "saved" && dtype !== "float64") parameter.cast(dtype);
    parameter.load(value, device);
  }
}

function readValues(where: string, values: unknown): Map<string, Value> {
  const plain = typeof values === "object" && values !== null && !Array.isArray(values) &&
    !ArrayBuffer.isView(values);
  if (!plain) {
    throw new TypeError(
      `Cannot ${where}: values is ${describe(values)}, expected a Map or object of tensors by name`,
    );
  }
  const entries = values instanceof Map ? [...values] : Object.entries(values);
  const read = new Map<string, Value>();
  for (const [key, value] of entries as [unknown, unknown][]) {
    if (typeof key !== "string") {
      throw new TypeError(`Cannot ${where}: a name is ${describe(key)}, expected a string`);
    }
    const name = key.replace(/^(arg|aux):/, "");
    if (read.has(name)) {
      throw new RangeError(`Cannot ${where}: there are two values for '${name}' (as '${key}')`);
    }
    read.set(name, readValue(`${where}: '${name}'`, value));
  }
  return read;
}

/** Every parameter needs a value under one of its names at least. */
function checkMissing(
  parameters: ReadonlyMap<string, Parameter>,
  given: ReadonlyMap<string, Value>,
): void {
  const found = new Set<Parameter>();
  for (const [name, parameter] of parameters) if (given.has(name)) found.add(parameter);
  for (const [name, parameter] of parameters) {
    if (found.has(parameter)) continue;
    throw new RangeError(
      `Parameter '${name}' is missing in 'values', which contains parameters: ` +
        `${brief(given.keys())}. Set allowMissing to ignore missing parameters`,
    );
  }
}

function checkCast(
  name: string,
  parameter: Parameter,
  value: Value,
  castDtype: boolean,
  dtypeSource: "current" | "saved",
): void {
  const saved = dtypeOf(value);
  if (castDtype && !(dtypeSource === "saved" && saved === "float64")) return;
  const advice = castDtype
    ? `no tensor has that dtype, set dtypeSource to "current"`
    : "set castDtype to convert them";
  throw new TypeError(
    `Failed loading Parameter '${name}' from saved params: dtype incompatible expected ` +
      `${parameter.dtype} vs saved ${saved}; ${advice}`,
  );
}

/** Names in quotes: all up to seven, else the first three and the last four, as MXNet lists them. */
function brief(names: Iterable<string>): string {
  const quoted = Array.from(names, (name) => `'${name}'`);
  if (quoted.length > 7) quoted.splice(3, quoted.length - 7, "...");
  return quoted.length === 0 ? "none" : quoted.join(", ");
}

/**
 * Checks parameters that are to replace those of a block; unknown names are reported as warnings.
 *
 * @param owner Class of the block, for messages.
 * @param own The block's parameters by dotted name.
 * @param shared The parameters to use instead, by dotted name.
 * @returns The replacements that the block has a name for.
 */
export function checkShared(
  owner: string,
  own: ReadonlyMap<string, Parameter>,
  shared: unknown,
): Map<string, Parameter> {
  const where = `share parameters with ${owner}`;
  if (typeof shared !== "object" || shared === null || Array.isArray(shared)) {
    throw new TypeError(
      `Cannot ${where}: shared is ${describe(shared)}, expected a Map or object of parameters`,
    );
  }
  const entries: [unknown, unknown][] = shared instanceof Map
    ? [...shared]
    : Object.entries(shared);
  const replacements = new Map<string, Parameter>();
  for (const [name, parameter] of entries) {
    if (typeof name !== "string" || !(parameter instanceof Parameter)) {
      throw new TypeError(
        `Cannot ${where}: ${describe(name)} is ${describe(parameter)}, expected a Parameter`,
      );
    }
    const previous = own.get(name);
    if (previous === undefined) {
      warn(`Parameter '${name}' is not shared: ${owner} has no parameter of that name`);
      continue;
    }
    if (!agree(previous.shape, parameter.shape)) {
      throw new ShapeError(
        `Cannot ${where}: '${name}' is ${parameter}, expected a shape that fits ${previous}`,
      );
    }
    replacements.set(name, parameter);
  }
  return replacements;
}

/** True if both shapes may become the same. */
function agree(a: Shape | null, b: Shape | null): boolean {
  return a === null || b === null || a.length === b.length &&
      a.every((size, axis) => size === -1 || b[axis] === -1 || size === b[axis]);
}
