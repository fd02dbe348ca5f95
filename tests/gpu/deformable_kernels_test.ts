// Deformable kernels below tensors: random attributes against the float64 oracle; every variant, load path, device class
// and chunking forced; equal bits in every run; what is not finite.

import { assert, assertEquals } from "@std/assert";
import type { Capabilities } from "../../src/core/capabilities.ts";
import {
  type DeformableSettings,
  type DeformableVariant,
  planDeformableConvolution,
} from "../../src/kernels/deformable.ts";
import {
  planDeformableSampledGradient,
  type SampledPart,
  sampledParts,
} from "../../src/kernels/deformable_gradient.ts";
import { supportsCpuProduct } from "../../src/kernels/deformable_product_cpu.ts";
import { planDeformableWeightGradient } from "../../src/kernels/deformable_weight_gradient.ts";
import { type DeformableCase, deformableCases } from "../cases/deformable_convolution.ts";
import type { Reference } from "../reference/array.ts";
import { deformableConvolution, deformableGradients } from "../reference/deformable_convolution.ts";
import { assertClose } from "../support/close.ts";
import { gpuTest } from "../support/test.ts";
import { bytesOf, runPlan, sharedDevice } from "./kernels_run.ts";

/** Tolerances of reliability.md section 3. */
const FORWARD = { rtol: 1e-4, atol: 1e-5 };
const GRADIENT = { rtol: 5e-4, atol: 5e-5 };

function bytes({ data }: Reference): Uint8Array<ArrayBuffer> {
  return bytesOf(Float32Array.from(data));
}

