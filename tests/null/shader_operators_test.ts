// The code of all other kernels, run without a GPU through the tensors' own interface: rows of every operator's table and
// their gradients on interpreted devices. Every element written once, every access in range, right results.

import { assert, assertEquals } from "@std/assert";
import * as autograd from "../../src/autograd/mod.ts";
import { planPixelShuffle, planTranspose, planUpSampling } from "../../src/kernels/movement.ts";
import { planPad, planPadGradient } from "../../src/kernels/pad.ts";
import { stateLength, updateInPlace } from "../../src/ops/update.ts";
import { scope, tensor } from "../../src/tensor/mod.ts";
import { fillInput, type OperatorCase } from "../cases/case.ts";
import { operatorCases } from "../cases/index.ts";
import { MODES, padCases } from "../cases/pad.ts";
import { pad, padGradient } from "../reference/pad.ts";
import { pixelShuffle, transpose, upSampling } from "../reference/movement.ts";
import { checkPlan } from "../spirv/compare.ts";
import { checkLaunched } from "../spirv/coverage.ts";
import { SpirvDevice } from "../spirv/device.ts";
import { CPUS, DEVICES } from "../spirv/devices.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";

/** Rows of a table that are run: evenly over it. */
const ROWS = 14;

/** Interpreted devices. Kernels of convolution for CPU devices take 65,535 workgroups for granted, so these do not fold. */
const FAKES = DEVICES.map((capabilities) => new SpirvDevice(capabilities));
const UNFOLDED = FAKES.slice(0, -1);

function some(cases: readonly OperatorCase[], rows: number): readonly OperatorCase[] {
  const step = Math.max(1, Math.floor(cases.length / rows));
  return cases.filter((_, index) => index % step === 0);
}

/** Tensors of a row's inputs on a device, and what they hold. */
function inputsOf(each: OperatorCase, fake: SpirvDevice, seed: number) {
  const random = new Random(seed);
  const hosts = each.inputs.map((input) => fillInput(random, input));
  const tensors = hosts.map((data, at) =>
    tensor(data, each.inputs[at]!.shape, { device: fake.device })
  );
  return { hosts, tensors };
}

test("kernels of every operator write every element once and compute what is asked", async () => {
  for (const [family, cases] of Object.entries(operatorCases)) {
    const fakes = family.includes("convolution") ? UNFOLDED : FAKES;
    for (const [index, each] of some(cases, ROWS).entries()) {
      const fake = fakes[index % fakes.length]!;
      const { hosts, tensors } = inputsOf(each, fake, index);
      const output = scope(() => each.run(tensors));
      const expected = each.expected(
        hosts.map((data, at) => ({ data, shape: each.inputs[at]!.shape })),
      );
      const label = `${fake.adapter.name}: ${family} ${each.name}`;
      const tolerance = each.tolerance ?? { rtol: 0, atol: 0 };
      assertClose(await output.data(), expected.data, { ...tolerance, label });
    }
  }
});

test("kernels of gradients write every element once", async () => {
  const families = [
    "activation",
    "cross_entropy",
    "leaky_relu",
    "normalization",
    "slice",
    "softmax",
  ];
  for (const family of families) {
    const isFloat = ({ inputs: [x] }: OperatorCase): boolean =>
      /float|undefined/.test(`${x!.dtype}`);
    const rows = some(operatorCases[family]!.filter(isFloat), 2 * FAKES.length);
    for (const [index, each] of rows.entries()) {
      const fake = FAKES[index % FAKES.length]!;
      const { tensors } = inputsOf(each, fake, index);
      tensors[0]!.attachGrad();
      const output = autograd.record(() => each.run(tensors));
      output.backward();
      const gradient = await tensors[0]!.grad!.data();
      // Memory that nothing wrote is not a number.
      const lost = gradient.findIndex((value) => Number.isNaN(value));
      assert(lost < 0, `${fake.adapter.name}: ${family} ${each.name}: gradient ${lost} is lost`);
    }
  }
});

