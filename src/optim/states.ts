// The file of a trainer's states: an .npz with the arrays
//
//   format                    int32: 1
//   optimizer/<rule>          float64 [2]: number of updates, learning rate
//   <parameter>:count         int32: its number of steps
//   <parameter>:<state>       float32 of the parameter's shape
//
// Nothing in it is executed, unlike MXNet's file, which is a Python pickle.

import { FormatError } from "../core/errors.ts";
import { formatShape, sameShape } from "../core/shape.ts";
import { type FileArray, fileArray } from "../io/file_array.ts";
import type { FileSource } from "../io/files.ts";
import type { Parameter } from "../nn/parameter.ts";
import { stateLength } from "../ops/update.ts";
import { type Device, keep, type Tensor, tensor } from "../tensor/mod.ts";
import { disposeState, type Optimizer, type OptimizerState } from "./optimizer.ts";

const FORMAT = 1;
const WHERE = "load states of Trainer";
/** Most bytes of a file of states. */
const MAX_BYTES = 2 ** 32;

/** A parameter's name, its weight and what the optimizer keeps for it. */
export interface NamedState {
  readonly name: string;
  readonly weight: Tensor;
  readonly state: OptimizerState;
}

/**
 * Writes states into memory.
 *
 * @param optimizer The optimizer.
 * @param named The states of all parameters that were updated.
 * @returns The bytes of an .npz file.
 */
export async function encodeStates(
  optimizer: Optimizer,
  named: readonly NamedState[],
): Promise<Uint8Array<ArrayBuffer>> {
  const settings = new Float64Array([optimizer.numUpdate, optimizer.learningRate]);
  const arrays: FileArray[] = [
    fileArray("format", new Int32Array([FORMAT]), []),
    fileArray(optimizerName(optimizer), settings),
  ];
  // All copies are under way before the first is waited for.
  const values = await Promise.all(named.map(({ state }) => state.values?.data()));
  named.forEach(({ name, weight, state }, index) => {
    arrays.push(fileArray(`${name}:count`, new Int32Array([state.count]), []));
    const length = stateLength(weight.size);
    optimizer.stateNames(weight).forEach((word, at) => {
      const own = (values[index] as Float32Array).slice(at * length, at * length + weight.size);
      arrays.push(fileArray(`${name}:${word}`, own, weight.shape));
    });
  });
  // Loaded when needed: programs that save nothing carry no zip.
  const { encodeNpz } = await import("../io/npz.ts");
  return encodeNpz(arrays);
}

/** What a file of states holds, on the devices of the parameters. */
export interface LoadedStates {
  readonly states: ReadonlyMap<string, Map<Device, OptimizerState>>;
  readonly numUpdate: number;
  readonly learningRate: number;
}

/** The arrays of a file, each to be taken once. */
class StateArrays {
  readonly #arrays: Map<string, FileArray>;
  readonly #where: string;

  constructor(arrays: readonly FileArray[], where: string) {
    this.#arrays = new Map(arrays.map((array) => [array.name, array]));
    this.#where = where;
  }

