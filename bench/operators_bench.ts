// The other operators for `deno bench`: activation, elementwise, concat, cast, slice, transpose,
// pixel_shuffle, up_sampling.

import { defaultDevice } from "../mod.ts";
import { operatorRows } from "./operators.ts";
import { makeOperator, release, type Subject } from "./subject.ts";

const runs = 8;

for (const operator of operatorRows) {
  let subject: Subject | undefined;
  const measure = async (
    together: number,
    b: Deno.BenchContext,
  ): Promise<void> => {
    const device = defaultDevice();
    subject ??= makeOperator(operator);
    b.start();
    for (let i = 0; i < runs; i++) {
      release(subject.run());
      if ((i + 1) % together === 0) await device.synchronize();
    }
    b.end();
  };
  const settings = {
    group: `${operator.id} ${operator.name}`,
    n: 10,
    warmup: 2,
  };
  Deno.bench({
    ...settings,
    name: `${operator.id} ${runs} submissions of one run`,
    baseline: true,
    async fn(b): Promise<void> {
      await measure(1, b);
    },
  });
  Deno.bench({
    ...settings,
    name: `${operator.id} one submission of ${runs} runs`,
    async fn(b): Promise<void> {
      await measure(runs, b);
    },
  });
}
