// Benches time kernels behind busy work: on a device that only says how fast it is, not on a real one.

import { assert, assertEquals } from "@std/assert";
import { Clock } from "../../bench/clock.ts";
import type { Device, KernelTiming } from "../../mod.ts";
import { test } from "../support/test.ts";

/** A device whose clock is as it is told. */
class Paced {
  readonly adapter: { readonly software: boolean };
  /** Nanoseconds of each dispatch, from submission to submission. */
  readonly pace: number[];
  readonly submissions: string[][] = [];
  #labels: string[] = [];

  constructor(pace: readonly number[], software = false) {
    this.pace = [...pace];
    this.adapter = { software };
  }

  allocate(): { release(): void } {
    return { release: () => {} };
  }

  dispatch(_: unknown, __: unknown, label: string): void {
    this.#labels.push(label);
  }

  startProfile(): void {
    this.#labels = [];
  }

  stopProfile(): Promise<KernelTiming[]> {
    const nanoseconds = this.pace.length > 1 ? this.pace.shift()! : this.pace[0]!;
    this.submissions.push(this.#labels);
    return Promise.resolve(
      this.#labels.map((label) => ({ label, nanoseconds }) as KernelTiming),
    );
  }
}

function timeOne(paced: Paced) {
  const device = paced as unknown as Device;
  return Clock.of(device).time(() => paced.dispatch(undefined, undefined, "own"));
}

test("kernels are timed behind busy work, whose rows are left out", async () => {
  const paced = new Paced([1e6]);
  const { kernels, fast } = await timeOne(paced);
  assertEquals(kernels.map(({ label }) => label), ["own"]);
  assert(fast);
  const last = paced.submissions.at(-1)!;
  // Some 12 milliseconds, as each dispatch takes one.
  assertEquals(last.length, 13);
  assert(last.slice(0, -1).every((label) => label === "busy"));
});

test("a measurement at a low clock is repeated, and says so if the clock stays low", async () => {
  const paced = new Paced([1e6]);
  await timeOne(paced);
  paced.submissions.length = 0;
  paced.pace.splice(0, 1, 2e6, 1e6);
  const risen = await timeOne(paced);
  assertEquals([risen.fast, paced.submissions.length], [true, 2]);
  assert(paced.submissions[1]!.length > paced.submissions[0]!.length);
  paced.submissions.length = 0;
  paced.pace.splice(0, 1, 2e6);
  const low = await timeOne(paced);
  assertEquals([low.fast, paced.submissions.length, low.kernels.length], [false, 3, 1]);
});

test("a CPU device is not kept busy", async () => {
  const paced = new Paced([1e6], true);
  const { kernels, fast } = await timeOne(paced);
  assertEquals([kernels.length, fast, paced.submissions.length], [1, true, 1]);
});
