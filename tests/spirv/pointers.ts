// What the pointers of a function point to, and the text that reads and writes there: variables of the function, words of
// the push block, elements of bound buffers, what a workgroup shares.

import {
  memberOf,
  type Module,
  type Routine,
  scalarCount,
  scalarsOf,
  type Type,
} from "./module.ts";

/** Where a pointer points. */
export type Pointer =
  /** A variable that nothing indexes: one JavaScript variable for each scalar. */
  | { readonly space: "names"; readonly names: readonly string[]; readonly type: Type }
  /** Scalars of an array, counted. */
  | { readonly space: "array"; readonly array: string; readonly at: string; readonly type: Type }
  /** Bytes of the push block or of a buffer. */
  | { readonly space: "push"; readonly at: string; readonly type: Type }
  | { readonly space: "buffer"; readonly buffer: string; readonly at: string; readonly type: Type }
  | { readonly space: "input"; readonly texts: readonly string[]; readonly type: Type };

const NUMBER = /^\d+$/;
const STORAGE = { image: 0, input: 1, shared: 4, private: 6, function: 7, push: 9, buffer: 12 };

/** The sum of two offsets, computed here where both are known. */
export function add(a: string, b: string): string {
  if (a === "0") return b;
  if (b === "0") return a;
  return NUMBER.test(a) && NUMBER.test(b) ? String(Number(a) + Number(b)) : `(${a}+${b})`;
}

/** An unsigned index times a size; numbers do not wrap around as a device's do, so what is too far stays too far. */
export function times(index: string, size: number): string {
  return NUMBER.test(index) ? String(Number(index) * size) : `(${index}>>>0)*${size}`;
}

function inputTexts(builtIn: number): readonly string[] {
  const three = (text: string): string[] => [0, 1, 2].map((axis) => `${text}[${axis}]`);
  switch (builtIn) {
    case 24:
      return three("I.grid");
    case 26:
      return three("I.workgroup");
    case 27:
      return three("I.local");
    case 28:
      return [0, 1, 2].map((axis) => `(I.workgroup[${axis}]*I.size[${axis}]+I.local[${axis}]|0)`);
    case 29:
      return ["I.index"];
    case 36:
      return ["I.subgroupSize"];
    case 38:
      return ["I.subgroups"];
    case 40:
      return ["I.subgroup"];
    case 41:
      return ["I.lane"];
    default:
      throw new TypeError(`SPIR-V: built-in ${builtIn}`);
  }
}

/** Method of buffers that reads or writes a scalar. */
function accessor(type: Type): string {
  if (type.kind === "float" && type.width === 32) return "f32";
  if (type.kind === "float" && type.width === 16) return "f16";
  if (type.kind === "int" && type.width === 32) return "i32";
  if (type.kind === "int" && type.width === 64) return "u64";
  throw new TypeError(`SPIR-V: memory of ${JSON.stringify(type)}`);
}

/** Bytes from the start of a type in a buffer to each of its scalars. */
function offsetsOf(type: Type): number[] {
  if (type.kind === "struct") {
    return type.members.flatMap((each, at) =>
      offsetsOf(each).map((own) => own + type.offsets[at]!)
    );
  }
  if ("element" in type) {
    return Array.from(
      { length: type.count },
      (_, at) => offsetsOf(type.element).map((own) => own + at * type.stride),
    ).flat();
  }
  return [0];
}

/** The pointers of one function. */
export class Pointers {
  readonly #module: Module;
  readonly #addresses: number;
  readonly #index: (id: number) => string;
  readonly #known = new Map<number, Pointer>();
  /** Variables that are indexed or handed on, so that they must be arrays. */
  readonly #arrays = new Set<number>();
  readonly #declared: string[] = [];
  /** Bindings by the result that loaded their address. */
  readonly #bindings = new Map<number, number>();

