/**
 * C struct layouts: write a plain object at a place in memory, read one back. Missing fields are
 * zero, `sType` fills itself in. Sizes and offsets come from the generator and are proved against a
 * C compiler by a test; nothing is computed here.
 *
 * @module
 */

declare const handleName: unique symbol;

/**
 * A Vulkan handle: a bigint that the type checker does not let pass for a handle of another kind. A
 * plain bigint is accepted.
 */
export type Handle<Name extends string> = bigint & { readonly [handleName]?: Name };

/** C type of one field. */
export type FieldType = "u8" | "i32" | "u32" | "f32" | "u64" | "bool32" | "text" | "bytes";

/**
 * One field: name, type or nested layout, byte offset, and the element count of an inline array
 * (absent for a single value).
 */
export type Field = readonly [
  name: string,
  // deno-lint-ignore no-explicit-any
  type: FieldType | StructLayout<any>,
  offset: number,
  count?: number,
];

/** What may be written: every field optional, at every depth. */
export type StructValues<T> = {
  readonly [K in keyof T]?: T[K] extends number | bigint | boolean | string | ArrayBufferView ? T[K]
    : T[K] extends readonly (infer Element)[]
      ? readonly (Element extends number | bigint | boolean ? Element : StructValues<Element>)[]
    : StructValues<T[K]>;
};

/** Somewhere in JavaScript-owned memory whose address native code may be given. */
export interface Place {
  /** View over the whole chunk. */
  readonly view: DataView;
  /** Offset of the first byte inside `view`. */
  readonly offset: number;
  /** Bytes available at `offset`. */
  readonly byteLength: number;
}

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder();

/** Layout of one C struct. `T` is the interface with its fields, without `sType`. */
export class StructLayout<T extends object> {
  /** Name of the C struct. */
  readonly name: string;
  /** `sizeof`. */
  readonly byteLength: number;
  /** `alignof`. */
  readonly alignment: number;
  /** Value of the leading `sType`, or `undefined` for a struct without one. */
  readonly sType: number | undefined;
  /** The fields in memory order, without `sType`. */
  readonly fields: readonly Field[];
  /**
   * Made on first use: a program touches a few of the layouts, and importing should cost nothing.
   */
  #byName: ReadonlyMap<string, Field> | undefined;

  /**
   * Describe a C struct. Generated code and tests do this; places and sizes are taken as given.
   *
   * @param name Name of the C struct.
   * @param byteLength `sizeof`.
   * @param alignment `alignof`.
   * @param sType Value of the leading `sType`, or `undefined`.
   * @param fields The fields in memory order.
   */
  constructor(
    name: string,
    byteLength: number,
    alignment: number,
    sType: number | undefined,
    fields: readonly Field[],
  ) {
    this.name = name;
    this.byteLength = byteLength;
    this.alignment = alignment;
    this.sType = sType;
    this.fields = fields;
  }

  /**
   * Byte offset of a field, for code that sets single fields of a kept struct on a hot path.
   *
   * @param field Name of the field.
   * @returns Its offset from the start of the struct.
   */
  offsetOf(field: keyof T & string): number {
    return this.#field(field)[2];
  }

  /**
   * Write the struct: all bytes become zero, then `sType` and the given fields are set.
   *
   * @param place Where to.
   * @param values The fields to set.
   * @param byteOffset Added to the place's own offset; 0 if omitted.
   * @throws {TypeError} On an unknown field or a value of the wrong type.
   * @throws {RangeError} If the struct does not fit, or an inline array is too long.
   */
  write(place: Place, values: StructValues<T> = {}, byteOffset = 0): void {
    this.#checkFit(place, byteOffset);
    const at = place.offset + byteOffset;
    new Uint8Array(place.view.buffer, place.view.byteOffset + at, this.byteLength).fill(0);
    this.#write(place.view, at, values as Readonly<Record<string, unknown>>);
  }

  /**
   * Read all fields.
   *
   * @param place Where from.
   * @param byteOffset Added to the place's own offset; 0 if omitted.
   * @returns A new object; inline arrays and texts are copies.
   * @throws {RangeError} If the struct does not fit the place.
   */
  read(place: Place, byteOffset = 0): T {
    this.#checkFit(place, byteOffset);
    return this.#read(place.view, place.offset + byteOffset) as T;
  }

