// The compiled kernels of a device, from outside: which ones some work needs, and how to have them before it runs.

import type { Dispatch } from "../core/dispatch.ts";
import { describe } from "../core/options.ts";
import { checkDispatch } from "./checks.ts";
import type { Parts } from "./parts.ts";
import type { Tuning } from "./tuning.ts";

/** How far a preparation is. */
export interface PrepareProgress {
  /** Kernels that are ready. */
  readonly done: number;
  /** Kernels wanted. */
  readonly total: number;
}

/** Kernels under way at a time: drivers compile on the thread that asks. */
const TOGETHER = 4;

/** Has kernels compiled beside everything else that the program does. */
export class Kernels {
  readonly #parts: Parts;
  readonly #check: () => void;
  #launches: Map<string, Dispatch> | undefined;

  /**
   * Devices make this; programs read it from {@linkcode Device.kernels}.
   *
   * @param parts The device.
   * @param check Throws if the device is gone.
   */
  constructor(parts: Parts, check: () => void) {
    this.#parts = parts;
    this.#check = check;
  }

  /** How many kernels are compiled, each with its constants. */
  get count(): number {
    return this.#parts.pipelines.count;
  }

  /**
   * Compiles kernels so that the event loop goes on meanwhile: on other threads where the runtime has them, else one for
   * each turn of the loop.
   *
   * @param dispatches Programs and constants; what is there already takes no time.
   * @param onProgress Called before the first and after each.
   * @returns Resolves when all are there.
   * @throws {DeviceError} If a program needs a feature that the device lacks.
   * @throws {DisposedError} If the device was disposed meanwhile.
   * @throws {TypeError} If an argument has a wrong type.
   */
  async prepare(
    dispatches: readonly Dispatch[],
    onProgress: (progress: PrepareProgress) => void = () => {},
  ): Promise<void> {
    this.#check();
    const where = "prepare kernels";
    if (!Array.isArray(dispatches)) {
      throw new TypeError(`Cannot ${where}: found ${describe(dispatches)}, expected a list`);
    }
    for (const each of dispatches as readonly Dispatch[]) checkDispatch(where, each);
    checkFunction(where, "onProgress", onProgress);
    const { pipelines } = this.#parts;
    const wanted = new Map(dispatches.map((dispatch) => [dispatch.pipelineKey, dispatch]));
    const missing = [...wanted.values()].filter((each) => pipelines.find(each) === undefined);
    const total = wanted.size;
    let done = total - missing.length;
    onProgress({ done, total });
    const work = async (): Promise<void> => {
      for (;;) {
        await turn();
        this.#check();
        const dispatch = missing.shift();
        if (dispatch === undefined) return;
        await pipelines.makeAside(dispatch);
        onProgress({ done: ++done, total });
      }
    };
    await Promise.all(Array.from({ length: Math.min(TOGETHER, missing.length) }, work));
    this.#parts.save();
  }

  /** Which variants were measured to be the fastest, with `Device.open({ tune })`. */
  get tuning(): Tuning {
    return this.#parts.tuning;
  }

  /** Whether work can be measured now: launches are neither collected nor timed already. */
  get measurable(): boolean {
    return this.#launches === undefined && this.#parts.recorder.profiler === undefined;
  }

  /**
   * Runs work alone and blocks until it is done.
   *
   * @param run Records the work; only while {@linkcode Kernels.measurable}.
   * @returns Time of its launches on the device in nanoseconds, or by the clock if there are no timestamps.
   */
  measure(run: () => void): number {
    this.#check();
    return this.#parts.timeSync(run);
  }

  /** Whether launches are only collected. */
  get rehearsing(): boolean {
    return this.#launches !== undefined;
  }

  /**
   * Runs a function whose launches are only collected: nothing reaches the device.
   *
   * @param fn Must not wait for results, which stay undefined.
   * @returns The launches, one for each kernel.
   * @throws {TypeError} If it is no function.
   */
  rehearse(fn: () => void): Dispatch[] {
    checkFunction("rehearse", "fn", fn);
    const outer = this.#launches;
    const launches = this.#launches = new Map<string, Dispatch>();
    try {
      fn();
    } finally {
      this.#launches = outer;
    }
    return [...launches.values()];
  }

  /**
   * Collects a launch; called by {@linkcode Device.dispatch} during a rehearsal.
   *
   * @param dispatch The launch.
   */
  collect(dispatch: Dispatch): void {
    checkDispatch("collect a launch", dispatch);
    // What is copied takes no kernel.
    if (dispatch.copy !== undefined) return;
    this.#launches?.set(dispatch.pipelineKey, dispatch);
  }
}

function checkFunction(where: string, name: string, value: unknown): void {
  if (typeof value === "function") return;
  throw new TypeError(`Cannot ${where}: ${name} is ${describe(value)}, expected a function`);
}

/** Lets everything else run that waits for its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
