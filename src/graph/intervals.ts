// Places for values that live for a while: two that live at the same time never overlap, and the whole is small. Pure numbers.

/** A value that needs memory. */
export interface Interval {
  /** Bytes, above 0. */
  readonly byteLength: number;
  /** The first step that touches it. */
  readonly first: number;
  /** The last step that touches it; not before the first. */
  readonly last: number;
}

/** Where values lie. */
export interface Packing {
  /** First byte of each, in the order of the intervals. */
  readonly offsets: readonly number[];
  /** Bytes of the whole. */
  readonly byteLength: number;
}

/** Where values lie in several pieces of memory. */
export interface Distribution {
  /** Number of the piece of each value, in the order of the intervals. */
  readonly pieces: readonly number[];
  /** First byte of each within its piece. */
  readonly offsets: readonly number[];
  /** Bytes of each piece. */
  readonly byteLengths: readonly number[];
}

/**
 * Packs intervals into as many pieces of memory as a limit demands: one, if it holds everything.
 *
 * @param intervals The values.
 * @param alignment Offsets are multiples of this power of two.
 * @param limit Most bytes of one piece.
 * @returns Where they lie; null if a single value is longer than the limit.
 */
export function distribute(
  intervals: readonly Interval[],
  alignment: number,
  limit: number,
): Distribution | null {
  if (intervals.length === 0) return { pieces: [], offsets: [], byteLengths: [] };
  const whole = pack(intervals, alignment);
  if (whole.byteLength <= limit) {
    const { offsets, byteLength } = whole;
    return { pieces: intervals.map(() => 0), offsets, byteLengths: [byteLength] };
  }
  const pieces = intervals.map(() => 0);
  const offsets = intervals.map(() => 0);
  const byteLengths: number[] = [];
  const bySize = intervals.map((_, index) => index)
    .sort((a, b) => intervals[b]!.byteLength - intervals[a]!.byteLength || a - b);
  for (let left = bySize; left.length > 0;) {
    const taken: number[] = [];
    let packing: Packing = { offsets: [], byteLength: 0 };
    const later = left.filter((index) => {
      const more = pack([...taken, index].map((each) => intervals[each]!), alignment);
      if (more.byteLength > limit) return true;
      taken.push(index);
      packing = more;
      return false;
    });
    if (taken.length === 0) return null;
    taken.forEach((index, at) => {
      pieces[index] = byteLengths.length;
      offsets[index] = packing.offsets[at]!;
    });
    byteLengths.push(packing.byteLength);
    left = later;
  }
  return { pieces, offsets, byteLengths };
}

interface Placed {
  readonly interval: Interval;
  readonly offset: number;
  readonly end: number;
}

/**
 * Packs intervals into one piece of memory: each goes into the smallest gap that has room for it between those that live
 * at the same time. Tried with the largest first, and in the order of time; the smaller result wins.
 *
 * @param intervals The values.
 * @param alignment Offsets are multiples of this power of two.
 * @returns Where they lie.
 */
export function pack(intervals: readonly Interval[], alignment: number): Packing {
  const numbers = intervals.map((_, index) => index);
  const size = (index: number) => intervals[index]!.byteLength;
  const first = (index: number) => intervals[index]!.first;
  const bySize = [...numbers].sort((a, b) => size(b) - size(a) || first(a) - first(b) || a - b);
  const byTime = [...numbers].sort((a, b) => first(a) - first(b) || size(b) - size(a) || a - b);
  const [large, early] = [bySize, byTime].map((order) => packInOrder(intervals, order, alignment));
  return early!.byteLength < large!.byteLength ? early! : large!;
}

function packInOrder(
  intervals: readonly Interval[],
  order: readonly number[],
  alignment: number,
): Packing {
  const placed: Placed[] = []; // by offset
  const offsets = intervals.map(() => 0);
  let byteLength = 0;
  for (const index of order) {
    const interval = intervals[index]!;
    const length = Math.ceil(interval.byteLength / alignment) * alignment;
    const offset = smallestGap(placed, interval, length);
    const end = offset + length;
    let at = placed.length;
    while (at > 0 && placed[at - 1]!.offset > offset) at--;
    placed.splice(at, 0, { interval, offset, end });
    offsets[index] = offset;
    byteLength = Math.max(byteLength, end);
  }
  return { offsets, byteLength };
}

function smallestGap(
  placed: readonly Placed[],
  { first, last }: Interval,
  length: number,
): number {
  let best = -1;
  let bestLength = Infinity;
  let free = 0;
  for (const { interval, offset, end } of placed) {
    if (interval.last < first || interval.first > last) continue;
    const gap = offset - free;
    if (gap >= length && gap < bestLength) {
      best = free;
      bestLength = gap;
    }
    free = Math.max(free, end);
  }
  return best < 0 ? free : best;
}
