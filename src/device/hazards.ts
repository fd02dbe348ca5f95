// Which command must wait for which: read-after-write, write-after-read, write-after-write. Pure counting, no Vulkan.
// An epoch is the time between two barriers. Each barrier is global, so a buffer touched in an older epoch is safe.

/** The command reads the buffer. */
export const READ = 1;
/** The command writes the buffer. */
export const WRITE = 2;

/** What the tracker remembers of one buffer; starts as zeros. */
export interface HazardState {
  /** Epoch of the last read. */
  readEpoch: number;
  /** Epoch of the last write. */
  writeEpoch: number;
}

/** Decides where barriers go in one queue's stream of commands. Epochs go on over submissions, as the queue's order does. */
export class HazardTracker {
  #epoch = 1;

  /** Number of the current epoch, counted from 1. */
  get epoch(): number {
    return this.#epoch;
  }

  /**
   * Whether a command that is about to be recorded must not overlap the commands since the last barrier.
   *
   * @param state The buffer's state.
   * @param access `READ`, `WRITE` or both.
   * @returns True for a read-after-write, write-after-read or write-after-write.
   */
  conflicts(state: HazardState, access: number): boolean {
    return state.writeEpoch === this.#epoch ||
      ((access & WRITE) !== 0 && state.readEpoch === this.#epoch);
  }

  /**
   * Remembers an access; call it for all buffers of a command after all were checked.
   *
   * @param state The buffer's state.
   * @param access `READ`, `WRITE` or both.
   */
  touch(state: HazardState, access: number): void {
    if ((access & READ) !== 0) state.readEpoch = this.#epoch;
    if ((access & WRITE) !== 0) state.writeEpoch = this.#epoch;
  }

  /** A barrier was recorded: everything before it is safe from now on. */
  advance(): void {
    this.#epoch++;
  }
}
