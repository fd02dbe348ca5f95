/**
 * The only way to skip a test: name it here, with the reason and the issue
 * which will bring it back. The list is printed by each run and is empty at a
 * release.
 *
 * @module
 */

/** One test which does not run. */
export interface Skip {
  /** Full name of the test. */
  test: string;
  /** Why it cannot run. */
  reason: string;
  /** Number of the issue about it. */
  issue: number;
}

/** Every skipped test. */
export const SKIPS: readonly Skip[] = [];
