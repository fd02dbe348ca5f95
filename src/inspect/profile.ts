// Where the time of a function goes on the device: one row for each operator and each kernel. Knows no
// layers.

import { StateError } from "../core/errors.ts";
import { describe, optional, readOptions } from "../core/options.ts";
import type { Device } from "../device/device.ts";
import type { KernelTiming } from "../device/profiler.ts";
import { printAsText } from "../nn/text.ts";
import { checkDevice, defaultDevice } from "../tensor/mod.ts";
import { formatProfile } from "./profile_text.ts";
import { type ChromeTrace, chromeTrace } from "./trace.ts";

/** Options of {@linkcode profile}. */
export interface ProfileOptions {
  /** The device whose kernels are measured; the default device if absent. */
  readonly device?: Device;
}

/** Time and work of one operator or one kernel, over all its launches. */
export interface ProfileRow {
  /** Operator, such as `Convolution`; of a kernel also the variant: `Convolution/direct`. */
  readonly label: string;
  /** The program on the device; null in rows of operators, which may run several. */
  readonly program: string | null;
  /** Calls of the operator. In rows of kernels, launches. */
  readonly calls: number;
  /** Time on the device; null if it has no timestamps. */
  readonly nanoseconds: number | null;
  /** Share of the time of all rows of its kind, from 0 to 1; null without timestamps. */
  readonly share: number | null;
  /** Floating-point operations by definition; null where a call is spread over several kernels. */
  readonly flops: number | null;
  /** Bytes of operands and results, each once; null where a call is spread over several kernels. */
  readonly bytes: number | null;
  /** 10⁹ operations in a second; null if time or work is unknown. */
  readonly gigaflopsPerSecond: number | null;
  /** 10⁹ bytes in a second; null if time or work is unknown. */
  readonly gigabytesPerSecond: number | null;
}

/**
 * What {@linkcode profile} measured. As a string it is a table.
 */
export class Profile<Result = unknown> {
  /** What the function returned. */
  readonly result: Result;
  /** Name of the device. */
  readonly deviceName: string;
  /** Every launch in order. */
  readonly kernels: readonly KernelTiming[];
  /** Time from the call of the function until the device was done, on the host's clock. */
  readonly wallMilliseconds: number;
  /** One row for each operator, the slowest first. */
  readonly operatorRows: readonly ProfileRow[];
  /** One row for each kernel, the slowest first. */
  readonly kernelRows: readonly ProfileRow[];

  /**
   * Made by {@linkcode profile}; also from timings that were measured otherwise.
   *
   * @param result What the function returned.
   * @param deviceName Name of the device.
   * @param kernels Every launch in order, as `Device.stopProfile` gives them.
   * @param wallMilliseconds Time on the host's clock.
   * @throws {TypeError} If the launches are none.
   */
  constructor(
    result: Result,
    deviceName: string,
    kernels: readonly KernelTiming[],
    wallMilliseconds: number,
  ) {
    checkTimings("construct Profile", kernels);
    this.result = result;
    this.deviceName = deviceName;
    this.kernels = kernels;
    this.wallMilliseconds = wallMilliseconds;
    this.operatorRows = rowsOf(kernels, ({ label }) => ({ label: operatorOf(label) }));
    this.kernelRows = rowsOf(kernels, ({ label, program }) => ({ label, program }));
  }

  /** True if the device has timestamps, so that there are times. */
  get hasTimes(): boolean {
    return this.kernels.every(({ nanoseconds }) => nanoseconds !== null);
  }

  /** Time of all kernels together; null if the device has no timestamps. */
  get nanoseconds(): number | null {
    return sumOrNull(this.kernels.map(({ nanoseconds }) => nanoseconds));
  }

  /**
   * The launches as a trace for `chrome://tracing`, Perfetto and the like.
   *
   * @returns An object to be written as JSON.
   */
  trace(): ChromeTrace {
    return chromeTrace(this.deviceName, this.kernels);
  }

  /**
   * A table of operators and, below each, its kernels.
   *
   * @returns The lines.
   */
  toString(): string {
    return formatProfile(this);
  }
}

printAsText(Profile.prototype);

function checkTimings(where: string, kernels: unknown): void {
  const good = Array.isArray(kernels) &&
    Array.from(kernels as unknown[]).every((each) =>
      typeof (each as Partial<KernelTiming> | null | undefined)?.label === "string"
    );
  if (good) return;
  throw new TypeError(
    `Cannot ${where}: kernels is ${describe(kernels)}, expected what Device.stopProfile() gave`,
  );
}

/** The operator in a label such as `Convolution/direct`. */
export function operatorOf(label: string): string {
  return label.split("/", 1)[0]!;
}

interface Key {
  readonly label: string;
  readonly program?: string;
}

