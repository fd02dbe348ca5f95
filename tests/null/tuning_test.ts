// Results of tuning without a GPU: what planners make of them, and how they are read.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Capabilities } from "../../src/core/capabilities.ts";
import { DeviceError, StateError } from "../../src/core/errors.ts";
import type { Context } from "../../src/device/context.ts";
import type { DeviceOptions, LogEvent } from "../../src/device/options.ts";
import { Tuning, type TuningResults } from "../../src/device/tuning.ts";
import {
  convolutionCandidates,
  type ConvolutionSettings,
  convolutionWork,
  planConvolution,
} from "../../src/kernels/convolution.ts";
import {
  planWeightGradient,
  weightGradientCandidates,
  weightGradientWork,
} from "../../src/kernels/convolution_gradient.ts";
import {
  deconvolutionCandidates,
  type DeconvolutionSettings,
  deconvolutionWork,
  planDeconvolution,
} from "../../src/kernels/deconvolution.ts";
import type { Plan } from "../../src/kernels/plan.ts";
import { MOST_CANDIDATES, type TunableWork, withVariant } from "../../src/kernels/tuning.ts";
import { FORGED } from "../reference/capabilities.ts";
import { test } from "../support/test.ts";

const SETTINGS: ConvolutionSettings = {
  input: [1, 32, 28, 28],
  weight: [32, 32, 3, 3],
  layout: "NCHW",
  stride: [1, 1],
  dilation: [1, 1],
  padding: [1, 1],
};

const TRANSPOSED: DeconvolutionSettings = { ...SETTINGS, size: [28, 28] };

/** What each tunable kernel is planned by, for the same convolution. */
const PLANNERS: readonly {
  readonly candidates: (on: Capabilities) => readonly string[];
  readonly work: (on: Capabilities) => TunableWork;
  readonly plan: (on: Capabilities, variant?: string) => Plan;
}[] = [
  {
    candidates: (on) => convolutionCandidates(on, SETTINGS),
    work: (on) => convolutionWork(on, SETTINGS),
    plan: (on, variant) => planConvolution(on, SETTINGS, variant),
  },
  {
    candidates: (on) => deconvolutionCandidates(on, TRANSPOSED),
    work: (on) => deconvolutionWork(on, TRANSPOSED),
    plan: (on, variant) => planDeconvolution(on, TRANSPOSED, variant),
  },
  {
    candidates: (on) => weightGradientCandidates(on, SETTINGS),
    work: (on) => weightGradientWork(on, SETTINGS),
    plan: (on, variant) => planWeightGradient(on, SETTINGS, variant),
  },
];

test("planners take the variant that was kept, and theirs where it is none of their candidates", () => {
  for (const capabilities of [FORGED.cpu, FORGED.gpu]) {
    const signatures = new Set<string>();
    for (const { candidates, work, plan } of PLANNERS) {
      const { signature, candidates: listed } = work(capabilities);
      signatures.add(signature);
      assertEquals(listed, candidates(capabilities));
      assert(listed.length > 1 && listed.length <= MOST_CANDIDATES, `${listed}`);
      for (const variant of listed) {
        const forced = plan(capabilities, variant);
        assertEquals(plan(withVariant(capabilities, signature, variant)), forced);
        assertEquals(plan(withVariant(capabilities, `${signature} `, variant)), plan(capabilities));
      }
      for (const other of ["nonsense", "igemm_1x1_split9", undefined]) {
        assertEquals(plan(withVariant(capabilities, signature, other)), plan(capabilities));
      }
    }
    assertEquals(signatures.size, PLANNERS.length);
  }
});

test("signatures tell devices apart whose plans differ", () => {
  const names = [
    FORGED.cpu,
    { ...FORGED.cpu, loadPath: "storage" as const },
    { ...FORGED.cpu, winograd: false },
  ].map((each) => convolutionWork(each, SETTINGS).signature);
  assertEquals(new Set(names).size, 3);
  for (const { candidates } of PLANNERS) {
    const exact = candidates({ ...FORGED.cpu, winograd: false });
    assert(exact.every((name) => !name.includes("winograd")), `${exact}`);
  }
});

/** Results without a device. */
function tuning(options: DeviceOptions = { tune: true }, deviceId = 7): Tuning {
  const cache = { vendorId: 1, deviceId, driverVersion: 3, cacheUuid: new Uint8Array(16) };
  const record = { cache, adapter: { name: "forged" } };
  return new Tuning({ record } as unknown as Context, options);
}

