/** A trainer whose parameters live on two devices: sums of gradients, steps, states. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  autograd,
  type Device,
  type DType,
  losses,
  matmul,
  Parameter,
  StateError,
  tensor,
  Trainer,
} from "../../mod.ts";
import { gpuTest } from "../support/test.ts";
import { openDevice } from "./device_support.ts";

const ADAM = { learningRate: 0.125 } as const;

/** A parameter on the devices, with the values 1, 2, 3. */
function parameterOn(devices: Device[], dtype: DType = "float32"): Parameter {
  const made = new Parameter("weight", { shape: [3], dtype });
  made.initialize("zeros", { device: devices });
  made.setData(new Float32Array([1, 2, 3]));
  return made;
}

/** A backward pass on each device, which gives its copy a gradient of its own. */
function give(parameter: Parameter, ...gradients: readonly number[][]): void {
  for (const [at, weight] of parameter.listData().entries()) {
    const { dtype, device } = weight;
    using head = tensor(gradients[at]!, undefined, { dtype, device });
    using y = autograd.record(() => weight.mul(1));
    y.backward(head);
  }
}

async function valuesOf(parameter: Parameter): Promise<number[][]> {
  const all = await Promise.all(parameter.listData().map((copy) => copy.data()));
  return all.map((values) => [...values]);
}

/** Two devices for a test, and whether anything waited for one of them while the program stood still. */
function twoDevices(): { devices: Device[]; waits: () => number; [Symbol.dispose](): void } {
  const devices = [openDevice(), openDevice()];
  let count = 0;
  for (const device of devices) {
    const read = device.downloadSync.bind(device);
    Object.defineProperty(device, "downloadSync", {
      value: (...args: Parameters<Device["downloadSync"]>) => (count++, read(...args)),
    });
  }
  return {
    devices,
    waits: () => count,
    [Symbol.dispose]: () => devices.forEach((device) => device.dispose()),
  };
}

gpuTest("gradients are summed over devices, and all copies make the same step", async () => {
  using two = twoDevices();
  for (const dtype of ["float32", "float16"] as const) {
    using parameter = parameterOn(two.devices, dtype);
    using trainer = new Trainer([parameter], "sgd", { learningRate: 1 });
    give(parameter, [1, 2, 3], [1, 0, -1]);
    trainer.step(2);
    assertEquals(await valuesOf(parameter), [[0, 1, 2], [0, 1, 2]], dtype);
    // In two parts, with a change in between.
    give(parameter, [1, 2, 3], [1, 0, -1]);
    trainer.allreduceGrads();
    for (const gradient of parameter.listGrad()) {
      assertEquals([...await gradient.data()], [2, 2, 2]);
      gradient.assign(new Float32Array([0, 0, 1]));
    }
    trainer.update(1);
    assertEquals(await valuesOf(parameter), [[0, 1, 1], [0, 1, 1]], dtype);
  }
});

gpuTest("stepAsync() and allreduceGradsAsync() give the same bits and never block", async () => {
  using two = twoDevices();
  using one = parameterOn(two.devices);
  using other = parameterOn(two.devices);
  using blocking = new Trainer([one], "adam", ADAM);
  using waiting = new Trainer([other], "adam", ADAM);
  for (let step = 0; step < 3; step++) {
    for (const parameter of [one, other]) give(parameter, [0.1, step, 3], [1 / 3, 0.7, -1]);
    const before = two.waits();
    if (step < 2) {
      await waiting.stepAsync(3);
    } else {
      await waiting.allreduceGradsAsync();
      waiting.update(3);
    }
    assertEquals(two.waits(), before, "nothing was read while the program stood still");
    blocking.step(3);
    assert(two.waits() > before, "the count counts");
    assertEquals(await valuesOf(other), await valuesOf(one));
  }
});

