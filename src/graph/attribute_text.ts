// Attributes of operators as MXNet writes them into graphs: Python literals, in two styles. Knows no operators.

import { describe } from "../core/options.ts";

/** Attributes without a meaning here: hints for MXNet's own kernels and its profiler. */
const IGNORED = [
  "workspace",
  "cudnn_tune",
  "cudnn_off",
  "min_calib_range",
  "max_calib_range",
  "is_int",
  "num_args",
  "scalar_is_int",
];

const NOTHING = ["none", "()", "[]", ""];

/** Reads the attributes of one node; {@linkcode done} refuses those that nobody asked for. */
export class AttributeReader {
  readonly #where: string;
  readonly #texts: ReadonlyMap<string, string>;
  readonly #read = new Set<string>(IGNORED);

  /**
   * @param where The node, for messages.
   * @param texts Its attributes.
   */
  constructor(where: string, texts: ReadonlyMap<string, string>) {
    this.#where = where;
    this.#texts = texts;
  }

  /**
   * An attribute as it stands.
   *
   * @param name Its name.
   * @returns The text; undefined if it is absent or says `None`.
   */
  text(name: string): string | undefined {
    this.#read.add(name);
    const text = this.#texts.get(name)?.trim();
    return text === undefined || NOTHING.includes(text.toLowerCase()) ? undefined : text;
  }

  /**
   * One of several words.
   *
   * @param name The name.
   * @param allowed The words.
   * @param fallback If it is absent.
   * @returns The word.
   */
  word<W extends string>(name: string, allowed: readonly W[], fallback: W): W {
    const text = this.text(name) ?? fallback;
    const found = allowed.find((word) => word === text);
    return found ?? this.#fail(name, text, allowed.join(", "));
  }

  /** A number; undefined if it is absent. */
  number(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text.replace(/L$/, "").replace(/^([+-]?)inf$/i, "$1Infinity"));
    return Number.isNaN(value) && text !== "nan" ? this.#fail(name, text, "a number") : value;
  }

  /** An integer; undefined if it is absent. */
  integer(name: string): number | undefined {
    const value = this.number(name);
    if (value === undefined || Number.isSafeInteger(value)) return value;
    return this.#fail(name, String(value), "an integer");
  }

  /** A truth value. */
  boolean(name: string, fallback: boolean): boolean {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const word = text.toLowerCase();
    if (word === "true" || word === "1") return true;
    return word === "false" || word === "0" ? false : this.#fail(name, text, "True or False");
  }

  /** A tuple or list of integers and `None`, or one integer; undefined if it is absent or empty. */
  optionalIntegers(name: string): (number | null)[] | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const inner = text.match(/^[([](.*?),?\s*[)\]]$/s)?.[1] ?? text;
    return inner.split(",").map((item) => {
      const word = item.trim().replace(/L$/, "");
      if (word.toLowerCase() === "none") return null;
      return /^[+-]?\d+$/.test(word) ? Number(word) : this.#fail(name, text, "integers");
    });
  }

  /** A tuple or list of integers, or one integer; undefined if it is absent or empty. */
  integers(name: string): number[] | undefined {
    return this.optionalIntegers(name)?.map((item) =>
      item ?? this.#fail(name, this.#texts.get(name)!, "integers")
    );
  }

  /** A value that must be there. */
  required<T>(name: string, value: T | undefined): T {
    return value ?? this.#fail(name, "nothing", "a value");
  }

  /** Says that something is not supported. */
  refuse(message: string): never {
    throw new RangeError(`Cannot run ${this.#where}: ${message}`);
  }

  /** Refuses attributes that were not read. */
  done(): void {
    for (const name of this.#texts.keys()) {
      // Names with underscores around, such as __profiler_scope__, belong to MXNet's bookkeeping.
      if (this.#read.has(name) || /^__.*__$/.test(name) || /_(lr|wd)_mult$/.test(name)) continue;
      const known = [...this.#read].filter((each) => !IGNORED.includes(each)).join(", ") || "none";
      this.refuse(`it has the unknown attribute ${describe(name)}, expected ${known}`);
    }
  }

  #fail(name: string, found: string, expected: string): never {
    return this.refuse(`${name} is ${describe(found)}, expected ${expected}`);
  }
}
