// The end of the process: drivers crash when it ends while they work (wgpu#8365, ncnn#5234), so wait a little for them.

import process from "node:process";

/** Something that should be idle when the process ends. */
export interface Quiescent {
  /** Waits for the device, at most for some time; `last` stops submitting for good. Must not throw. */
  quiesce(timeoutMilliseconds: number, last: boolean): void;
}

/** Longest wait at the end of the process. */
const TIMEOUT_MILLISECONDS = 2000;

const open: Set<Quiescent> = new Set();
let hooked = false;

/**
 * Adds a device to those that the end of the process waits for.
 *
 * @param device The device.
 */
export function watchExit(device: Quiescent): void {
  open.add(device);
  if (hooked) return;
  hooked = true;
  process.on("exit", () => quiesceAll(true));
  // An error that nobody handles ends Deno without "exit". Somebody may still handle it: then this was only a wait.
  for (const event of ["error", "unhandledrejection"]) {
    globalThis.addEventListener?.(event, () => quiesceAll(false));
  }
}

function quiesceAll(last: boolean): void {
  for (const each of open) each.quiesce(TIMEOUT_MILLISECONDS, last);
}

/**
 * Removes a device again.
 *
 * @param device The device.
 */
export function unwatchExit(device: Quiescent): void {
  open.delete(device);
}
