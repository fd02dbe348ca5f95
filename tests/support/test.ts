/**
 * Registers tests on both runtimes. On Deno a test fails when it leaves a
 * timer, an operation or a resource behind; on both runtimes a GPU test fails
 * when it leaves Vulkan objects or bytes behind. A GPU test also fails, and is
 * never skipped, where no adapter is found.
 *
 * @module
 */
import { it } from "@std/testing/bdd";
import process from "node:process";
import type { Device } from "../../src/device/device.ts";
import { SKIPS } from "./skips.ts";

/** Long enough for the slowest case on a software device. */
const TIMEOUT_MILLISECONDS = 120_000;

type Body = () => void | Promise<void>;

/** The few names of Deno used here, so that Bun's editors need no Deno types. */
interface DenoTests {
  test: {
    (options: {
      name: string;
      fn: Body;
      ignore: boolean;
      sanitizeOps: boolean;
      sanitizeResources: boolean;
    }): void;
    beforeAll(fn: Body): void;
  };
}

const deno = (globalThis as { Deno?: DenoTests }).Deno;

/** Registers a test which needs no GPU. */
export function test(name: string, fn: Body): void {
  const ignore = SKIPS.some((skip) => skip.test === name);
  if (deno) {
    deno.test({ name, fn, ignore, sanitizeOps: true, sanitizeResources: true });
  } else {
    it(name, { skip: ignore, timeout: TIMEOUT_MILLISECONDS }, fn);
  }
}

let opening: Promise<Device> | undefined;

/** The default device; opened once for all tests of a process. */
function openDevice(): Promise<Device> {
  // Imported late: tests without a GPU must run where src/device does not even parse.
  return opening ??= import("../../src/tensor/default_device.ts").then(async (module) => {
    const { openTestDevice } = await import("./device.ts");
    // Kernels of GPUs on a software device: slow there, but as right as on any other.
    const device = openTestDevice(process.env["VKNN_TEST_GPU_KERNELS"] === "1");
    module.setDefaultDevice(device);
    return device;
  });
}

let hooked = false;

/**
 * Registers a test which needs a GPU. A software device such as lavapipe is
 * one. Everything the test creates must be disposed of when it ends: live
 * buffers and bytes may not have grown. Pipelines and pooled memory may stay.
 */
export function gpuTest(name: string, fn: (device: Device) => void | Promise<void>): void {
  if (deno && !hooked) {
    hooked = true;
    // The library stays open for the life of the process. Opened before the
    // first test, it is not that test's leak. An error is kept for the tests.
    deno.test.beforeAll(() => openDevice().then(() => {}, () => {}));
  }
  test(name, async () => {
    const device = await openDevice();
    const before = device.memory();
    await fn(device);
    // Deno tells test files nothing of the end of the process, which a driver at work does not survive.
    await device.synchronize();
    const after = device.memory();
    const leaks = (["liveBuffers", "liveBytes"] as const)
      // Fewer is no leak: what an earlier test forgot may be collected during this one.
      .filter((key) => after[key] > before[key])
      .map((key) => `${key} ${before[key]} -> ${after[key]}`);
    if (leaks.length > 0) {
      throw new Error(`Test "${name}" left GPU objects behind: ${leaks.join(", ")}`);
    }
  });
}
