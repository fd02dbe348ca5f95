/** Optimizers and Trainer on the device: MXNet's steps, rules of gradients, states. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  autograd,
  AutogradError,
  DeferredInitializationError,
  Dense,
  FormatError,
  losses,
  optimizers,
  Parameter,
  schedulers,
  StateError,
  type Tensor,
  tensor,
  Trainer,
} from "../../mod.ts";
import { behaviour, camelCase, optionsOf } from "../golden/load.ts";
import { assertClose } from "../support/close.ts";
import { gpuTest } from "../support/test.ts";

type Made = new (
  params: readonly Parameter[],
  optimizer: string,
  options?: Record<string, unknown>,
) => Trainer;
const LooseTrainer = Trainer as unknown as Made;

/** A parameter with values; the gradient of `give` is what is given. */
function parameterOf(values: readonly number[], options: object = {}): Parameter {
  const made = new Parameter("weight", { shape: values.length, ...options });
  made.initialize("zeros");
  made.setData({ data: new Float32Array(values), shape: [values.length] });
  return made;
}

/** Runs a backward pass that gives a parameter a gradient. */
function give(parameter: Parameter, gradient: readonly number[]): void {
  using head = tensor([...gradient], undefined, { dtype: parameter.dtype });
  using y = autograd.record(() => parameter.data().mul(1));
  y.backward(head);
}

gpuTest("every optimizer makes the steps of MXNet", async () => {
  const golden = behaviour().optimizers;
  assert(golden.length >= 9);
  for (const row of golden) {
    const { optimizer, options, multipliers, batch_size, start, gradients } = row;
    const settings = Object.fromEntries(
      Object.entries(multipliers).map(([key, value]) => [camelCase(key), value]),
    );
    using parameter = parameterOf(start, settings);
    using trainer = new LooseTrainer([parameter], optimizer, optionsOf(options));
    for (const [step, gradient] of gradients.entries()) {
      give(parameter, gradient);
      trainer.step(batch_size);
      const label = `${optimizer} ${JSON.stringify(options)} step ${step + 1}`;
      assertClose(await parameter.data().data(), row.after_each_step[step]!, {
        rtol: 1e-6,
        atol: 5e-7,
        label,
      });
    }
  }
});

gpuTest("a step bumps the version: weights prepared before are made anew", async () => {
  using parameter = parameterOf([1, 2, 3]);
  const { version } = parameter.data().storage;
  give(parameter, [1, 1, 1]);
  using trainer = new Trainer([parameter], "sgd", { learningRate: 1 });
  trainer.step(1);
  assert(parameter.data().storage.version > version);
  using y = autograd.record(() => parameter.data().mul(parameter.data()));
  give(parameter, [1, 1, 1]);
  trainer.step(1);
  assertThrows(() => y.backward(), AutogradError, "overwritten in place");
  assertEquals([...await parameter.data().data()], [-1, 0, 1]);
});

gpuTest("steps while recording are refused", async () => {
  using parameter = parameterOf([1]);
  give(parameter, [1]);
  using trainer = new Trainer([parameter], "adam");
  autograd.record(() => assertThrows(() => trainer.step(1), AutogradError, "being recorded"));
  assertEquals(await parameter.data().item(), 1);
});

gpuTest("a stale gradient is an error before anything changes, unless ignored", async () => {
  using fresh = parameterOf([1]);
  using stale = parameterOf([1]);
  using trainer = new Trainer([fresh, stale], "sgd", { learningRate: 1 });
  give(fresh, [1]);
  const error = assertThrows(() => trainer.step(1), StateError);
  assert(error.message.includes("Gradient of Parameter '1'"), error.message);
  assert(error.message.includes("has not been updated by backward since last `step`"));
  assertEquals(await fresh.data().item(), 1);
  trainer.step(1, true);
  assertEquals([await fresh.data().item(), await stale.data().item()], [0, 1]);
  assertThrows(() => trainer.step(1), StateError, "Parameter '0'");
});

gpuTest("parameters without gradients are left alone, shared ones updated once", async () => {
  using fixed = parameterOf([1], { gradReq: "null" });
  using shared = parameterOf([1]);
  using trainer = new Trainer(
    new Map([["b", shared], ["a", shared], ["fixed", fixed]]),
    "sgd",
    { learningRate: 1 },
  );
  give(shared, [0.25]);
  trainer.step(1);
  assertEquals([await shared.data().item(), await fixed.data().item()], [0.75, 1]);
});

gpuTest("deferred parameters are allowed at first, not at a step", () => {
  using net = new Dense(2);
  assertThrows(() => new Trainer(net.collectParams(), "sgd"), StateError, "not been initialized");
  net.initialize();
  using trainer = new Trainer(net.collectParams(), "sgd");
  assertThrows(() => trainer.step(1), DeferredInitializationError);
  using x = tensor([[1, 2, 3]]);
  using y = autograd.record(() => net.call(x));
  y.backward();
  trainer.step(1);
});

