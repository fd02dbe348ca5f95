// What convolution/igemm_forward and igemm_sum do, on plain arrays: what each invocation loads in a step goes
// into a tile that is NaN where nothing was loaded, and workgroups multiply whole tiles.

import { finish, offsetOf } from "./convolution_interpreter.ts";
import { divide, type Kernel, type Launch, type Memory } from "./plan_interpreter.ts";

type Place = readonly [n: number, d: number, h: number, w: number];

/** Image and position of a column. */
function placeOf({ word }: Launch, column: number, first = 0): Place {
  const shift = (at: number): number => (word("shifts") >>> (5 * (at + first))) & 31;
  const n = divide(column, word("pixels_multiplier"), shift(0));
  const pixel = column - n * word("pixels");
  const row = divide(pixel, word("out_w_multiplier"), shift(2));
  const d = divide(row, word("out_h_multiplier"), shift(1));
  return [n, d, row - d * word("out_h"), pixel - row * word("out_w")];
}

/** How one invocation's element of a step is found: own column, row of the tile, and where it is put. */
interface Element {
  readonly column: number;
  readonly row: number;
  /** Element of a vector that is read at once; 0 begins it. */
  readonly lane: number;
}

/** The elements of the input's tile that an invocation loads in a step, in order. */
function elementsOf(
  thread: number,
  load: number,
  tileN: number,
  tileK: number,
  threads: number,
): Element[] {
  const loads = tileK * tileN / 4 / threads;
  const wide = tileN > threads ? tileN / threads : 1;
  const stepRows = threads > tileN ? threads / tileN : 1;
  const quadsK = tileK / 4;
  const quadsN = tileN / 4;
  const found: Element[] = [];
  for (let i = 0; i < loads; i++) {
    for (let j = 0; j < 4; j++) {
      const e = i * 4 + j;
      if (load === 1) {
        const column = Math.floor(thread / quadsK) + i * (threads / quadsK);
        found.push({ column, row: (thread % quadsK) * 4 + j, lane: j });
      } else if (load === 2) {
        const row = Math.floor(thread / quadsN) + i * (threads / quadsN);
        found.push({ column: (thread % quadsN) * 4 + j, row, lane: j });
      } else if (tileN > threads) {
        const column = thread + (e % wide) * threads;
        found.push({ column, row: Math.floor(e / wide), lane: 0 });
      } else {
        const row = Math.floor(thread / tileN) + e * stepRows;
        found.push({ column: thread % tileN, row, lane: 0 });
      }
    }
  }
  return found;
}

/** What a workgroup of a transposed convolution knows of its phase, by axis. */
interface Phase {
  readonly phase: number;
  readonly tap: number;
  readonly taps: number;
  readonly first: number;
}

const AXES = ["d", "h", "w"] as const;

/** The phase with some number, or undefined in an ordinary convolution. */
function phaseOf({ constant }: Launch, index: number): readonly Phase[] | undefined {
  if (constant("transposed") !== 1) return undefined;
  let rest = index;
  return AXES.toReversed().map((letter): Phase => {
    const [stride, padding] = [constant(`stride_${letter}`), constant(`padding_${letter}`)];
    const tap = rest % stride;
    rest = Math.floor(rest / stride);
    const phase = (tap + stride - padding % stride) % stride;
    const taps = Math.ceil(Math.max(0, constant(`kernel_${letter}`) - tap) / stride);
    return { phase, tap, taps, first: (phase + padding - tap) / stride };
  }).reverse();
}

/** Channel of the joined results of all phases. */
function joinedChannel(
  { constant }: Launch,
  channel: number,
  phases: readonly Phase[] | undefined,
): number {
  return (phases ?? []).reduce(
    (sum, { phase }, axis) => sum * constant(`stride_${AXES[axis]!}`) + phase,
    channel,
  );
}

