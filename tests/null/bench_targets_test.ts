/**
 * The table of promises: figures follow from results by the stated rules, and README shows what the committed results say.
 */
import { assert, assertEquals } from "@std/assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { targetTable } from "../../bench/targets.ts";
import { ROOT } from "../support/subprocess.ts";
import { test } from "../support/test.ts";

const base = { direction: "fwd", ms_min: 2, ms_median: 3, gflops: 50, gbps: 4, ok: true };

/** The table of some results, as cells by figure. */
function rowsOf(lines: readonly Record<string, unknown>[]): Map<string, string[]> {
  const folder = mkdtempSync(join(tmpdir(), "vknn-targets-"));
  try {
    const path = join(folder, "results.jsonl");
    writeFileSync(path, lines.map((line) => JSON.stringify(line) + "\n").join(""));
    const rows = targetTable([path]).split("\n").slice(2);
    return new Map(rows.map((row) => {
      const [figure, ...cells] = row.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, ""));
      return [figure!, cells];
    }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const software = { direction: "info", peer: "vknn-deno", software: true, gflops: 129, gbps: 8 };
const ours = ["R3", "M2", "P5"].map((id) => ({ ...base, peer: "vknn-deno", id }));

test("rates and paired ratios are geometric means; memory-bound layers count in ratios only", () => {
  const rows = rowsOf([
    software,
    { ...ours[0]!, gflops: 40 },
    { ...ours[1]!, gflops: 160 },
    ours[2]!,
    { ...base, peer: "tfjs-wasm", id: "R3", ours_faster: 8 },
    { ...base, peer: "tfjs-wasm", id: "M2", ours_faster: 0.5 },
    { ...base, peer: "tfjs-wasm", id: "P5", ours_faster: 16 },
    { ...base, peer: "copy", id: "P5", ours_faster: 0.7 },
  ]);
  assertEquals(rows.get("geometric mean over the compute layers, forward"), [
    "80 GFLOP/s (2 layers, 129 in registers)",
    "≥ 60 GFLOP/s",
    "yes",
  ]);
  assertEquals(rows.get("times tfjs-wasm, forward"), ["4 (3 layers)", "≥ 4", "yes"]);
  assertEquals(rows.get("slowest layer beside tfjs-wasm"), ["0.5 (M2 0.5)", "≥ 1", "**no**"]);
  assertEquals(rows.get("memory-bound layers, part of a copy kernel's bandwidth"), [
    "70 % (P5 70)",
    "≥ 60 %",
    "yes",
  ]);
  assertEquals(rows.get("times ONNX Runtime on the CPU, forward"), ["not measured", "≥ 0.4", "–"]);
});

test("on GPUs a copy and a layer are compared by the device's clock", () => {
  const rows = rowsOf([
    { ...software, software: false },
    { ...ours[2]!, device_ms_min: 0.5 },
    { ...base, peer: "copy", id: "P5", device_ms_min: 0.4, ours_faster: 0.7 },
    { ...base, peer: "copy-fp16", id: "P5", device_ms_min: 0.2 },
  ]);
  assertEquals(rows.get("memory-bound layers, part of a copy kernel's bandwidth"), [
    "80 % (P5 80)",
    "≥ 85 %",
    "**no**",
  ]);
});

test("wrong results of a peer do not count", () => {
  const wrong = { ...base, peer: "ort", id: "R3", ours_faster: 9, ok: false };
  const right = { ...base, peer: "ort", id: "M2", ours_faster: 0.25 };
  const rows = rowsOf([software, ...ours, wrong, right]);
  assertEquals(rows.get("times ONNX Runtime on the CPU, forward"), [
    "0.25 (M2)",
    "≥ 0.4",
    "**no**",
  ]);
});

test("several networks count by their geometric mean, and by the largest part of memory", () => {
  const hybrid = (scale: number, faster: number, peak: number) => {
    const id = `hybrid ${scale}x`;
    return [
      { ...base, peer: "vknn-deno", id, peak_bytes: peak },
      { ...base, peer: "eager", id, peak_bytes: 100, ours_faster: faster },
    ];
  };
  const rows = rowsOf([software, ...hybrid(2, 1.6, 40), ...hybrid(3, 0.9, 70)]);
  assertEquals(
    rows.get("times eager calls, hybridized upscaling of 64x64 tiles")?.[0],
    "1.2 (2x 1.6, 3x 0.9)",
  );
  assertEquals(rows.get("peak memory of that, part of eager calls'"), [
    "0.7 (2x 0.4, 3x 0.7)",
    "≤ 0.6",
    "**no**",
  ]);
});

test("the host's cost is that of a runtime by its fastest tenth", () => {
  const dispatch = (peer: string, name: string, tenth: number) => ({
    ...base,
    peer,
    id: `dispatch: ${name}`,
    ms_median: 2 * tenth,
    ms_tenth: tenth,
  });
  const chained = "device.dispatch, each reads the last result";
  const rows = rowsOf([
    software,
    dispatch("vknn-deno", chained, 0.004),
    dispatch("vknn-deno", "add(a, b)", 0.005),
    dispatch("vknn-bun", chained, 0.0031),
    dispatch("vknn-bun", "add(a, b)", 0.0045),
  ]);
  const cost = (runtime: string) => rows.get(`an eager dispatch on the host, ${runtime}`)!;
  assert(cost("Deno")[0]!.startsWith("4 µs (fastest tenth; median 8, "));
  assertEquals(cost("Deno")[2], "yes");
  assert(cost("Bun")[0]!.startsWith("3.1 µs"));
  assertEquals(cost("Bun")[2], "**no**");
});

test("time that grows with the work has the power 1", () => {
  const points = [1, 2, 4].map((batch) => ({
    ...base,
    peer: "vknn-deno",
    id: `sweep batch ${batch}`,
    ms_min: 3 * batch,
    gflops: 20,
  }));
  const rows = rowsOf([software, ...points]);
  assertEquals(rows.get("power of the batch by which time grows"), [
    "1 (3 points)",
    "≤ 1.1",
    "yes",
  ]);
});

test("cuDNN is compared by the device's own clock", () => {
  const rows = rowsOf([
    { ...software, software: false },
    { ...ours[0]!, device_ms_min: 1 },
    { ...base, peer: "cudnn", id: "R3" },
  ]);
  assert(rows.get("times cuDNN in float32 without TF32, forward")![0]!.startsWith("2 (1 layers"));
});

for (const name of ["lavapipe", "h200"]) {
  test(`README shows the results of ${name}`, () => {
    const readme = readFileSync(join(ROOT, "README.md"), "utf8");
    const table = targetTable([join(ROOT, `bench/results/${name}.jsonl`)]);
    assert(
      readme.includes(table),
      `put the output of bench/targets.ts bench/results/${name}.jsonl into README`,
    );
  });
}