  #field(name: string): Field {
    this.#byName ??= new Map(this.fields.map((field) => [field[0], field]));
    const field = this.#byName.get(name);
    if (field === undefined) {
      throw new TypeError(
        `Cannot write ${this.name}: it has no field ${name}, expected one of ${
          [...this.#byName.keys()].join(", ")
        }`,
      );
    }
    return field;
  }

  #checkFit(place: Place, byteOffset: number): void {
    if (byteOffset < 0 || byteOffset + this.byteLength > place.byteLength) {
      throw new RangeError(
        `Cannot access ${this.name} at byte ${byteOffset}: it needs ${this.byteLength} bytes, the place has ${place.byteLength}`,
      );
    }
  }

  #write(view: DataView, at: number, values: Readonly<Record<string, unknown>>): void {
    if (this.sType !== undefined) {
      view.setUint32(at, this.sType, true);
    }
    for (const name in values) {
      const value = values[name];
      const field = this.#field(name);
      if (value === undefined) continue;
      const [, type, offset, count] = field;
      try {
        if (typeof type !== "string") {
          type.#writeNested(view, at + offset, value, count);
        } else if (count === undefined) {
          writeScalar(view, at + offset, type, value);
        } else {
          writeArray(view, at + offset, type, value, count);
        }
      } catch (error) {
        // Nested structs have already said which struct and field.
        if (error instanceof ValueError) {
          error.message = `Cannot write ${this.name}.${name}: ${error.message}`;
          throw error.plain();
        }
        throw error;
      }
    }
  }

  #writeNested(view: DataView, at: number, value: unknown, count: number | undefined): void {
    if (count === undefined) {
      this.#write(view, at, value as Readonly<Record<string, unknown>>);
      return;
    }
    const elements = value as readonly Readonly<Record<string, unknown>>[];
    checkCount(elements.length, count);
    for (let i = 0; i < elements.length; i++) {
      this.#write(view, at + i * this.byteLength, elements[i] ?? {});
    }
  }

  #read(view: DataView, at: number): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (const [name, type, offset, count] of this.fields) {
      if (typeof type === "string") {
        result[name] = count === undefined
          ? readScalar(view, at + offset, type)
          : readArray(view, at + offset, type, count);
      } else if (count === undefined) {
        result[name] = type.#read(view, at + offset);
      } else {
        const elements: unknown[] = [];
        for (let i = 0; i < count; i++) {
          elements.push(type.#read(view, at + offset + i * type.byteLength));
        }
        result[name] = elements;
      }
    }
    return result;
  }
}

/** A bad value, before struct and field are known. */
class ValueError extends Error {
  readonly #outOfRange: boolean;
  constructor(message: string, outOfRange = false) {
    super(message);
    this.#outOfRange = outOfRange;
  }
  plain(): Error {
    return this.#outOfRange ? new RangeError(this.message) : new TypeError(this.message);
  }
}

function checkCount(found: number, allowed: number): void {
  if (found > allowed) {
    throw new ValueError(`found ${found} elements, expected at most ${allowed}`, true);
  }
}

const elementByteLengths: Readonly<Record<FieldType, number>> = {
  u8: 1,
  i32: 4,
  u32: 4,
  f32: 4,
  u64: 8,
  bool32: 4,
  text: 1,
  bytes: 1,
};

function writeScalar(view: DataView, at: number, type: FieldType, value: unknown): void {
  if (type === "u64") {
    if (typeof value !== "bigint") {
      throw new ValueError(`found ${describe(value)}, expected a bigint`);
    }
    view.setBigUint64(at, value, true);
    return;
  }
  if (type === "bool32") {
    if (typeof value !== "boolean") {
      throw new ValueError(`found ${describe(value)}, expected a boolean`);
    }
    view.setUint32(at, value ? 1 : 0, true);
    return;
  }
  if (typeof value !== "number") {
    throw new ValueError(`found ${describe(value)}, expected a number`);
  }
  if (type === "f32") {
    view.setFloat32(at, value, true);
    return;
  }
  // A fraction, NaN or a value that wraps would reach the driver as a different number.
  const least = type === "i32" ? -0x80000000 : 0;
  const greatest = type === "u8" ? 0xff : type === "i32" ? 0x7fffffff : 0xffffffff;
  if (!Number.isInteger(value) || value < least || value > greatest) {
    throw new ValueError(
      `found ${value}, expected an integer from ${least} to ${greatest}`,
      true,
    );
  }
  if (type === "u8") view.setUint8(at, value);
  else if (type === "i32") view.setInt32(at, value, true);
  else view.setUint32(at, value, true);
}

function readScalar(view: DataView, at: number, type: FieldType): number | bigint | boolean {
  switch (type) {
    case "u64":
      return view.getBigUint64(at, true);
    case "bool32":
      return view.getUint32(at, true) !== 0;
    case "f32":
      return view.getFloat32(at, true);
    case "i32":
      return view.getInt32(at, true);
    case "u32":
      return view.getUint32(at, true);
    default:
      return view.getUint8(at);
  }
}

function writeArray(
  view: DataView,
  at: number,
  type: FieldType,
  value: unknown,
  count: number,
): void {
  if (type === "text" || type === "bytes") {
    const bytes = type === "text" ? textEncoder.encode(String(value)) : value;
    if (!(bytes instanceof Uint8Array)) {
      throw new ValueError(`found ${describe(value)}, expected a Uint8Array`);
    }
    // One byte of a text is kept for the terminating NUL.
    checkCount(bytes.length, type === "text" ? count - 1 : count);
    new Uint8Array(view.buffer, view.byteOffset + at, count).set(bytes);
    return;
  }
  if (!Array.isArray(value)) {
    throw new ValueError(`found ${describe(value)}, expected an array`);
  }
  checkCount(value.length, count);
  for (let i = 0; i < value.length; i++) {
    writeScalar(view, at + i * elementByteLengths[type], type, value[i]);
  }
}

function readArray(view: DataView, at: number, type: FieldType, count: number): unknown {
  if (type === "text" || type === "bytes") {
    const bytes = new Uint8Array(view.buffer, view.byteOffset + at, count).slice();
    if (type === "bytes") return bytes;
    const end = bytes.indexOf(0);
    return textDecoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
  }
  const elements: unknown[] = [];
  for (let i = 0; i < count; i++) {
    elements.push(readScalar(view, at + i * elementByteLengths[type], type));
  }
  return elements;
}

function describe(value: unknown): string {
  return value === null ? "null" : typeof value === "object" ? "an object" : `${typeof value}`;
}
