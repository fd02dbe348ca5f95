// Which variants were measured to be the fastest, kept as JSON that says for which device, driver and kernels it holds. Knows
// no operators: signatures and names of variants are texts, and whoever plans checks that a name is a variant of his.

import type { TuningTable } from "../core/capabilities.ts";
import { DeviceError, StateError } from "../core/errors.ts";
import { describe } from "../core/options.ts";
import { families } from "../../shaders/manifest.ts";
import { type CacheIdentity, hashTexts, identityName } from "./cache_file.ts";
import type { Context } from "./context.ts";
import type { DeviceOptions } from "./options.ts";
import { readWhole, writeWhole } from "./whole_file.ts";

/** What was measured for one signature. */
export interface TuningResult {
  /** The variant that was the fastest. */
  readonly variant: string;
  /** Median time of its launches. */
  readonly nanoseconds: number;
}

/** All results of a device, as JSON has them. */
export interface TuningResults {
  /** Version of this format. */
  readonly format: "vknn-tuning-1";
  /** Names device, driver and kernels. */
  readonly identity: string;
  /** Results by signature. */
  readonly results: Readonly<Record<string, TuningResult>>;
  /** SHA-256 over everything else, in hexadecimal digits. */
  readonly checksum: string;
}

/** Most results that are kept; a program has a few for each layer. */
const MAX_RESULTS = 20_000;

/** Most bytes of a file. */
const MAX_FILE_BYTES = 16 * 2 ** 20;

const MAX_SIGNATURE = 2000;
const VARIANT = /^[a-z0-9_]{1,64}$/;

/** Results of tuning; programs read it from {@linkcode Kernels.tuning}. */
export class Tuning implements TuningTable {
  readonly #context: Context;
  readonly #mode: boolean | "saved";
  readonly #path: string | undefined;
  readonly #log: DeviceOptions["log"];
  readonly #results = new Map<string, TuningResult>();
  #identity: string | undefined;
  #changed = false;

  /**
   * Devices make this.
   *
   * @param context The device.
   * @param options `tune`, `cacheDirectory` and `log`.
   */
  constructor(context: Context, { tune = false, cacheDirectory, log }: DeviceOptions) {
    this.#context = context;
    this.#mode = tune;
    this.#log = log;
    if (tune === false || cacheDirectory === undefined) return;
    this.#path = `${cacheDirectory}/vknn-${this.#name()}.tuning.json`;
    this.#read(this.#path);
  }

  /** Whether plans take results into account. */
  get enabled(): boolean {
    return this.#mode !== false;
  }

  /** Whether what is unknown is measured. */
  get measures(): boolean {
    return this.#mode === true;
  }

  /** Number of results. */
  get count(): number {
    return this.#results.size;
  }

  /**
   * The variant that was kept for some work.
   *
   * @param signature Names the work.
   * @returns Its name; undefined if nothing was measured.
   */
  find(signature: string): string | undefined {
    return this.#results.get(signature)?.variant;
  }

