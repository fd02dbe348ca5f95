// What the shaders of cooperative/ do, on plain arrays of halves: what each invocation loads in a step goes into a tile that
// is NaN where nothing was loaded, and workgroups multiply whole tiles.

import { assert } from "@std/assert";
import { divide, type Kernel, type Launch, type Memory } from "./plan_interpreter.ts";

/** `epilogue_value` of lib/epilogue.glsl: without activation, or with relu. */
function finish({ constant }: Launch, sum: number, bias: number, residual: number): number {
  const before = sum + bias + (constant("residual_after") ? 0 : residual);
  assert(constant("activation") <= 1);
  const y = constant("activation") === 1 ? Math.max(before, 0) : before;
  return constant("residual_after") ? y + residual : y;
}

/** `epilogue_offset` of lib/epilogue.glsl. */
function offsetOf(
  { constant, word }: Launch,
  filter: number,
  place: readonly [number, number, number],
): number {
  let channel = filter;
  let at = 0;
  for (const [axis, letter] of [[2, "w"], [1, "h"], [0, "d"]] as const) {
    const shuffle = constant(`shuffle_${letter}`);
    let coordinate = place[axis];
    if (shuffle !== 1) {
      const phases = constant(`phases_${letter}`) || shuffle;
      coordinate = coordinate * shuffle + constant(`start_${letter}`) + channel % phases;
      channel = Math.floor(channel / phases);
    }
    at += coordinate * word(`output_${letter}`);
  }
  return at + channel * word("output_c");
}

type Place = readonly [n: number, d: number, h: number, w: number];

const AXES = ["d", "h", "w"] as const;

/** Image and position of a column; the shift of `pixels` is the `first` one. */
function placeOf({ word }: Launch, column: number, first = 0): Place {
  const shift = (at: number): number => (word("shifts") >>> (5 * (at + first))) & 31;
  const n = divide(column, word("pixels_multiplier"), shift(0));
  const pixel = column - n * word("pixels");
  const row = divide(pixel, word("out_w_multiplier"), shift(2));
  const d = divide(row, word("out_h_multiplier"), shift(1));
  return [n, d, row - d * word("out_h"), pixel - row * word("out_w")];
}

/** cooperative/pack_input.comp. */
const packInput: Kernel = ({ word, buffers, workgroups, localSize }) => {
  const [source, result] = buffers as [Memory, Memory];
  assert(workgroups * localSize >= word("count"));
  const shift = (at: number): number => (word("shifts") >>> (5 * at)) & 31;
  for (let index = 0; index < word("count"); index++) {
    const rest = divide(index, word("pixels_multiplier"), shift(0));
    const pixel = index - rest * word("pixels");
    const n = divide(rest, word("row_multiplier"), shift(1));
    const octet = rest - n * word("row_octets");
    const row = divide(pixel, word("in_w_multiplier"), shift(3));
    const d = divide(row, word("in_h_multiplier"), shift(2));
    const group = divide(octet, word("group_multiplier"), shift(4));
    const channel = (octet - group * word("group_octets")) * 8;
    const at = n * word("input_n") + (group * word("group_channels") + channel) * word("input_c") +
      d * word("input_d") + (row - d * word("in_h")) * word("input_h") +
      (pixel - row * word("in_w")) * word("input_w");
    const to = ((n * word("pixels") + pixel) * word("row_octets") + octet) * 8;
    for (let i = 0; i < 8; i++) {
      const inside = channel + i < word("group_channels");
      result.write(to + i, inside ? source.read(at + i * word("input_c")) : 0);
    }
  }
};

/** cooperative/pack_tile.comp: where what it writes comes from. */
const packTile: Kernel = ({ word, constant, buffers, workgroups }) => {
  const [source, result] = buffers as [Memory, Memory];
  const shift = (at: number): number => (word("shifts") >>> (5 * at)) & 31;
  const [tilesPixels, tilesOctets] = [word("tiles_pixels"), word("tiles_octets")];
  assert(workgroups >= word("workgroups"));
  for (let index = 0; index < word("workgroups"); index++) {
    const pixelFirst = index % tilesPixels * 64;
    const octetFirst = Math.floor(index / tilesPixels) % tilesOctets * 8;
    const n = Math.floor(index / tilesPixels / tilesOctets);
    for (let octet = octetFirst; octet < Math.min(octetFirst + 8, word("row_octets")); octet++) {
      const group = divide(octet, word("group_multiplier"), shift(2));
      const channel = (octet - group * word("group_octets")) * 8;
      for (let pixel = pixelFirst; pixel < Math.min(pixelFirst + 64, word("pixels")); pixel++) {
        const row = divide(pixel, word("in_w_multiplier"), shift(1));
        const d = divide(row, word("in_h_multiplier"), shift(0));
        const place = constant("wide") === 1
          ? pixel
          : d * word("input_d") + (row - d * word("in_h")) * word("input_h") +
            (pixel - row * word("in_w")) * word("input_w");
        for (let i = 0; i < 8; i++) {
          const own = group * word("group_channels") + channel + i;
          const at = n * word("input_n") + own * word("input_c") + place;
          assert(constant("wide") === 0 || (at - pixel % 8) % 8 === 0, "a vector is cut");
          const to = ((n * word("pixels") + pixel) * word("row_octets") + octet) * 8 + i;
          result.write(to, channel + i < word("group_channels") ? source.read(at) : 0);
        }
      }
    }
  }
};

