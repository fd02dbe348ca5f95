/** Predictions in planned memory, replayed: bits of the same calls one by one, whatever the caller does in between. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  add,
  autograd,
  concat,
  Conv2D,
  dropout,
  HybridBlock,
  HybridLambda,
  HybridSequential,
  mean,
  relu,
  scope,
  seed,
  type Tensor,
  tensor,
  Trainer,
} from "../../mod.ts";
import { profile } from "../../inspect.ts";
import { runGraph } from "../../src/graph/run.ts";
import { CachedGraph } from "../../src/nn/cached_graph.ts";
import { filledBlock, GRAPH_BLOCKS } from "../support/graph_blocks.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

const ALLOC = { staticAlloc: true };
const STATIC = { staticAlloc: true, staticShape: true };

function image(shape: readonly number[], first: number = 1): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return tensor(new Random(first).float32(count), shape);
}

function predictionOf(block: HybridBlock) {
  const cache = CachedGraph.of(block)!;
  return cache.prediction(cache.latest!);
}

/** What the same calls give one by one, each in memory of its own. */
function oneByOne(block: HybridBlock, inputs: readonly Tensor[]): number[][] {
  const { device, parameters } = CachedGraph.of(block)!.latest!;
  return scope(() => {
    const values = new Map([...parameters].map(([name, each]) => [name, each.data(device)]));
    const prediction = predictionOf(block);
    const all = prediction.parametersOf(values);
    return runGraph(prediction.graph, { inputs, parameters: all }).map((y) => [...y.dataSync()]);
  });
}

function numbers(block: HybridBlock, ...inputs: Tensor[]): number[][] {
  return scope(() => {
    const y = block.call(...inputs) as Tensor | Tensor[];
    return (Array.isArray(y) ? y : [y]).map((each) => [...each.dataSync()]);
  });
}

for (const entry of GRAPH_BLOCKS) {
  gpuTest(`${entry.name}: planned memory and replays give the bits of single calls`, () => {
    using block = filledBlock(entry, (each) => {
      using x = image(entry.input);
      scope(() => void each.call(x));
    });
    for (const flags of [ALLOC, STATIC]) {
      block.hybridize(true, flags);
      for (const run of [1, 2, 3]) {
        using x = image(entry.input, run);
        const found = numbers(block, x);
        assertEquals(found, oneByOne(block, [x]), `run ${run} of ${JSON.stringify(flags)}`);
      }
      if (flags === STATIC) assert(predictionOf(block).program!.recordings > 0);
    }
  });
}

/** Convolutions side by side and one behind the other; sums in place, a concatenation of pieces made where they belong. */
class Net extends HybridBlock {
  readonly first = new Conv2D(4, 3, { padding: 1, inChannels: 4, activation: "relu" });
  readonly second = new Conv2D(4, 3, { padding: 1, inChannels: 4 });
  readonly last = new Conv2D(4, 3, { padding: 1, inChannels: 8 });
  override forward(x: Tensor): Tensor {
    const a = this.first.call(x);
    const b = relu(add(this.second.call(a), x.mul(2)));
    return this.last.call(concat([relu(b.mul(-1)), a], 1)).mul(0.5).add(1);
  }
}

function network(flags: object = STATIC): Net {
  const net = new Net();
  net.initialize("xavier");
  net.hybridize(true, flags);
  return net;
}

gpuTest("results belong to the caller: later runs leave them as they are", () => {
  using net = network();
  const kept: Tensor[] = [];
  const expected: number[][] = [];
  // More than there are recordings, and more than are made before inputs and results are copied.
  for (let run = 0; run < 24; run++) {
    using x = image([1, 4, 6, 6], run);
    kept.push(net.call(x));
    expected.push(oneByOne(net, [x])[0]!);
  }
  kept.forEach((y, run) => assertEquals([...y.dataSync()], expected[run], `run ${run}`));
  for (const y of kept) y.dispose();
  // Back to memory that comes again.
  for (let run = 0; run < 3; run++) {
    using x = image([1, 4, 6, 6], 50 + run);
    assertEquals(numbers(net, x), oneByOne(net, [x]));
  }
});

gpuTest(
  "many runs under way, and eager calls between them, see what was there at their time",
  () => {
    using net = network();
    using eager = network({});
    eager.hybridize(false);
    using x = image([1, 4, 6, 6], 1);
    using step = tensor([0.125]);
    scope(() => {
      for (let run = 0; run < 3; run++) net.call(x);
    });
    const results: Tensor[] = [];
    const inputs: number[][] = [];
    for (let run = 0; run < 10; run++) {
      inputs.push([...x.dataSync()]);
      results.push(net.call(x));
      // Written behind the run that reads it, and read by another one.
      using next = scope(() => add(x, step).mul(0.75));
      scope(() => void eager.call(next));
      x.assign(next);
    }
    results.forEach((y, run) => {
      using before = tensor(inputs[run]!, [1, 4, 6, 6]);
      assertEquals([...y.dataSync()], oneByOne(net, [before])[0], `run ${run}`);
      y.dispose();
    });
  },
);

