/** Profiles from made-up timings: sums, rates, text and trace, with and without timestamps. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { memoryReport, Profile, profile } from "../../inspect.ts";
import type { KernelTiming } from "../../inspect.ts";
import { MemoryReport } from "../../src/inspect/memory.ts";
import { ROOT, runText } from "../support/subprocess.ts";
import { test } from "../support/test.ts";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const grid = [2, 1, 1] as const;

/** Two calls of one kernel, one call of two kernels, and work that nobody announced. */
const TIMINGS: readonly KernelTiming[] = [
  {
    label: "Convolution/direct",
    program: "convolution/direct",
    nanoseconds: 1000,
    start: 0,
    grid,
    work: { flops: 4000, bytes: 500, dispatches: 1 },
  },
  {
    label: "Convolution/direct",
    program: "convolution/direct",
    nanoseconds: 1000,
    start: 1500,
    grid,
    work: { flops: 4000, bytes: 500, dispatches: 1 },
  },
  {
    label: "Convolution/winograd",
    program: "convolution/transform",
    nanoseconds: 500,
    start: 3000,
    grid,
    work: { flops: 9000, bytes: 2000, dispatches: 2 },
  },
  {
    label: "Convolution/winograd",
    program: "convolution/multiply",
    nanoseconds: 1500,
    start: 4000,
    grid,
    work: null,
  },
  { label: "Other", program: "other/fill", nanoseconds: 1000, start: 6000, grid, work: null },
];

test("a profile sums calls, time and work for each operator and each kernel", () => {
  const measured = new Profile(7, "card", TIMINGS, 1.5);
  assertEquals([measured.result, measured.nanoseconds, measured.hasTimes], [7, 5000, true]);
  assertEquals(measured.operatorRows, [
    {
      label: "Convolution",
      program: null,
      calls: 3,
      nanoseconds: 4000,
      share: 0.8,
      flops: 17000,
      bytes: 3000,
      gigaflopsPerSecond: 4.25,
      gigabytesPerSecond: 0.75,
    },
    {
      label: "Other",
      program: null,
      calls: 1,
      nanoseconds: 1000,
      share: 0.2,
      flops: null,
      bytes: null,
      gigaflopsPerSecond: null,
      gigabytesPerSecond: null,
    },
  ]);
  assertEquals(
    measured.kernelRows.map(({ program, calls, nanoseconds, flops, gigaflopsPerSecond }) => [
      program,
      calls,
      nanoseconds,
      flops,
      gigaflopsPerSecond,
    ]),
    [
      ["convolution/direct", 2, 2000, 8000, 4],
      // Of a call over two kernels nobody knows the parts.
      ["convolution/multiply", 1, 1500, null, null],
      ["other/fill", 1, 1000, null, null],
      ["convolution/transform", 1, 500, null, null],
    ],
  );
});

test("a profile prints a table, kernels below their operator", () => {
  const lines = `${new Profile(null, "card", TIMINGS, 1.5)}`.split("\n");
  assertEquals(lines[0], "card: 0.005 ms on the GPU, 1.500 ms in all");
  const cells = lines.slice(2).map((line) => line.trim().split(/ {2,}/));
  assertEquals(cells, [
    ["Operator / kernel", "Calls", "ms", "Share", "GFLOP/s", "GB/s"],
    ["Convolution", "3", "0.004", "80.0 %", "4.25", "0.75"],
    ["convolution/direct", "2", "0.002", "40.0 %", "4.00", "0.50"],
    ["convolution/multiply", "1", "0.002", "30.0 %", "-", "-"],
    ["convolution/transform", "1", "0.001", "10.0 %", "-", "-"],
    ["Other", "1", "0.001", "20.0 %", "-", "-"],
    ["other/fill", "1", "0.001", "20.0 %", "-", "-"],
  ]);
  assertEquals(new Set(lines.slice(2).map((line) => line.length)).size, 1, "columns line up");
});

