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

/**
 * Reads states and copies them to the devices of the parameters.
 *
 * @param optimizer The optimizer.
 * @param parameters Parameters by name, initialized.
 * @param bytes The file.
 * @returns The states; they belong to the caller.
 * @throws {FormatError} If the file is damaged or does not fit.
 */
export async function decodeStates(
  optimizer: Optimizer,
  parameters: ReadonlyMap<string, Parameter>,
  bytes: Uint8Array,
): Promise<LoadedStates> {
  const { decodeNpz } = await import("../io/npz.ts");
  const arrays = new Map(decodeNpz(bytes).map((array) => [array.name, array]));
  const take = (name: string, dtype: string, shape: readonly number[]): FileArray => {
    const array = arrays.get(name);
    if (array === undefined) throw new FormatError(`Cannot ${WHERE}: there is no array "${name}"`);
    if (array.dtype !== dtype || !sameShape(array.shape, shape)) {
      throw new FormatError(
        `Cannot ${WHERE}: "${name}" is ${array.dtype} ${formatShape(array.shape)}, ` +
          `expected ${dtype} ${formatShape(shape)}`,
      );
    }
    arrays.delete(name);
    return array;
  };
  const integer = (value: unknown, name: string): number => {
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
    throw new FormatError(`Cannot ${WHERE}: "${name}" is ${value}, expected a count`);
  };
  const format = take("format", "int32", []).data[0];
  if (format !== FORMAT) {
    throw new FormatError(`Cannot ${WHERE}: the format is ${format}, expected ${FORMAT}`);
  }
  const own = optimizerName(optimizer);
  const other = [...arrays.keys()].find((name) => name.startsWith("optimizer/") && name !== own);
  if (other !== undefined) {
    throw new FormatError(`Cannot ${WHERE}: they are of ${other}, expected ${own}`);
  }
  const [updates, learningRate] = take(own, "float64", [2]).data as Float64Array;
  const numUpdate = integer(updates, own);
  if (!(learningRate! >= 0 && learningRate! < Infinity)) {
    throw new FormatError(`Cannot ${WHERE}: the learning rate is ${learningRate}`);
  }
  const states = new Map<string, Map<Device, OptimizerState>>();
  try {
    for (const [name, parameter] of parameters) {
      // A parameter that was never updated has nothing in the file.
      if (!arrays.has(`${name}:count`)) continue;
      const count = integer(take(`${name}:count`, "int32", []).data[0], `${name}:count`);
      const copies = parameter.listData();
      const { shape } = copies[0]!;
      const lines = optimizer.stateNames(copies[0]!)
        .map((word) => take(`${name}:${word}`, "float32", shape).data as Float32Array);
      const made = new Map<Device, OptimizerState>();
      states.set(name, made);
      for (const copy of copies) made.set(copy.device, place(optimizer, copy, count, lines));
    }
    if (arrays.size > 0) {
      const names = [...arrays.keys()].map((name) => `"${name}"`).slice(0, 8).join(", ");
      throw new FormatError(`Cannot ${WHERE}: the trainer has no parameters for ${names}`);
    }
  } catch (error) {
    for (const made of states.values()) made.forEach(disposeState);
    throw error;
  }
  return { states, numUpdate, learningRate: learningRate! };
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