gpuTest("Trainer refuses wrong arguments", () => {
  using parameter = parameterOf([1]);
  const Loose = Trainer as unknown as new (...values: unknown[]) => Trainer;
  assertThrows(() => new Loose(parameter, "sgd"), TypeError, "collectParams()");
  assertThrows(() => new Loose([1], "sgd"), TypeError, "expected a Parameter");
  assertThrows(() => new Loose([parameter], "sdg"), RangeError, 'did you mean "sgd"');
  assertThrows(
    () => new Loose([parameter], "sgd", { learning_rate: 1 }),
    TypeError,
    "learningRate",
  );
  assertThrows(() => new Loose([parameter], "sgd", { beta1: 1 }), TypeError, "beta1");
  const sgd = new optimizers.SGD();
  assertThrows(() => new Loose([parameter], sgd, { wd: 1 }), TypeError, "made already");
  using trainer = new Trainer([parameter], sgd);
  give(parameter, [1]);
  assertThrows(() => trainer.step(0), RangeError, "batchSize");
});

gpuTest("schedulers set the learning rate of each step", async () => {
  using parameter = parameterOf([0]);
  const lrScheduler = new schedulers.MultiFactorScheduler([1, 2], { factor: 0.5 });
  using trainer = new Trainer([parameter], "sgd", { learningRate: 1, lrScheduler });
  const seen: number[] = [];
  for (let step = 0; step < 3; step++) {
    give(parameter, [-1]);
    trainer.step(1);
    seen.push(await parameter.data().item());
  }
  assertEquals(seen, [1, 1.5, 1.75]);
  assertEquals(trainer.learningRate, 0.25);
  assertThrows(() => trainer.setLearningRate(1), StateError, "MultiFactorScheduler");
});

/** Two more steps after states went through a file must be those without a break. */
gpuTest("states go on after saving and loading", async () => {
  for (const name of ["sgd", "nag", "adam", "adamW", "rmsprop"]) {
    const centered = name === "rmsprop" ? { centered: true } : {};
    const momentum = name === "sgd" ? { momentum: 0.9 } : {};
    const options = { learningRate: 0.125, ...centered, ...momentum };
    using one = parameterOf([1, 2, 3, 4, 5]);
    using trainer = new LooseTrainer([one], name, options);
    const step = (parameter: Parameter, own: Trainer, size: number) => {
      give(parameter, [1, -1, size, 2, 0.5]);
      own.step(2);
    };
    step(one, trainer, 1);
    step(one, trainer, 2);
    const bytes = await trainer.saveStates();
    using two = parameterOf([...await one.data().data()]);
    using later = new LooseTrainer([two], name, { ...options, learningRate: 1 });
    await later.loadStates(bytes);
    assertEquals(later.learningRate, 0.125);
    step(one, trainer, 3);
    step(two, later, 3);
    assertEquals(await two.data().data(), await one.data().data(), name);
    const other = new Trainer([two], name === "adam" ? "sgd" : "adam");
    await assertRejects(() => other.loadStates(bytes), FormatError, "optimizer/");
    using wide = parameterOf([1, 2]);
    const wrong = new LooseTrainer([wide], name, options);
    await assertRejects(() => wrong.loadStates(bytes), FormatError, "expected float32 (2,)");
    await assertRejects(() => later.loadStates(bytes.subarray(0, 90)), FormatError);
  }
});

gpuTest("float16 weights: states in float32, and a copy with multiPrecision", async () => {
  using coarse = parameterOf([1, 2], { dtype: "float16" });
  using fine = parameterOf([1, 2], { dtype: "float16" });
  using plain = new Trainer([coarse], "sgd", { learningRate: 2 ** -13 });
  using precise = new Trainer([fine], "sgd", { learningRate: 2 ** -13, multiPrecision: true });
  for (let step = 0; step < 8; step++) {
    for (const [parameter, trainer] of [[coarse, plain], [fine, precise]] as const) {
      give(parameter, [-1, -2]);
      trainer.step(1);
    }
  }
  // Steps of an eighth of the gap between neighbors are lost, unless they are summed in float32.
  assertEquals([...await coarse.data().data()], [1, 2]);
  assertEquals([...await fine.data().data()], [1 + 2 ** -10, 2 + 2 ** -9]);
});

gpuTest("clipping keeps NaN, and a size that is no multiple of four is fine", async () => {
  using parameter = parameterOf([1, 1, 1, 1, 1]);
  using trainer = new Trainer([parameter], "sgd", { learningRate: 1, clipGradient: 0.5 });
  give(parameter, [9, -9, 0.25, NaN, Infinity]);
  trainer.step(1);
  assertEquals([...await parameter.data().data()], [0.5, 1.5, 0.75, NaN, 0.5]);
});

gpuTest("a training step makes one launch for each parameter", async () => {
  using net = new Dense(3, { inUnits: 4 });
  net.initialize();
  using trainer = new Trainer(net.collectParams(), "adam");
  using x: Tensor = tensor([[1, 2, 3, 4]]);
  using y = tensor([1]);
  using loss = autograd.record(() => losses.softmaxCrossEntropy(net.call(x), y));
  loss.backward();
  trainer.step(1);
  loss.device.startProfile();
  using again = autograd.record(() => losses.softmaxCrossEntropy(net.call(x), y));
  again.backward();
  trainer.step(1);
  const rows = await loss.device.stopProfile();
  assertEquals(rows.filter(({ label }) => label === "Update/adam").length, 2);
});