function rowsOf(
  kernels: readonly KernelTiming[],
  keyOf: (kernel: KernelTiming) => Key,
): ProfileRow[] {
  const groups = new Map<string, { readonly key: Key; readonly members: KernelTiming[] }>();
  for (const kernel of kernels) {
    const key = keyOf(kernel);
    const text = JSON.stringify([key.label, key.program]);
    const group = groups.get(text) ?? { key, members: [] };
    group.members.push(kernel);
    groups.set(text, group);
  }
  const total = sumOrNull(kernels.map(({ nanoseconds }) => nanoseconds));
  return Array.from(groups.values(), ({ key, members }) => rowOf(key, members, total))
    .sort((a, b) => (b.nanoseconds ?? 0) - (a.nanoseconds ?? 0));
}

function rowOf(
  { label, program }: Key,
  members: readonly KernelTiming[],
  total: number | null,
): ProfileRow {
  const nanoseconds = sumOrNull(members.map((member) => member.nanoseconds));
  // An operator's calls are all of its work; a kernel has its own only where it ran the call alone.
  const works = members.map(({ work }) =>
    program === undefined ? work ?? NOTHING : work?.dispatches === 1 ? work : null
  );
  const known = program !== undefined || members.some(({ work }) => work !== null);
  const flops = known ? sumOrNull(works.map((work) => work?.flops ?? null)) : null;
  const bytes = known ? sumOrNull(works.map((work) => work?.bytes ?? null)) : null;
  const calls = members.filter(({ work }) => work !== null).length;
  return {
    label,
    program: program ?? null,
    calls: program !== undefined || calls === 0 ? members.length : calls,
    nanoseconds,
    share: nanoseconds === null || !total ? null : nanoseconds / total,
    flops,
    bytes,
    gigaflopsPerSecond: ratio(flops, nanoseconds),
    gigabytesPerSecond: ratio(bytes, nanoseconds),
  };
}

const NOTHING = { flops: 0, bytes: 0, dispatches: 0 };

function sumOrNull(values: readonly (number | null)[]): number | null {
  let sum = 0;
  for (const value of values) {
    if (value === null) return null;
    sum += value;
  }
  return sum;
}

function ratio(amount: number | null, nanoseconds: number | null): number | null {
  return amount === null || !nanoseconds ? null : amount / nanoseconds;
}

/** Devices on which a profile runs: a second one would end the first. */
const busy = new WeakSet<Device>();

/**
 * Runs a function and measures every kernel that it launches, on the clock of the device.
 *
 * While it runs, kernels run one after the other, so that the whole is slower than without. Work of
 * others on the same device is measured too. Times need timestamps of the device, which nearly all have;
 * else rows tell calls and work only.
 *
 * @param fn The function, which may return a promise.
 * @param options Which device.
 * @returns What was measured, with the function's result in it.
 * @throws {TypeError} If an argument has a wrong type.
 * @throws {StateError} If a profile runs on the device already.
 *
 * @example
 * ```ts
 * import { Conv2D, zeros } from "@vknn/vknn";
 * import { profile } from "@vknn/vknn/inspect";
 * import { assertEquals } from "@std/assert";
 *
 * using conv = new Conv2D(8, 3);
 * conv.initialize();
 * using x = zeros([1, 3, 32, 32]);
 * const measured = await profile(() => conv.call(x));
 * measured.result.dispose();
 * console.log(`${measured}`); // a table: calls, time, share, GFLOP/s, GB/s
 * const trace = JSON.stringify(measured.trace()); // for chrome://tracing or ui.perfetto.dev
 * assertEquals(measured.operatorRows.at(-1)?.calls, 1);
 * assertEquals(trace.includes("Convolution"), true);
 * ```
 */
export async function profile<Result>(
  fn: () => Result | Promise<Result>,
  options: ProfileOptions = {},
): Promise<Profile<Result>> {
  const where = "profile";
  if (typeof fn !== "function") {
    throw new TypeError(`Cannot ${where}: fn is ${describe(fn)}, expected a function`);
  }
  const read = readOptions(where, options, {
    device: optional((_, __, value) => checkDevice(where, value)),
  });
  const device = read.device ?? defaultDevice();
  if (busy.has(device)) {
    throw new StateError(`Cannot ${where}: a profile runs on ${device.adapter.name} already`);
  }
  busy.add(device);
  let kernels: KernelTiming[] = [];
  let result: Result;
  let start = 0;
  try {
    // What was enqueued before does not count.
    await device.synchronize();
    device.startProfile();
    start = performance.now();
    try {
      result = await fn();
    } finally {
      kernels = await device.stopProfile();
    }
  } finally {
    busy.delete(device);
  }
  return new Profile(result, device.adapter.name, kernels, performance.now() - start);
}
