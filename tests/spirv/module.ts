// Reads a SPIR-V module with given specialization constants into types, constants, variables and blocks. Knows the layout of
// the format (unified1, sections 2 and 3) as far as the shaders of this project use it, and refuses everything else.

import { operation } from "./operations.ts";

/** A type, sizes resolved. */
export type Type =
  | { readonly kind: "void" | "function" }
  | Scalar
  | {
    readonly kind: "vector" | "matrix" | "array" | "runtime";
    readonly element: Type;
    /** Elements; 0 where only the buffer knows. */
    readonly count: number;
    /** Bytes from element to element, where it lies in a buffer. */
    readonly stride: number;
  }
  | { readonly kind: "struct"; readonly members: readonly Type[]; readonly offsets: number[] }
  | { readonly kind: "pointer"; readonly storage: number; readonly target: () => Type }
  | { readonly kind: "image"; readonly format: number };

/** A type of one value. */
export type Scalar =
  | { readonly kind: "bool"; readonly width: 1 }
  | { readonly kind: "int"; readonly width: number; readonly signed: boolean }
  | { readonly kind: "float"; readonly width: number };

/** An instruction within a function. */
export interface Instruction {
  readonly op: number;
  /** Type of the result, 0 for none. */
  readonly type: number;
  /** Id of the result, 0 for none. */
  readonly id: number;
  readonly args: readonly number[];
}

/** Instructions in a row, and where they lead. */
export interface Block {
  readonly label: number;
  readonly body: Instruction[];
  /** Where what begins here comes together again, and what a loop does before it begins anew. */
  merge?: { readonly block: number; readonly continues: number };
}

/** A function. */
export interface Routine {
  readonly id: number;
  readonly type: number;
  readonly parameters: Instruction[];
  readonly blocks: Map<number, Block>;
  readonly first: number;
}

/** A constant as JavaScript text, one for each scalar. */
export type Values = readonly string[];

const NO_RESULT: ReadonlySet<number> = new Set([
  ...[62, 99, 224, 225, 246, 247, 249, 250, 251, 252, 253, 254, 255, 56],
]);

/** Scalars of a type. */
export function scalarCount(type: Type): number {
  switch (type.kind) {
    case "bool":
    case "int":
    case "float":
      return 1;
    case "vector":
    case "matrix":
    case "array":
      return type.count * scalarCount(type.element);
    case "struct":
      return type.members.reduce((sum, each) => sum + scalarCount(each), 0);
    default:
      throw new TypeError(`SPIR-V: a ${type.kind} has no number of scalars`);
  }
}

/** The scalars of a type, in order. */
export function scalarsOf(type: Type): Scalar[] {
  switch (type.kind) {
    case "bool":
    case "int":
    case "float":
      return [type];
    case "vector":
    case "matrix":
    case "array": {
      const each = scalarsOf(type.element);
      return Array.from({ length: type.count }, () => each).flat();
    }
    case "struct":
      return type.members.flatMap(scalarsOf);
    default:
      throw new TypeError(`SPIR-V: a ${type.kind} has no scalars`);
  }
}

/** The type of a member or element. */
export function memberOf(type: Type, index: number): Type {
  if (type.kind === "struct") return type.members[index]!;
  if ("element" in type) return type.element;
  throw new TypeError(`SPIR-V: a ${type.kind} has no elements`);
}

/** A number as JavaScript text. */
export function literal(type: Scalar, value: number | bigint): string {
  if (type.kind === "bool") return value ? "true" : "false";
  if (type.kind === "int" && type.width === 64) return `${BigInt.asUintN(64, BigInt(value))}n`;
  const own = type.kind === "int" ? Number(value) | 0 : Number(value);
  return own < 0 || Object.is(own, -0) ? `(${Object.is(own, -0) ? "-0" : own})` : String(own);
}

/** What one module says. */
export class Module {
  readonly types: Map<number, Type> = new Map();
  readonly constants: Map<number, { readonly type: Type; readonly values: Values }> = new Map();
  readonly variables: Instruction[] = [];
  readonly routines: Map<number, Routine> = new Map();
  readonly decorations: Map<string, number> = new Map();
  /** Type of every result. */
  readonly resultTypes: Map<number, Type> = new Map();
  entry = 0;
  localSize: readonly number[] = [1, 1, 1];
  #specialized: ReadonlyMap<number, number>;

