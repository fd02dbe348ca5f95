// Makes a JavaScript function of one function of a SPIR-V module. Structured control flow becomes labeled blocks and loops;
// what invocations do together (shuffles, barriers) becomes a `yield`, after which each goes on with its result.

import type { Block, Instruction, Module, Routine, Type } from "./module.ts";
import { memberOf, type Scalar, scalarCount, scalarsOf } from "./module.ts";
import { extended, operation } from "./operations.ts";
import { Pointers } from "./pointers.ts";
import { rawTexels } from "./raw_texels.ts";

/** A place where invocations wait for each other, in the order of the code. */
export type Site = "shuffle" | "barrier";

const PLAIN = /^[\w$]+$/;
const LITERAL = /^(\d+|true|false)$/;

/** Instructions that only compute, so that their text can stand where the result is used. */
function isPure(op: number): boolean {
  return op === 12 || op >= 77 && op <= 84 || op >= 109 && op <= 203 && op !== 151;
}

/** Translates one function. */
export class Translator {
  readonly lines: string[] = [];
  readonly #module: Module;
  readonly #routine: Routine;
  readonly #waiting: ReadonlySet<number>;
  readonly #sites: Site[];
  readonly #values = new Map<number, readonly string[]>();
  readonly #pointers: Pointers;
  /** Blocks that use a result; as often as it is used. */
  readonly #uses = new Map<number, number[]>();
  /** Texels of which only the bits are used: as numbers, those of some NaN would change. */
  readonly #raw: ReadonlySet<number>;
  readonly #ahead: string[] = [];
  readonly #jumps = new Map<number, string>();

  /**
   * @param module What the function is part of.
   * @param routine The function.
   * @param waiting Functions in which invocations wait for each other.
   * @param sites Receives the places where they do.
   */
  constructor(
    module: Module,
    routine: Routine,
    waiting: ReadonlySet<number>,
    sites: Site[],
    addresses: number,
  ) {
    this.#module = module;
    this.#routine = routine;
    this.#waiting = waiting;
    this.#sites = sites;
    this.#raw = rawTexels(routine);
    this.#pointers = new Pointers(module, routine, addresses, (id) => this.#one(id));
  }

  /** The function as text. */
  text(): string {
    const { id, parameters, blocks, first } = this.#routine;
    for (const { label, body } of blocks.values()) {
      for (const { op, args } of body) {
        args.forEach((each, at) => {
          // A phi uses its operands at the end of the blocks that they come from.
          const place = op === 245 ? args[at | 1]! : label;
          const known = this.#uses.get(each);
          if (known === undefined) this.#uses.set(each, [place]);
          else known.push(place);
        });
      }
    }
    const names = parameters.flatMap(({ id, type }): string[] => {
      if (this.#module.type(type).kind === "pointer") return this.#pointers.parameter(id);
      const own = Array.from(
        { length: scalarCount(this.#module.type(type)) },
        (_, at) => `p${id}_${at}`,
      );
      this.#values.set(id, own);
      return own;
    });
    this.#follow(first);
    const star = this.#waiting.has(id) ? "*" : "";
    const begin = this.#pointers.declarations();
    const ahead = this.#ahead.length > 0 ? [`let ${this.#ahead.join(",")};`] : [];
    return [
      `function${star} f${id}(${["I", ...names].join(",")}){`,
      "const B=I.buffers,P=I.push;",
      ...begin,
      ...ahead,
      ...this.lines,
      "}",
    ].join("\n");
  }

  #type(id: number): Type {
    return this.#module.resultTypes.get(id)!;
  }

  #of(id: number): readonly string[] {
    const own = this.#values.get(id) ?? this.#module.constants.get(id)?.values;
    if (own === undefined) throw new TypeError(`SPIR-V: ${id} has no value`);
    return own;
  }

  #one(id: number): string {
    return this.#of(id)[0]!;
  }

