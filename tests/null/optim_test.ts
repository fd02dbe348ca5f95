/** Schedulers, texts and options of training, without a device. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { losses, optimizers, schedulers } from "../../mod.ts";
import { test } from "../support/test.ts";

test("toString() of losses is Gluon's repr", () => {
  assertEquals(`${new losses.L2Loss()}`, "L2Loss(batch_axis=0, w=1.0)");
  assertEquals(`${new losses.L1Loss({ batchAxis: 1 })}`, "L1Loss(batch_axis=1, w=None)");
  const half = new losses.SoftmaxCrossEntropyLoss({ weight: 0.5 });
  assertEquals(`${half}`, "SoftmaxCrossEntropyLoss(batch_axis=0, w=0.5)");
});

test("losses and optimizers refuse unknown options", () => {
  const wrong = { from_logits: true } as unknown as { fromLogits: boolean };
  assertThrows(() => new losses.SoftmaxCrossEntropyLoss(wrong), TypeError, "fromLogits");
  assertThrows(() => new losses.HuberLoss({ rho: 0 }), RangeError, "rho");
  assertThrows(() => new optimizers.SGD({ momentum: 2 }), RangeError, "momentum");
  assertThrows(() => new optimizers.Adam({ learningRate: -1 }), RangeError, "learningRate");
  const text = "cosine" as unknown as schedulers.LRScheduler;
  assertThrows(() => new optimizers.SGD({ lrScheduler: text }), TypeError, "LRScheduler");
});

/** What MXNet's scheduler of that name answers when it is asked update by update. */
const MXNET: Readonly<Record<string, (step: number | number[], updates: number) => number[]>> = {
  factor: (step, updates) => {
    let [count, lr] = [0, 1];
    return Array.from({ length: updates }, (_, at) => {
      while (at > count + (step as number)) {
        count += step as number;
        lr = Math.max(lr * 0.5, 0.1);
      }
      return lr;
    });
  },
  multi: (step, updates) => {
    let [index, lr] = [0, 1];
    const steps = step as number[];
    return Array.from({ length: updates }, (_, at) => {
      while (index < steps.length && at > steps[index]!) {
        index++;
        lr *= 0.5;
      }
      return lr;
    });
  },
};

function ask(scheduler: schedulers.LRScheduler, updates: number): number[] {
  return Array.from({ length: updates }, (_, at) => scheduler.at(at));
}

test("FactorScheduler and MultiFactorScheduler answer as MXNet's, in any order", () => {
  const factor = new schedulers.FactorScheduler(3, { factor: 0.5, stopFactorLr: 0.1, baseLr: 1 });
  assertEquals(ask(factor, 20), MXNET["factor"]!(3, 20));
  assertEquals(factor.at(1), 1);
  const multi = new schedulers.MultiFactorScheduler([2, 5, 6], { factor: 0.5, baseLr: 1 });
  assertEquals(ask(multi, 10), MXNET["multi"]!([2, 5, 6], 10));
});

test("warming up rises evenly or waits, then the curve begins at the base", () => {
  const options = { baseLr: 1, finalLr: 0.2, warmupSteps: 4, warmupBeginLr: 0.5 };
  const cosine = new schedulers.CosineScheduler(8, options);
  const expected = [0.5, 0.625, 0.75, 0.875, 1, 0.2 + 0.4 * (1 + Math.SQRT1_2), 0.6];
  ask(cosine, 7).forEach((lr, at) => assertAlmostEquals(lr, expected[at]!, 1e-12));
  assertAlmostEquals(cosine.at(100), 0.2, 1e-12);
  const poly = new schedulers.PolyScheduler(8, { ...options, power: 1, warmupMode: "constant" });
  assertEquals(ask(poly, 4), [0.5, 0.5, 0.5, 0.5]);
  assertAlmostEquals(poly.at(6), 0.6, 1e-12);
});

test("schedulers refuse what MXNet refuses", () => {
  const { FactorScheduler, MultiFactorScheduler, CosineScheduler } = schedulers;
  assertThrows(() => new FactorScheduler(0), RangeError, "step");
  assertThrows(() => new FactorScheduler(1, { factor: 2 }), RangeError, "factor");
  assertThrows(() => new MultiFactorScheduler([]), TypeError, "step");
  assertThrows(() => new MultiFactorScheduler([3, 3]), RangeError, "step[1]");
  assertThrows(() => new CosineScheduler(4, { warmupSteps: 4 }), RangeError, "maxUpdate");
  assertThrows(() => new CosineScheduler(4, { warmupBeginLr: 1 }), RangeError, "warmupBeginLr");
});

test("the learning rate of an optimizer becomes the base of its scheduler", () => {
  const lrScheduler = new schedulers.CosineScheduler(10);
  assertEquals(new optimizers.SGD({ lrScheduler }).learningRate, 0.01);
  assertEquals(new optimizers.SGD({ lrScheduler, learningRate: 0.5 }).learningRate, 0.5);
  assertEquals(lrScheduler.baseLr, 0.5);
});
