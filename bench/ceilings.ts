// What the device can do at best: float32 multiply-adds in registers, and bytes copied by a plain kernel.
// Every figure of the report can be read as a part of these two.

import { type Device, type Dispatch, ops, tensor } from "../mod.ts";
import { makeDispatch } from "../src/kernels/plan.ts";
import { programs } from "../shaders/manifest.ts";
import { deviceTimes, median, wallTimes, warmUp } from "./subject.ts";

/** The two limits of the roofline. */
export interface Ceilings {
  readonly gflops: number;
  /** Bytes read and bytes written, together. */
  readonly gbps: number;
}

const INVOCATIONS = 1 << 15;
const ROUNDS = 1024;
/** Steps of a round, as the kernel has them. */
const STEPS = 8;
const CHAINS = 24;
/** Larger than any cache, as the large layers of the table are. */
const COPIED_ELEMENTS = 1 << 24;
const RUNS = 7;

/** Milliseconds of one run, by the device's own clock where it has one. */
async function timeOf(device: Device, run: () => void): Promise<number> {
  const subject = {
    run: () => {
      run();
      return [];
    },
    dispose: () => {},
  };
  const count = await warmUp(device, subject);
  const found = await deviceTimes(device, subject, count, 0) ??
    { milliseconds: await wallTimes(device, subject, count, 0, RUNS) };
  return median(found.milliseconds);
}

async function measureArithmetic(device: Device): Promise<number> {
  const output = device.allocate(INVOCATIONS * 4, "ceiling");
  const dispatch: Dispatch = makeDispatch(
    programs["probe/multiply_add"],
    { local_size_x: 64, rounds: ROUNDS },
    { factor: 0.999, shift: 0.001 },
    [0],
    [INVOCATIONS / 64, 1, 1],
  );
  try {
    const milliseconds = await timeOf(
      device,
      () => device.dispatch(dispatch, [output], "ceiling"),
    );
    return 2 * CHAINS * STEPS * ROUNDS * INVOCATIONS / milliseconds / 1e6;
  } finally {
    output.release();
  }
}

async function measureCopy(device: Device): Promise<number> {
  const source = tensor(new Float32Array(COPIED_ELEMENTS), [COPIED_ELEMENTS], {
    device,
  });
  try {
    const milliseconds = await timeOf(
      device,
      () => ops.mul(source, 1).dispose(),
    );
    return 2 * 4 * COPIED_ELEMENTS / milliseconds / 1e6;
  } finally {
    source.dispose();
  }
}

/** Measures both limits. */
export async function measureCeilings(device: Device): Promise<Ceilings> {
  return {
    gflops: await measureArithmetic(device),
    gbps: await measureCopy(device),
  };
}
