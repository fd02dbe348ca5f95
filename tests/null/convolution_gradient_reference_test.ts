// The oracles of transposed convolution and of the gradients of both, against numeric differentiation of the oracle of
// convolution, which shares no loop with them; and the phases that the kernels compute, against the definition.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Layout } from "../../src/kernels/convolution.ts";
import { planDeconvolution } from "../../src/kernels/deconvolution.ts";
import { describeDeconvolution, phasesOf } from "../../src/kernels/deconvolution_problem.ts";
import { planWeightGradient } from "../../src/kernels/convolution_gradient.ts";
import { type Reference, size } from "../reference/array.ts";
import { FORGED } from "../reference/capabilities.ts";
import { convolution, type ConvolutionAttributes } from "../reference/convolution.ts";
import { biasGradient, deconvolution, weightGradient } from "../reference/deconvolution.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";

interface Shapes {
  readonly input: readonly number[];
  readonly weight: readonly number[];
  readonly attributes: ConvolutionAttributes;
}

/** Twenty small convolutions of every rank, layout and attribute. */
function shapes(): Shapes[] {
  const random = new Random(3);
  return Array.from({ length: 20 }, (_, index) => {
    const rank = index % 3 + 1;
    const groups = random.integer(1, 2);
    const last = random.integer(0, 1) === 1;
    const draw = (low: number, high: number) =>
      Array.from({ length: rank }, () => random.integer(low, high));
    const kernel = draw(1, 3);
    const spatial = draw(5, 6);
    const channels = groups * random.integer(1, 2);
    const filters = groups * random.integer(1, 2);
    const arrange = (n: number, c: number, sizes: readonly number[]) =>
      last ? [n, ...sizes, c] : [n, c, ...sizes];
    const first = ["NCW", "NCHW", "NCDHW"][rank - 1]!;
    return {
      input: arrange(index % 2 + 1, channels, spatial),
      weight: arrange(filters, channels / groups, kernel),
      attributes: {
        stride: draw(1, 3),
        padding: draw(0, 2),
        dilation: draw(1, 2),
        groups,
        layout: last ? `N${first.slice(2)}C` : first,
      },
    };
  });
}

function dot(a: Reference, b: Reference): number {
  let sum = 0;
  for (let at = 0; at < a.data.length; at++) sum += a.data[at]! * b.data[at]!;
  return sum;
}

/** Central differences of a function of the elements of an array. */
function differentiate(x: Reference, f: (x: Reference) => number): Reference {
  const step = 1e-3;
  const data = Float64Array.from(x.data);
  const gradient = Float64Array.from(x.data, (value, at) => {
    data[at] = value + step;
    const above = f({ data, shape: x.shape });
    data[at] = value - step;
    const below = f({ data, shape: x.shape });
    data[at] = value;
    return (above - below) / (2 * step);
  });
  return { data: gradient, shape: x.shape };
}

const CLOSE = { rtol: 1e-8, atol: 1e-8 };

function spatialOf(shape: readonly number[], layout: string): number[] {
  return shape.filter((_, axis) => !"NC".includes(layout[axis]!));
}

test("the oracles of both convolutions' gradients pass numeric differentiation", () => {
  for (const [index, { input, weight, attributes }] of shapes().entries()) {
    const random = new Random(index);
    const draw = (shape: readonly number[]): Reference => ({
      data: Float64Array.from(random.float32(size(shape))),
      shape,
    });
    const x = draw(input);
    const w = draw(weight);
    const layout = attributes.layout!;
    const filters = weight[layout.indexOf("N")]!;
    const b = draw([filters]);
    const head = draw(convolution(x, w, b, attributes).shape);
    const label = `${input} * ${weight} ${JSON.stringify(attributes)}`;
    const loss = (x: Reference, w: Reference, b: Reference) =>
      dot(convolution(x, w, b, attributes), head);
    const own = { ...attributes, size: spatialOf(input, layout) };
    const kernel = spatialOf(weight, layout);
    const dx = deconvolution(head, w, null, own);
    assertEquals(dx.shape, input, label);
    assertClose(dx.data, differentiate(x, (x) => loss(x, w, b)).data, { ...CLOSE, label });
    const dw = weightGradient(x, head, kernel, attributes);
    assertEquals(dw.shape, weight, label);
    assertClose(dw.data, differentiate(w, (w) => loss(x, w, b)).data, { ...CLOSE, label });
    const db = biasGradient(head, attributes);
    assertClose(db.data, differentiate(b, (b) => loss(x, w, b)).data, { ...CLOSE, label });

    // Transposed: the same weight maps the small image to the large one.
    const large = draw(input);
    const channels = input[layout.indexOf("C")]!;
    const c = draw([channels]);
    const up = (y: Reference, w: Reference, c: Reference) =>
      dot(deconvolution(y, w, c, own), large);
    const dy = convolution(large, w, null, attributes);
    assertClose(dy.data, differentiate(head, (y) => up(y, w, c)).data, { ...CLOSE, label });
    const dv = weightGradient(large, head, kernel, attributes);
    assertClose(dv.data, differentiate(w, (w) => up(head, w, c)).data, { ...CLOSE, label });
    const dc = biasGradient(large, attributes);
    assertClose(dc.data, differentiate(c, (c) => up(head, w, c)).data, { ...CLOSE, label });
  }
});

