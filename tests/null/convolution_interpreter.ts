// What the shaders of convolution do, on plain arrays: convolution/direct_forward, transposed_direct and transposed_rest.

import { assert } from "@std/assert";
import { igemm, igemmSum } from "./igemm_interpreter.ts";
import { windowed } from "./window_interpreter.ts";
import type { Kernel, Launch, Memory } from "./plan_interpreter.ts";

/** `epilogue_value` of lib/epilogue.glsl: without activation, or with relu. */
export function finish({ constant }: Launch, sum: number, bias: number, residual: number): number {
  const before = sum + bias + (constant("residual_after") ? 0 : residual);
  assert(constant("activation") <= 1);
  const y = constant("activation") === 1 ? Math.max(before, 0) : before;
  return constant("residual_after") ? y + residual : y;
}

/** `epilogue_offset` of lib/epilogue.glsl. */
export function offsetOf(
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

/** One spatial axis of a direct kernel. */
interface Axis {
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly size: number;
}

/** The source element of an output element and a tap along one axis, or -1 for none. */
type Source = (axis: Axis, at: number, tap: number) => number;

const forwardSource: Source = ({ stride, padding, dilation, size }, at, tap) => {
  const place = at * stride - padding + tap * dilation;
  return place >= 0 && place < size ? place : -1;
};

const transposedSource: Source = ({ stride, padding, dilation, size }, at, tap) => {
  const u = at + padding - tap * dilation;
  return u >= 0 && u < size * stride && u % stride === 0 ? u / stride : -1;
};

/** Both direct kernels: they differ in how an output element finds its taps. */
function direct(source: Source): Kernel {
  return (launch) => {
    const { word, constant, buffers, workgroups, localSize } = launch;
    const [x, weight, bias] = buffers as [Memory, Memory, Memory];
    const residual = buffers.length === 5 ? buffers[3]! : undefined;
    const y = buffers.at(-1)!;
    const filters = constant("filters");
    const kernel = ["d", "h", "w"].map((letter) => constant(`kernel_${letter}`));
    const [depth, height, width] = ["d", "h", "w"].map((letter): Axis => ({
      stride: constant(`stride_${letter}`),
      padding: constant(`padding_${letter}`),
      dilation: constant(`dilation_${letter}`),
      size: word(`in_${letter}`),
    })) as [Axis, Axis, Axis];
    const input = ["d", "h", "w", "n"].map((letter) => word(`input_${letter}`));
    const taps = ["d", "h", "w"].map((letter) => word(`weight_${letter}`));
    const groupFilters = word("group_filters");
    const groupChannels = word("group_channels");
    const [outStep, inStep, plane] = [word("weight_o"), word("weight_c"), word("input_c")];
    for (let index = 0; index < workgroups; index++) {
      let rest = Math.min(index, word("workgroups") - 1);
      const next = (count: number): number => {
        const at = rest % count;
        rest = Math.floor(rest / count);
        return at;
      };
      const block = next(word("blocks"));
      const tile = next(word("tiles"));
      const group = next(word("groups"));
      const n = rest;
      for (let local = 0; local < localSize; local++) {
        const own = block * localSize + local;
        const live = index < word("workgroups") && own < word("pixels");
        // What idle invocations read is what the last pixel reads.
        if (!live) continue;
        const row = Math.floor(own / word("out_w"));
        const place = [
          Math.floor(row / word("out_h")),
          row % word("out_h"),
          own % word("out_w"),
        ] as const;
        const sums = new Float64Array(filters);
        for (let kd = 0; kd < kernel[0]!; kd++) {
          const d = source(depth, place[0], kd);
          for (let kh = 0; kh < kernel[1]!; kh++) {
            const h = source(height, place[1], kh);
            for (let kw = 0; kw < kernel[2]!; kw++) {
              const w = source(width, place[2], kw);
              const inside = d >= 0 && h >= 0 && w >= 0;
              const from = n * input[3]! + group * groupChannels * plane;
              const at = d * input[0]! + h * input[1]! + w * input[2]!;
              const tap = kd * taps[0]! + kh * taps[1]! + kw * taps[2]!;
              for (let c = 0; c < groupChannels; c++) {
                const value = x.read(from + c * plane + (inside ? at : 0));
                for (let o = 0; o < filters; o++) {
                  const filter = Math.min(tile * filters + o, groupFilters - 1);
                  // A transposed weight has the input channels of all groups in front, a plain one the filters.
                  const factor = weight.read(
                    source === forwardSource
                      ? (group * groupFilters + filter) * outStep + c * inStep + tap
                      : filter * outStep + (group * groupChannels + c) * inStep + tap,
                  );
                  if (inside) sums[o]! += value * factor;
                }
              }
            }
          }
        }
        for (let o = 0; o < filters; o++) {
          const filter = tile * filters + o;
          if (filter >= groupFilters) break;
          const channel = group * groupFilters + filter;
          const at = n * word("output_n") + offsetOf(launch, channel, place);
          const b = constant("has_bias") ? bias.read(channel) : 0;
          const r = constant("has_residual") ? residual!.read(at) : 0;
          y.write(at, finish(launch, sums[o]!, b, r));
        }
      }
    }
  };
}

const rest: Kernel = (launch) => {
  const { word, constant, buffers, workgroups, localSize } = launch;
  const [bias, y] = buffers as [Memory, Memory];
  assert(workgroups * localSize >= word("count"));
  for (let index = 0; index < word("count"); index++) {
    let left = index;
    const next = (count: number): number => {
      const at = left % count;
      left = Math.floor(left / count);
      return at;
    };
    const w = next(word("out_w"));
    const h = next(word("out_h"));
    const d = next(word("out_d"));
    const channel = next(word("channels"));
    const b = constant("has_bias") ? bias.read(channel) : 0;
    const at = left * word("output_n") + offsetOf(launch, channel, [d, h, w]);
    y.write(at, finish(launch, 0, b, 0));
  }
};

/** Interpreters by program. */
export const CONVOLUTION_KERNELS: Readonly<Record<string, Kernel>> = {
  "convolution/direct_forward.storage": direct(forwardSource),
  "convolution/direct_forward.texel": direct(forwardSource),
  "convolution/transposed_direct.storage": direct(transposedSource),
  "convolution/transposed_direct.texel": direct(transposedSource),
  "convolution/transposed_rest.storage": rest,
  "convolution/transposed_rest.texel": rest,
  "convolution/igemm_forward": igemm,
  "convolution/igemm_sum": igemmSum,
  "convolution/window_forward": windowed,
};