test("a profile becomes a Chrome trace", () => {
  const trace = new Profile(null, "card", TIMINGS, 1).trace();
  const parsed = JSON.parse(JSON.stringify(trace));
  assertEquals(parsed.traceEvents.length, 2 + TIMINGS.length);
  assertEquals(parsed.traceEvents[0], {
    name: "process_name",
    ph: "M",
    pid: 1,
    tid: 1,
    args: { name: "card" },
  });
  assertEquals(parsed.traceEvents[3], {
    name: "Convolution/direct",
    cat: "kernel",
    ph: "X",
    ts: 1.5,
    dur: 1,
    pid: 1,
    tid: 1,
    args: { program: "convolution/direct", grid: "2 x 1 x 1", flops: 4000, bytes: 500 },
  });
  assertEquals(parsed.otherData, { device: "card", timestamps: "available" });
});

test("without timestamps a profile says so and still counts", () => {
  const timings = TIMINGS.map((row) => ({ ...row, nanoseconds: null, start: null }));
  const measured = new Profile(null, "card", timings, 1.5);
  assertEquals([measured.nanoseconds, measured.hasTimes], [null, false]);
  const [row] = measured.operatorRows;
  assertEquals([row!.calls, row!.flops, row!.share, row!.gigaflopsPerSecond], [
    3,
    17000,
    null,
    null,
  ]);
  assertStringIncludes(`${measured}`, "GPU time is not available");
  const trace = measured.trace();
  assertEquals(trace.traceEvents.length, 2);
  assertEquals(trace.otherData["timestamps"], "not available");
});

test("an empty profile is one", () => {
  const measured = new Profile(null, "card", [], 0);
  assertEquals([measured.nanoseconds, measured.operatorRows.length], [0, 0]);
  assertStringIncludes(`${measured}`, "no kernel was launched");
});

test("profile() and memoryReport() refuse what is no function or device", async () => {
  await assertRejects(() => profile(3 as unknown as () => void), TypeError, "expected a function");
  const device = "gpu" as never;
  await assertRejects(() => profile(() => {}, { device }), TypeError, "Device");
  await assertRejects(() => profile(() => {}, { devise: 1 } as never), TypeError, '"device"');
  assertThrows(() => memoryReport("gpu" as never), TypeError, "Device");
});

test("a memory report lists the largest labels and sums the others", () => {
  const labels = Array.from({ length: 12 }, (_, index) => ({
    label: `weight ${index}`,
    liveBytes: 1024 * (12 - index),
    liveBuffers: 1,
  }));
  const report = new MemoryReport("card", {
    liveBytes: 1024 * 78,
    liveBuffers: 12,
    peakBytes: 3 * 2 ** 20,
    reservedBytes: 2 ** 30,
    pooledBytes: 100,
    vulkanObjects: 5,
  }, labels);
  const lines = `${report}`.split("\n");
  assertEquals(
    lines[0],
    "card: live 78.0 KiB in 12 buffers, peak 3.0 MiB, reserved 1.0 GiB, waiting for reuse 100 B",
  );
  assertEquals(lines.length, 3 + 11);
  assertEquals(lines[3]!.trim().split(/ {2,}/), ["weight 0", "1", "12.0 KiB"]);
  assertEquals(lines.at(-1)!.trim().split(/ {2,}/), ["2 other labels", "2", "3.0 KiB"]);
  assertEquals(report.toString(2).split("\n").length, 3 + 3);
  assertThrows(() => report.toString(-1), RangeError, "listed");
});

test("inspect.ts opens nothing and asks for nothing when imported", async () => {
  const url = JSON.stringify(pathToFileURL(join(ROOT, "inspect.ts")).href);
  const result = await runText(`
    import * as inspect from ${url};
    console.log(typeof inspect.profile, typeof inspect.memoryReport);`);
  assertEquals([result.code, result.stderr], [0, ""]);
  assert(result.stdout.includes("function function"));
});
