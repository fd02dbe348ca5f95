// Pooling kernels below tensors: random attributes against the float64 oracle, every variant and load path forced.

import { assert, assertEquals } from "@std/assert";
import type { Capabilities } from "../../src/core/capabilities.ts";
import type { DType } from "../../src/core/dtype.ts";
import type { Plan } from "../../src/kernels/plan.ts";
import { planPooling, planPoolingBackward, planPoolingPlaces } from "../../src/kernels/pooling.ts";
import {
  planTakePlaces,
  planUnpool,
  planUnpoolBackward,
} from "../../src/kernels/pooling_indexed.ts";
import { type PoolingCase, poolingCases, wideMaxPoolings, widePoolings } from "../cases/pooling.ts";
import { build, type Reference, size } from "../reference/array.ts";
import * as oracle from "../reference/pooling.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";
import { bytesOf, runPlan, sharedDevice } from "./kernels_run.ts";

const EXACT = { rtol: 0, atol: 0 };
/** Tolerances of reliability.md section 3; a window here has at most 125 elements, a plane 2048. */
const FORWARD = { rtol: 1e-6, atol: 1e-6 };
const GRADIENT = { rtol: 1e-5, atol: 1e-6 };
const HALF = { rtol: 2e-3, atol: 2e-3 };

type Part = "forward" | "places" | "gradient";
const PARTS: readonly Part[] = ["forward", "places", "gradient"];

interface Variant {
  readonly capabilities: Capabilities;
  readonly dtype?: "float32" | "float16";
  readonly general?: boolean;
}

function floats(values: ArrayLike<number>, dtype: "float32" | "float16") {
  return dtype === "float16" ? Float16Array.from(values) : Float32Array.from(values);
}

function view(bytes: Uint8Array<ArrayBuffer>, dtype: DType): ArrayLike<number> {
  const { buffer, byteOffset, byteLength } = bytes;
  if (dtype === "float16") return new Float16Array(buffer, byteOffset, byteLength / 2);
  if (dtype === "int32") return new Int32Array(buffer, byteOffset, byteLength / 4);
  return new Float32Array(buffer, byteOffset, byteLength / 4);
}

/** What each label was compared on, so that no variant is left out by chance. */
const seen = new Map<string, number>();

async function check(each: PoolingCase, part: Part, variant: Variant): Promise<void> {
  const device = await sharedDevice();
  const { capabilities, dtype = "float32", general = false } = variant;
  const { settings } = each;
  const data = floats(each.data, dtype);
  const x: Reference = { data, shape: settings.input };
  const attributes = { ...each.attributes, ...(dtype === "float16" ? { lowest: -65504 } : {}) };
  const bytes = dtype === "float16" ? 2 : 4;
  const y = oracle.pooling(x, attributes);
  let plan: Plan;
  let inputs = [bytesOf(data)];
  let expected: Reference = y;
  let result: DType = dtype;
  let tolerance = settings.type === "max" ? EXACT : FORWARD;
  if (part === "forward") {
    plan = planPooling(capabilities, settings, dtype, general);
  } else if (part === "places") {
    plan = planPoolingPlaces(capabilities, settings, dtype, general);
    expected = oracle.poolingPlaces(x, attributes);
    [result, tolerance] = ["int32", EXACT];
  } else {
    plan = planPoolingBackward(capabilities, settings, dtype, general);
    const head = floats(new Random(y.data.length).float32(y.data.length), dtype);
    expected = oracle.poolingGradient(x, { data: head, shape: y.shape }, attributes);
    inputs = [bytesOf(head), ...inputs];
    tolerance = GRADIENT;
  }
  if (dtype === "float16" && tolerance !== EXACT) tolerance = HALF;
  const length = expected.data.length * (result === "int32" ? 4 : bytes);
  const output = await runPlan(device, plan, inputs, length);
  const label = `${plan.label} ${dtype} ${capabilities.loadPath} ${each.label}`;
  assertClose(view(output, result), expected.data, { ...tolerance, label });
  seen.set(plan.label, (seen.get(plan.label) ?? 0) + 1);
}

gpuTest("pooling kernels agree with the oracle on random attributes", async () => {
  const { capabilities } = await sharedDevice();
  for (const each of poolingCases(21, 260)) {
    for (const part of PARTS) await check(each, part, { capabilities });
  }
  // Each variant of this kind of device had its turn.
  const cpu = ["cpu", "cpu_channels", "cpu_reduce"];
  for (const variant of capabilities.deviceClass === "cpu" ? cpu : ["reduce"]) {
    for (const kind of ["max", "avg", "places"]) {
      const labels = ["Pooling", "AdaptivePooling"].map((name) => `${name}/${kind}_${variant}`);
      assert(labels.some((label) => seen.has(label)), `${kind}_${variant} did not run`);
    }
  }
});

