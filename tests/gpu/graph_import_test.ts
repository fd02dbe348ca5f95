/** Networks that real MXNet exported load and compute what it computed. */
import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SymbolBlock, type Tensor } from "../../mod.ts";
import { readArrays, toTensor } from "../../io.ts";
import { ROOT } from "../support/subprocess.ts";
import { gpuTest } from "../support/test.ts";

interface Value {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
}

interface Net {
  readonly name: string;
  readonly symbol?: string;
  readonly params?: string;
  readonly saved_parameters?: string;
  readonly io: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

const FOLDER = join(ROOT, "tests/files");
const { nets } = JSON.parse(readFileSync(join(FOLDER, "manifest.json"), "utf8")) as {
  nets: readonly Net[];
};

function assertNear(found: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assertEquals(found.length, expected.length, what);
  let scale = 0;
  for (let index = 0; index < expected.length; index++) {
    scale = Math.max(scale, Math.abs(expected[index]!));
  }
  for (let index = 0; index < expected.length; index++) {
    const difference = Math.abs(found[index]! - expected[index]!);
    if (difference <= 1e-4 * Math.abs(expected[index]!) + 1e-5 * scale) continue;
    throw new Error(`${what}: ${found[index]} at ${index}, expected ${expected[index]}`);
  }
}

for (const net of nets) {
  if (net.symbol === undefined) continue;
  gpuTest(`SymbolBlock.imports() runs ${net.name}, eager, as a graph, and replayed`, async () => {
    const arrays = new Map(
      (await readArrays(join(FOLDER, net.io))).map((array) => [array.name, array]),
    );
    const path = (name: string | undefined) => name === undefined ? null : join(FOLDER, name);
    using block = await SymbolBlock.imports(
      path(net.symbol)!,
      net.inputs.map(({ name }) => name),
      path(net.params),
    );
    const inputs = net.inputs.map(({ name }) => toTensor(arrays.get(name)!, { dtype: "float32" }));
    const planned = { staticAlloc: true, staticShape: true };
    for (const flags of [null, {}, planned]) {
      block.hybridize(flags !== null, flags ?? {});
      // The first planned run goes step by step, the second one is recorded, the third one replayed.
      for (let run = 0; run < (flags === planned ? 3 : 1); run++) {
        const outputs = [block.call(...inputs)].flat() as Tensor[];
        for (const [index, { name, shape }] of net.outputs.entries()) {
          const output = outputs[index]!;
          assertEquals(output.shape, shape, name);
          assertNear(await output.data(), arrays.get(name)!.data as ArrayLike<number>, name);
        }
        for (const output of outputs) output.dispose();
      }
    }
    for (const input of inputs) input.dispose();
  });
}
