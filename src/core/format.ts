// Prints arrays as NumPy 2 prints them: a port of the rules of numpy/_core/arrayprint.py
// (FloatingFormat, IntegerFormat, _formatArray, array_repr) for the dtypes that tensors have.
// Pure: typed array and shape in, text out.

import { type DType, type HostArray, isFloat } from "./dtype.ts";
import { dtypeOfArray } from "./dtype.ts";
import { checkInteger, checkOptionsObject, describe } from "./options.ts";
import { checkShape, contiguousStrides, elementCount, formatShape } from "./shape.ts";
import type { Shape } from "./shape.ts";
import { ShapeError } from "./errors.ts";

/** How to print an array; the defaults are NumPy's. */
export interface FormatOptions {
  /** Most digits behind the decimal point. Default 8. */
  readonly precision?: number;
  /** Arrays with more elements than this are abbreviated. Default 1000. */
  readonly threshold?: number;
  /** Elements shown at each end of an abbreviated axis. Default 3. */
  readonly edgeItems?: number;
  /** Characters in a line. Default 75. */
  readonly lineWidth?: number;
  /** What opens the text. Default `tensor(`. */
  readonly prefix?: string;
}

const KEYS = ["precision", "threshold", "edgeItems", "lineWidth", "prefix"] as const;

/**
 * Prints an array as NumPy does, with its dtype.
 *
 * @param data The elements in row-major order.
 * @param shape Sizes along every axis.
 * @param options Digits, abbreviation and width.
 * @returns The text, over several lines where it is long.
 * @throws {TypeError} If an option is unknown or has a wrong type.
 * @throws {ShapeError} If the data does not have as many elements as the shape.
 *
 * @example
 * ```ts
 * import { format } from "./format.ts";
 *
 * const text = format(new Float32Array([1, 2.5, -3, 4]), [2, 2]);
 * const expected = "tensor([[ 1. ,  2.5],\n        [-3. ,  4. ]], dtype=float32)";
 * if (text !== expected) throw new Error(text);
 * ```
 */
export function format(
  data: HostArray,
  shape: readonly number[],
  options?: FormatOptions,
): string {
  const where = "format an array";
  const given = checkOptionsObject(where, options, KEYS);
  const read = (name: string, fallback: number) =>
    checkInteger(where, name, given[name] ?? fallback, { minimum: 0 });
  const precision = Math.min(read("precision", 8), 60);
  const threshold = read("threshold", 1000);
  const edgeItems = read("edgeItems", 3);
  const lineWidth = read("lineWidth", 75);
  const prefix = given["prefix"] ?? "tensor(";
  if (typeof prefix !== "string") {
    throw new TypeError(`Cannot ${where}: prefix is ${describe(prefix)}, expected a string`);
  }
  if (!ArrayBuffer.isView(data) || data instanceof DataView) {
    throw new TypeError(`Cannot ${where}: data is ${describe(data)}, expected a typed array`);
  }
  const sizes = checkShape(where, shape);
  const size = elementCount(sizes);
  if (data.length !== size) {
    throw new ShapeError(
      `Cannot ${where}: data has ${data.length} elements, shape ${formatShape(sizes)} has ${size}`,
    );
  }
  const dtype = dtypeOfArray(data) ?? "float32";
  const extras = [`dtype=${dtype}`];
  let body = "[]";
  if (size > 0) {
    const summarize = size > threshold;
    const seen = summarize ? edges(data, sizes, edgeItems) : data;
    const element = isFloat(dtype) ? floatingFormat(seen, dtype, precision) : integerFormat(seen);
    const layout = { sizes, strides: contiguousStrides(sizes), summarize, edgeItems };
    const indent = " ".repeat(prefix.length + 1);
    body = nest(layout, 0, 0, indent, lineWidth - 1, (offset) => element(data[offset]!));
    if (summarize) extras.unshift(`shape=${formatShape(sizes)}`);
  } else if (sizes.length !== 1) {
    extras.unshift(`shape=${formatShape(sizes)}`);
  }
  const text = `${prefix}${body},`;
  const extra = `${extras.join(", ")})`;
  const lastLine = text.length - (text.lastIndexOf("\n") + 1);
  const spacer = lastLine + extra.length + 1 > lineWidth ? `\n${" ".repeat(prefix.length)}` : " ";
  return text + spacer + extra;
}