  /**
   * @param addresses Bytes of the addresses at the head of the push block.
   * @param index The text of an index.
   */
  constructor(
    module: Module,
    routine: Routine,
    addresses: number,
    index: (id: number) => string,
  ) {
    this.#module = module;
    this.#addresses = addresses;
    this.#index = index;
    for (const each of module.variables) this.#global(each.id, each.type, each.args[0]!);
    const chains = new Map<number, number>();
    for (const { body } of routine.blocks.values()) {
      for (const { op, id, args } of body) {
        const indexed = op === 65 || op === 66;
        const moves = op === 61 || op === 62;
        if (indexed && args.slice(1).every((each) => module.constants.has(each))) {
          chains.set(id, chains.get(args[0]!) ?? args[0]!);
          continue;
        }
        if (moves) continue;
        for (const each of args) this.#arrays.add(chains.get(each) ?? each);
      }
    }
  }

  /** Statements that a function begins with. */
  declarations(): readonly string[] {
    return this.#declared;
  }

  set(id: number, pointer: Pointer): void {
    this.#known.set(id, pointer);
  }

  alias(id: number, other: number): void {
    this.set(id, this.of(other));
  }

  of(id: number): Pointer {
    const found = this.#known.get(id);
    if (found === undefined) throw new TypeError(`SPIR-V: pointer ${id} is missing`);
    return found;
  }

  /** The buffer that a pointer or an image belongs to. */
  buffer(id: number): string {
    const own = this.of(id);
    if (own.space !== "buffer") throw new TypeError(`SPIR-V: ${id} is in no buffer`);
    return own.buffer;
  }

  /** Names of a pointer that a function receives. */
  parameter(id: number): string[] {
    const type = this.#pointee(this.#module.resultTypes.get(id)!);
    this.set(id, { space: "array", array: `p${id}a`, at: `p${id}o`, type });
    return [`p${id}a`, `p${id}o`];
  }

  /** A pointer as it is handed to a function. */
  passed(id: number): string[] {
    const own = this.of(id);
    if (own.space !== "array") throw new TypeError(`SPIR-V: pointer into ${own.space} is passed`);
    return [own.array, own.at];
  }

