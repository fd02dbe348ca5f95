/**
 * What a run of the layer tables found: counts, layouts, dtypes and worst errors of every class, and a digest of all
 * bits. Written to `out/test/results/`, from where `deno task table` makes the committed results and README's table, and
 * where the stage `bits` of scripts/test compares both runtimes.
 *
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./subprocess.ts";

/** Where runs leave what they found, one file for each family and runtime. */
export const FOUND = join(ROOT, "out/test/results");

/** The committed results. */
export const RESULTS = join(ROOT, "tests/golden/results.json");

/** Families of layers, each with a table of its own. */
export const FAMILIES = ["convolution", "pooling", "deformable", "movement"] as const;

/** What was compared: a result, a gradient, or the gradient of a gradient. */
export type Part = "forward" | "gradient" | "second";

/** What is known of one class of layers. */
export interface LayerResult {
  readonly layouts: readonly string[];
  readonly dtypes: readonly string[];
  /** Tensors compared with the float64 oracle. */
  readonly forward: number;
  readonly gradient: number;
  readonly second: number;
  /** What gradients were compared of, in the order of the parameters. */
  readonly gradientsOf: readonly string[];
  /** Whether `createGraph` is refused with an error that names the operator. */
  readonly refusesSecond: boolean;
  /** Largest distance from the oracle in float32, relative to the largest value of the tensor where that is above 1. */
  readonly worst: Readonly<Record<Part, number>>;
  /** The same in float16. */
  readonly worstHalf: number;
}

/** All classes of one family. */
export interface FamilyResult {
  readonly forward: number;
  readonly gradient: number;
  readonly second: number;
  readonly layers: Readonly<Record<string, LayerResult>>;
}

/** The committed results: families by name. */
export type Results = Readonly<Record<string, FamilyResult>>;

/** What one run leaves behind. */
export interface Found {
  readonly result: FamilyResult;
  /** SHA-256 of the bits of every tensor, in order. */
  readonly bits: string;
  readonly device: string;
}

interface Entry {
  layouts: Set<string>;
  dtypes: Set<string>;
  counts: Record<Part, number>;
  gradientsOf: Set<string>;
  refusesSecond: boolean;
  worst: Record<Part, number>;
  worstHalf: number;
}

const ORDER = ["NCW", "NWC", "NCHW", "NHWC", "NCDHW", "NDHWC"];

/** Largest distance of two arrays, relative to the largest finite expected value where that is above 1. */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let worst = 0;
  let scale = 1;
  for (let at = 0; at < expected.length; at++) {
    const [a, e] = [actual[at]!, expected[at]!];
    // The lowest numbers of empty windows are no measure of the others.
    if (Math.abs(e) < 65504) scale = Math.max(scale, Math.abs(e));
    if (a !== e && Number.isFinite(a) && Number.isFinite(e)) {
      worst = Math.max(worst, Math.abs(a - e));
    }
  }
  return worst / scale;
}

/** Collects the comparisons of one family. */
export class Ledger {
  readonly #layers = new Map<string, Entry>();
  #chain = new Uint8Array(32);