  /** Names of the arrays that nobody took. */
  get names(): string[] {
    return [...this.#arrays.keys()];
  }

  has(name: string): boolean {
    return this.#arrays.has(name);
  }

  fail(found: string): never {
    throw new FormatError(`Cannot ${this.#where}: ${found}`);
  }

  take(name: string, dtype: string, shape: readonly number[]): FileArray {
    const array = this.#arrays.get(name);
    const expected = `expected ${dtype} ${formatShape(shape)}`;
    if (array === undefined) this.fail(`there is no array "${name}", ${expected}`);
    if (array.dtype !== dtype || !sameShape(array.shape, shape)) {
      this.fail(`"${name}" is ${array.dtype} ${formatShape(array.shape)}, ${expected}`);
    }
    this.#arrays.delete(name);
    return array;
  }

  /** Takes a number of steps. */
  count(name: string, value: unknown = this.take(name, "int32", []).data[0]): number {
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
    this.fail(`"${name}" is ${value}, expected a number of steps from 0`);
  }
}

/**
 * Reads states and copies them to the devices of the parameters.
 *
 * @param optimizer The optimizer.
 * @param parameters Parameters by name, initialized.
 * @param bytes The file.
 * @param source What messages call the file.
 * @returns The states; they belong to the caller.
 * @throws {FormatError} If the file is damaged or does not fit.
 */
export async function decodeStates(
  optimizer: Optimizer,
  parameters: ReadonlyMap<string, Parameter>,
  bytes: Uint8Array,
  source: string,
): Promise<LoadedStates> {
  const where = `${WHERE} from '${source}'`;
  const arrays = new StateArrays(await readArrays(where, bytes), where);
  const { numUpdate, learningRate } = readSettings(arrays, optimizer);
  const states = new Map<string, Map<Device, OptimizerState>>();
  try {
    for (const [name, parameter] of parameters) {
      // A parameter that was never updated has nothing in the file.
      if (!arrays.has(`${name}:count`)) continue;
      const count = arrays.count(`${name}:count`);
      const copies = parameter.listData();
      const { shape } = copies[0]!;
      const lines = optimizer.stateNames(copies[0]!)
        .map((word) => arrays.take(`${name}:${word}`, "float32", shape).data as Float32Array);
      const made = new Map<Device, OptimizerState>();
      states.set(name, made);
      for (const copy of copies) made.set(copy.device, place(optimizer, copy, count, lines));
    }
    const left = arrays.names;
    if (left.length > 0) {
      arrays.fail(`the trainer has nothing for ${list(left)}, expected ${list(parameters.keys())}`);
    }
  } catch (error) {
    for (const made of states.values()) made.forEach(disposeState);
    throw error;
  }
  return { states, numUpdate, learningRate };
}

/** The arrays of the file, whose first one tells that it is one of a trainer's. */
async function readArrays(where: string, bytes: Uint8Array): Promise<FileArray[]> {
  const expected = "expected the .npz file of a Trainer's saveStates()";
  const { decodeNpz } = await import("../io/npz.ts");
  let arrays: FileArray[];
  try {
    arrays = decodeNpz(bytes, { maxBytes: MAX_BYTES });
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    // MXNet pickles the objects of its optimizer; to read that is to run it.
    const pickle = bytes[0] === 0x80 && bytes[1]! <= 5 ? "a Python pickle of " : "";
    throw new FormatError(
      `Cannot ${where}: found ${pickle}${bytes.length} bytes, ${expected}: ${cause.message}`,
      { cause },
    );
  }
  if (arrays.some(({ name }) => name === "format")) return arrays;
  const names = arrays.length === 0 ? "no arrays" : list(arrays.map(({ name }) => name));
  throw new FormatError(`Cannot ${where}: found ${names}, ${expected}`);
}

function readSettings(
  arrays: StateArrays,
  optimizer: Optimizer,
): Pick<LoadedStates, "numUpdate" | "learningRate"> {
  const format = arrays.take("format", "int32", []).data[0];
  if (format !== FORMAT) arrays.fail(`the format is ${format}, expected ${FORMAT}`);
  const own = optimizerName(optimizer);
  // Names of parameters may begin like that, but theirs go on with a colon.
  const other = arrays.names.find((name) => /^optimizer\/[^:]*$/.test(name) && name !== own);
  if (other !== undefined) arrays.fail(`they are of ${other}, expected ${own}`);
  const [updates, learningRate] = arrays.take(own, "float64", [2]).data as Float64Array;
  const numUpdate = arrays.count(own, updates);
  if (learningRate! >= 0 && learningRate! < Infinity) {
    return { numUpdate, learningRate: learningRate! };
  }
  arrays.fail(`the learning rate is ${learningRate}, expected a number from 0`);
}

/** The first names, in quotes. */
function list(names: Iterable<string>): string {
  const all = Array.from(names, (name) => `"${name}"`);
  const more = all.length > 8 ? `, … (${all.length})` : "";
  return all.slice(0, 8).join(", ") + more;
}

function place(
  optimizer: Optimizer,
  weight: Tensor,
  count: number,
  lines: readonly Float32Array[],
): OptimizerState {
  const master = optimizer.stateNames(weight).includes("weight");
  if (lines.length === 0 || weight.size === 0) return { count, values: null, master };
  const length = stateLength(weight.size);
  const values = new Float32Array(lines.length * length);
  lines.forEach((line, at) => values.set(line, at * length));
  const settings = { device: weight.device, label: "optimizer state" };
  return { count, values: keep(tensor(values, [lines.length, length], settings)), master };
}

function optimizerName(optimizer: Optimizer): string {
  return `optimizer/${optimizer.constructor.name.toLowerCase()}`;
}

/**
 * Reads a file of states.
 *
 * @param source Path, `file:` URL, bytes or stream.
 * @returns The bytes.
 */
export async function readBytes(source: FileSource): Promise<Uint8Array> {
  const { readSource } = await import("../io/files.ts");
  return await readSource(WHERE, source, MAX_BYTES);
}

/**
 * Writes a file of states, atomically.
 *
 * @param path Path or `file:` URL.
 * @param bytes The bytes.
 */
export async function writeBytes(path: string | URL, bytes: Uint8Array): Promise<void> {
  const { writeAtomically } = await import("../io/files.ts");
  await writeAtomically("save states of Trainer", path, bytes);
}
