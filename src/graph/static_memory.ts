// The memory of programs that are planned ahead: one arena for all graphs of a block, as large as the largest needs it.

import type { DeviceBuffer } from "../device/buffers.ts";
import type { Device } from "../tensor/mod.ts";

/** What the arena is called in memory reports. */
const LABEL = "arena";

/** One piece of memory that programs use one after the other. */
export class ProgramArena {
  readonly #device: Device;
  #buffer: DeviceBuffer | null = null;
  #users = 0;

  /** @param device Where it lies. */
  constructor(device: Device) {
    this.#device = device;
  }

  /** Bytes that it holds. */
  get byteLength(): number {
    return this.#buffer?.byteLength ?? 0;
  }

  /**
   * The memory, replaced by a larger piece if it is too small.
   *
   * @param byteLength Bytes needed.
   * @returns The buffer; another one than before if the arena grew.
   * @throws {OutOfMemoryError} If the device has no memory left.
   */
  reserve(byteLength: number): DeviceBuffer {
    if (this.#buffer !== null && this.#buffer.byteLength >= byteLength) return this.#buffer;
    this.#buffer?.release(); // first, so that both are never live together
    this.#buffer = null;
    return this.#buffer = this.#device.allocate(byteLength, LABEL);
  }

  /** One more program uses it. */
  retain(): void {
    this.#users++;
  }

  /** A program does not use it any more; the last one frees it. */
  release(): void {
    if (--this.#users > 0) return;
    this.#buffer?.release();
    this.#buffer = null;
  }
}