  #entry(layer: string): Entry {
    let entry = this.#layers.get(layer);
    if (entry === undefined) {
      entry = {
        layouts: new Set(),
        dtypes: new Set(),
        counts: { forward: 0, gradient: 0, second: 0 },
        gradientsOf: new Set(),
        refusesSecond: false,
        worst: { forward: 0, gradient: 0, second: 0 },
        worstHalf: 0,
      };
      this.#layers.set(layer, entry);
    }
    return entry;
  }

  /**
   * Notes one tensor that agreed.
   *
   * @param layer Class.
   * @param at Layout and dtype of the case, what was compared, and of what it is the gradient.
   * @param actual Computed numbers.
   * @param expected The oracle's.
   */
  async add(
    layer: string,
    at: { layout: string; dtype: string; part: Part; of?: string },
    actual: Float32Array<ArrayBuffer> | Float16Array<ArrayBuffer>,
    expected: ArrayLike<number>,
  ): Promise<void> {
    const entry = this.#entry(layer);
    entry.layouts.add(at.layout);
    entry.dtypes.add(at.dtype);
    entry.counts[at.part]++;
    if (at.part === "gradient") entry.gradientsOf.add(at.of!);
    const error = distance(actual, expected);
    if (at.dtype === "float16") entry.worstHalf = Math.max(entry.worstHalf, error);
    else entry.worst[at.part] = Math.max(entry.worst[at.part], error);
    const bytes = new Uint8Array(32 + actual.byteLength);
    bytes.set(this.#chain);
    bytes.set(new Uint8Array(actual.buffer, actual.byteOffset, actual.byteLength), 32);
    this.#chain = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  }

  /** Notes that a class refuses a second derivative with a clear error. */
  refuses(layer: string): void {
    this.#entry(layer).refusesSecond = true;
  }

  /** Everything noted, classes in order of their names. */
  get result(): FamilyResult {
    const layers: Record<string, LayerResult> = {};
    const totals = { forward: 0, gradient: 0, second: 0 };
    for (const name of [...this.#layers.keys()].sort()) {
      const { layouts, dtypes, counts, gradientsOf, ...entry } = this.#layers.get(name)!;
      for (const part of ["forward", "gradient", "second"] as const) totals[part] += counts[part];
      layers[name] = {
        layouts: [...layouts].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b)),
        dtypes: [...dtypes].sort().reverse(),
        ...counts,
        gradientsOf: [...gradientsOf],
        ...entry,
      };
    }
    return { ...totals, layers };
  }

  /** SHA-256 over the bits of all tensors, in order. */
  get bits(): string {
    return this.#chain.toHex();
  }

  /**
   * Leaves the findings behind.
   *
   * @param family Name of the family.
   * @param device Name of the device.
   */
  write(family: string, device: string): void {
    mkdirSync(FOUND, { recursive: true });
    const runtime = "Deno" in globalThis ? "deno" : "bun";
    const found: Found = { result: this.result, bits: this.bits, device };
    const path = join(FOUND, `${family}-${runtime}.json`);
    writeFileSync(path, JSON.stringify(found, null, 2) + "\n");
  }
}

/** Reads the committed results. */
export function committedResults(): Results {
  return JSON.parse(readFileSync(RESULTS, "utf8")) as Results;
}

/**
 * What committed results claim and a run did not find.
 *
 * @param claimed The committed results of a family.
 * @param found What the run found.
 * @param sameDevice Whether errors are comparable: rounding differs from device to device.
 * @returns One sentence for each false claim.
 */
export function falseClaims(
  claimed: FamilyResult | undefined,
  found: FamilyResult,
  sameDevice: boolean,
): string[] {
  if (claimed === undefined) return ["the family is missing"];
  const wrong: string[] = [];
  const same = (what: string, a: unknown, b: unknown): void => {
    const [x, y] = [JSON.stringify(a), JSON.stringify(b)];
    if (x !== y) wrong.push(`${what}: ${x} is claimed, ${y} was found`);
  };
  same("layers", Object.keys(claimed.layers), Object.keys(found.layers));
  for (const key of ["forward", "gradient", "second"] as const) same(key, claimed[key], found[key]);
  for (const [name, layer] of Object.entries(found.layers)) {
    const claim = claimed.layers[name];
    if (claim === undefined) continue;
    const { worst, worstHalf, ...exact } = layer;
    const { worst: most, worstHalf: mostHalf, ...claims } = claim;
    same(name, claims, exact);
    if (!sameDevice) continue;
    for (const part of ["forward", "gradient", "second"] as const) {
      // Kernels change their order of summation; what is printed is the order of magnitude.
      if (worst[part] > 2 * most[part]) {
        wrong.push(
          `${name}: worst ${part} error ${most[part]} is claimed, ${worst[part]} was found`,
        );
      }
    }
    if (worstHalf > 2 * mostHalf) {
      wrong.push(`${name}: worst float16 error ${mostHalf} is claimed, ${worstHalf} was found`);
    }
  }
  return wrong;
}
