// Convolution layers for `deno bench`: wall time with submission and waiting. In each group the
// baseline waits for every run, and the other enqueues all of them for one submission, which is how
// a network uses the device. bench/report.ts has the time on the device itself.

import { defaultDevice } from "../mod.ts";
import { layers, workOf } from "./layers.ts";
import { makeLayer } from "./layer_subject.ts";
import { release, type Subject } from "./subject.ts";

const runs = 8;

for (const layer of layers) {
  let subject: Subject | undefined;
  const measure = async (
    together: number,
    b: Deno.BenchContext,
  ): Promise<void> => {
    const device = defaultDevice();
    // Made on first use, so that --filter makes only what it measures.
    subject ??= makeLayer(layer);
    b.start();
    for (let i = 0; i < runs; i++) {
      release(subject.run());
      if ((i + 1) % together === 0) await device.synchronize();
    }
    b.end();
  };
  // The slowest layers need no statistics to be told apart.
  const settings = {
    group: `${layer.id} ${layer.name}`,
    n: workOf(layer, "fwd").gflop > 1 ? 5 : 10,
    warmup: 2,
  };
  Deno.bench({
    ...settings,
    name: `${layer.id} ${runs} submissions of one run`,
    baseline: true,
    async fn(b): Promise<void> {
      await measure(1, b);
    },
  });
  Deno.bench({
    ...settings,
    name: `${layer.id} one submission of ${runs} runs`,
    async fn(b): Promise<void> {
      await measure(runs, b);
    },
  });
}