/** cooperative/pack_weight.comp. */
const packWeight: Kernel = ({ word, buffers, workgroups, localSize }) => {
  const [weight, result] = buffers as [Memory, Memory];
  assert(workgroups * localSize >= word("count"));
  for (let index = 0; index < word("count"); index++) {
    let rest = index;
    const next = (name: string): number => {
      const at = rest % word(name);
      rest = Math.floor(rest / word(name));
      return at;
    };
    const within = next("step_octets");
    const row = next("tile_m");
    const octet = next("steps") * word("step_octets") + within;
    const filter = next("tiles_m") * word("tile_m") + row;
    const tap = Math.floor(octet / word("channel_octets"));
    const channel = (octet % word("channel_octets")) * 8;
    const [height, width] = [word("kernel_h"), word("kernel_w")];
    const at = (rest * word("group_filters") + filter) * word("weight_n") +
      channel * word("weight_c") +
      Math.floor(tap / (height * width)) * word("weight_d") +
      Math.floor(tap / width) % height * word("weight_h") + tap % width * word("weight_w");
    const inside = octet < word("tap_octets") && filter < word("group_filters");
    for (let i = 0; i < 8; i++) {
      const here = inside && channel + i < word("group_channels");
      result.write(index * 8 + i, here ? weight.read(at + i * word("weight_c")) : 0);
    }
  }
};

/** Eight neighbors of a buffer that is read 16 bytes at once. */
function readOctet(memory: Memory, octet: number): number[] {
  return Array.from({ length: 8 }, (_, i) => memory.read(octet * 8 + i));
}

/** Fills the input's tile of a step, `[tap][column]`, load by load of every invocation. */
function loadInput(
  launch: Launch,
  tile: Float64Array,
  at: { readonly step: number; readonly group: number; readonly columnFirst: number },
): void {
  const { word, constant, buffers: [source], localSize } = launch as Launch & { buffers: [Memory] };
  const [tileN, octets] = [constant("tile_n"), constant("tile_k") / 8];
  const [last, channelOctets] = [word("columns") - 1, word("channel_octets")];
  const kernel = AXES.map((letter) => constant(`kernel_${letter}`));
  const units = tileN * octets;
  for (let unit = 0; unit < units; unit++) {
    if (constant("load") === 1) {
      const row = Math.floor(unit / (tileN / 8));
      const column = Math.min(at.columnFirst + unit % (tileN / 8) * 8, last - 7);
      const channel = at.step * octets * 8 + row;
      const n = divide(column, word("pixels_multiplier"), word("shifts") & 31);
      const pixel = column - n * word("pixels");
      assert(pixel % 8 === 0 && pixel + 8 <= word("pixels"), "an octet of columns is cut");
      const from = n * word("input_n") +
        (at.group * word("group_channels") + channel) * word("input_c") + pixel / 8;
      const values = channel < word("group_channels")
        ? readOctet(source, from)
        : new Array(8).fill(0);
      values.forEach((value, i) => tile[row * tileN + unit % (tileN / 8) * 8 + i] = value);
      continue;
    }
    // The octet is that of the first load of the invocation: all its loads must have the same.
    const own = unit % localSize % octets;
    assert(own === unit % octets);
    const octet = at.step * octets + own;
    const tap = divide(octet, word("channels_multiplier"), (word("shifts") >>> 15) & 31);
    const offsets = [
      Math.floor(tap / (kernel[1]! * kernel[2]!)),
      Math.floor(tap / kernel[2]!) % kernel[1]!,
      tap % kernel[2]!,
    ];
    const [n, ...place] = placeOf(
      launch,
      Math.min(at.columnFirst + Math.floor(unit / octets), last),
    );
    let from = n * word("input_n") + at.group * word("input_c") + octet - tap * channelOctets;
    let inside = octet < word("tap_octets");
    AXES.forEach((letter, axis) => {
      const p = place[axis]! * constant(`stride_${letter}`) - constant(`padding_${letter}`) +
        offsets[axis]! * constant(`dilation_${letter}`);
      from += p * word(`input_${letter}`);
      if (constant("bounds") === 1 && !(p >= 0 && p < word(`in_${letter}`))) inside = false;
    });
    const values = inside ? readOctet(source, from) : new Array(8).fill(0);
    values.forEach((value, i) => tile[(own * 8 + i) * tileN + Math.floor(unit / octets)] = value);
  }
}

