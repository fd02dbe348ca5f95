// Measures the load paths of a CPU device with a small convolution in each of its three builds.

import { type ProgramId, programs } from "../../shaders/manifest.ts";
import type { Capabilities } from "../core/capabilities.ts";
import type { Dispatch, Program } from "../core/dispatch.ts";
import type { DeviceBuffer } from "./buffers.ts";
import type { Device } from "./device.ts";

type LoadPath = Capabilities["loadPath"];

const LOAD_PATHS: readonly LoadPath[] = ["texel", "storage", "address"];

/** Timed runs of each build; the fastest counts. */
const RUNS = 3;

/** A build that takes longer has lost. */
const HOPELESS_MILLISECONDS = 20;

/** A 1 x 1 convolution of 32 channels over 32 x 32 pixels: 2 MFLOP, and code that compiles quickly. */
const SIZE = 32;
const CHANNELS = 32;
const QUADS: number = CHANNELS / 4;
const CONSTANTS: Readonly<Record<string, number>> = {
  local_size_x: 64,
  pixels: 1,
  taps: 1,
  kernel_h: 1,
};
const PUSH: Readonly<Record<string, number>> = {
  quads: QUADS,
  x_width: SIZE,
  x_step_h: QUADS * SIZE,
  x_step_d: 0,
  x_step_n: 0,
  x_tap_h: 0,
  x_tap_d: 0,
  runs: SIZE * SIZE,
  runs_per_row: SIZE,
  out_h: SIZE,
  out_d: 1,
  out_w: SIZE,
  channels: CHANNELS,
  channel_start: 0,
  y_step_n: 0,
  y_step_c: SIZE * SIZE,
  y_step_d: 0,
  y_step_h: SIZE,
  y_step_w: 1,
};

/**
 * Measures which build of a convolution is fastest. Takes some milliseconds once the driver has compiled the builds.
 *
 * @param device A device that is not lost.
 * @returns The fastest path; undefined if the kernels are not those that this probe knows.
 */
export function measureLoadPath(device: Device): LoadPath | undefined {
  const features: Readonly<Record<string, boolean>> = { ...device.adapter.features };
  const buffers: DeviceBuffer[] = [];
  const make = (byteLength: number, label: string) => {
    const buffer = device.allocate(byteLength, `load path probe: ${label}`);
    buffers.push(buffer);
    device.fill(buffer, 0);
    return buffer;
  };
  try {
    const x = make(SIZE * SIZE * CHANNELS * 4, "input");
    const weight = make(CHANNELS * CHANNELS * 4, "weight");
    const y = make(SIZE * SIZE * CHANNELS * 4, "output");
    const operands = [x, weight, y];
    let best: LoadPath | undefined;
    let bestMilliseconds = Infinity;
    for (const path of LOAD_PATHS) {
      const id: ProgramId = `convolution/cpu_forward.${path}`;
      const program = programs[id];
      if (program.requires.some((name) => features[name] !== true)) continue;
      // Kernels of this build shuffle 64-bit integers, of which their code tells nothing to be required.
      if (path === "texel" && features.subgroupExtendedTypes !== true) continue;
      const dispatch = probeDispatch(program);
      if (dispatch === undefined) return undefined;
      const milliseconds = time(device, dispatch, dispatch.slots.map((slot) => operands[slot]!));
      if (milliseconds < bestMilliseconds) [best, bestMilliseconds] = [path, milliseconds];
    }
    return best;
  } finally {
    for (const buffer of buffers) buffer.release();
  }
}

function probeDispatch(program: Program): Dispatch | undefined {
  const head = program.addresses ? program.bindings.length * 8 : 0;
  const push = new Uint32Array((program.pushByteLength - head) / 4);
  for (const [name, { offset }] of Object.entries(program.push)) {
    const value = PUSH[name];
    // The kernel has changed and this probe has not: rather no answer than a stray access.
    if (value === undefined) return undefined;
    push[(offset - head) / 4] = value;
  }
  // The build with texels reads its result as well, and the residual twice.
  const count = program.bindings.length;
  if (count !== (program.id.endsWith(".texel") ? 7 : 5)) return undefined;
  if (Object.keys(CONSTANTS).some((name) => program.constants[name] === undefined)) {
    return undefined;
  }
  return {
    program,
    constants: CONSTANTS,
    pipelineKey: `${program.id}|load path probe`,
    push,
    slots: [0, 1, 2, 2, 2, 2, 2].slice(0, count),
    grid: [CHANNELS / 8, SIZE * SIZE / 64, 1],
  };
}

/** Best time of a few runs, after one in which the driver compiles. */
function time(device: Device, dispatch: Dispatch, buffers: readonly DeviceBuffer[]): number {
  let best = Infinity;
  for (let run = 0; run <= RUNS; run++) {
    const start = performance.now();
    device.dispatch(dispatch, buffers, "load path probe");
    device.synchronizeSync();
    const milliseconds = performance.now() - start;
    if (run > 0) best = Math.min(best, milliseconds);
    if (run > 0 && milliseconds > HOPELESS_MILLISECONDS) break;
  }
  return best;
}
