// Parameters of models in files. The readers and writers are loaded when they are first needed, so that
// programs which load no file do not pay for them. Knows no blocks.

import { boolean, checkOptionsObject, oneOf, optional, readOptions } from "../core/options.ts";
import type { ReadOptions } from "../io/byte_reader.ts";
import type { ArrayContent, FileValues } from "../io/file_array.ts";
import type { FileSource } from "../io/files.ts";
import type { ArrayFormat } from "../io/formats.ts";
import type { Tensor } from "../tensor/mod.ts";
import { LOAD_DICT_OPTIONS, loadDict, type LoadDictOptions } from "./load_dict.ts";
import type { Parameter } from "./parameter.ts";
import { meanOf } from "./values.ts";

/** Formats of files with parameters. */
export type ParameterFormat = Exclude<ArrayFormat, "npy">;

const FORMATS: readonly ParameterFormat[] = ["npz", "ndarray-list", "safetensors"];

/** Options of {@linkcode Block.saveParameters}. */
export interface SaveParametersOptions {
  /** Write a shared parameter once, under its last name; else under every name. */
  readonly deduplicate?: boolean;
  /**
   * `npz` is what MXNet 2 writes, `ndarray-list` what MXNet 1.x reads. If absent, the one that the path
   * ends in: `.nd` or `.safetensors`, else `npz`.
   */
  readonly format?: ParameterFormat;
  /** Deflate the arrays of `npz`; false by default. */
  readonly compress?: boolean;
}

/** Options of {@linkcode Block.loadParameters}. */
export interface LoadParametersOptions extends LoadDictOptions, ReadOptions {}

/**
 * Sets parameters from a file.
 *
 * @param owner Class of the model, for messages.
 * @param parameters Gives the parameters by dotted name, once the file is read.
 * @param source Where the file comes from.
 * @param options What to tolerate, and limits.
 */
export async function loadParameters(
  owner: string,
  parameters: () => ReadonlyMap<string, Parameter>,
  source: FileSource,
  options: LoadParametersOptions,
): Promise<void> {
  const where = `load parameters of ${owner}`;
  checkOptionsObject(where, options, [...LOAD_DICT_OPTIONS, "maxBytes", "maxArrays"]);
  const { maxBytes, maxArrays, ...rest } = options;
  const { readParameters } = await import("../io/parameters.ts");
  const arrays = await readParameters(source, {
    ...maxBytes === undefined ? {} : { maxBytes },
    ...maxArrays === undefined ? {} : { maxArrays },
  });
  // As MXNet does: so a block without parameters loads what it saved.
  if (arrays.size === 0) return;
  loadDict(owner, parameters(), arrays, rest, sourceName(source));
}

/**
 * What messages call a source.
 *
 * @param source Path, `file:` URL, bytes or stream, checked.
 * @returns The name.
 */
export function sourceName(source: FileSource): string {
  if (typeof source === "string" || source instanceof URL) return `file: ${source}`;
  return Symbol.asyncIterator in source ? "the stream" : "the bytes";
}

/**
 * Writes parameters to a file or into memory.
 *
 * @param owner Class of the model, for messages.
 * @param parameters The parameters by dotted name; shared ones under several names.
 * @param path Path of the file; null for memory.
 * @param options Format, and what to do with shared parameters.
 * @returns The bytes of the file if no path was given.
 */
export async function saveParameters(
  owner: string,
  parameters: ReadonlyMap<string, Parameter>,
  path: string | URL | null,
  options: SaveParametersOptions,
): Promise<Uint8Array<ArrayBuffer> | void> {
  const { deduplicate, format, compress } = readOptions(`save parameters of ${owner}`, options, {
    deduplicate: boolean(false),
    format: optional(oneOf(FORMATS)),
    compress: boolean(false),
  });
  // Everything is enqueued before the first wait: what is saved is the state of now.
  const contents = await contentsOf(parameters, deduplicate);
  const { encodeParameters, writeParameters } = await import("../io/parameters.ts");
  if (path === null) return encodeParameters(contents, format ?? "npz", { compress });
  await writeParameters(path, contents, { format: format ?? formatOf(path), compress });
}

/** MXNet writes npz whatever the name is. */
function formatOf(path: unknown): ParameterFormat {
  const text = String(path instanceof URL ? path.pathname : path).toLowerCase();
  if (text.endsWith(".safetensors")) return "safetensors";
  return text.endsWith(".nd") ? "ndarray-list" : "npz";
}

async function contentsOf(
  parameters: ReadonlyMap<string, Parameter>,
  deduplicate: boolean,
): Promise<Map<string, ArrayContent>> {
  const lastNames = new Map([...parameters].map(([name, parameter]) => [parameter, name]));
  const chosen = [...parameters]
    .filter(([name, parameter]) => !deduplicate || lastNames.get(parameter) === name);
  // All are asked for their copies before anything is read: one without values is an error.
  const copies = new Map(chosen.map(([, parameter]) => [parameter, parameter.listData()]));
  const values = new Map(
    await Promise.all(
      Array.from(copies, async ([key, list]) => [key, await readMean(list)] as const),
    ),
  );
  return new Map(chosen.map(([name, parameter]) => [name, values.get(parameter)!]));
}

/**
 * Reads a parameter: the mean of its copies on several devices.
 *
 * @param copies The copies.
 * @returns Values on the host.
 */
export async function readMean(copies: readonly Tensor[]): Promise<ArrayContent> {
  const { shape, dtype } = copies[0]!;
  const values = await Promise.all(copies.map((copy) => copy.data()));
  return { shape, dtype, data: meanOf(values) as FileValues };
}
