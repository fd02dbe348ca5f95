// What SPIR-V's operations on scalars are in JavaScript. 32-bit integers are kept as signed numbers, 64-bit ones as unsigned
// bigints, float16 and float32 as rounded numbers, so that results have the bits that a device's have.

import type { Scalar } from "./module.ts";

type Make = (a: string, b: string, c: string) => string;

const u = (value: string): string => `(${value}>>>0)`;

/** On 32-bit integers; the results of the second half are booleans. */
const WHOLE: Readonly<Record<number, Make>> = {
  126: (a) => `(-${a}|0)`,
  128: (a, b) => `(${a}+${b}|0)`,
  130: (a, b) => `(${a}-${b}|0)`,
  132: (a, b) => `Math.imul(${a},${b})`,
  134: (a, b) => `(${u(a)}/${u(b)}|0)`,
  135: (a, b) => `(${a}/${b}|0)`,
  137: (a, b) => `(${u(a)}%${u(b)}|0)`,
  138: (a, b) => `(${a}%${b}|0)`,
  139: (a, b) => `((${a}%${b}+${b})%${b}|0)`,
  194: (a, b) => `(${a}>>>${b}|0)`,
  195: (a, b) => `(${a}>>${b})`,
  196: (a, b) => `(${a}<<${b})`,
  197: (a, b) => `(${a}|${b})`,
  198: (a, b) => `(${a}^${b})`,
  199: (a, b) => `(${a}&${b})`,
  200: (a) => `(~${a})`,
  202: (a, b, c) => `(${c}===0?0:${a}<<32-${b}-${c}>>32-${c})`,
  203: (a, b, c) => `(${c}===0?0:${a}<<32-${b}-${c}>>>32-${c}|0)`,
  170: (a, b) => `(${a}===${b})`,
  171: (a, b) => `(${a}!==${b})`,
  172: (a, b) => `(${u(a)}>${u(b)})`,
  173: (a, b) => `(${a}>${b})`,
  174: (a, b) => `(${u(a)}>=${u(b)})`,
  175: (a, b) => `(${a}>=${b})`,
  176: (a, b) => `(${u(a)}<${u(b)})`,
  177: (a, b) => `(${a}<${b})`,
  178: (a, b) => `(${u(a)}<=${u(b)})`,
  179: (a, b) => `(${a}<=${b})`,
};

/** On 64-bit integers. */
const LONG: Readonly<Record<number, Make>> = {
  126: (a) => `BigInt.asUintN(64,-${a})`,
  128: (a, b) => `BigInt.asUintN(64,${a}+${b})`,
  130: (a, b) => `BigInt.asUintN(64,${a}-${b})`,
  132: (a, b) => `BigInt.asUintN(64,${a}*${b})`,
  194: (a, b) => `(${a}>>BigInt(${b}))`,
  196: (a, b) => `BigInt.asUintN(64,${a}<<BigInt(${b}))`,
  197: (a, b) => `(${a}|${b})`,
  198: (a, b) => `(${a}^${b})`,
  199: (a, b) => `(${a}&${b})`,
  170: (a, b) => `(${a}===${b})`,
  171: (a, b) => `(${a}!==${b})`,
};

/** On floats, before the result is rounded. */
const REAL: Readonly<Record<number, Make>> = {
  127: (a) => `(-${a})`,
  129: (a, b) => `(${a}+${b})`,
  131: (a, b) => `(${a}-${b})`,
  133: (a, b) => `(${a}*${b})`,
  136: (a, b) => `(${a}/${b})`,
  141: (a, b) => `(${a}-${b}*Math.floor(${a}/${b}))`,
};

/** Comparisons of floats: ordered ones are false with NaN, others true. */
const COMPARED: Readonly<Record<number, Make>> = {
  156: (a) => `(${a}!==${a})`,
  157: (a) => `(Math.abs(${a})===Infinity)`,
  180: (a, b) => `(${a}===${b})`,
  182: (a, b) => `(${a}<${b}||${a}>${b})`,
  183: (a, b) => `(${a}!==${b})`,
  184: (a, b) => `(${a}<${b})`,
  185: (a, b) => `!(${a}>=${b})`,
  186: (a, b) => `(${a}>${b})`,
  187: (a, b) => `!(${a}<=${b})`,
  188: (a, b) => `(${a}<=${b})`,
  189: (a, b) => `!(${a}>${b})`,
  190: (a, b) => `(${a}>=${b})`,
  191: (a, b) => `!(${a}<${b})`,
};

const LOGICAL: Readonly<Record<number, Make>> = {
  164: (a, b) => `(${a}===${b})`,
  165: (a, b) => `(${a}!==${b})`,
  166: (a, b) => `(${a}||${b})`,
  167: (a, b) => `(${a}&&${b})`,
  168: (a) => `(!${a})`,
};