  /**
   * @param words The module.
   * @param specialized Values of specialization constants by `constant_id`; missing ones keep their defaults.
   */
  constructor(words: Uint32Array, specialized: ReadonlyMap<number, number>) {
    this.#specialized = specialized;
    let routine: Routine | undefined;
    let block: Block | undefined;
    for (let at = 5; at < words.length;) {
      const op = words[at]! & 0xffff;
      const w = words.subarray(at, at + (words[at]! >>> 16));
      at += w.length;
      if (op === 54) {
        routine = {
          id: w[2]!,
          type: w[1]!,
          parameters: [],
          blocks: new Map(),
          first: words[at + 1]!,
        };
        this.routines.set(routine.id, routine);
      } else if (op === 56) routine = block = undefined;
      else if (routine === undefined) this.#declare(op, w);
      else if (op === 55) routine.parameters.push(this.#instruction(op, w));
      else if (op === 248) {
        block = { label: w[1]!, body: [] };
        routine.blocks.set(block.label, block);
        if (routine.blocks.size === 1) (routine as { first: number }).first = block.label;
      } else if (op === 247) block!.merge = { block: w[1]!, continues: 0 };
      else if (op === 246) block!.merge = { block: w[1]!, continues: w[2]! };
      else block!.body.push(this.#instruction(op, w));
    }
  }

  type(id: number): Type {
    const found = this.types.get(id);
    if (found === undefined) throw new TypeError(`SPIR-V: type ${id} is missing`);
    return found;
  }

  decoration(id: number, decoration: number, member?: number): number | undefined {
    return this.decorations.get(`${id}.${member ?? ""}.${decoration}`);
  }

  #instruction(op: number, w: Uint32Array): Instruction {
    if (NO_RESULT.has(op)) return { op, type: 0, id: 0, args: [...w.subarray(1)] };
    if (w[1] !== undefined && !this.types.has(w[1])) throw new TypeError(`SPIR-V: opcode ${op}`);
    this.resultTypes.set(w[2]!, this.type(w[1]!));
    return { op, type: w[1]!, id: w[2]!, args: [...w.subarray(3)] };
  }

  #declare(op: number, w: Uint32Array): void {
    const [, a, b, c] = w as unknown as [number, number, number, number];
    switch (op) {
      case 10: // extension
      case 11: // extended instructions: GLSL.std.450
      case 14: // memory model
      case 17: // capability
        return;
      case 15:
        this.entry = b;
        return;
      case 16:
        if (b === 17) this.localSize = [...w.subarray(3, 6)];
        return;
      case 39: // forward pointer
        return;
      case 71:
        this.decorations.set(`${a}..${b}`, c ?? 1);
        return;
      case 72:
        this.decorations.set(`${a}.${b}.${c}`, w[4] ?? 1);
        return;
      case 59:
        this.variables.push({ op, type: a, id: b, args: [...w.subarray(3)] });
        this.resultTypes.set(b, this.type(a));
        return;
      default:
        if (op >= 19 && op <= 33) this.types.set(a, this.#typeOf(op, w));
        else if (op >= 41 && op <= 52) this.#constant(op, w);
        else throw new TypeError(`SPIR-V: opcode ${op} outside of functions`);
    }
  }

  #typeOf(op: number, w: Uint32Array): Type {
    const [, id, b, c] = w as unknown as [number, number, number, number];
    const stride = this.decoration(id, 6) ?? 0;
    switch (op) {
      case 19:
        return { kind: "void" };
      case 20:
        return { kind: "bool", width: 1 };
      case 21:
        return { kind: "int", width: b, signed: c === 1 };
      case 22:
        return { kind: "float", width: b };
      case 23: {
        const element = this.type(b) as Scalar;
        return { kind: "vector", element, count: c, stride: element.width / 8 };
      }
      case 24:
        return { kind: "matrix", element: this.type(b), count: c, stride: 0 };
      case 25:
        return { kind: "image", format: w[8]! };
      case 28: {
        const count = Number(this.constants.get(c)!.values[0]);
        return { kind: "array", element: this.type(b), count, stride };
      }
      case 29:
        return { kind: "runtime", element: this.type(b), count: 0, stride };
      case 30: {
        const members = [...w.subarray(2)].map((each) => this.type(each));
        const offsets = members.map((_, at) => this.decoration(id, 35, at) ?? 0);
        return { kind: "struct", members, offsets };
      }
      case 32:
        return { kind: "pointer", storage: b, target: () => this.type(c) };
      case 33:
        return { kind: "function" };
      default:
        throw new TypeError(`SPIR-V: type ${op}`);
    }
  }

  #constant(op: number, w: Uint32Array): void {
    const type = this.type(w[1]!);
    const id = w[2]!;
    this.resultTypes.set(id, type);
    const given = this.#specialized.get(this.decoration(id, 1) ?? -1);
    const set = (values: Values): void => void this.constants.set(id, { type, values });
    if (op === 41 || op === 42 || op === 48 || op === 49) {
      const own = op === 41 || op === 48;
      set([String(given === undefined ? own : given !== 0)]);
    } else if (op === 43 || op === 50) {
      const scalar = type as Scalar;
      const view = new DataView(Uint32Array.of(w[3]!, w[4] ?? 0).buffer);
      let value: number | bigint = view.getInt32(0, true);
      if (scalar.kind === "float") {
        value = scalar.width === 16 ? new Float16Array(view.buffer)[0]! : view.getFloat32(0, true);
      } else if (scalar.width === 64) value = view.getBigUint64(0, true);
      set([literal(scalar, given ?? value)]);
    } else if (op === 44 || op === 51) {
      const parts = [...w.subarray(3)];
      set(parts.flatMap((part) => this.constants.get(part)!.values));
      if (this.decoration(id, 11) === 25) {
        this.localSize = this.constants.get(id)!.values.map(Number);
      }
    } else if (op === 46) {
      set(scalarsOf(type).map((each) => literal(each, 0)));
    } else if (op === 52) {
      const operands = [...w.subarray(4)].map((each) => this.constants.get(each)!);
      const from = scalarsOf(operands[0]!.type)[0]!;
      const scalar = scalarsOf(type)[0]!;
      set(
        operands[0]!.values.map((_, at) =>
          evaluate(
            operation(w[3]!, scalar, from, operands.map(({ values }) => values[at]!)),
            scalar,
          )
        ),
      );
    } else throw new TypeError(`SPIR-V: constant of opcode ${op}`);
  }
}

const known = new Map<string, unknown>();

/** The value of an expression of constants. */
function evaluate(text: string, type: Scalar): string {
  let value = known.get(text);
  if (value === undefined) {
    known.set(text, value = new Function("F", `return ${text}`)(Math.fround));
  }
  return literal(type, Number(value));
}
