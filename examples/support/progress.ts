// Progress on standard error: one line that redraws itself on a terminal, a line now and then
// elsewhere.

import process from "node:process";

/** Where progress goes; `process.stderr` by default. */
export interface ProgressTarget {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shows how much of a known amount of work is done. */
export class Progress {
  readonly #total: number;
  readonly #unit: string;
  readonly #target: ProgressTarget;
  readonly #start: number = performance.now();
  #done = 0;
  #lastTenth = 0;
  #drawn = false;

  /**
   * @param total Amount of work.
   * @param unit What is counted, in the plural.
   * @param target Where to write.
   */
  constructor(total: number, unit: string, target: ProgressTarget = process.stderr) {
    this.#total = total;
    this.#unit = unit;
    this.#target = target;
  }

  /** Counts one more piece of work as done. */
  step(): void {
    this.#done++;
    const part = this.#done / this.#total;
    const left = (performance.now() - this.#start) / 1000 * (1 / part - 1);
    const counts = `${this.#done}/${this.#total} ${this.#unit}`;
    if (this.#target.isTTY === true) {
      const width = Math.max(10, Math.min(40, (this.#target.columns ?? 80) - counts.length - 24));
      const filled = Math.round(width * part);
      const bar = "#".repeat(filled) + ".".repeat(width - filled);
      const percent = `${Math.round(100 * part)} %`.padStart(5);
      // Back to the first column, and away with the rest of a longer line.
      this.#target.write(`\r[${bar}] ${percent}  ${counts}  ${left.toFixed(1)} s left\x1b[K`);
      this.#drawn = true;
      return;
    }
    const tenth = Math.floor(10 * part);
    if (tenth > this.#lastTenth) {
      this.#lastTenth = tenth;
      this.#target.write(`${counts}, ${left.toFixed(1)} s left\n`);
    }
  }

  /** Removes the bar; also after an error, so that the message stands on a line of its own. */
  finish(): void {
    if (this.#drawn) this.#target.write("\r\x1b[K");
    this.#drawn = false;
  }
}