test("transposed convolution spreads a single element as the check vectors say", () => {
  const x = { data: [0, 0, 0, 0, 1, 0, 0, 0, 0], shape: [1, 1, 3, 3] };
  const w = { data: [1, 2, 3, 4, 5, 6, 7, 8, 9], shape: [1, 1, 3, 3] };
  const wanted = [1, 0, 2, 0, 3, 0, 0, 0, 0, 0, 4, 0, 5, 0, 6, 0, 0, 0, 0, 0, 7, 0, 8, 0, 9];
  for (const [stride, padding] of [[1, 1], [2, 2]] as const) {
    const y = deconvolution(x, w, null, {
      stride: [stride, stride],
      padding: [padding, padding],
      dilation: [2, 2],
      size: [5, 5],
    });
    assertEquals([...y.data as Float64Array], wanted);
  }
});

const axis = fc.record({
  input: fc.integer({ min: 1, max: 9 }),
  kernel: fc.integer({ min: 1, max: 7 }),
  stride: fc.integer({ min: 1, max: 6 }),
  padding: fc.integer({ min: 0, max: 9 }),
  dilation: fc.integer({ min: 1, max: 6 }),
  size: fc.integer({ min: 1, max: 40 }),
});

test("phases cover every result once, with the taps of the definition", () => {
  fc.assert(
    fc.property(axis, ({ input, kernel, stride, padding, dilation, size }) => {
      const problem = describeDeconvolution({
        layout: "NCW",
        input: [1, 1, input],
        weight: [1, 1, kernel],
        stride: [stride],
        padding: [padding],
        dilation: [dilation],
        size: [size],
      });
      const found = new Map<number, string[]>();
      for (const group of phasesOf(problem, 2)!) {
        for (let i = 0; i < group.count; i++) {
          for (let j = 0; j < group.size; j++) {
            const place = group.start + i + stride * j;
            assert(!found.has(place), "written once");
            const taps: string[] = [];
            for (let m = 0; m < group.taps; m++) {
              // Tap m of the ordinary convolution is the m-th last of the phase.
              const tap = group.firstTap + i * group.phaseStep +
                (group.taps - 1 - m) * group.tapStep;
              const at = j - group.padding + m * group.dilation;
              if (at >= 0 && at < input) taps.push(`${tap}@${at}`);
            }
            found.set(place, taps.sort());
          }
        }
      }
      for (let t = 0; t < size; t++) {
        const taps: string[] = [];
        for (let k = 0; k < kernel; k++) {
          const u = t + padding - k * dilation;
          if (u >= 0 && u % stride === 0 && u / stride < input) taps.push(`${k}@${u / stride}`);
        }
        assertEquals(found.get(t), taps.sort());
      }
      assertEquals(found.size, size);
    }),
    { numRuns: 1_000 },
  );
});

test("a kernel as long as the stride is one 1x1 convolution with a pixel shuffle", () => {
  const plan = planDeconvolution(FORGED.gpu, {
    layout: "NCHW",
    input: [1, 128, 64, 64],
    weight: [128, 64, 2, 2],
    stride: [2, 2],
    size: [128, 128],
    hasBias: true,
  });
  assertEquals(plan.dispatches.length, 1);
  assertEquals(plan.dispatches[0]!.constants.shuffle_w, 2);
  assertEquals(plan.dispatches[0]!.constants.kernel_w, 1);
});

test("plans of transposed convolutions and weight gradients keep to the limits of every device", () => {
  for (const [name, capabilities] of Object.entries(FORGED)) {
    for (const { input, weight, attributes } of shapes()) {
      const layout = attributes.layout as Layout;
      const { stride, padding, dilation, groups } = attributes as Required<ConvolutionAttributes>;
      const settings = { stride, padding, dilation, groups, layout, input, weight };
      const small = convolution(
        { data: new Float64Array(size(input)), shape: input },
        { data: new Float64Array(size(weight)), shape: weight },
        null,
        attributes,
      ).shape;
      const transposed = {
        ...settings,
        input: small,
        size: spatialOf(input, layout),
      };
      const plans = [
        planWeightGradient(capabilities, settings),
        planDeconvolution(capabilities, transposed),
        planDeconvolution(capabilities, transposed, "phases"),
      ];
      for (const plan of plans) {
        const prepared = plan.slots.flatMap((slot) =>
          slot.role === "prepared" ? slot.dispatches : []
        );
        for (const { program, constants, grid, push } of [...plan.dispatches, ...prepared]) {
          assert(push.byteLength <= 128, `${name} ${program.id}`);
          grid.forEach((count) => assert(count >= 1 && count <= 65_535, `${name} ${program.id}`));
          const invocations = constants.local_size_x ?? 1;
          assert(invocations <= capabilities.maxWorkgroupInvocations, `${name} ${program.id}`);
        }
        for (const { slots } of plan.dispatches) {
          assert(slots.every((slot) => slot < plan.slots.length));
        }
      }
    }
  }
});

test("a weight gradient's workspace is bounded", () => {
  const plan = planWeightGradient(FORGED.gpu, {
    layout: "NCHW",
    input: [64, 512, 28, 28],
    weight: [512, 512, 3, 3],
    padding: [1, 1],
  });
  const bytes = plan.slots.map((slot) => slot.role === "temporary" ? slot.byteLength : 0);
  assert(Math.max(...bytes) <= 64 * 2 ** 20, `${bytes}`);
});