function floats({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Float32Array {
  return new Float32Array(buffer, byteOffset, byteLength / 4);
}

interface Results {
  readonly output: Float32Array;
  readonly data: Float32Array;
  readonly offset: Float32Array;
  readonly mask: Float32Array | null;
  readonly weight: Float32Array;
}

async function compute(
  each: DeformableCase,
  capabilities: Capabilities,
  variant: DeformableVariant = {},
): Promise<Results> {
  const device = await sharedDevice();
  const { operands, bias, head } = each;
  const settings: DeformableSettings = each.settings;
  const sampled = [operands.data, operands.offset, operands.mask]
    .flatMap((operand) => operand === null ? [] : [bytes(operand)]);
  const weight = bytes(operands.weight);
  const forward = planDeformableConvolution(capabilities, { ...settings, hasBias: true }, variant);
  const output = await runPlan(
    device,
    forward,
    [...sampled, weight, bytes(bias)],
    head.data.length * 4,
  );
  const parts: SampledPart[] = settings.modulated ? ["data", "offset", "mask"] : ["data", "offset"];
  const { starts, total } = sampledParts(settings, parts);
  const flat = floats(
    await runPlan(
      device,
      planDeformableSampledGradient(capabilities, settings, parts, variant),
      [...sampled, weight, bytes(head)],
      total * 4,
    ),
  );
  const part = (start: number | undefined, operand: Reference | null): Float32Array =>
    flat.subarray(start!, start! + operand!.data.length);
  const weightGradient = await runPlan(
    device,
    planDeformableWeightGradient(capabilities, settings, variant),
    [...sampled, bytes(head)],
    weight.length,
  );
  return {
    output: floats(output),
    data: part(starts.data, operands.data),
    offset: part(starts.offset, operands.offset),
    mask: operands.mask === null ? null : part(starts.mask, operands.mask),
    weight: floats(weightGradient),
  };
}

function compare(each: DeformableCase, found: Results, name: string): void {
  const { operands, bias, head, attributes } = each;
  const label = `${name} ${each.label}`;
  const output = deformableConvolution(operands, bias, attributes);
  assertClose(found.output, output.data, { ...FORWARD, label });
  const gradients = deformableGradients(operands, head, attributes);
  for (const part of ["data", "offset", "mask", "weight"] as const) {
    if (found[part] === null) continue;
    assertClose(found[part], gradients[part]!.data, { ...GRADIENT, label: `${part} ${label}` });
  }
}

gpuTest("deformable kernels agree with the oracle on random attributes", async () => {
  const { capabilities } = await sharedDevice();
  for (const each of deformableCases(61, 120)) {
    compare(each, await compute(each, capabilities), "default");
  }
});

gpuTest("every deformable variant agrees with the oracle, chunk by chunk too", async () => {
  const { capabilities } = await sharedDevice();
  const cases = deformableCases(62, 12);
  const gpu: Capabilities = { ...capabilities, deviceClass: "discrete" };
  const variants: [string, Capabilities, DeformableVariant][] = [
    ["gather", capabilities, { scatter: "gather" }],
    ["walk, chunks", capabilities, { scatter: "walk", columnBytes: 1 }],
    ["GPU, chunks", gpu, { product: "direct", weightProduct: "direct", columnBytes: 1 }],
    ["GPU, storage", { ...gpu, loadPath: "storage" }, {
      product: "igemm_32x32",
      weightProduct: "direct",
    }],
    ["storage, walk", { ...capabilities, loadPath: "storage" }, { scatter: "walk" }],
  ];
  if (supportsCpuProduct(capabilities)) {
    const own = { product: "product_cpu", weightProduct: "product_cpu" };
    variants.push(["product_cpu", capabilities, own]);
    variants.push(["product_cpu, chunks", capabilities, { ...own, columnBytes: 1 }]);
  }
  for (const [name, device, variant] of variants) {
    // What the driver compiles anew for every shape, it compiles for seconds.
    const few = (variant.product ?? "direct") !== "direct";
    for (const each of few ? cases.slice(0, 2) : cases) {
      compare(each, await compute(each, device, variant), name);
    }
  }
});

gpuTest("20 repeats of the deformable kernels give equal bits", async () => {
  const { capabilities } = await sharedDevice();
  const cases = deformableCases(63, 6).filter(({ settings }) => settings.input[0]! > 1);
  assert(cases.length >= 2);
  for (const scatter of ["walk", "gather"] as const) {
    for (const each of cases.slice(0, 2)) {
      const first = await compute(each, capabilities, { scatter, columnBytes: 1 });
      for (let repeat = 1; repeat < 20; repeat++) {
        const again = await compute(each, capabilities, { scatter, columnBytes: 1 });
        for (const part of ["output", "data", "offset", "mask", "weight"] as const) {
          if (first[part] === null) continue;
          assertEquals(bytesOf(again[part]!), bytesOf(first[part]!), `${scatter} ${part}`);
        }
      }
    }
  }
});

gpuTest("samples at NaN and far away are 0, and NaN in the image stays where it is", async () => {
  const { capabilities } = await sharedDevice();
  for (const modulated of [false, true]) {
    const settings: DeformableSettings = {
      name: "test",
      input: [1, 1, 3, 3],
      weight: [1, 1, 1, 1],
      layout: "NCHW",
      stride: [1, 1],
      padding: [0, 0],
      dilation: [1, 1],
      groups: 1,
      deformableGroups: 1,
      modulated,
    };
    const image = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, NaN);
    const moves = [NaN, Infinity, -Infinity, 1e30, -3e9, 3, 0, 0, 0];
    const offset = Float32Array.from([...moves, ...new Array<number>(9).fill(0)]);
    const mask = new Float32Array(9).fill(1);
    const one = Float32Array.of(1);
    const plan = planDeformableConvolution(capabilities, settings);
    const device = await sharedDevice();
    const inputs = [image, offset, ...(modulated ? [mask] : []), one].map(bytesOf);
    const y = floats(await runPlan(device, plan, inputs, 36));
    assertEquals([...y.subarray(0, 7)], [0, 0, 0, 0, 0, 0, 7]);
    // A neighbor with weight 0 counts, as in MXNet: 0 * NaN is NaN.
    assert(Number.isNaN(y[7]!) && Number.isNaN(y[8]!), String(y));
  }
});