gpuTest("replays see parameters as they are: set, or trained in place", () => {
  using net = network();
  using x = image([1, 4, 6, 6]);
  for (let run = 0; run < 3; run++) numbers(net, x);
  const trainer = new Trainer(net.collectParams(), "sgd", { learningRate: 0.5 });
  for (let step = 0; step < 4; step++) {
    const before = numbers(net, x);
    if (step % 2 === 0) {
      scope(() => {
        const y = autograd.record(() => mean(net.call(x)));
        y.backward();
      });
      trainer.step(1);
    } else {
      using bias = image([4], 90 + step);
      net.last.bias!.setData(bias);
    }
    const after = numbers(net, x);
    assertNotEquals(after, before);
    assertEquals(after, oneByOne(net, [x]));
    assertEquals(numbers(net, x), after);
  }
  trainer.dispose();
});

gpuTest("graphs of several shapes share one arena, as large as the largest needs", (device) => {
  using net = network();
  const arena = () => device.memoryByLabel().find(({ label }) => label === "arena")!;
  const sizes = [6, 9, 5, 9, 6];
  let most = 0;
  for (const size of sizes) {
    using x = image([1, 4, size, size], size);
    for (let run = 0; run < 2; run++) assertEquals(numbers(net, x), oneByOne(net, [x]));
    const { arenaBytes } = predictionOf(net).program!;
    most = Math.max(most, arenaBytes);
    const { liveBuffers, liveBytes } = arena();
    assertEquals(liveBuffers, 1);
    assert(liveBytes >= most && liveBytes <= most + 4096);
  }
  net.hybridize(false);
  assertEquals(arena(), undefined);
});

class Several extends HybridBlock {
  readonly conv = new Conv2D(4, 3, { padding: 1, inChannels: 4 });
  override forward(x: Tensor): Tensor[] {
    const y = this.conv.call(x);
    return [x, y, y, x.reshape([4, -1]), y.reshape([-1]), relu(y), x.slice([1]), x.mul(2).detach()];
  }
}

gpuTest("outputs may be arguments, views, the same value twice, or empty", () => {
  using net = new Several();
  net.initialize("xavier");
  net.hybridize(true, STATIC);
  using x = image([1, 4, 5, 5]);
  for (let run = 0; run < 3; run++) {
    const all = net.call(x);
    assert(all[0] === x && all[1] === all[2]);
    assertEquals(all.map(({ shape }) => shape), [
      [1, 4, 5, 5],
      [1, 4, 5, 5],
      [1, 4, 5, 5],
      [4, 25],
      [100],
      [1, 4, 5, 5],
      [0, 4, 5, 5],
      [1, 4, 5, 5],
    ]);
    assertEquals(all.map((y) => [...y.dataSync()]), oneByOne(net, [x]));
    for (const y of new Set(all.slice(1))) y.dispose();
  }
});

gpuTest("an argument may come twice, and may be the result of the last run", () => {
  const lambda = (a: Tensor, b: Tensor) => relu(add(a.mul(0.5), b)).add(a).mul(0.5);
  using net = new HybridLambda(lambda as (...inputs: unknown[]) => unknown);
  net.hybridize(true, STATIC);
  let x = image([2, 7]);
  for (let run = 0; run < 6; run++) {
    const y = net.call(x, x) as Tensor;
    assertEquals([[...y.dataSync()]], oneByOne(net, [x, x]));
    x.dispose();
    x = y;
  }
  x.dispose();
});

gpuTest("what draws random numbers draws anew in every run", () => {
  using net = new HybridSequential().add(
    new Conv2D(4, 3, { padding: 1, inChannels: 4 }),
    new HybridLambda(((x: Tensor) => dropout(x, 0.5, { mode: "always" })) as () => unknown),
  );
  net.initialize("xavier");
  using x = image([1, 4, 5, 5]);
  const found = [undefined, STATIC].map((flags) => {
    net.hybridize(flags !== undefined, flags ?? {});
    seed(7);
    return [1, 2, 3].map(() => numbers(net, x));
  });
  assertEquals(found[1], found[0]);
  assertNotEquals(found[1]![0], found[1]![1]);
});

gpuTest("profiles measure every kernel of a replayed block", async (device) => {
  using net = network();
  using x = image([1, 4, 6, 6]);
  for (let run = 0; run < 3; run++) numbers(net, x);
  const report = await profile(() => scope(() => void net.call(x)), { device });
  assertEquals(report.operatorRows.find(({ label }) => label === "Convolution")!.calls, 3);
});

gpuTest("training and recording run call by call, beside replays", () => {
  using net = network();
  using x = image([1, 4, 6, 6]);
  for (let run = 0; run < 2; run++) numbers(net, x);
  x.attachGrad();
  const gradients = [STATIC, undefined].map((flags) => {
    net.hybridize(flags !== undefined, flags ?? {});
    if (flags) { for (let run = 0; run < 2; run++) numbers(net, x); }
    using y = autograd.record(() => net.call(x));
    y.backward();
    return [...x.grad!.dataSync()];
  });
  assertEquals(gradients[0], gradients[1]);
  x.dropGrad();
});