gpuTest(
  "the kernel for every case agrees with the oracle where faster ones are chosen",
  async () => {
    const { capabilities } = await sharedDevice();
    for (const each of poolingCases(22, 60)) {
      const chosen = planPooling(capabilities, each.settings).label;
      if (chosen.endsWith("_general")) continue;
      for (const part of PARTS) await check(each, part, { capabilities, general: true });
    }
  },
);

gpuTest("maxima of wide rows agree with the oracle on every load path", async () => {
  const { capabilities } = await sharedDevice();
  for (const loadPath of ["texel", "storage", "address"] as const) {
    if (loadPath === "address" && !capabilities.bufferDeviceAddress) continue;
    for (const each of wideMaxPoolings(25)) {
      await check(each, "forward", { capabilities: { ...capabilities, loadPath } });
    }
  }
  const fits = capabilities.deviceClass === "cpu" && capabilities.subgroupSize === 8;
  assertEquals(seen.get("Pooling/max_cpu_lanes") !== undefined, fits);
});

gpuTest("gradients of wide rows and planes agree with the oracle on every load path", async () => {
  const { capabilities } = await sharedDevice();
  for (const loadPath of ["texel", "storage", "address"] as const) {
    if (loadPath === "address" && !capabilities.bufferDeviceAddress) continue;
    for (const each of widePoolings(31)) {
      await check(each, "gradient", { capabilities: { ...capabilities, loadPath } });
    }
  }
  const cpu = capabilities.deviceClass === "cpu" && capabilities.int64;
  for (
    const variant of [
      "max_cpu_rows",
      "avg_gather_rows",
      "max_cpu_reduce_spread",
      "avg_gather_spread",
    ]
  ) {
    assertEquals(seen.has(`_backward_Pooling/${variant}`), cpu, variant);
  }
});

gpuTest("pooling kernels agree with the oracle in float16", async () => {
  const { capabilities } = await sharedDevice();
  for (const each of poolingCases(23, 60)) {
    for (const part of PARTS) await check(each, part, { capabilities, dtype: "float16" });
  }
});

gpuTest("pooling kernels agree with the oracle on every load path", async () => {
  const { capabilities } = await sharedDevice();
  for (const loadPath of ["texel", "storage", "address"] as const) {
    if (loadPath === "address" && !capabilities.bufferDeviceAddress) continue;
    if (loadPath === capabilities.loadPath) continue;
    for (const each of poolingCases(24, 30)) {
      for (const part of PARTS) {
        await check(each, part, { capabilities: { ...capabilities, loadPath } });
      }
    }
  }
});

gpuTest("the kernels of GPUs agree with the oracle on this device", async () => {
  const { capabilities } = await sharedDevice();
  const gpu = { ...capabilities, deviceClass: "discrete" as const, loadPath: "storage" as const };
  for (const each of poolingCases(25, 30)) {
    for (const part of PARTS) {
      await check(each, part, { capabilities: gpu });
      await check(each, part, { capabilities: gpu, dtype: "float16" });
    }
  }
});

gpuTest("large planes are reduced in two stages, with every dtype and layout", async () => {
  const { capabilities } = await sharedDevice();
  const gpu = { ...capabilities, deviceClass: "discrete" as const, loadPath: "storage" as const };
  const random = new Random(26);
  for (const layout of ["NCHW", "NHWC"] as const) {
    const input = layout === "NCHW" ? [1, 3, 97, 101] : [1, 97, 101, 3];
    for (const type of ["max", "avg"] as const) {
      const data = Float32Array.from(
        { length: size(input) },
        () => random.integer(-900, 900) / 64,
      );
      const settings = { type, layout, input, windows: { kind: "global" } } as const;
      const each = { settings, attributes: { type, layout }, data, label: `${layout} ${type}` };
      for (const chosen of [{ ...capabilities, loadPath: capabilities.loadPath }, gpu]) {
        for (const dtype of ["float32", "float16"] as const) {
          for (const part of PARTS) await check(each, part, { capabilities: chosen, dtype });
        }
      }
    }
  }
  assert((seen.get("Pooling/avg_reduce_twice") ?? 0) >= 6);
  assert((seen.get("Pooling/places_reduce_twice") ?? 0) >= 6);
});