test("kernels of padding's gradient write every element once and compute what is asked", () => {
  const random = new Random(78);
  const wide = [[2, 3, 5, 24], [1, 2, 3, 4, 8], [52], [3, 12]].flatMap((shape) =>
    (["constant", "edge", "reflect", "circular"] as const).map((mode) => ({
      shape,
      attributes: { mode, widths: shape.map((): [number, number] => [1, 2]) },
    }))
  );
  for (const [index, { capabilities }] of FAKES.entries()) {
    for (
      const { shape, attributes } of [
        ...padCases(79 + index, 6),
        ...wide.slice(index % 2 * 8, 8 + index % 2 * 8),
      ]
    ) {
      const { widths, mode } = attributes;
      const padded = shape.map((size, axis) => size + widths[axis]![0] + widths[axis]![1]);
      const count = padded.reduce((product, each) => product * each, 1);
      const head = { data: random.float32(count), shape: padded };
      const settings = {
        shape,
        before: widths.map(([before]) => before),
        after: widths.map(([, after]) => after),
        mode,
      };
      const expected = padGradient(shape, head, attributes);
      const plan = planPadGradient(capabilities, settings);
      const what = { shape, attributes };
      checkPlan(capabilities, plan, [head.data], expected.data, { tolerance: 1e-5, what });
    }
  }
});

test("padding whose inside is copied writes every element once", () => {
  const random = new Random(82);
  const cases = [
    { shape: [4, 32, 128], widths: [[0, 0], [1, 2], [3, 0]] },
    { shape: [2, 16, 32, 16], widths: [[0, 0], [1, 0], [0, 1], [1, 0]] },
    { shape: [16, 1024], widths: [[1, 0], [17, 3]] },
    { shape: [6, 8, 512], widths: [[0, 0], [0, 0], [0, 5]] },
  ] as const;
  for (const [index, { shape, widths }] of cases.entries()) {
    const x = { data: random.float32(shape.reduce((all, each) => all * each, 1)), shape };
    for (const [at, mode] of MODES.entries()) {
      const capabilities = CPUS[(index + at) % CPUS.length]!;
      const [before, after] = [widths.map((pair) => pair[0]), widths.map((pair) => pair[1])];
      const plan = planPad(capabilities, { shape, before, after, mode }, 4, 0x40400000);
      assertEquals(plan.label, "Pad/copy");
      const expected = pad(x, { widths, mode, value: 3 });
      checkPlan(capabilities, plan, [x.data], expected.data, { what: { shape, mode } });
    }
  }
});

test("transposes by tiles write every element once", () => {
  const random = new Random(80);
  for (const { capabilities } of FAKES) {
    for (const shape of [[2, 70, 45], [1, 64, 96], [3, 33, 32]]) {
      const x = { data: random.float32(shape.reduce((all, each) => all * each, 1)), shape };
      const plan = planTranspose(capabilities, shape, [0, 2, 1], 4);
      const expected = transpose(x, [0, 2, 1]);
      checkPlan(capabilities, plan, [x.data], expected.data, { what: shape });
    }
  }
});

test("pixel shuffles and up-samplings of wide rows write every element once", () => {
  const random = new Random(81);
  const shape = [1, 8, 3, 8];
  const x = { data: random.float32(192), shape };
  const shuffled = pixelShuffle(x, [2, 2]);
  const repeated = upSampling(x, [1, 1, 2, 2]);
  for (const { capabilities } of FAKES) {
    const shuffle = planPixelShuffle(capabilities, shape, [2, 2], 4);
    checkPlan(capabilities, shuffle, [x.data], shuffled.data, { what: "shuffle" });
    const repeat = planUpSampling(capabilities, shape, [1, 1, 2, 2], 4);
    checkPlan(capabilities, repeat, [x.data], repeated.data, { what: "repeat" });
    const back = planPixelShuffle(capabilities, shuffled.shape, [2, 2], 4, true);
    checkPlan(capabilities, back, [Float32Array.from(shuffled.data)], x.data, { what: "back" });
  }
});

test("kernels of optimizers keep to their operands", async () => {
  const values = Float32Array.from({ length: 37 }, (_, at) => at);
  const numbers = { lr: 0.5, wd: 0, rescale: 1, clip: null, momentum: 0.5 };
  for (const { device } of FAKES) {
    const gradient = tensor(values, [37], { device });
    const weight = tensor(values, [37], { device });
    updateInPlace("sgd", weight, gradient, null, numbers);
    assertClose(await weight.data(), values.map((each) => each / 2), { rtol: 0, atol: 0 });
    const length = stateLength(37);
    const states = tensor(new Float32Array(length), [1, length], { device });
    updateInPlace("momentum", weight, gradient, states, numbers);
    assertClose(await weight.data(), new Float32Array(37), { rtol: 0, atol: 0 });
  }
});

test("every program of these operators is run", () => {
  checkLaunched("tests/null/shader_operators_test.ts");
});