/** Results with two entries. */
function filled(): Tuning {
  const made = tuning();
  assert(made.keep("a", { variant: "cpu_row", nanoseconds: 12.5 }));
  assert(made.keep("b", { variant: "direct", nanoseconds: 7 }));
  return made;
}

test("what was kept stays, and comes back from JSON", () => {
  const first = filled();
  assert(!first.keep("a", { variant: "direct", nanoseconds: 1 }));
  assertEquals([first.count, first.find("a"), first.find("c")], [2, "cpu_row", undefined]);
  const other = tuning({ tune: "saved" });
  assertEquals([other.enabled, other.measures], [true, false]);
  assertEquals(other.load(JSON.parse(JSON.stringify(first))), 2);
  assertEquals(other.load(first.toJSON()), 0); // there already
  assertEquals(other.toJSON(), first.toJSON());
});

test("results that are foreign, damaged or something else are refused", () => {
  const good = filled().toJSON();
  assertThrows(() => tuning({}).load(good), StateError, "without tune");
  assertThrows(() => tuning({ tune: true }, 8).load(good), DeviceError, "another device");
  const change = (more: Partial<Record<keyof TuningResults, unknown>>) => ({ ...good, ...more });
  const entry = (value: unknown) => change({ results: { ...good.results, a: value } });
  const bad: readonly (readonly [unknown, string])[] = [
    [null, "toJSON()"],
    [[], "toJSON()"],
    ["text", "toJSON()"],
    [{}, "format is undefined"],
    [change({ format: "vknn-tuning-0" }), "format"],
    [change({ identity: 5 }), "identity"],
    [change({ identity: "0" }), "checksum"],
    [change({ results: [] }), "results is"],
    [change({ results: {} }), "checksum"],
    [change({ checksum: "" }), "checksum"],
    [entry(null), "the result of"],
    [entry({ variant: "../x", nanoseconds: 1 }), "the result of"],
    [entry({ variant: "direct", nanoseconds: -1 }), "the result of"],
    [entry({ variant: "direct", nanoseconds: Infinity }), "the result of"],
    [entry({ variant: "direct", nanoseconds: 12.5 }), "checksum"],
    [change({ results: { ["x".repeat(5000)]: good.results.a } }), "the result of"],
    [JSON.parse('{"format":"vknn-tuning-1","__proto__":{}}'), "results is"],
  ];
  for (const [value, part] of bad) {
    const target = tuning();
    assertThrows(() => target.load(value), TypeError, part);
    assertEquals(target.count, 0);
  }
});

test("the file is written whole, read again, and ignored with a notice when it is damaged", () => {
  const folder = mkdtempSync(join(tmpdir(), "vknn-tuning-"));
  const log: LogEvent[] = [];
  const options: DeviceOptions = {
    tune: true,
    cacheDirectory: join(folder, "new"),
    log: (event) => log.push(event),
  };
  try {
    const first = tuning(options);
    first.save(); // nothing to keep
    first.keep("a", { variant: "cpu_row", nanoseconds: 1 });
    first.save();
    const [name, ...rest] = readdirSync(join(folder, "new"));
    assertEquals(rest, []);
    const path = join(folder, "new", name!);
    assertEquals(tuning({ ...options, tune: "saved" }).find("a"), "cpu_row");
    assertEquals(tuning({ ...options, tune: false }).count, 0);
    assertEquals(log, []);
    const good = readFileSync(path, "utf8");
    const damaged = [good.slice(0, 90), "", "[]", good.replace("cpu_row", "cpu_flat"), "\0\xff"];
    for (const text of damaged) {
      writeFileSync(path, text);
      const again = tuning(options);
      assertEquals(again.count, 0);
      assert(log.pop()!.message.startsWith(`Ignored ${path}`));
      again.keep("a", { variant: "cpu_row", nanoseconds: 1 });
      again.save();
      assertEquals(readFileSync(path, "utf8"), good);
    }
    writeFileSync(join(folder, "file"), "");
    const nowhere = tuning({ ...options, cacheDirectory: join(folder, "file") });
    nowhere.keep("a", { variant: "direct", nanoseconds: 1 });
    nowhere.save();
    assert(log.pop()!.message.startsWith("Cannot keep results of tuning"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