gpuTest("pooling gives the same bits every time", async () => {
  const device = await sharedDevice();
  const { capabilities } = device;
  const gpu = { ...capabilities, deviceClass: "discrete" as const, loadPath: "storage" as const };
  const large = {
    settings: { type: "avg", layout: "NCHW", input: [1, 2, 90, 91], windows: { kind: "global" } },
    data: new Random(27).float32(2 * 90 * 91),
  } as const;
  const cases = poolingCases(28, 12).map(({ settings, data }) => ({ settings, data }));
  for (const { settings, data } of [...cases, large]) {
    for (const chosen of [capabilities, gpu]) {
      const shape = oracle.pooling({ data, shape: settings.input }, {
        type: settings.type,
        layout: settings.layout,
        ...(settings.windows.kind === "adaptive" ? { adaptive: settings.windows.outputSize } : {}),
        ...(settings.windows.kind === "sliding" ? settings.windows : {}),
      }).shape;
      const head = new Random(29).float32(size(shape));
      const forward = planPooling(chosen, settings);
      const backward = planPoolingBackward(chosen, settings);
      const first = await runPlan(device, forward, [bytesOf(data)], size(shape) * 4);
      const inputs = [bytesOf(head), bytesOf(data)];
      const gradient = await runPlan(device, backward, inputs, data.byteLength);
      for (let repeat = 1; repeat < 20; repeat++) {
        assertEquals(await runPlan(device, forward, [bytesOf(data)], size(shape) * 4), first);
        assertEquals(await runPlan(device, backward, inputs, data.byteLength), gradient);
      }
    }
  }
});

gpuTest(
  "unpooling and reading by place agree with the oracle, and the last of equals stays",
  async () => {
    const device = await sharedDevice();
    const random = new Random(30);
    for (let trial = 0; trial < 40; trial++) {
      const rank = random.integer(1, 3);
      const dtype = random.pick(["float32", "float16"] as const);
      const first = random.integer(0, 1) === 0;
      const layout =
        ([["NCW", "NWC"], ["NCHW", "NHWC"], ["NCDHW", "NDHWC"]] as const)[rank - 1]![first ? 0 : 1];
      const axes = Array.from({ length: rank });
      const spatial = axes.map(() => random.integer(1, 5));
      const few = axes.map(() => random.integer(1, 4));
      const [n, c] = [random.integer(1, 2), random.pick([1, 4, 13])];
      const arrange = (sizes: readonly number[]): number[] =>
        first ? [n, c, ...sizes] : [n, ...sizes, c];
      const [windows, planes] = [arrange(few), arrange(spatial)];
      // From -1 (no maximum) to one past the end; small planes make duplicates.
      const places = build(windows, () => random.integer(-1, size(spatial)));
      const indices = bytesOf(Int32Array.from(places.data));
      const settings = { windows, planes, layout };
      const bytes = dtype === "float16" ? 2 : 4;
      const label = `${dtype} ${layout} ${windows} in ${planes}`;
      const values = floats(random.float32(size(windows)), dtype);
      const large = floats(random.float32(size(planes)), dtype);
      const { capabilities } = device;
      const run = async (plan: Plan, input: ArrayBufferView, count: number) =>
        view(await runPlan(device, plan, [bytesOf(input), indices], count * bytes), dtype);

      const expected = oracle.maxUnpool({ data: values, shape: windows }, places, spatial, layout);
      const unpooled = await run(planUnpool(capabilities, settings, dtype), values, size(planes));
      assertClose(unpooled, expected.data, { ...EXACT, label });
      const head = { data: large, shape: planes };
      const gradient = oracle.maxUnpoolGradient(head, places, spatial, layout);
      const backward = planUnpoolBackward(capabilities, settings, dtype);
      assertClose(await run(backward, large, size(windows)), gradient.data, { ...EXACT, label });
      // Reading is the transpose of adding; with one window at a time it is that of unpooling.
      const taken = await run(planTakePlaces(capabilities, settings, dtype), large, size(windows));
      for (let at = 0; at < places.data.length; at++) {
        const one = {
          shape: windows,
          data: Float64Array.from(places.data, (p, i) => i === at ? p : -1),
        };
        const alone = oracle.maxUnpoolGradient(head, one, spatial, layout);
        assertEquals(taken[at], alone.data[at], label);
      }
    }
  },
);