/** Instructions of GLSL.std.450: on floats, rounded afterwards, and on integers. */
const EXTENDED: Readonly<Record<number, Make>> = {
  2: (a) => `even(${a})`,
  3: (a) => `Math.trunc(${a})`,
  4: (a) => `Math.abs(${a})`,
  6: (a) => `Math.sign(${a})`,
  8: (a) => `Math.floor(${a})`,
  9: (a) => `Math.ceil(${a})`,
  10: (a) => `(${a}-Math.floor(${a}))`,
  26: (a, b) => `Math.pow(${a},${b})`,
  27: (a) => `Math.exp(${a})`,
  28: (a) => `Math.log(${a})`,
  29: (a) => `Math.pow(2,${a})`,
  30: (a) => `Math.log2(${a})`,
  31: (a) => `Math.sqrt(${a})`,
  32: (a) => `(1/Math.sqrt(${a}))`,
  37: (a, b) => `(${b}<${a}?${b}:${a})`,
  40: (a, b) => `(${a}<${b}?${b}:${a})`,
  43: (a, b, c) => `Math.min(Math.max(${a},${b}),${c})`,
  46: (a, b, c) => `(${a}*(1-${c})+${b}*${c})`,
  50: (a, b, c) => `(${a}*${b}+${c})`,
  80: (a, b) => `(${a}>=${b}||${b}!==${b}?${a}:${b})`,
};

const EXTENDED_WHOLE: Readonly<Record<number, Make>> = {
  5: (a) => `(Math.abs(${a})|0)`,
  7: (a) => `Math.sign(${a})`,
  38: (a, b) => `(Math.min(${u(a)},${u(b)})|0)`,
  39: (a, b) => `Math.min(${a},${b})`,
  41: (a, b) => `(Math.max(${u(a)},${u(b)})|0)`,
  42: (a, b) => `Math.max(${a},${b})`,
  44: (a, b, c) => `(Math.min(Math.max(${u(a)},${u(b)}),${u(c)})|0)`,
  45: (a, b, c) => `Math.min(Math.max(${a},${b}),${c})`,
  75: (a) => `(31-Math.clz32(${a}))`,
};

function round(type: Scalar, text: string): string {
  return `${type.width === 16 ? "H" : "F"}(${text})`;
}

function pick(table: Readonly<Record<number, Make>>, op: number, what: string): Make {
  const make = table[op];
  if (make === undefined) throw new TypeError(`SPIR-V: opcode ${op} on ${what}`);
  return make;
}

function converted(op: number, to: Scalar, from: Scalar, a: string): string {
  const long = to.kind === "int" && to.width === 64;
  if (to.width < 16 || (to.kind === "int" && to.width < 32)) {
    throw new TypeError(`SPIR-V: conversion ${op} to ${to.width} bits`);
  }
  switch (op) {
    case 109:
      return long ? `BigInt.asUintN(64,BigInt(Math.trunc(${a})))` : `(Math.trunc(${a})|0)`;
    case 110:
      return long ? `BigInt.asUintN(64,BigInt(Math.trunc(${a})))` : `(Math.trunc(${a})|0)`;
    case 111:
      return round(to, from.width === 64 ? `Number(BigInt.asIntN(64,${a}))` : a);
    case 112:
      return round(to, from.width === 64 ? `Number(${a})` : u(a));
    case 113:
      if (from.width === to.width) return a;
      return long ? `BigInt(${u(a)})` : `Number(BigInt.asIntN(32,${a}))`;
    case 114:
      if (from.width === to.width) return a;
      return long ? `BigInt.asUintN(64,BigInt(${a}))` : `Number(BigInt.asIntN(32,${a}))`;
    case 115:
      return round(to, a);
    default:
      throw new TypeError(`SPIR-V: conversion ${op}`);
  }
}

/**
 * One operation on scalars.
 *
 * @param op Its opcode.
 * @param type Type of the result.
 * @param from Type of the first operand.
 * @param args The operands as text.
 * @returns The result as text.
 */
export function operation(op: number, type: Scalar, from: Scalar, args: readonly string[]): string {
  const [a, b, c] = args as [string, string, string];
  if (op === 169) return `(${a}?${b}:${c})`;
  if (op >= 109 && op <= 115) return converted(op, type, from, a);
  if (op >= 164 && op <= 168) return pick(LOGICAL, op, "booleans")(a, b, c);
  if (op >= 156 && op <= 157 || op >= 180 && op <= 191) {
    return pick(COMPARED, op, "floats")(a, b, c);
  }
  if (type.kind === "float") return round(type, pick(REAL, op, "floats")(a, b, c));
  return pick(from.width === 64 ? LONG : WHOLE, op, `integers of ${from.width}`)(a, b, c);
}

/**
 * One extended instruction on scalars.
 *
 * @param code Its number in GLSL.std.450.
 * @param type Type of the result.
 * @param args The operands as text.
 * @returns The result as text.
 */
export function extended(code: number, type: Scalar, args: readonly string[]): string {
  const [a, b, c] = args as [string, string, string];
  if (type.kind === "float") return round(type, pick(EXTENDED, code, "floats, extended")(a, b, c));
  return pick(EXTENDED_WHOLE, code, "integers, extended")(a, b, c);
}
