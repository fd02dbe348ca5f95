// The end of the process: drivers crash when it ends while they work (wgpu#8365, ncnn#5234), so wait a little for them.

import process from "node:process";

/** Something that should be idle when the process ends. */
export interface Quiescent {
  /** Stops submitting and waits for the device, at most for some time. Must not throw. */
  quiesce(timeoutMilliseconds: number): void;
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
  process.on("exit", () => {
    for (const each of open) each.quiesce(TIMEOUT_MILLISECONDS);
  });
}

/**
 * Removes a device again.
 *
 * @param device The device.
 */
export function unwatchExit(device: Quiescent): void {
  open.delete(device);
}
