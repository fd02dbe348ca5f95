/**
 * Compares what both runtimes left in `out/test/results/`: every tensor of every layer table has the same bits on Deno and on
 * Bun, or this fails. The stage `bits` of scripts/test, behind both GPU stages.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FAMILIES, FOUND, type Found } from "./support/ledger.ts";

function read(family: string, runtime: string): Found {
  const path = join(FOUND, `${family}-${runtime}.json`);
  if (!existsSync(path)) {
    throw new Error(
      `Cannot compare ${family}: ${path} is missing, expected from stage gpu-${runtime}`,
    );
  }
  return JSON.parse(readFileSync(path, "utf8")) as Found;
}

let different = 0;
for (const family of FAMILIES) {
  const [deno, bun] = [read(family, "deno"), read(family, "bun")];
  const { forward, gradient, second } = deno.result;
  const same = deno.bits === bun.bits && deno.device === bun.device;
  if (!same) different++;
  console.log(
    `${family}: ${forward + gradient + second} tensors, ${
      same ? "equal bits" : "DIFFERENT"
    } on Deno ` +
      `(${deno.device}, ${deno.bits.slice(0, 12)}) and Bun (${bun.device}, ${
        bun.bits.slice(0, 12)
      })`,
  );
}
if (different > 0) throw new Error(`${different} families differ between Deno and Bun`);
