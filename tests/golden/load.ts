/**
 * The golden vectors: what MXNet 2.0 computes, prints and throws. README.md
 * beside this file says where they come from.
 *
 * @module
 */
import { readFileSync } from "node:fs";

/** A tensor in `cases.bin`. */
export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly offset: number;
  readonly dtype: "float32";
}

/** One layer, its arguments in MXNet's spelling, and what it computes. */
export interface GoldenCase {
  readonly id: string;
  readonly layer: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly input: GoldenTensor;
  readonly params: Readonly<Record<string, GoldenTensor>>;
  readonly head: GoldenTensor;
  readonly output: GoldenTensor;
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly source: string;
  readonly rtol: number;
  readonly atol: number;
  readonly note?: string;
}

/** What MXNet prints for a layer; `kwargs` in its own spelling. */
export interface GoldenText {
  readonly layer: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** What `behaviour.json` holds. */
export interface Behaviour {
  readonly repr: readonly GoldenText[];
  readonly summary: readonly {
    readonly net: string;
    readonly input: readonly number[];
    readonly text: string;
    readonly repr: string;
    readonly names: readonly string[];
  }[];
  readonly select: readonly { readonly pattern: string; readonly names: readonly string[] }[];
  readonly names: Readonly<Record<string, readonly string[]>>;
  readonly errors: readonly {
    readonly use: string;
    readonly error: string | null;
    readonly message?: string;
    readonly result?: string;
  }[];
  readonly optimizers: readonly {
    readonly optimizer: string;
    readonly options: Readonly<Record<string, unknown>>;
    readonly multipliers: Readonly<Record<string, number>>;
    readonly batch_size: number;
    readonly start: readonly number[];
    readonly gradients: readonly (readonly number[])[];
    readonly after_each_step: readonly (readonly number[])[];
  }[];
  readonly initializers: readonly {
    readonly init: string;
    readonly options: Readonly<Record<string, unknown>>;
    readonly shape: readonly number[];
    readonly min: number;
    readonly max: number;
    readonly std: number;
    readonly mean: number;
    readonly gram_diagonal?: number;
    readonly values?: readonly (readonly number[])[];
  }[];
}

function readText(name: string): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}

let binary: ArrayBuffer | undefined;

/** All cases, or those of some layers. */
export function goldenCases(...layers: readonly string[]): GoldenCase[] {
  const all = JSON.parse(readText("cases.json")) as GoldenCase[];
  return layers.length === 0 ? all : all.filter((each) => layers.includes(each.layer));
}

/** The values of a tensor of a case. */
export function goldenValues(tensor: GoldenTensor): Float32Array<ArrayBuffer> {
  if (binary === undefined) {
    const bytes = readFileSync(new URL("cases.bin", import.meta.url));
    binary = new Uint8Array(bytes).buffer;
  }
  const size = tensor.shape.reduce((product, length) => product * length, 1);
  return new Float32Array(binary.slice(tensor.offset, tensor.offset + 4 * size));
}

/** Texts and errors of MXNet. */
export function behaviour(): Behaviour {
  return JSON.parse(readText("behaviour.json")) as Behaviour;
}

/** MXNet's `in_channels` as our `inChannels`. */
export function camelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** MXNet's keyword arguments as our options. */
export function optionsOf(kwargs: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(kwargs).map(([key, value]) => [camelCase(key), value]));
}