/** Fills the input's tile of a step: `[row][column]`. */
function loadInput(
  launch: Launch,
  tile: Float64Array,
  elements: readonly Element[],
  at: {
    readonly step: number;
    readonly group: number;
    readonly columnFirst: number;
    readonly phases: readonly Phase[] | undefined;
  },
): void {
  const { word, constant, buffers } = launch;
  const [tileN, tileK, load] = [constant("tile_n"), constant("tile_k"), constant("load")];
  const { phases } = at;
  const kernel = phases?.map(({ taps }) => taps) ??
    AXES.map((letter) => constant(`kernel_${letter}`));
  const taps = kernel[0]! * kernel[1]! * kernel[2]!;
  const channels = word("group_channels");
  const stepsOfTap = Math.ceil(channels / tileK);
  const axes = AXES.map((letter) => ({
    stride: constant(`stride_${letter}`),
    padding: constant(`padding_${letter}`),
    dilation: constant(`dilation_${letter}`),
    size: word(`in_${letter}`),
    step: word(`input_${letter}`),
  }));
  const [image, plane] = [word("input_n"), word("input_c")];
  const [major, bounds] = [constant("position_major") === 1, constant("bounds") === 1];
  const last = word("columns") - 1;
  const places = new Map<number, Place>();
  for (const { column, row, lane } of elements) {
    // Past the last column the last one is read again, and nothing of it stored.
    if (at.columnFirst + column > last) continue;
    const own = at.columnFirst + column;
    let found = places.get(own);
    if (found === undefined) places.set(own, found = placeOf(launch, own));
    const [n, ...place] = found;
    const index = at.step * tileK + row;
    const tap = major ? Math.floor(at.step / stepsOfTap) : index % taps;
    const channel = major ? (at.step % stepsOfTap) * tileK + row : Math.floor(index / taps);
    const base = n * image + at.group * channels * plane;
    const kernelPlace = [
      Math.floor(tap / (kernel[1]! * kernel[2]!)),
      Math.floor(tap / kernel[2]!) % kernel[1]!,
      tap % kernel[2]!,
    ];
    let from = base + channel * plane;
    let inside = channel < channels;
    for (let axis = 0; axis < 3; axis++) {
      const { stride, padding, dilation, size, step } = axes[axis]!;
      const offset = kernelPlace[axis]! * dilation;
      const p = phases === undefined
        ? place[axis]! * stride - padding + offset
        : place[axis]! + phases[axis]!.first - offset;
      if (bounds && !(p >= 0 && p < size)) inside = false;
      from += p * step;
    }
    // A vector is read from an aligned place.
    if (inside && load !== 0 && (from - lane) % 4 !== 0) throw new RangeError("a quad is cut");
    tile[row * tileN + column] = inside ? buffers[0]!.read(from) : 0;
  }
}

