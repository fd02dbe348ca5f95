// The memory of programs that are planned ahead: one arena for all graphs of a block, as large as the largest needs it.

import type { DeviceBuffer } from "../device/buffers.ts";
import type { Device } from "../tensor/mod.ts";

/** What the arena is called in memory reports. */
const LABEL = "arena";

/** Memory that programs use one after the other: one piece, or several where a program needs more than a buffer may have. */
export class ProgramArena {
  readonly #device: Device;
  readonly #pieces: (DeviceBuffer | null)[] = [];
  #users = 0;

  /** @param device Where it lies. */
  constructor(device: Device) {
    this.#device = device;
  }

  /** Bytes that it holds. */
  get byteLength(): number {
    return this.#pieces.reduce((sum, piece) => sum + (piece?.byteLength ?? 0), 0);
  }

  /**
   * A piece of the memory, replaced by a larger one if it is too small.
   *
   * @param piece Its number.
   * @param byteLength Bytes needed.
   * @returns The buffer; another one than before if the piece grew.
   * @throws {OutOfMemoryError} If the device has no memory left.
   */
  reserve(piece: number, byteLength: number): DeviceBuffer {
    const before = this.#pieces[piece] ?? null;
    if (before !== null && before.byteLength >= byteLength) return before;
    before?.release(); // first, so that both are never live together
    this.#pieces[piece] = null;
    return this.#pieces[piece] = this.#device.allocate(byteLength, LABEL);
  }

  /** One more program uses it. */
  retain(): void {
    this.#users++;
  }

  /** A program does not use it any more; the last one frees it. */
  release(): void {
    if (--this.#users > 0) return;
    for (const piece of this.#pieces.splice(0)) piece?.release();
  }
}
