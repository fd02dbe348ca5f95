/**
 * The networks of MXNet's model zoo as MXNet 1.9.1 and 2.0.0b1 exported them, and what these computed with
 * weights of a generator that `tests/interop/zoo.py` shares.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { decodeSymbol } from "../../io.ts";
import { type HostTensor, SymbolBlock, tensor } from "../../mod.ts";
import { ROOT } from "../support/subprocess.ts";

/** One exported network. */
export interface ZooNetwork {
  readonly name: string;
  readonly input: readonly number[];
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly output: readonly number[];
  readonly symbol: string;
}

/** Reads the networks that one version exported. */
export function readZoo(version: "mx1" | "mx2"): readonly ZooNetwork[] {
  const bytes = readFileSync(join(ROOT, `tests/golden/zoo_${version}.json.gz`));
  return (JSON.parse(gunzipSync(bytes).toString()) as { nets: readonly ZooNetwork[] }).nets;
}

/** Numbers in [-1, 1): murmur3's finalizer of a counter. */
function uniform(seed: number, count: number): Float32Array {
  const numbers = new Float32Array(count);
  const offset = Math.imul(seed, 0x9e3779b9);
  for (let index = 0; index < count; index++) {
    let x = index + offset | 0;
    x ^= x >>> 16;
    x = Math.imul(x, 0x85ebca6b);
    x ^= x >>> 13;
    x = Math.imul(x, 0xc2b2ae35);
    x ^= x >>> 16;
    numbers[index] = (x >>> 8) / 2 ** 23 - 1;
  }
  return numbers;
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, size) => total * size, 1);
}

function valuesOf(name: string, seed: number, shape: readonly number[]): HostTensor {
  const data = uniform(seed, product(shape));
  const isGamma = name.endsWith("gamma");
  const isVariance = name.endsWith("running_var");
  const scale = name.endsWith("weight")
    ? Math.fround(Math.sqrt(6 / product(shape.slice(1))))
    : isGamma
    ? 0.25
    : isVariance
    ? 0.5
    : 0.125;
  const shift = isGamma || isVariance ? 1 : 0;
  for (let index = 0; index < data.length; index++) data[index] = shift + data[index]! * scale;
  return { data, shape };
}

/** Runs a network and returns the largest difference, relative to the largest output. */
export async function runZooNetwork(network: ZooNetwork): Promise<number> {
  const graph = decodeSymbol(new TextEncoder().encode(network.symbol));
  using block = new SymbolBlock(graph, "data");
  const variables = graph.nodes.filter(({ op }) => op === "null").map(({ name }) => name);
  block.loadDict(
    new Map(
      variables.flatMap((name, seed) =>
        name === "data" ? [] : [[name, valuesOf(name, seed, network.shapes[name]!)] as const]
      ),
    ),
  );
  using x = tensor(uniform(1000, product(network.input)), network.input);
  block.hybridize();
  using y = block.call(x);
  const found = await y.data();
  const scale = Math.max(...network.output.map(Math.abs));
  return Math.max(...network.output.map((value, index) => Math.abs(found[index]! - value))) / scale;
}