/** convolution/igemm_forward.comp. */
export const igemm: Kernel = (launch) => {
  const { word, constant, buffers, workgroups, localSize } = launch;
  const [, weight, bias, residual, result] = buffers as [Memory, Memory, Memory, Memory, Memory];
  const [tileM, tileN, tileK] = [constant("tile_m"), constant("tile_n"), constant("tile_k")];
  const [load, store] = [constant("load"), constant("store")];
  const threads = tileM / (4 * constant("rows")) * (tileN / (4 * constant("cols")));
  if (threads !== localSize) throw new RangeError(`${localSize} invocations, not ${threads}`);
  const elements = Array.from(
    { length: threads },
    (_, thread) => elementsOf(thread, load, tileN, tileK, threads),
  ).flat();
  const paddedFilters = word("tiles_m") * tileM;
  const isSplit = constant("split") === 1;
  const transposed = constant("transposed") === 1;
  const strides = AXES.map((letter) => constant(`stride_${letter}`));
  const phaseCount = transposed ? strides.reduce((all, each) => all * each) : 1;
  const stepsOfTap = Math.ceil(word("group_channels") / tileK);
  for (let index = 0; index < Math.min(workgroups, word("workgroups")); index++) {
    let rest = index;
    const filterFirst = rest % word("tiles_m") * tileM;
    rest = Math.floor(rest / word("tiles_m"));
    const columnFirst = rest % word("tiles_n") * tileN;
    rest = Math.floor(rest / word("tiles_n"));
    const splits = isSplit ? word("splits") : 1;
    const split = rest % splits;
    rest = Math.floor(rest / splits);
    const group = Math.floor(rest / phaseCount);
    const phases = phaseOf(launch, rest % phaseCount);
    const steps = phases?.reduce((all, { taps }) => all * taps, stepsOfTap) ?? word("steps");
    if (transposed && isSplit && steps === 0) continue;
    const length = Math.ceil(steps / splits);
    const sums = new Float64Array(tileM * tileN);
    const ownFilters = Math.min(tileM, word("group_filters") - filterFirst);
    const ownColumns = Math.min(tileN, word("columns") - columnFirst);
    for (let t = split * length; t < Math.min((split + 1) * length, steps); t++) {
      const tile = new Float64Array(tileK * tileN).fill(NaN);
      loadInput(launch, tile, elements, { step: t, group, columnFirst, phases });
      // Steps of a phase are some of those of the whole kernel.
      const position = Math.floor(t / stepsOfTap);
      const own = (phases ?? []).reduceRight(
        ({ left, step, by }, { tap, taps }, axis) => ({
          left: Math.floor(left / taps),
          step: step + (tap + left % taps * strides[axis]!) * by,
          by: by * constant(`kernel_${AXES[axis]!}`),
        }),
        { left: position, step: 0, by: 1 },
      );
      const row = transposed ? own.step * stepsOfTap + t % stepsOfTap : t;
      for (let k = 0; k < tileK; k++) {
        const base = ((group * word("steps") + row) * tileK + k) * paddedFilters + filterFirst;
        weight.read(base + tileM - 1); // padding is read, and its results not stored
        for (let m = 0; m < ownFilters; m++) {
          const factor = weight.read(base + m);
          for (let n = 0; n < ownColumns; n++) {
            sums[m * tileN + n]! += factor * tile[k * tileN + n]!;
          }
        }
      }
    }
    for (let m = 0; m < ownFilters; m++) {
      const channel = group * word("group_filters") + filterFirst + m;
      for (let n = 0; n < ownColumns; n++) {
        const column = columnFirst + n;
        const sum = sums[m * tileN + n]!;
        if (isSplit) {
          const joined = joinedChannel(launch, channel, phases);
          result.write(split * word("split_stride") + joined * word("columns") + column, sum);
          continue;
        }
        const [image, ...place] = placeOf(launch, column);
        const held = (phases ?? []).every(({ phase }, axis) =>
          place[axis]! * strides[axis]! + phase < word(`full_${AXES[axis]!}`)
        );
        if (!held) continue;
        let at = image * word("output_n");
        if (store === 0) at += offsetOf(launch, joinedChannel(launch, channel, phases), place);
        else if (store === 1) at += channel * word("output_c") + column - image * word("pixels");
        else {
          at += channel + place[0] * word("output_d") + place[1] * word("output_h") +
            place[2] * word("output_w");
        }
        // A vector goes to an aligned place.
        const lane = store === 1 ? n % 4 : m % 4;
        if (store !== 0 && (at - lane) % 4 !== 0) throw new RangeError("a quad is cut");
        const b = constant("has_bias") ? bias.read(channel) : 0;
        const r = constant("has_residual") ? residual.read(at) : 0;
        result.write(at, finish(launch, sum, b, r));
      }
    }
  }
};

/** convolution/igemm_sum.comp. */
export const igemmSum: Kernel = (launch) => {
  const { word, constant, buffers, workgroups, localSize } = launch;
  const [parts, bias, residual, result] = buffers as [Memory, Memory, Memory, Memory];
  if (workgroups * localSize < word("count")) throw new RangeError("too few invocations");
  const phases = constant("phases");
  for (let index = 0; index < word("count"); index++) {
    const channel = divide(index, word("columns_multiplier"), word("shifts") & 31);
    const [n, ...place] = placeOf(launch, index - channel * word("columns"), 1);
    const at = n * word("output_n") + offsetOf(launch, channel, place);
    let rest = channel % phases;
    let [held, reached] = [true, true];
    for (const axis of phases === 1 ? [] : [2, 1, 0]) {
      const letter = AXES[axis]!;
      const stride = constant(`shuffle_${letter}`);
      const phase = rest % stride;
      rest = Math.floor(rest / stride);
      if (place[axis]! * stride + phase >= word(`full_${letter}`)) held = false;
      if ((phase + constant(`padding_${letter}`)) % stride >= constant(`kernel_${letter}`)) {
        reached = false;
      }
    }
    if (!held) continue;
    let sum = 0;
    for (let split = 0; reached && split < word("splits"); split++) {
      sum += parts.read(split * word("count") + index);
    }
    const b = constant("has_bias") ? bias.read(Math.floor(channel / phases)) : 0;
    const r = constant("has_residual") ? residual.read(at) : 0;
    result.write(at, finish(launch, sum, b, r));
  }
};