interface Layout {
  readonly sizes: Shape;
  readonly strides: Shape;
  readonly summarize: boolean;
  readonly edgeItems: number;
}

/** Indices shown along an axis; -1 stands for the ellipsis. */
function shown(length: number, summarize: boolean, edgeItems: number): number[] {
  if (!summarize || 2 * edgeItems >= length) return Array.from({ length }, (_, i) => i);
  const first = Array.from({ length: edgeItems }, (_, i) => i);
  return [...first, -1, ...first.map((i) => length - edgeItems + i)];
}

/** The elements that an abbreviated array shows; only they decide how wide numbers are. */
function edges(data: HostArray, sizes: Shape, edgeItems: number): number[] {
  const strides = contiguousStrides(sizes);
  let offsets = [0];
  sizes.forEach((length, axis) => {
    // NumPy keeps at least one element to look at.
    const kept = shown(length, true, Math.max(edgeItems, 1)).filter((index) => index >= 0);
    offsets = offsets.flatMap((offset) => kept.map((index) => offset + index * strides[axis]!));
  });
  return offsets.map((offset) => data[offset]!);
}

function nest(
  layout: Layout,
  axis: number,
  offset: number,
  indent: string,
  width: number,
  element: (offset: number) => string,
): string {
  const { sizes, strides, summarize, edgeItems } = layout;
  if (axis === sizes.length) return element(offset);
  const indices = shown(sizes[axis]!, summarize, edgeItems);
  const word = (index: number) =>
    index < 0
      ? "..."
      : nest(layout, axis + 1, offset + index * strides[axis]!, indent + " ", width - 1, element);
  if (axis < sizes.length - 1) {
    const separator = "," + "\n".repeat(sizes.length - axis - 1);
    const rows = indices.map((index) => indent + word(index));
    return `[${rows.join(separator).slice(indent.length)}]`;
  }
  let text = "";
  let line = indent;
  indices.forEach((index, position) => {
    const next = word(index);
    // The line must still hold a comma or the closing bracket; wrapping an empty line helps nobody.
    if (line.length + next.length > width - 1 && line.length > indent.length) {
      text += line.trimEnd() + "\n";
      line = indent;
    }
    line += next + (position < indices.length - 1 ? ", " : "");
  });
  return `[${(text + line).slice(indent.length)}]`;
}

function integerFormat(values: ArrayLike<number>): (value: number) => string {
  let width = 0;
  for (let i = 0; i < values.length; i++) width = Math.max(width, String(values[i]).length);
  return (value) => String(value).padStart(width);
}