  /** Keeps results: as text where that is used once, nearby and has no effects, else in variables. */
  #keep(id: number, block: Block, texts: readonly string[], pure: boolean): void {
    const uses = this.#uses.get(id) ?? [];
    const near = uses.every((label) => label === block.label);
    if (pure && near && (uses.length <= 1 || texts.every((text) => PLAIN.test(text)))) {
      this.#values.set(id, texts);
      return;
    }
    this.#values.set(
      id,
      texts.map((text, at) => {
        // A name may belong to this block alone.
        if (pure && (near ? PLAIN : LITERAL).test(text)) return text;
        const name = `v${id}_${at}`;
        if (near) this.lines.push(`const ${name}=${text};`);
        else {
          this.#ahead.push(name);
          this.lines.push(`${name}=${text};`);
        }
        return name;
      }),
    );
  }

  /** Emits a block and what follows it, up to where an enclosing construct goes on. */
  #follow(label: number): void {
    const block = this.#routine.blocks.get(label)!;
    const { merge } = block;
    if (merge !== undefined && merge.continues !== 0) {
      this.lines.push(`L${merge.block}:for(;;){C${merge.continues}:{`);
      this.#jumps.set(merge.block, `break L${merge.block};`);
      this.#jumps.set(merge.continues, `break C${merge.continues};`);
      this.#emit(block);
      this.lines.push("}");
      this.#jumps.delete(merge.continues);
      this.#jumps.set(label, `continue L${merge.block};`);
      this.#follow(merge.continues);
      this.#jumps.delete(label);
      this.lines.push("}");
      this.#jumps.delete(merge.block);
      this.#follow(merge.block);
      return;
    }
    if (merge === undefined) {
      this.#emit(block);
      return;
    }
    this.lines.push(`L${merge.block}:{`);
    this.#jumps.set(merge.block, `break L${merge.block};`);
    this.#emit(block);
    this.lines.push("}");
    this.#jumps.delete(merge.block);
    this.#follow(merge.block);
  }

  #go(from: Block, to: number): void {
    const phis = this.#routine.blocks.get(to)!.body.filter(({ op }) => op === 245);
    const sources = phis.map(({ args }) => this.#of(args[args.indexOf(from.label, 1) - 1]!));
    phis.forEach(({ id }, at) => {
      let names = this.#values.get(id);
      if (names === undefined) {
        names = sources[at]!.map((_, scalar) => `h${id}_${scalar}`);
        this.#values.set(id, names);
        this.#ahead.push(...names);
      }
    });
    const names = phis.flatMap(({ id }) => this.#values.get(id)!);
    if (names.length === 1) this.lines.push(`${names[0]}=${sources[0]![0]};`);
    else if (names.length > 1) this.lines.push(`[${names}]=[${sources.flat()}];`);
    const jump = this.#jumps.get(to);
    if (jump !== undefined) this.lines.push(jump);
    else this.#follow(to);
  }

  #emit(block: Block): void {
    for (const instruction of block.body) {
      const { op, args } = instruction;
      if (op === 249) this.#go(block, args[0]!);
      else if (op === 250) {
        const condition = this.#one(args[0]!);
        if (condition === "true" || condition === "false") {
          this.#go(block, args[condition === "true" ? 1 : 2]!);
          continue;
        }
        this.lines.push(`if(${condition}){`);
        this.#go(block, args[1]!);
        this.lines.push("}else{");
        this.#go(block, args[2]!);
        this.lines.push("}");
      } else if (op === 251) {
        this.lines.push(`switch(${this.#one(args[0]!)}){`);
        for (let at = 2; at < args.length; at += 2) {
          this.lines.push(`case ${args[at]! | 0}:{`);
          this.#go(block, args[at + 1]!);
          this.lines.push("}");
        }
        this.lines.push("default:{");
        this.#go(block, args[1]!);
        this.lines.push("}}");
      } else if (op === 253) this.lines.push("return;");
      else if (op === 254) {
        const own = this.#of(args[0]!);
        this.lines.push(own.length === 1 ? `return ${own[0]};` : `return [${own}];`);
      } else if (op === 255) this.lines.push(`throw new Error("unreachable");`);
      else if (op !== 245) this.#instruction(instruction, block);
    }
  }

  #instruction({ op, type, id, args }: Instruction, block: Block): void {
    const pointers = this.#pointers;
    const result = type === 0 ? undefined : this.#module.type(type);
    switch (op) {
      case 59: // variable
        pointers.variable(id, type, args[1] === undefined ? undefined : this.#of(args[1]));
        return;
      case 61: // load
        if (result!.kind === "image") pointers.alias(id, args[0]!);
        else this.#keep(id, block, pointers.load(args[0]!, id), false);
        return;
      case 62: // store
        this.lines.push(...pointers.store(pointers.of(args[0]!), this.#of(args[1]!)));
        return;
      case 65: // access chain
      case 66: {
        const chain = pointers.chain(args);
        if ("at" in chain && !LITERAL.test(chain.at)) {
          this.#keep(id, block, [chain.at], false);
          pointers.set(id, { ...chain, at: this.#one(id) });
        } else pointers.set(id, chain);
        return;
      }
      case 120: // address to pointer
        pointers.fromAddress(id, args[0]!, result!);
        return;
      case 98: // image read
        this.#keep(id, block, [
          `${this.#texel(args[0]!)}${this.#raw.has(id) ? "Bits" : ""}(${this.#one(args[1]!)})`,
        ], false);
        this.#values.set(id, [0, 1, 2, 3].map((at) => `${this.#one(id)}[${at}]`));
        return;
      case 99: // image write
        this.lines.push(
          `${this.#texel(args[0]!)}Set(${this.#one(args[1]!)},[${this.#of(args[2]!)}]);`,
        );
        return;
      case 57: // call
        this.#call(id, result!, args, block);
        return;
      case 224:
        this.#sites.push("barrier");
        this.lines.push(`yield ${this.#sites.length};`);
        return;
      case 225: // memory barrier: invocations run one after another
        return;
      case 345: { // shuffle
        const own = this.#of(args[1]!);
        this.#sites.push("shuffle");
        this.lines.push(`I.value=[${own}];I.source=${this.#one(args[2]!)};`);
        this.lines.push(`yield ${this.#sites.length};`);
        this.#keep(id, block, own.map((_, at) => `I.result[${at}]`), false);
        return;
      }
      default:
        if (op >= 227 && op <= 242) {
          const value = args[3] === undefined ? "0" : this.#one(args[3]);
          this.#keep(id, block, [pointers.atomic(op, args[0]!, value)], false);
        } else this.#keep(id, block, this.#compute(op, result!, args), isPure(op));
    }
  }

  /** The method of a buffer that reads texels. */
  #texel(image: number): string {
    const { format } = this.#type(image) as Type & { kind: "image" };
    if (format !== 1 && format !== 3) throw new TypeError(`SPIR-V: texels of format ${format}`);
    return `${this.#pointers.buffer(image)}.texel${format === 1 ? 4 : 1}`;
  }

  #call(id: number, result: Type, [callee, ...args]: readonly number[], block: Block): void {
    const given = args.flatMap((each) =>
      this.#type(each).kind === "pointer" ? this.#pointers.passed(each) : this.#of(each)
    );
    const text = `${this.#waiting.has(callee!) ? "yield* " : ""}f${callee}(${["I", ...given]})`;
    if (result.kind === "void") {
      this.lines.push(`${text};`);
      return;
    }
    const count = scalarCount(result);
    this.#keep(id, block, [text], false);
    if (count === 1) return;
    const name = this.#one(id);
    this.#values.set(id, Array.from({ length: count }, (_, at) => `${name}[${at}]`));
  }

  #compute(op: number, type: Type, args: readonly number[]): readonly string[] {
    const scalars = scalarsOf(type);
    const first = (): readonly string[] => this.#of(args[0]!);
    const from = (at: number): Scalar => scalarsOf(this.#type(args[at]!))[0]!;
    switch (op) {
      case 1: // undefined
        return scalars.map(() => "NaN");
      case 12: {
        const code = args[1]!;
        const operands = args.slice(2).map((each) => this.#of(each));
        if (code === 58) return [`packHalf(${operands[0]})`];
        if (code === 62) return [0, 1].map((at) => `unpackHalf(${operands[0]},${at})`);
        return scalars.map((scalar, at) =>
          extended(code, scalar, operands.map((each) => each[at]!))
        );
      }
      case 77:
        return [`[${first()}][bound(${this.#one(args[1]!)},${first().length})]`];
      case 79: {
        const all = [...first(), ...this.#of(args[1]!)];
        return args.slice(2).map((each) => all[each]!);
      }
      case 80:
        return args.flatMap((each) => this.#of(each));
      case 81:
      case 82: {
        const composite = args[op === 81 ? 0 : 1]!;
        let own = this.#type(composite);
        let start = 0;
        for (const index of args.slice(op === 81 ? 1 : 2)) {
          for (let before = 0; before < index; before++) {
            start += scalarCount(memberOf(own, before));
          }
          own = memberOf(own, index);
        }
        const end = start + scalarCount(own);
        const all = this.#of(composite);
        if (op === 81) return all.slice(start, end);
        return [...all.slice(0, start), ...first(), ...all.slice(end)];
      }
      case 83:
        return first();
      case 84: {
        const columns = type as Type & { count: number };
        const rows = first().length / columns.count;
        return first().map((_, at) => first()[at % rows * columns.count + Math.floor(at / rows)]!);
      }
      case 124:
        if (this.#raw.has(args[0]!)) return first();
        return this.#bits(from(0), scalars, first());
      case 142:
        return scalars.map((scalar, at) =>
          operation(133, scalar, scalar, [first()[at]!, this.#one(args[1]!)])
        );
      case 148: {
        const products = first().map((each, at) =>
          operation(133, scalars[0]!, scalars[0]!, [each, this.#of(args[1]!)[at]!])
        );
        return [
          products.reduce((sum, each) => operation(129, scalars[0]!, scalars[0]!, [sum, each])),
        ];
      }
      case 151: {
        const pair = [this.#one(args[0]!), this.#one(args[1]!)];
        return [`Math.imul(${pair})`, `high(${pair})`];
      }
      case 154:
        return [`(${first().join("||")})`];
      case 155:
        return [`(${first().join("&&")})`];
      default: {
        const operands = args.map((each) => this.#of(each));
        return scalars.map((scalar, at) =>
          operation(op, scalar, from(0), operands.map((each) => each[at] ?? each[0]!))
        );
      }
    }
  }

  #bits(from: Scalar, to: readonly Scalar[], values: readonly string[]): readonly string[] {
    const own = to[0]!;
    if (from.width === own.width) {
      if (from.kind === own.kind) return values;
      if (own.width !== 32) throw new TypeError(`SPIR-V: bits of ${own.width}`);
      return values.map((each) => own.kind === "float" ? `floatOf(${each})` : `bitsOf(${each})`);
    }
    if (from.width === 32 && own.width === 64) {
      return to.map((_, at) => `pair(${values[2 * at]},${values[2 * at + 1]})`);
    }
    if (from.width === 64 && own.width === 32) {
      return to.map((_, at) => `half(${values[at >> 1]},${at & 1})`);
    }
    throw new TypeError(`SPIR-V: bits of ${from.width} as ${own.width}`);
  }
}
