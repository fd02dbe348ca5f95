// A GPU's clock falls within microseconds without work, as while the host compiles a pipeline or checks a result, and takes
// tens of milliseconds to rise. So what is timed comes right behind work that keeps the device busy, in one submission with
// it; and how fast that work ran tells whether the clock was up.

import type { Device, DeviceBuffer, Dispatch, KernelTiming } from "../mod.ts";
import { programs } from "../shaders/manifest.ts";
import { makeDispatch } from "../src/kernels/plan.ts";

const INVOCATIONS = 1 << 18;
const ROUNDS = 256;
/** Operations of a dispatch: chains, steps of a round. */
const GFLOP = 2 * 24 * 8 * ROUNDS * INVOCATIONS / 1e9;

/** Busy milliseconds before a measurement, when the clock is first raised, and when it was found low. */
const BEFORE = 12;
const FIRST = 150;
const AGAIN = 60;

/** Part of the best speed so far below which the clock was low, and measurements that are then repeated at most. */
const LOW = 0.93;
const REPEATS = 2;

/** What was timed behind busy work. */
export interface Timed {
  /** The kernels, those of the busy work left out. */
  readonly kernels: readonly KernelTiming[];
  /** Whether the clock was up; true for devices that have no such clock. */
  readonly fast: boolean;
}

/** Keeps one device busy. */
export class Clock {
  static readonly #clocks = new WeakMap<Device, Clock>();
  readonly #device: Device;
  readonly #dispatch: Dispatch;
  #output: DeviceBuffer | undefined;
  /** Best GFLOP/s of the busy work. */
  #best = 0;

  private constructor(device: Device) {
    this.#device = device;
    this.#dispatch = makeDispatch(
      programs["probe/multiply_add"],
      { local_size_x: 64, rounds: ROUNDS },
      { factor: 0.999, shift: 0.001 },
      [0],
      [INVOCATIONS / 64, 1, 1],
    );
  }

  /** The clock of a device. */
  static of(device: Device): Clock {
    let clock = Clock.#clocks.get(device);
    if (clock === undefined) Clock.#clocks.set(device, clock = new Clock(device));
    return clock;
  }

  /** Best GFLOP/s of the busy work so far; 0 where there was none. */
  get best(): number {
    return this.#best;
  }

  /** Enqueues busy work of some milliseconds; none on a CPU, whose clock is the host's. Returns its dispatches. */
  async spin(milliseconds: number = BEFORE): Promise<number> {
    await this.#prepare();
    return this.#enqueue(milliseconds);
  }

  /** Raises the clock, once, and learns how fast the device then is. */
  async #prepare(): Promise<void> {
    if (this.#device.adapter.software || this.#output !== undefined) return;
    this.#output = this.#device.allocate(INVOCATIONS * 4, "busy");
    const start = performance.now();
    do {
      this.#device.startProfile();
      for (let i = 0; i < 8; i++) this.#launch();
      this.#note((await this.#device.stopProfile()).at(-1)!);
    } while (performance.now() - start < FIRST);
  }

  #launch(): void {
    this.#device.dispatch(this.#dispatch, [this.#output!], "busy");
  }

  #enqueue(milliseconds: number): number {
    // Where the queue has no timestamps nothing is known, and kernels are not timed.
    const count = this.#best === 0 ? 0 : Math.ceil(milliseconds * this.#best / GFLOP / 1e3);
    for (let i = 0; i < count; i++) this.#launch();
    return count;
  }

  /** The speed of a dispatch of the busy work, as a part of the best. */
  #note({ nanoseconds }: KernelTiming): number {
    if (nanoseconds === null) return 1;
    const speed = GFLOP / nanoseconds * 1e9;
    this.#best = Math.max(this.#best, speed);
    return speed / this.#best;
  }

  /** Times what `run` enqueues, kernel by kernel; again where the clock was low. */
  async time(run: () => void): Promise<Timed> {
    await this.#prepare();
    for (let repeat = 0;; repeat++) {
      this.#device.startProfile();
      const busy = this.#enqueue(repeat === 0 ? BEFORE : AGAIN);
      run();
      const rows = await this.#device.stopProfile();
      const fast = busy === 0 || this.#note(rows[busy - 1]!) >= LOW;
      if (fast || repeat === REPEATS) return { kernels: rows.slice(busy), fast };
    }
  }
}