  /**
   * Keeps a result, unless there is one: what once was chosen stays, so that runs repeat bit by bit.
   *
   * @param signature Names the work.
   * @param result What was measured.
   * @returns Whether it was kept.
   * @ignore
   */
  keep(signature: string, result: TuningResult): boolean {
    if (this.#results.has(signature) || this.#results.size >= MAX_RESULTS) return false;
    this.#results.set(signature, result);
    return this.#changed = true;
  }

  /**
   * All results, for `JSON.stringify`.
   *
   * @returns Plain data that {@linkcode Tuning.load} takes.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { convolution, Device, ones } from "@vknn/vknn";
   *
   * const device = Device.open({ tune: true });
   * using x = ones([1, 8, 12, 12], { device });
   * using w = ones([8, 8, 3, 3], { device });
   * convolution(x, w).dispose(); // measures
   * const json = JSON.stringify(device.kernels.tuning);
   *
   * const other = Device.open({ tune: "saved" });
   * assertEquals(other.kernels.tuning.load(JSON.parse(json)), 1);
   * device.dispose();
   * other.dispose();
   * ```
   */
  toJSON(): TuningResults {
    const identity = this.#name();
    const results = Object.fromEntries(this.#results);
    return { format: FORMAT, identity, results, checksum: checksumOf(identity, results) };
  }

  /**
   * Takes results that were measured earlier, for work that has none yet. Load them before the first call: what has
   * run stays as it is.
   *
   * @param results What {@linkcode Tuning.toJSON} returned.
   * @returns How many were taken.
   * @throws {StateError} If the device was opened without `tune`.
   * @throws {TypeError} If it is something else, or was changed.
   * @throws {DeviceError} If it was measured on another device, with another driver or other kernels.
   */
  load(results: unknown): number {
    if (!this.enabled) {
      throw new StateError(
        'Cannot load results of tuning: the device was opened without tune, expected true or "saved"',
      );
    }
    const read = readResults(results);
    if (read.identity !== this.#name()) {
      throw new DeviceError(
        `Cannot load results of tuning: they were measured on another device, with another driver or other ` +
          `kernels (${read.identity}), expected those of ${this.#context.record.adapter.name} (${this.#name()})`,
      );
    }
    let count = 0;
    for (const [signature, result] of Object.entries(read.results)) {
      if (this.keep(signature, result)) count++;
    }
    return count;
  }

  /** Writes the file, if there is one and results came. Never throws; the log tells what failed. */
  save(): void {
    if (this.#path === undefined || !this.#changed) return;
    this.#changed = false;
    const text = `${JSON.stringify(this, null, 1)}\n`;
    const reason = writeWhole(this.#path, new TextEncoder().encode(text));
    if (reason !== undefined) {
      this.#notice(`Cannot keep results of tuning in ${this.#path}: ${reason}`);
    }
  }

  #read(path: string): void {
    const bytes = readWhole(path, MAX_FILE_BYTES);
    if (bytes === undefined) return;
    try {
      this.load(JSON.parse(new TextDecoder().decode(bytes)));
      this.#changed = false;
    } catch (error) {
      this.#notice(`Ignored ${path}, which will be replaced: ${(error as Error).message}`);
    }
  }

  #notice(message: string): void {
    this.#log?.({ level: "notice", message });
  }

  #name(): string {
    if (this.#identity === undefined) {
      const kernelHash = hashTexts(families.flatMap((family) => Object.values(family)));
      const identity: CacheIdentity = { ...this.#context.record.cache, kernelHash };
      this.#identity = identityName(identity);
    }
    return this.#identity;
  }
}

const FORMAT = "vknn-tuning-1";

function checksumOf(identity: string, results: TuningResults["results"]): string {
  const rows = Object.keys(results).sort().map((signature) => {
    const { variant, nanoseconds } = results[signature]!;
    return `${signature}\n${variant} ${nanoseconds}`;
  });
  return hashTexts([FORMAT, identity, ...rows]);
}

/** Checks everything: the data may come from anywhere. */
function readResults(value: unknown): TuningResults {
  const refuse = (found: string, expected: string) =>
    new TypeError(`Cannot load results of tuning: ${found}, expected ${expected}`);
  const given = recordOf(value);
  if (given === undefined) {
    throw refuse(`found ${describe(value)}`, "what toJSON() of a device's tuning returned");
  }
  if (given.format !== FORMAT) throw refuse(`format is ${describe(given.format)}`, FORMAT);
  const { identity, checksum } = given;
  const listed = recordOf(given.results);
  if (typeof identity !== "string" || listed === undefined) {
    throw refuse(`results is ${describe(given.results)}`, "an object of results, and an identity");
  }
  const results: Record<string, TuningResult> = Object.create(null);
  for (const [signature, entry] of Object.entries(listed)) {
    const { variant, nanoseconds } = recordOf(entry) ?? {};
    const fits = signature.length <= MAX_SIGNATURE && typeof variant === "string" &&
      VARIANT.test(variant) && typeof nanoseconds === "number" && nanoseconds >= 0 &&
      nanoseconds < Infinity;
    if (!fits) {
      throw refuse(
        `the result of ${describe(signature)} is ${describe(entry)}`,
        "variant and time",
      );
    }
    results[signature] = { variant, nanoseconds };
  }
  if (checksum !== checksumOf(identity, results)) {
    throw refuse("the checksum does not fit", "results that nobody changed");
  }
  return { format: FORMAT, identity, results, checksum: checksum as string };
}

function recordOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : undefined;
}
