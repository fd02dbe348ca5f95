// Profiles as traces in the Trace Event Format, which chrome://tracing, Perfetto and Speedscope read. Pure.
// Format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU

import type { KernelTiming } from "../device/profiler.ts";

/** One event of a trace. */
export interface ChromeTraceEvent {
  /** What ran. */
  readonly name: string;
  /** `X`: a span of time. `M`: names a row of the picture. */
  readonly ph: "X" | "M";
  /** Groups events; here always `kernel`. Absent for names of rows. */
  readonly cat?: string;
  /** Begin in microseconds. */
  readonly ts?: number;
  /** Duration in microseconds. */
  readonly dur?: number;
  /** The device. */
  readonly pid: number;
  /** Its queue. */
  readonly tid: number;
  /** Details. */
  readonly args: Readonly<Record<string, unknown>>;
}

/** A trace, ready for `JSON.stringify`. */
export interface ChromeTrace {
  /** The events in order. */
  readonly traceEvents: readonly ChromeTraceEvent[];
  /** Unit in which viewers show times. */
  readonly displayTimeUnit: "ns";
  /** The device, and whether it has times. */
  readonly otherData: Readonly<Record<string, string>>;
}

const PLACE = { pid: 1, tid: 1 } as const;

/**
 * Makes a trace of launches.
 *
 * @param deviceName Name of the device.
 * @param kernels Every launch in order; those without times are left out.
 * @returns The trace.
 */
export function chromeTrace(deviceName: string, kernels: readonly KernelTiming[]): ChromeTrace {
  const spans: ChromeTraceEvent[] = [];
  for (const { label, program, nanoseconds, start, grid, work } of kernels) {
    if (nanoseconds === null || start === null) continue;
    spans.push({
      name: label,
      cat: "kernel",
      ph: "X",
      ts: start / 1000,
      dur: nanoseconds / 1000,
      ...PLACE,
      args: {
        program,
        grid: grid.join(" x "),
        ...work === null ? {} : { flops: work.flops, bytes: work.bytes },
      },
    });
  }
  const missing = spans.length < kernels.length;
  return {
    traceEvents: [
      { name: "process_name", ph: "M", ...PLACE, args: { name: deviceName } },
      { name: "thread_name", ph: "M", ...PLACE, args: { name: "compute queue" } },
      ...spans,
    ],
    displayTimeUnit: "ns",
    otherData: { device: deviceName, timestamps: missing ? "not available" : "available" },
  };
}
