/**
 * Makes the committed results and README's table from what the layer tables found: `deno task table` runs the tables on
 * the device at hand first. A test keeps README equal to the results, and the tables keep the results true.
 *
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderTable, replaceTable } from "./support/layer_markdown.ts";
import { FAMILIES, FOUND, type Found, RESULTS, type Results } from "./support/ledger.ts";
import { ROOT } from "./support/subprocess.ts";

const runtime = "Deno" in globalThis ? "deno" : "bun";

/** An error of which only the order of magnitude matters, rounded up to two digits. */
function roundedUp(error: number): number {
  if (error === 0) return 0;
  const step = 10 ** (Math.floor(Math.log10(error)) - 1);
  return Number((Math.ceil(error / step) * step).toPrecision(2));
}

const results = Object.fromEntries(FAMILIES.map((family) => {
  const path = join(FOUND, `${family}-${runtime}.json`);
  const { result } = JSON.parse(readFileSync(path, "utf8")) as Found;
  return [family, result];
})) as Results;
const text = JSON.stringify(
  results,
  (_, value) => typeof value === "number" && !Number.isInteger(value) ? roundedUp(value) : value,
  1,
);
writeFileSync(RESULTS, text + "\n");
const readme = join(ROOT, "README.md");
const before = readFileSync(readme, "utf8");
writeFileSync(readme, replaceTable(before, renderTable(JSON.parse(text) as Results)));
console.log(`wrote ${RESULTS} and the table in ${readme}`);
