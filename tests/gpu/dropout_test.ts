/** Dropout: seeds, modes, gradients; the masks themselves are in tests/cases/dropout.ts. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { autograd, Dropout, dropout, HybridSequential, ones, seed } from "../../mod.ts";
import { gpuTest } from "../support/test.ts";

gpuTest("a seed gives the same masks again, and each call its own", async () => {
  const x = ones([257]);
  const draw = async () => {
    const y = autograd.trainMode(() => dropout(x, 0.3));
    const values = [...await y.data()].join();
    y.dispose();
    return values;
  };
  seed(5);
  const [first, second] = [await draw(), await draw()];
  seed(5);
  assertEquals([await draw(), await draw()], [first, second]);
  assert(first !== second);
  x.dispose();
});

gpuTest("outside of training dropout costs nothing and passes gradients", async () => {
  const x = ones([8]);
  x.attachGrad();
  const y = autograd.record(() => dropout(x, 0.5).mul(3), { trainMode: false });
  y.backward();
  assertEquals([...await x.grad!.data()], new Array(8).fill(3));
  const same = dropout(x, 0.5);
  assertEquals(same.storage, x.storage);
  for (const each of [x, y, same]) each.dispose();
});

gpuTest("the gradient has the zeros of the forward pass", async () => {
  const x = ones([1000]);
  x.attachGrad();
  const y = autograd.record(() => new Dropout(0.25).call(x));
  y.backward();
  assertEquals(await x.grad!.data(), await y.data());
  const dropped = (await y.data()).filter((value: number) => value === 0).length;
  assert(dropped > 180 && dropped < 320, `${dropped} of 1000 dropped`);
  for (const each of [x, y]) each.dispose();
});

gpuTest("rates 0 and 1 keep and drop everything", async () => {
  const x = ones([5]);
  const [all, none] = autograd.trainMode(() => [dropout(x, 0), dropout(x, 1)]);
  assertEquals([...await all!.data(), ...await none!.data()], [1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
  for (const each of [x, all, none]) each!.dispose();
});

gpuTest("a hybridized network drops anew in every run", async () => {
  const net = new HybridSequential().add(new Dropout(0.5));
  net.hybridize();
  const x = ones([64]);
  const run = async (training: boolean) => {
    const mode = training ? autograd.trainMode : autograd.predictMode;
    const y = mode(() => net.call(x));
    const values = [...await y.data()].join();
    y.dispose();
    return values;
  };
  seed(9);
  const [first, second, predicted] = [await run(true), await run(true), await run(false)];
  assert(first !== second);
  assertEquals(predicted, new Array(64).fill(1).join());
  net.hybridize(false);
  seed(9);
  assertEquals(await run(true), first);
  net.dispose();
  x.dispose();
});

gpuTest("wrong rates and axes are named", () => {
  const x = ones([2, 2]);
  assertThrows(() => dropout(x, 1.5), RangeError, "p is 1.5");
  assertThrows(() => new Dropout(-1), RangeError, "rate is -1");
  assertThrows(() => dropout(x, 0.5, { axes: [2] }), Error, "axis");
  x.dispose();
});
