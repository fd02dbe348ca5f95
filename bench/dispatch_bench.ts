// What one eager call costs the host, for `deno bench`; dispatch.ts says what is measured and also runs on Bun.

import { defaultDevice } from "../mod.ts";
import { CALLS, dispatchNames, type DispatchSubject, dispatchSubjects } from "./dispatch.ts";

let subjects: readonly DispatchSubject[] | undefined;

dispatchNames.forEach((name, at) => {
  Deno.bench({
    name: `${CALLS} calls of ${name}`,
    group: "host cost of eager calls",
    baseline: at === 0,
    n: 100,
    warmup: 100,
    fn(b): void {
      const device = defaultDevice();
      subjects ??= dispatchSubjects(device);
      const { call } = subjects[at]!;
      b.start();
      for (let i = 0; i < CALLS; i++) call(i);
      b.end();
      device.synchronizeSync();
    },
  });
});