gpuTest("what changes gradients while they are summed is an error, not a wrong sum", async () => {
  using two = twoDevices();
  using parameter = parameterOn(two.devices);
  using trainer = new Trainer([parameter], "sgd", { learningRate: 1 });
  give(parameter, [1, 2, 3], [1, 2, 3]);
  const early = trainer.stepAsync(1);
  give(parameter, [2, 2, 2], [2, 2, 2]);
  await assertRejects(() => early, StateError, "changed meanwhile");
  assertEquals(await valuesOf(parameter), [[1, 2, 3], [1, 2, 3]]);
  // Of two steps at the same time the later one finds that the first was made.
  const steps = await Promise.allSettled([trainer.stepAsync(4), trainer.stepAsync(4)]);
  assertEquals(steps.map(({ status }) => status), ["fulfilled", "rejected"]);
  assertEquals(await valuesOf(parameter), [[0, 1, 2], [0, 1, 2]]);
  // A gradient on one of the devices only is stale.
  const [weight] = parameter.listData();
  using y = autograd.record(() => weight!.mul(1));
  y.backward();
  await assertRejects(() => trainer.stepAsync(1), StateError, "has not been updated by backward");
  await assertRejects(() => trainer.stepAsync(0), RangeError, "batchSize");
});

gpuTest("states of two devices go on after saving and loading, with the same bits", async () => {
  using two = twoDevices();
  using one = parameterOn(two.devices);
  using other = parameterOn(two.devices);
  using trainer = new Trainer([one], "adam", ADAM);
  const step = async (parameter: Parameter, own: Trainer, size: number) => {
    give(parameter, [size, 1, 0.3], [1, -size, 0.7]);
    await own.stepAsync(2);
  };
  await step(one, trainer, 1);
  await step(one, trainer, 2);
  const bytes = await trainer.saveStates();
  other.setData(one.data(two.devices[0]));
  using later = new Trainer([other], "adam", ADAM);
  await later.loadStates(bytes);
  await step(one, trainer, 3);
  await step(other, later, 3);
  const [first, second] = await valuesOf(other);
  assertEquals(first, second);
  assertEquals(await valuesOf(one), [first!, first!]);
  // A device more, and one less: the states follow the parameter.
  using alone = parameterOn([two.devices[1]!]);
  alone.setData(one.data(two.devices[0]));
  using single = new Trainer([alone], "adam", ADAM);
  await single.loadStates(await trainer.saveStates());
  give(alone, [5, 0, 1]);
  single.step(2);
  give(one, [4, 0, 1], [1, 0, 0]);
  trainer.step(2);
  assertEquals((await valuesOf(alone))[0], (await valuesOf(one))[0]);
});

gpuTest("training on two devices is training on one with the whole batch", async () => {
  using two = twoDevices();
  using apart = parameterOn(two.devices);
  using whole = parameterOn([two.devices[0]!]);
  using trainers = new Trainer([apart], "sgd", { learningRate: 0.5, momentum: 0.5 });
  using trainer = new Trainer([whole], "sgd", { learningRate: 0.5, momentum: 0.5 });
  const samples = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]];
  const pass = (weight: ReturnType<Parameter["data"]>, rows: number[][]) => {
    const { device } = weight;
    using x = tensor(rows, undefined, { device });
    using label = tensor(rows.map(([a, b, c]) => 2 * a! - b! + c!), undefined, { device });
    using loss = autograd.record(() =>
      losses.l2(matmul(x, weight.reshape([3, 1])).reshape([-1]), label)
    );
    loss.backward();
  };
  for (let step = 0; step < 4; step++) {
    for (const [at, weight] of apart.listData().entries()) {
      pass(weight, samples.slice(2 * at, 2 * at + 2));
    }
    await trainers.stepAsync(4);
    pass(whole.data(), samples);
    trainer.step(4);
  }
  const [alone] = await valuesOf(whole);
  for (const values of await valuesOf(apart)) assertEquals(values, alone);
});
