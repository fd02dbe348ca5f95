// README's table of layers is that of the committed results, which hold as many comparisons as were promised; that they
// are true is what tests/gpu/layer_table_*_test.ts compare with each run.

import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as vknn from "../../mod.ts";
import { GLUON, renderTable, replaceTable, tableIn } from "../support/layer_markdown.ts";
import { committedResults, distance, falseClaims, Ledger } from "../support/ledger.ts";
import { ROOT } from "../support/subprocess.ts";
import { test } from "../support/test.ts";

test("README's table of layers is made of the committed results", () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const table = renderTable(committedResults());
  assert(tableIn(readme) === table, "run `deno task table`");
  assertEquals(replaceTable(readme, table), readme);
  assertEquals(tableIn(replaceTable(readme, "| other |")), "| other |");
});

test("1,200 results and 2,400 gradients are compared with the float64 oracles", () => {
  const families = Object.values(committedResults());
  const sum = (key: "forward" | "gradient") => families.reduce((all, each) => all + each[key], 0);
  assert(sum("forward") >= 1200, String(sum("forward")));
  assert(sum("gradient") >= 2400, String(sum("gradient")));
});

test("every layer of the module is in the table, in every layout and dtype", () => {
  const layers = Object.fromEntries(
    Object.values(committedResults()).flatMap((each) => Object.entries(each.layers)),
  );
  const families =
    /^(Conv|MaxPool|AvgPool|Global|Adaptive|MaxUnpool|Pixel|Deformable|Modulated)|Pad\dD/;
  const exported = Object.keys(vknn).filter((name) => families.test(name));
  assertEquals(Object.keys(layers).sort(), exported.sort());
  assertEquals(GLUON.filter((name) => !(name in layers)), []);
  assertEquals(GLUON.length, 24);
  for (
    const [name, { layouts, dtypes, gradientsOf, second, refusesSecond }] of Object.entries(layers)
  ) {
    const rank = Number(name.match(/(\d)D/)?.[1] ?? 2);
    const both = [["NCW", "NWC"], ["NCHW", "NHWC"], ["NCDHW", "NDHWC"]][rank - 1]!;
    const isFirst = /Pixel|Pad\d/.test(name);
    assertEquals(layouts, isFirst ? both.slice(0, 1) : both, name);
    assertEquals(dtypes, ["float32", "float16"], name);
    assertEquals(
      gradientsOf.length,
      name.startsWith("Conv") ? 3 : /Deform/.test(name) ? 5 : 1,
      name,
    );
    assert(refusesSecond === /Deform/.test(name) && refusesSecond === (second === 0), name);
  }
});

test("a ledger's claims are false where a run finds something else", async () => {
  assertEquals(distance([1, 2.5], [1, 2]), 0.25);
  assertEquals(distance([0.5], [0.25]), 0.25);
  const run = async (error: number, layout = "NCHW") => {
    const ledger = new Ledger();
    const at = { layout, dtype: "float32", part: "forward" } as const;
    await ledger.add("Conv2D", at, Float32Array.of(1 + error), [1]);
    return ledger;
  };
  const claimed = (await run(2 ** -20)).result;
  assertEquals(falseClaims(claimed, (await run(2 ** -20)).result, true), []);
  assertEquals(falseClaims(claimed, (await run(2 ** -10)).result, false), []);
  assertEquals(falseClaims(claimed, (await run(2 ** -10)).result, true).length, 1);
  assertEquals(falseClaims(claimed, (await run(0, "NHWC")).result, true).length, 1);
  assertEquals(falseClaims(undefined, claimed, true).length, 1);
  assert((await run(0)).bits !== (await run(2 ** -20)).bits);
  assertEquals((await run(0)).bits, (await run(0)).bits);
});