  /** A variable of the function. */
  variable(id: number, type: number, initial: readonly string[] | undefined): void {
    const target = this.#pointee(this.#module.type(type));
    const count = scalarCount(target);
    const values = initial ??
      scalarsOf(target).map(({ kind, width }) =>
        kind === "float" ? "NaN" : kind === "int" && width === 64 ? "0n" : "0"
      );
    if (this.#arrays.has(id)) {
      const same = values.every((each) => each === values[0]);
      this.#declared.push(
        same && count > 8
          ? `const a${id}=new Array(${count}).fill(${values[0]});`
          : `const a${id}=[${values}];`,
      );
      this.set(id, { space: "array", array: `a${id}`, at: "0", type: target });
      return;
    }
    const names = values.map((_, at) => `l${id}_${at}`);
    this.#declared.push(`let ${names.map((name, at) => `${name}=${values[at]}`)};`);
    this.set(id, { space: "names", names, type: target });
  }

  /** The pointer that an access chain gives. */
  chain([base, ...indices]: readonly number[]): Pointer {
    let pointer = this.of(base!);
    for (const id of indices) pointer = this.#step(pointer, this.#index(id));
    return pointer;
  }

  /** The pointer to what a 64-bit address names. */
  fromAddress(id: number, address: number, type: Type): void {
    const binding = this.#bindings.get(address);
    if (binding === undefined) throw new TypeError("SPIR-V: an address is computed");
    this.set(id, { space: "buffer", buffer: `B[${binding}]`, at: "0", type: this.#pointee(type) });
  }

  /** What is read there. */
  load(id: number, result: number): readonly string[] {
    const own = this.of(id);
    switch (own.space) {
      case "names":
        return own.names;
      case "array":
        return scalarsOf(own.type).map((_, at) => `${own.array}[${add(own.at, String(at))}]`);
      case "input":
        return own.texts;
      case "push": {
        if (own.type.kind === "int" && own.type.width === 64) {
          this.#bindings.set(result, Number(own.at) / 8);
          return ["0n"];
        }
        const isFloat = scalarsOf(own.type)[0]!.kind === "float";
        return offsetsOf(own.type).map((offset) => {
          const at = add(own.at, String(offset));
          const place = NUMBER.test(at)
            ? String((Number(at) - this.#addresses) / 4)
            : `(${at}-${this.#addresses})/4`;
          return isFloat ? `floatOf(P[${place}])` : `P[${place}]`;
        });
      }
      case "buffer": {
        const scalars = scalarsOf(own.type);
        return offsetsOf(own.type).map((offset, at) =>
          `${own.buffer}.${accessor(scalars[at]!)}(${add(own.at, String(offset))})`
        );
      }
    }
  }

  /** Statements that write there. */
  store(own: Pointer, values: readonly string[]): readonly string[] {
    switch (own.space) {
      case "names":
        if (values.length === 1) return [`${own.names[0]}=${values[0]};`];
        // What is stored may be the same variable in another order.
        return [`[${own.names}]=[${values}];`];
      case "array":
        return values.map((value, at) => `${own.array}[${add(own.at, String(at))}]=${value};`);
      case "buffer": {
        const scalars = scalarsOf(own.type);
        return offsetsOf(own.type).map((offset, at) =>
          `${own.buffer}.${accessor(scalars[at]!)}Set(${add(own.at, String(offset))},${
            values[at]
          });`
        );
      }
      default:
        throw new TypeError(`SPIR-V: a store to ${own.space}`);
    }
  }

  /** An atomic operation there. */
  atomic(op: number, id: number, value: string): string {
    const own = this.of(id);
    if (own.space === "array") return `atomic(${op},${own.array},${own.at},${value})`;
    if (own.space !== "buffer") throw new TypeError(`SPIR-V: an atomic operation on ${own.space}`);
    const name = own.type.kind === "int" && own.type.width === 64 ? "atomic64" : "atomic";
    return `${own.buffer}.${name}(${op},${own.at},${value})`;
  }

  #pointee(type: Type): Type {
    if (type.kind !== "pointer") throw new TypeError(`SPIR-V: a ${type.kind} is no pointer`);
    return type.target();
  }

  #global(id: number, pointer: number, storage: number): void {
    const type = this.#pointee(this.#module.type(pointer));
    const binding = this.#module.decoration(id, 33) ?? -1;
    switch (storage) {
      case STORAGE.input: {
        const builtIn = this.#module.decoration(id, 11) ?? -1;
        return this.set(id, { space: "input", texts: inputTexts(builtIn), type });
      }
      case STORAGE.push:
        return this.set(id, { space: "push", at: "0", type });
      case STORAGE.image:
      case STORAGE.buffer:
        return this.set(id, { space: "buffer", buffer: `B[${binding}]`, at: "0", type });
      case STORAGE.shared:
      case STORAGE.private: {
        const owner = storage === STORAGE.shared ? "shared" : "own";
        return this.set(id, { space: "array", array: `I.${owner}[${id}]`, at: "0", type });
      }
      default:
        throw new TypeError(`SPIR-V: storage class ${storage}`);
    }
  }

  #step(pointer: Pointer, index: string): Pointer {
    const known = NUMBER.test(index);
    const type = memberOf(pointer.type, known ? Number(index) : 0);
    if (pointer.space === "names" || pointer.space === "input") {
      if (!known && pointer.space === "input") {
        return { space: "input", texts: [`[${pointer.texts}][${index}]`], type };
      }
      let start = 0;
      for (let at = 0; at < Number(index); at++) start += scalarCount(memberOf(pointer.type, at));
      const end = start + scalarCount(type);
      if (pointer.space === "input") {
        return { ...pointer, texts: pointer.texts.slice(start, end), type };
      }
      return { ...pointer, names: pointer.names.slice(start, end), type };
    }
    let step: string;
    const owner = pointer.type;
    if (owner.kind === "struct") {
      const before = owner.members.slice(0, Number(index));
      step = pointer.space === "array"
        ? String(before.reduce((sum, each) => sum + scalarCount(each), 0))
        : String(owner.offsets[Number(index)]!);
    } else if ("element" in owner) {
      const checked = known || owner.count === 0 ? index : `bound(${index},${owner.count})`;
      step = times(checked, pointer.space === "array" ? scalarCount(type) : owner.stride);
    } else throw new TypeError(`SPIR-V: an index into ${owner.kind}`);
    return { ...pointer, at: add(pointer.at, step), type };
  }
}
