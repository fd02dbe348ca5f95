/**
 * Values that no program should pass and some will, and what may happen then: a result, or an error that is
 * one of ours.
 *
 * @module
 */
import type { Tensor } from "../../src/tensor/mod.ts";
import * as errors from "../../src/core/errors.ts";
import { LoaderError } from "../../ffi/result.ts";

/** What hostile tensors are made on. */
export interface TensorSource {
  /** A tensor of zeros on the device under test. */
  zeros(shape: readonly number[], dtype?: Tensor["dtype"]): Tensor;
  /** A tensor on another device. */
  foreign(shape: readonly number[]): Tensor;
  /** The other device. */
  readonly other: object;
  /** A tensor that was disposed. */
  gone(): Tensor;
}

/** A hostile value: its name in messages, and how to make it. */
export type Hostile = readonly [name: string, make: (from: TensorSource) => unknown];

/** What getters, proxies and conversions throw: a program's own error, which has to come through unchanged. */
export const OWN_ERROR: Error = new Error("thrown by the caller's own object");

function fail(): never {
  throw OWN_ERROR;
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function throwingProxy(target: object): unknown {
  const traps = ["get", "has", "ownKeys", "getOwnPropertyDescriptor", "getPrototypeOf"];
  return new Proxy(target, Object.fromEntries(traps.map((trap) => [trap, fail])));
}

function detached(): Float32Array {
  const array = new Float32Array(4);
  structuredClone(array, { transfer: [array.buffer] });
  return array;
}

function cyclic(): unknown[] {
  const list: unknown[] = [];
  list[0] = list;
  return list;
}

function deep(): unknown {
  let list: unknown = 1;
  for (let depth = 0; depth < 20_000; depth++) list = [list];
  return list;
}

// Made once: they are large, and nothing may change an argument.
const DEEP = deep();
const HOLES = new Array(100_000);

function always(value: unknown): Hostile[1] {
  return () => value;
}

const SCALARS: readonly Hostile[] = [
  ["undefined", always(undefined)],
  ["null", always(null)],
  ["true", always(true)],
  ["0", always(0)],
  ["-0", always(-0)],
  ["-1", always(-1)],
  ["1.5", always(1.5)],
  ["NaN", always(NaN)],
  ["Infinity", always(Infinity)],
  ["2^31 - 1", always(2 ** 31 - 1)],
  ["2^31", always(2 ** 31)],
  ["2^53", always(2 ** 53)],
  ["-1e308", always(-1e308)],
  ["5e-324", always(5e-324)],
  ["empty string", always("")],
  ['"3"', always("3")],
  ['"{"', always("{")],
  ['"(?"', always("(?")],
  ['"__proto__"', always("__proto__")],
  ['"float16"', always("float16")],
  ["1n", always(1n)],
  ["symbol", always(Symbol("s"))],
  ["function", always(() => 3)],
  ["class", always(class {})],
];

const LISTS: readonly Hostile[] = [
  ["[]", () => []],
  ["[1]", () => [1]],
  ["[1, 2, 3, 4, 5]", () => [1, 2, 3, 4, 5]],
  ["[-1, 2^31]", () => [-1, 2 ** 31]],
  ["[65536, 65536]", () => [65_536, 65_536]],
  ["[NaN, NaN]", () => [NaN, NaN]],
  ['["1", "1"]', () => ["1", "1"]],
  ["[1n]", () => [1n]],
  ["[null]", () => [null]],
  ["[[1], [2, 3]]", () => [[1], [2, 3]]],
  ["sparse list", () => new Array(3)],
  ["list of many holes", always(HOLES)],
  ["cyclic list", cyclic],
  ["deep list", always(DEEP)],
];

const OBJECTS: readonly Hostile[] = [
  ["{}", () => ({})],
  ["object without prototype", () => Object.create(null)],
  ["unknown key", () => ({ kernal: 1 })],
  ["own __proto__", () => JSON.parse('{"__proto__": {"dtype": "int8"}}')],
  ["polluted prototype", () => Object.create({ dtype: "int8", axis: 9 })],
  [
    "throwing getter",
    () => ({
      get dtype() {
        return fail();
      },
    }),
  ],
  ["throwing proxy", () => throwingProxy({})],
  ["throwing list proxy", () => throwingProxy([1, 2])],
  ["revoked proxy", revoked],
  ["throwing conversions", () => ({ valueOf: fail, toString: fail, [Symbol.toPrimitive]: fail })],
  ["Float32Array", () => new Float32Array(3)],
  ["Float64Array of NaN", () => new Float64Array(2).fill(NaN)],
  ["BigInt64Array", () => new BigInt64Array(2)],
  ["detached array", detached],
  ["shared array", () => new Float32Array(new SharedArrayBuffer(8))],
  ["resizable array", () => new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 }))],
  ["DataView", () => new DataView(new ArrayBuffer(4))],
  ["Map", () => new Map([[1, 2]])],
  ["Set", () => new Set(["a"])],
  ["Date", () => new Date(NaN)],
  ["RegExp", () => /a+/],
  ["promise", () => Promise.resolve(1)],
  ["Error", () => new Error("e")],
];

