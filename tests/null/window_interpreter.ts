// What convolution/window_forward does, on plain arrays.

import { finish, offsetOf } from "./convolution_interpreter.ts";
import { divide, type Kernel, type Memory } from "./plan_interpreter.ts";

/** convolution/window_forward.comp. */
export const windowed: Kernel = (launch) => {
  const { word, constant, buffers, workgroups, localSize } = launch;
  const [x, weight, bias, residual, y] = buffers as [Memory, Memory, Memory, Memory, Memory];
  const count = word("count");
  if (workgroups * localSize < count) throw new RangeError("too few invocations");
  const [filters, padded, outputs] = [constant("filters"), constant("padded"), constant("outputs")];
  if (padded < filters || (padded > 2 && padded % 4 !== 0)) throw new RangeError("a quad is cut");
  const axes = ["d", "h", "w"].map((letter) => ({
    kernel: constant(`kernel_${letter}`),
    stride: constant(`stride_${letter}`),
    padding: constant(`padding_${letter}`),
    dilation: constant(`dilation_${letter}`),
    size: word(`in_${letter}`),
    step: word(`input_${letter}`),
  }));
  const [depth, height, width] = axes as [typeof axes[0], typeof axes[0], typeof axes[0]];
  if (width.kernel % constant("unroll") !== 0) throw new RangeError("taps are left out");
  const order = constant("channel_last") === 1
    ? ["tiles", "groups", "out_w", "blocks", "out_d"]
    : ["out_w", "blocks", "out_d", "tiles", "groups"];
  const isSplit = constant("split") === 1;
  if (isSplit) order.push("splits");
  const places = ["out_w", "blocks", "out_d", "tiles", "groups", "splits"];
  for (let index = 0; index < count; index++) {
    let rest = index;
    const at: Record<string, number> = {};
    for (const name of order) {
      const shift = (word("shifts") >>> (5 * places.indexOf(name))) & 31;
      const quotient = divide(rest, word(`${name}_multiplier`), shift);
      at[name] = rest - quotient * word(name);
      rest = quotient;
    }
    const [tile, group, n] = [at["tiles"]!, at["groups"]!, rest];
    const first = at["blocks"]! * outputs;
    const channels = word("group_channels");
    const from = (at["splits"] ?? 0) * word("split_channels");
    const to = isSplit ? Math.min(from + word("split_channels"), channels) : channels;
    for (let o = 0; o < outputs && first + o < word("out_h"); o++) {
      const place = [at["out_d"]!, first + o, at["out_w"]!] as const;
      for (let f = 0; f < filters && tile * filters + f < word("group_filters"); f++) {
        let sum = 0;
        for (let c = from; c < to; c++) {
          for (let kd = 0; kd < depth.kernel; kd++) {
            for (let kh = 0; kh < height.kernel; kh++) {
              for (let kw = 0; kw < width.kernel; kw++) {
                const own = [kd, kh, kw].map((tap, axis) => {
                  const { stride, padding, dilation } = axes[axis]!;
                  return place[axis]! * stride - padding + tap * dilation;
                });
                if (own.some((each, axis) => each < 0 || each >= axes[axis]!.size)) continue;
                const base = n * word("input_n") + (group * channels + c) * word("input_c");
                const tap = (kd * height.kernel + kh) * width.kernel + kw;
                const taps = depth.kernel * height.kernel * width.kernel;
                const block = (group * word("tiles") + tile) * channels + c;
                sum += x.read(own.reduce((all, each, axis) =>
                  all + each * axes[axis]!.step, base)) *
                  weight.read((block * taps + tap) * padded + f);
              }
            }
          }
        }
        const channel = group * word("group_filters") + tile * filters + f;
        if (isSplit) {
          const part = at["splits"]! * word("groups") * word("group_filters") + channel;
          const row = (n * word("out_d") + place[0]) * word("out_h") + place[1];
          y.write(part * word("columns") + row * word("out_w") + place[2], sum);
          continue;
        }
        const target = n * word("output_n") + offsetOf(launch, channel, place);
        const b = constant("has_bias") ? bias.read(channel) : 0;
        const r = constant("has_residual") ? residual.read(target) : 0;
        y.write(target, finish(launch, sum, b, r));
      }
    }
  }
};
