// shorts: plain
// The end of an implicit matrix product whose taps were split over workgroups: adds up the parts of each result,
// always in the same order, so that equal inputs give equal bits; then bias, residual, activation, and its place.
// Index map: an invocation makes one result; neighbors have neighboring columns (pixels of all images in a row).
// Local size 64: no cooperation. Per addition it reads 4 bytes.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef STORE_SHORTS
#extension GL_EXT_shader_16bit_storage : require
#endif

layout(local_size_x_id = 0) in;

// Phases of a transposed convolution, whose channels are [filter, phase], and its kernel and padding; its stride is the
// shuffle. Of phases that no tap reaches there are no parts.
layout(constant_id = 3) const uint k_phases = 1u;
layout(constant_id = 8) const uint k_kernel_d = 1u;
layout(constant_id = 9) const uint k_kernel_h = 1u;
layout(constant_id = 10) const uint k_kernel_w = 1u;
layout(constant_id = 14) const uint k_padding_d = 0u;
layout(constant_id = 15) const uint k_padding_h = 0u;
layout(constant_id = 16) const uint k_padding_w = 0u;

#include "lib/cpu_load.glsl"
#include "lib/divide.glsl"
#include "lib/epilogue.glsl"
#include "lib/grid.glsl"

layout(set = 0, binding = 0) readonly buffer Partial { float values[]; } partial;
INPUT1(1, bias)
INPUT1(2, residual)
OUTPUT4(3, result)

layout(push_constant) uniform Push {
  uint count; // results of one part
  uint splits;
  uint columns;
  uint pixels, out_h, out_w;
  uint columns_multiplier, pixels_multiplier, out_h_multiplier, out_w_multiplier;
  uint shifts; // five bits each, in that order
  uint output_n, output_c, output_d, output_h, output_w;
  uint full_d, full_h, full_w; // size of a transposed convolution's result
} push;

const uint k_ahead = 3u;

void main() {
  uint index = min(invocation_index(), push.count - 1u);
  uint channel = divide(index, push.columns_multiplier, push.shifts & 31u);
  uint column = index - channel * push.columns;
  uint n = divide(column, push.pixels_multiplier, (push.shifts >> 5) & 31u);
  uint pixel = column - n * push.pixels;
  uint row = divide(pixel, push.out_w_multiplier, (push.shifts >> 15) & 31u);
  uint d = divide(row, push.out_h_multiplier, (push.shifts >> 10) & 31u);
  bool held = invocation_index() < push.count;
  bool reached = true;
  if (k_phases != 1u) {
    const uvec3 strides = uvec3(k_shuffle_d, k_shuffle_h, k_shuffle_w);
    uint own = channel % k_phases;
    uvec3 phase = uvec3(own / (k_shuffle_h * k_shuffle_w), own / k_shuffle_w % k_shuffle_h, own % k_shuffle_w);
    uvec3 place = uvec3(d, row - d * push.out_h, pixel - row * push.out_w) * strides + phase;
    held = held && place.x < push.full_d && place.y < push.full_h && place.z < push.full_w;
    uvec3 tap = (phase + uvec3(k_padding_d, k_padding_h, k_padding_w)) % strides;
    reached = tap.x < k_kernel_d && tap.y < k_kernel_h && tap.z < k_kernel_w;
  }
  uint splits = reached ? push.splits + opaque_zero() : 0u;
  float sum = reached ? partial.values[index] : 0.0;
  uint split = 1u;
  // Several loads on their way at a time; the order of the additions stays.
  for (; split + k_ahead <= splits; split += k_ahead) {
    float next[k_ahead];
    [[unroll]] for (uint i = 0u; i < k_ahead; i++) {
      next[i] = partial.values[(split + i) * push.count + index];
    }
    [[unroll]] for (uint i = 0u; i < k_ahead; i++) {
      sum += next[i];
    }
  }
  for (; split < splits; split++) {
    sum += partial.values[split * push.count + index];
  }
  uint at = n * push.output_n +
    epilogue_offset(channel, d, row - d * push.out_h, pixel - row * push.out_w,
      push.output_c, push.output_d, push.output_h, push.output_w);
  if (held) {
    float b = 0.0;
    if (k_has_bias) {
      b = LOAD1(bias, channel / k_phases);
    }
    float r = 0.0;
    if (k_has_residual) {
      r = LOAD1(residual, at);
    }
    STORE1(result, at, epilogue_value(sum, b, r));
  }
}