function floatingFormat(
  values: ArrayLike<number>,
  dtype: "float32" | "float16",
  precision: number,
): (value: number) => string {
  const round = dtype === "float32" ? Math.fround : Math.f16round;
  let largest = 0;
  let smallest = Infinity;
  let nan = false;
  let infinity = 0; // width of the widest infinity
  const finite: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) nan = true;
    else if (!Number.isFinite(value)) infinity = Math.max(infinity, value < 0 ? 4 : 3);
    else {
      finite.push(value);
      const magnitude = Math.abs(value);
      if (magnitude === 0) continue;
      largest = Math.max(largest, magnitude);
      smallest = Math.min(smallest, magnitude);
    }
  }
  const cutoff = dtype === "float32" ? 1e6 : 1e3;
  const scientific = largest > 0 &&
    (largest >= cutoff || smallest < round(0.0001) || round(largest / smallest) > 1000);
  let left = 0;
  let right = 0;
  let exponentWidth = 0;
  for (const value of finite) {
    const parts = decimal(value, dtype, precision, scientific);
    left = Math.max(left, parts.whole.length);
    right = Math.max(right, parts.fraction.length);
    exponentWidth = Math.max(exponentWidth, parts.exponent.replace("-", "").length);
  }
  const width = () => left + 1 + right + (scientific ? exponentWidth + 2 : 0);
  if (nan || infinity > 0) left = Math.max(left, left + Math.max(3, infinity) - width());
  return (value) => {
    if (!Number.isFinite(value)) {
      const name = Number.isNaN(value) ? "nan" : value < 0 ? "-inf" : "inf";
      return name.padStart(width());
    }
    if (!scientific) {
      const { whole, fraction } = decimal(value, dtype, precision, false);
      return `${whole.padStart(left)}.${fraction.padEnd(right)}`;
    }
    // All mantissas get the same number of digits: those of the exact value, not zeros.
    const { digits, exponent } = rounded(Math.abs(value), right + 1);
    const whole = (value < 0 || Object.is(value, -0) ? "-" : "") + digits[0];
    const power = String(Math.abs(exponent)).padStart(exponentWidth, "0");
    return `${whole.padStart(left)}.${digits.slice(1)}e${exponent < 0 ? "-" : "+"}${power}`;
  };
}

interface Decimal {
  /** Digits before the point, with sign. */
  readonly whole: string;
  /** Digits behind the point without trailing zeros. */
  readonly fraction: string;
  /** Power of ten with at least two digits, signed if negative. */
  readonly exponent: string;
}

/** The shortest digits that read back as the same float, cut to the precision (NumPy's dragon4). */
function decimal(
  value: number,
  dtype: "float32" | "float16",
  precision: number,
  scientific: boolean,
): Decimal {
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const magnitude = Math.abs(value);
  let { digits, exponent } = magnitude === 0
    ? { digits: "0", exponent: 0 }
    : shortest(magnitude, dtype);
  const kept = (scientific ? 0 : exponent) + 1 + precision;
  if (digits.length > kept) ({ digits, exponent } = rounded(magnitude, kept));
  digits = digits.replace(/0+$/, "");
  if (scientific) {
    const power = String(Math.abs(exponent)).padStart(2, "0");
    return {
      whole: sign + (digits[0] ?? "0"),
      fraction: digits.slice(1),
      exponent: (exponent < 0 ? "-" : "") + power,
    };
  }
  const point = exponent + 1;
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, "0") : "0";
  const fraction = point > 0
    ? digits.slice(point)
    : digits === ""
    ? ""
    : "0".repeat(-point) + digits;
  return { whole: sign + whole, fraction, exponent: "00" };
}

interface Digits {
  readonly digits: string;
  /** Power of ten of the first digit. */
  readonly exponent: number;
}

function split(text: string): Digits {
  const [mantissa = "", exponent = ""] = text.split("e");
  return { digits: mantissa.replace(".", ""), exponent: Number(exponent) };
}

function shortest(magnitude: number, dtype: DType): Digits {
  const round = dtype === "float32" ? Math.fround : Math.f16round;
  for (let fraction = 0; fraction < 9; fraction++) {
    const text = magnitude.toExponential(fraction);
    if (round(Number(text)) === magnitude) return rounded(magnitude, fraction + 1);
  }
  return split(magnitude.toExponential(9));
}

/** The exact value rounded to a number of digits, ties to even; JavaScript would round them up. */
function rounded(magnitude: number, count: number): Digits {
  const { digits, exponent } = split(magnitude.toExponential(100));
  if (count < 0) return { digits: "", exponent };
  const kept = "0" + digits.slice(0, count);
  const rest = digits.slice(count);
  const half = "5".padEnd(rest.length, "0");
  const odd = Number(kept.at(-1)) % 2 === 1;
  if (rest < half || (rest === half && !odd)) return { digits: kept.slice(1), exponent };
  const raised = String(BigInt(kept) + 1n).padStart(kept.length, "0");
  return raised[0] === "0"
    ? { digits: raised.slice(1), exponent }
    : { digits: raised.slice(0, Math.max(count, 1)), exponent: exponent + 1 };
}