/** cooperative/convolution.comp. */
const convolution: Kernel = (launch) => {
  const { word, constant, buffers, workgroups, localSize } = launch;
  const [, weight, bias, residual, result] = buffers as [Memory, Memory, Memory, Memory, Memory];
  const [tileM, tileN, tileK] = [constant("tile_m"), constant("tile_n"), constant("tile_k")];
  const subgroups = tileM / (constant("rows") * constant("m")) *
    (tileN / (constant("cols") * constant("n")));
  assert(localSize === subgroups * constant("subgroup"), `${localSize} invocations`);
  const splits = constant("split") === 1 ? word("splits") : 1;
  const groups = word("workgroups") / splits / word("tiles_m") / word("tiles_n");
  assert(workgroups >= word("workgroups") && Number.isInteger(groups));
  for (let index = 0; index < word("workgroups"); index++) {
    let rest = index;
    const tile = { m: rest % word("tiles_m"), n: 0 };
    rest = Math.floor(rest / word("tiles_m"));
    tile.n = rest % word("tiles_n");
    rest = Math.floor(rest / word("tiles_n"));
    const [group, split] = [Math.floor(rest / splits), rest % splits];
    const columnFirst = tile.n * tileN;
    const part = Math.ceil(word("steps") / splits);
    const sums = new Float64Array(tileM * tileN);
    for (let step = split * part; step < Math.min((split + 1) * part, word("steps")); step++) {
      const input = new Float64Array(tileK * tileN).fill(NaN);
      loadInput(launch, input, { step, group, columnFirst });
      const base = ((group * word("tiles_m") + tile.m) * word("steps") + step) * tileM * tileK;
      for (let m = 0; m < tileM; m++) {
        for (let k = 0; k < tileK; k++) {
          const factor = weight.read(base + m * tileK + k);
          for (let n = 0; n < tileN; n++) sums[m * tileN + n]! += factor * input[k * tileN + n]!;
        }
      }
    }
    for (let m = 0; m < tileM; m++) {
      for (let n = 0; n < tileN; n++) {
        const sum = sums[m * tileN + n]!;
        const filter = tile.m * tileM + m;
        if (constant("split") === 1) {
          const row = (split * groups + group) * word("tiles_m") * tileM + filter;
          result.write(row * word("tiles_n") * tileN + columnFirst + n, sum);
          continue;
        }
        const column = columnFirst + n;
        if (filter >= word("group_filters") || column >= word("columns")) continue;
        const channel = group * word("group_filters") + filter;
        const [image, ...place] = placeOf(launch, column);
        const [store, lane] = [constant("store"), constant("store") === 1 ? n % 8 : m % 8];
        let at = image * word("output_n") + offsetOf(launch, channel, place);
        if (store === 1) {
          at = image * word("output_n") + channel * word("output_c") + column -
            image * word("pixels");
        }
        // A vector goes to an aligned place.
        assert(store === 0 || (at - lane) % 8 === 0, "an octet is cut");
        const b = constant("has_bias") ? bias.read(channel) : 0;
        const r = constant("has_residual") ? residual.read(at) : 0;
        result.write(at, finish(launch, sum, b, r));
      }
    }
  }
};

/** cooperative/sum.comp. */
const sumParts: Kernel = (launch) => {
  const { word, constant, buffers, workgroups, localSize } = launch;
  const [parts, bias, residual, result] = buffers as [Memory, Memory, Memory, Memory];
  assert(workgroups * localSize >= word("count"));
  for (let index = 0; index < word("count"); index++) {
    const channel = divide(index, word("columns_multiplier"), word("shifts") & 31);
    const column = index - channel * word("columns");
    const group = divide(channel, word("filters_multiplier"), (word("shifts") >>> 20) & 31);
    const row = group * word("group_rows") + channel - group * word("group_filters");
    let sum = 0;
    for (let split = 0; split < word("splits"); split++) {
      sum += parts.read(split * word("part") + row * word("row") + column);
    }
    const [n, ...place] = placeOf(launch, column, 1);
    const at = n * word("output_n") + offsetOf(launch, channel, place);
    const b = constant("has_bias") ? bias.read(channel) : 0;
    const r = constant("has_residual") ? residual.read(at) : 0;
    result.write(at, finish(launch, sum, b, r));
  }
};

/** All of them, by program. */
export const COOPERATIVE_KERNELS: Readonly<Record<string, Kernel>> = {
  "cooperative/pack_input": packInput,
  "cooperative/pack_tile": packTile,
  "cooperative/pack_weight": packWeight,
  "cooperative/convolution.half": convolution,
  "cooperative/sum.half": sumParts,
};