/** Tensors in states and forms that the call may not expect. */
export const HOSTILE_TENSORS: readonly Hostile[] = [
  ["disposed tensor", (from) => from.gone()],
  ["tensor of another device", (from) => from.foreign([2, 3])],
  ["image of another device", (from) => from.foreign([1, 4, 6, 6])],
  ["uint8 tensor", (from) => from.zeros([2, 3], "uint8")],
  ["int32 image", (from) => from.zeros([1, 4, 6, 6], "int32")],
  ["float16 image", (from) => from.zeros([1, 4, 6, 6], "float16")],
  ["scalar tensor", (from) => from.zeros([])],
  ["tensor of five axes", (from) => from.zeros([1, 1, 2, 1, 2])],
  ["tensor without elements", (from) => from.zeros([0, 3])],
  ["another device", (from) => from.other],
  ["image without channels", (from) => from.zeros([1, 0, 4, 4])],
];

/** All hostile values. */
export const HOSTILE: readonly Hostile[] = [...SCALARS, ...LISTS, ...OBJECTS, ...HOSTILE_TENSORS];

const CLASSES: ReadonlySet<unknown> = new Set([
  TypeError,
  RangeError,
  LoaderError,
  ...Object.values(errors),
]);

/** "Cannot <do something>: <found>, expected <allowed>", or MXNet's words. The engines' own have no colon. */
const FORM_REGEXP = /^(Cannot [a-z]+[^]*?: .|Failed loading Parameter )/;
const ENGINE_REGEXP = /^Cannot (read propert|set propert|destructure|mix |access |assign to read)/;
/** What engines say of objects that the caller handed over: a proxy without a target, a class to be called. */
const OF_THE_CALLER_REGEXP = /prox.* revoked|class constructor/i;
const LONGEST_MESSAGE = 2000;

/** A failure of the file system, which Node.js' functions report in their own words. */
function isFileError(error: unknown): boolean {
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  return typeof code === "string" && /^E[A-Z]+$/.test(code) && typeof syscall === "string";
}

/**
 * What is wrong with an error that a public function threw.
 *
 * @param error What was thrown.
 * @returns A sentence; undefined if it is as promised.
 */
export function faultOf(error: unknown): string | undefined {
  if (error === OWN_ERROR) return undefined;
  if (!(error instanceof Error)) return `threw ${typeof error}, no Error`;
  if (isFileError(error)) return undefined;
  if (OF_THE_CALLER_REGEXP.test(error.message)) return undefined;
  const text = `${error.constructor.name}: ${error.message}`;
  if (!CLASSES.has(error.constructor)) return `no error of ours: ${text}`;
  if (!FORM_REGEXP.test(error.message) || ENGINE_REGEXP.test(error.message)) {
    return `not of the form "Cannot …: found, expected": ${text}`;
  }
  return error.message.length > LONGEST_MESSAGE ? `too long: ${text.slice(0, 300)}` : undefined;
}
