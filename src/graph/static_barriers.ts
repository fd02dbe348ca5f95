// Which steps of a program must wait for those before them: only where bytes are written that others read or write.
// Pure numbers.

/** Bytes that a step touches. */
export interface Touch {
  /** Which memory; ranges of different ones never overlap. */
  readonly memory: number;
  /** First byte. */
  readonly offset: number;
  /** Bytes. */
  readonly byteLength: number;
  /** Whether the step writes there; else it only reads. */
  readonly writes: boolean;
}

/**
 * Finds the barriers that a sequence of steps needs.
 *
 * @param steps What each step touches.
 * @returns For each step whether a barrier must stand in front of it.
 */
export function planBarriers(steps: readonly (readonly Touch[])[]): boolean[] {
  let since: Touch[] = [];
  return steps.map((touches) => {
    const waits = since.some((before) => touches.some((after) => conflict(before, after)));
    if (waits) since = [];
    since.push(...touches);
    return waits;
  });
}

function conflict(a: Touch, b: Touch): boolean {
  return (a.writes || b.writes) && a.memory === b.memory &&
    a.offset < b.offset + b.byteLength && b.offset < a.offset + a.byteLength;
}
