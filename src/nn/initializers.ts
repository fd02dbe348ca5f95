// The initializers by name, and the forms in which an initializer may be given: an object, a
// registered name, MXNet's JSON text or an options object. After apache/mxnet python/mxnet/registry.py.

import { FormatError } from "../core/errors.ts";
import { checkOptionsObject, nearest } from "../core/options.ts";
import { describe } from "../core/shape.ts";
import {
  Bilinear,
  Constant,
  Initializer,
  MSRAPrelu,
  Normal,
  One,
  Uniform,
  Xavier,
  Zero,
} from "./initializer.ts";
import type { FactorType, MSRAPreluOptions, XavierOptions } from "./initializer.ts";
import { ICNR } from "./initializer_icnr.ts";
import { Orthogonal, type OrthogonalOptions } from "./initializer_orthogonal.ts";

export {
  Bilinear,
  Constant,
  ICNR,
  Initializer,
  MSRAPrelu,
  Normal,
  One,
  Orthogonal,
  Uniform,
  Xavier,
  Zero,
};
export type { FactorType, MSRAPreluOptions, OrthogonalOptions, XavierOptions };

/** An initializer by name, with its options in the same object: `{ initializer: "xavier", magnitude: 2 }`. */
export interface InitializerDescription {
  /** Registered name, in any case. */
  readonly initializer: string;
  /** Options of the initializer, in camelCase or in MXNet's spelling. */
  readonly [option: string]: unknown;
}

/**
 * Every form in which an initializer may be given: an object, a registered name in any case, a JSON
 * text `["xavier", {"magnitude": 2}]`, or an options object.
 */
export type InitializerLike = Initializer | InitializerDescription | string;

/** Makes an initializer from options, whose keys are checked already. */
export type InitializerFactory = (options: Readonly<Record<string, unknown>>) => Initializer;

interface Entry {
  readonly options: readonly string[];
  readonly make: InitializerFactory;
}

const registry = new Map<string, Entry>();

/**
 * Makes an initializer known by name.
 *
 * @param name The name, case-insensitive. An earlier entry of that name is replaced.
 * @param make Makes the initializer from its options.
 * @param options Names of the options in camelCase; others are refused.
 * @throws {TypeError} If the name is not a non-empty string.
 *
 * @example
 * ```ts
 * import { Conv1D, initializers } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * initializers.register("half", () => new initializers.Constant(0.5));
 * const made = initializers.create("HALF");
 * assertEquals(made instanceof initializers.Constant, true);
 * new Conv1D(4, 3, { weightInitializer: "half" });
 * ```
 */
export function register(
  name: string,
  make: InitializerFactory,
  options: readonly string[] = [],
): void {
  if (typeof name !== "string" || name === "") {
    throw new TypeError(
      `Cannot register an initializer: name is ${describe(name)}, expected a non-empty string`,
    );
  }
  registry.set(name.toLowerCase(), { options, make });
}

/**
 * Resolves an initializer given in any form.
 *
 * @param form An object, a registered name, a JSON text or an options object.
 * @param where What is being done, for messages.
 * @returns The initializer; the very same if it is one already.
 * @throws {TypeError} If the form or an option is none of these.
 * @throws {RangeError} If the name is not registered; names the nearest one.
 * @throws {FormatError} If a text that starts with `[` or `{` is no JSON.
 *
 * @example
 * ```ts
 * import { initializers } from "@vknn/vknn";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const made = initializers.create('["xavier", {"factor_type": "in", "magnitude": 2}]');
 * assert(made instanceof initializers.Xavier);
 * assertEquals(made.factorType, "in");
 * ```
 */
export function create(
  form: InitializerLike,
  where: string = "create an initializer",
): Initializer {
  if (form instanceof Initializer) return form;
  if (typeof where !== "string") {
    const found = describe(where);
    throw new TypeError(`Cannot create an initializer: where is ${found}, expected a string`);
  }
  if (typeof form === "string") {
    if (!/^\s*[[{]/.test(form)) return make(where, form, {});
    const parsed = parse(where, form);
    if (!Array.isArray(parsed)) return create(parsed as InitializerDescription, where);
    const [name, options = {}] = parsed as unknown[];
    if (typeof name === "string" && parsed.length <= 2) return make(where, name, options);
  } else if (typeof form === "object" && form !== null && typeof form.initializer === "string") {
    const { initializer, ...options } = form;
    return make(where, initializer, options);
  }
  throw new TypeError(
    `Cannot ${where}: found ${describe(form)}, expected an Initializer, a name, ` +
      `a JSON text ["name", {options}] or an object with the key initializer`,
  );
}

function parse(where: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = `Cannot ${where}: found ${describe(text)}, expected a name or JSON`;
    throw new FormatError(message, { cause: error });
  }
}

function make(where: string, name: string, options: unknown): Initializer {
  const entry = registry.get(name.toLowerCase());
  if (entry === undefined) {
    const names = [...registry.keys()];
    const near = nearest(name, names);
    throw new RangeError(
      `Cannot ${where}: name is ${describe(name)}, expected one of ` +
        names.join(", ") + (near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`),
    );
  }
  const renamed = typeof options === "object" && options !== null && !Array.isArray(options)
    ? Object.fromEntries(Object.entries(options).map(([key, value]) => [camelCase(key), value]))
    : options;
  return entry.make(checkOptionsObject(`${where}: ${describe(name)}`, renamed, entry.options));
}

/** MXNet's `rnd_type` to `rndType`. */
function camelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

for (const name of ["zero", "zeros"]) register(name, () => new Zero());
for (const name of ["one", "ones"]) register(name, () => new One());
// The constructors check the values.
register("constant", ({ value }) => new Constant(value as number), ["value"]);
register("uniform", ({ scale }) => new Uniform(scale as number | undefined), ["scale"]);
register("normal", ({ sigma }) => new Normal(sigma as number | undefined), ["sigma"]);
register("xavier", (options) => new Xavier(options), ["rndType", "factorType", "magnitude"]);
register("msraprelu", (options) => new MSRAPrelu(options), ["factorType", "slope"]);
register("orthogonal", (options) => new Orthogonal(options), ["scale", "randType"]);
register("bilinear", () => new Bilinear());
register(
  "icnr",
  ({ factor, initializer }) =>
    new ICNR(
      factor as number | undefined,
      initializer === undefined ? undefined : create(initializer as InitializerLike),
    ),
  ["factor", "initializer"],
);
