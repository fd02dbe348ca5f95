// Checks of sizes and ranges; messages are made only where something is wrong.

import type { Dispatch, Program } from "../core/dispatch.ts";
import { checkInteger, describe } from "../core/options.ts";
import type { DeviceBuffer } from "./buffers.ts";

/**
 * Checks the size of a buffer to allocate.
 *
 * @param byteLength Bytes.
 * @param label What for.
 * @throws {TypeError} If it is no number, or the label no string.
 * @throws {RangeError} If it is no integer above 0.
 */
export function checkSize(byteLength: number, label: string): void {
  checkLabel("allocate", label);
  if (Number.isSafeInteger(byteLength) && byteLength > 0) return;
  const size = { minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
  checkInteger(`allocate ${label}`, "byteLength", byteLength, size);
}

/**
 * Checks a range of bytes.
 *
 * @param verb What is to be done with it, for errors.
 * @param buffer The buffer.
 * @param byteOffset First byte.
 * @param byteLength Number of bytes.
 * @throws {TypeError} If one is no number.
 * @throws {RangeError} If the range is not within the buffer.
 */
export function checkRange(
  verb: string,
  buffer: DeviceBuffer,
  byteOffset: number,
  byteLength: number,
): void {
  const where = `${verb} ${buffer.label}`;
  const { byteLength: size } = buffer;
  checkInteger(where, "byteOffset", byteOffset, { minimum: 0, maximum: size });
  const maximum = size - byteOffset;
  checkInteger(where, "byteLength", byteLength, { minimum: 0, maximum });
}

/**
 * Checks a word to fill with.
 *
 * @param buffer What is to be filled, for errors.
 * @param word The word.
 * @throws {TypeError} If it is no number.
 * @throws {RangeError} If it is no integer of 32 bits.
 */
export function checkWord(buffer: DeviceBuffer, word: number): void {
  const bounds = { minimum: -(2 ** 31), maximum: 2 ** 32 - 1 };
  checkInteger(`fill ${buffer.label}`, "word", word, bounds);
}

/**
 * How many bytes of a buffer are filled: whole words, for it has room beyond its last odd byte.
 *
 * @param buffer The buffer.
 * @param capacity Bytes of its memory.
 * @returns A multiple of 4.
 */
export function wholeWords({ byteLength }: DeviceBuffer, capacity: number): number {
  return Math.min(Math.ceil(byteLength / 4), Math.floor(capacity / 4)) * 4;
}

/**
 * Checks bytes to upload.
 *
 * @param buffer Where to, for errors.
 * @param bytes The bytes.
 * @throws {TypeError} If they are no Uint8Array.
 */
export function checkBytes(buffer: DeviceBuffer, bytes: Uint8Array): void {
  if (bytes instanceof Uint8Array) return;
  const found = describe(bytes);
  throw new TypeError(`Cannot upload to ${buffer.label}: bytes is ${found}, expected a Uint8Array`);
}

/**
 * Checks a label.
 *
 * @param verb What is to be done, for errors.
 * @param label The label.
 * @throws {TypeError} If it is no string.
 */
export function checkLabel(verb: string, label: string): void {
  if (typeof label === "string") return;
  throw new TypeError(`Cannot ${verb}: label is ${describe(label)}, expected a string`);
}

const known = new WeakSet<Dispatch>();

/**
 * Checks the types of a dispatch's members, once for each object. What its code does with its operands is the planner's
 * promise.
 *
 * @param verb What is to be done with it, for errors.
 * @param dispatch The dispatch.
 * @throws {TypeError} If it is none.
 */
export function checkDispatch(verb: string, dispatch: Dispatch): void {
  if (known.has(dispatch)) return;
  const fault = isObject(dispatch) ? faultOf(dispatch) : "it is no object";
  if (fault !== undefined) {
    throw new TypeError(
      `Cannot ${verb}: found ${describe(dispatch)}, expected a Dispatch (${fault})`,
    );
  }
  known.add(dispatch);
}

/**
 * Checks the types of what a launch is made of.
 *
 * @param dispatch The dispatch.
 * @param buffers Its operands, which are checked one by one elsewhere.
 * @param label What it is for.
 * @throws {TypeError} If one is of a wrong type.
 */
export function checkLaunch(
  dispatch: Dispatch,
  buffers: readonly DeviceBuffer[],
  label: string,
): void {
  checkDispatch("dispatch", dispatch);
  checkLabel("dispatch", label);
  if (Array.isArray(buffers)) return;
  throw new TypeError(`Cannot dispatch: buffers is ${describe(buffers)}, expected a list`);
}

function faultOf({ program, constants, pipelineKey, push, grid }: Dispatch): string | undefined {
  if (!isProgram(program)) return "its program is none";
  if (!isObject(constants)) return "its constants are no object";
  for (const value of Object.values(constants)) {
    if (typeof value !== "number") return "a constant is no number";
  }
  if (typeof pipelineKey !== "string") return "its pipelineKey is no string";
  if (!(push instanceof Uint32Array)) return "its push words are no Uint32Array";
  return Array.isArray(grid) && grid.length === 3 && grid.every(Number.isInteger)
    ? undefined
    : "its grid is not three integers";
}

function isProgram(program: Program): boolean {
  return isObject(program) && typeof program.id === "string" && Array.isArray(program.bindings) &&
    Array.isArray(program.requires) && isObject(program.constants) &&
    Number.isInteger(program.pushByteLength) && typeof program.spirv === "function";
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
