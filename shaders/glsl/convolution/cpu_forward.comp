// builds: texel storage address
// Convolution forward on a CPU device (lavapipe), groups = 1 or one group a dispatch: any kernel, stride, dilation.
//
// Operands: x (packed by cpu_pack_input, padding included), weight (packed by pack_weight), bias, residual, y.
// One invocation makes k_pixels consecutive outputs of one row for 8 * k_blocks output channels; the 8 lanes of a
// subgroup take 8 such runs, counted over (n, d, h, run). Grid: x = ceil(channels / (8 * k_blocks)),
// y = ceil(runs / local_size_x), with runs = n * out_d * out_h * runs_per_row: the workgroups of all output channels read the
// same pixels one after the other, out of the second-level cache.
//
// A lane loads the vec4s (4 input channels) under its run once and uses them for every tap. Lane l of a weight load
// holds output channel 8 * block + l; a shuffle with a constant index broadcasts it. No shared memory, no barrier.
// Packed input, in vec4s: [n][d][h][channels / 4][width]; packed weight: [block][kd][kh][kw / k_taps][channels / 4]
// [k_taps][8 lanes], zeros where a block, a channel or a tap is absent.
// Arithmetic: with 4 pixels, 1 block and 3 taps 768 flops need 9 vec4 loads: 5.3 flops a byte out of L1 and L2.
// One subgroup is one vector register, so local size only sets how many runs share a coroutine frame: 64 to 8.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_pixels = 4u;
layout(constant_id = 2) const uint k_blocks = 1u;
// Taps along the width and channel quads of one loop round; kernel_w is a multiple of k_taps after packing.
layout(constant_id = 3) const uint k_taps = 3u;
layout(constant_id = 4) const uint k_quads = 1u;
layout(constant_id = 5) const uint k_kernel_d = 1u;
layout(constant_id = 6) const uint k_kernel_h = 3u;
layout(constant_id = 7) const uint k_tap_groups = 1u;
layout(constant_id = 8) const uint k_stride_w = 1u;
layout(constant_id = 9) const uint k_dilation_w = 1u;
// y is contiguous along the width and every run starts at a multiple of 4 floats: store vec4s.
layout(constant_id = 10) const bool k_vector_store = false;
// Channels of a vec4 that are used: fewer than 4 only if there are no more (an image of 3).
layout(constant_id = 11) const uint k_depth = 4u;
// See lib/cpu_touch.glsl; only with k_vector_store.
layout(constant_id = 12) const bool k_touch = false;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t x_address;
  uint64_t weight_address;
  uint64_t bias_address;
  uint64_t residual_address;
  uint64_t y_address;
#endif
  uint quads;         // channels / 4 of the packed input, a multiple of k_quads
  uint x_width;       // vec4s of one packed row of one channel quad
  uint x_step_h;      // vec4s from output row to output row (stride included)
  uint x_step_d;
  uint x_step_n;
  uint x_tap_h;       // vec4s from kernel row to kernel row (dilation included)
  uint x_tap_d;
  uint runs;          // all runs of all images
  uint runs_per_row;
  uint out_h;
  uint out_d;
  uint out_w;
  uint channels;      // output channels
  uint channel_start; // first output channel in y, bias and residual (a group's offset)
  uint y_step_n;      // floats; the strides of the stored tensor
  uint y_step_c;
  uint y_step_d;
  uint y_step_h;
  uint y_step_w;
} push;

#define STORE_PAIRS
#include "../lib/cpu_load.glsl"
#include "../lib/cpu_touch.glsl"
#include "../lib/epilogue.glsl"

INPUT4(0, x)
INPUT4(1, weight)
INPUT1(2, bias)
INPUT14(3, 6, residual)
OUTPUT4(4, y)
TOUCHABLE(5, y_old)

const uint k_span = (k_pixels - 1u) * k_stride_w + (k_taps - 1u) * k_dilation_w + 1u;
const uint k_channels = k_blocks * 8u;
const uint k_side = k_pixels > 4u ? 1u : 2u;

// Whether an earlier tap read the same place for a pixel further right.
bool loaded_before(uint p, uint tap) {
  bool before = false;
  [[unroll]] for (uint k = 1u; k < k_pixels; k++) {
    uint taps = k * k_stride_w / k_dilation_w;
    before = before || (taps * k_dilation_w == k * k_stride_w && tap >= taps && p + k < k_pixels);
  }
  return before;
}

void main() {
  // Zero, but not to the compiler: Mesa 22 would recompile for every value of a push constant in a loop condition.
  uint zero = gl_LocalInvocationIndex >> 20u;
  uint lane = gl_SubgroupInvocationID;
  uint run = gl_WorkGroupID.y * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  uint safe_run = min(run, push.runs - 1u);
  uint rest = safe_run / push.runs_per_row;
  uint out_w = (safe_run - rest * push.runs_per_row) * k_pixels;
  uint row = rest / push.out_h;
  uint out_h = rest - row * push.out_h;
  uint image = row / push.out_d;
  uint out_d = row - image * push.out_d;
  uint x_index = image * push.x_step_n + out_d * push.x_step_d + out_h * push.x_step_h + out_w * k_stride_w;
  uint block = gl_WorkGroupID.x * k_blocks;
  uint rounds_c = push.quads / k_quads + zero;
  uint rounds = rounds_c * (k_kernel_d * k_kernel_h * k_tap_groups);
  uint weight_block = push.quads * (k_kernel_d * k_kernel_h * k_tap_groups * k_taps * 8u);
  uint weight_index = block * weight_block + lane;

  if (k_touch) {
    // The eight runs of a subgroup mostly lie side by side; each lane takes their lines in another channel.
    uint start = image * push.y_step_n + out_d * push.y_step_d + out_h * push.y_step_h + out_w;
    start = subgroupShuffle(start, 0u);
    [[unroll]] for (uint o = 0u; o < k_channels; o += 8u) {
      uint channel = min(block * 8u + o + lane, push.channels - 1u) + push.channel_start;
      [[unroll]] for (uint i = 0u; i < k_pixels / 2u; i++) {
        TOUCH(y_old, ((start + channel * push.y_step_c) >> 2u) + i * 4u);
      }
    }
  }

  float sums[k_channels * k_pixels];
  [[unroll]] for (uint i = 0u; i < k_channels * k_pixels; i++) {
    sums[i] = 0.0;
  }
  uint offset = 0u;
  uint tap_offset = 0u;
  uint c = 0u;
  uint group = 0u;
  uint kh = 0u;
  for (uint round = 0u; round < rounds; round++) {
    vec4 x[k_quads * k_span];
    [[unroll]] for (uint b = 0u; b < k_blocks; b++) {
      vec4 w[k_quads * k_taps];
      // Eight sums at a time: they stay in registers over the whole round. The first of them brings the loads along, so
      // that loads and arithmetic overlap.
      [[unroll]] for (uint o = 0u; o < 8u; o += k_side) {
        [[unroll]] for (uint t = 0u; t < k_quads * k_taps; t++) {
          uint start = (t / k_taps) * k_span;
          uint tap = t % k_taps;
          if (o == 0u) {
            w[t] = LOAD4(weight, weight_index + b * weight_block + t * 8u);
            [[unroll]] for (uint p = 0u; p < k_pixels; p++) {
              uint place = p * k_stride_w + tap * k_dilation_w;
              if (b == 0u && !loaded_before(p, tap)) {
                x[start + place] = LOAD4(x, x_index + offset + (t / k_taps) * push.x_width + place);
              }
            }
          }
          [[unroll]] for (uint j = 0u; j < k_depth; j++) {
            [[unroll]] for (uint side = 0u; side < k_side; side++) {
              float factor = subgroupShuffle(w[t][j], o + side);
              [[unroll]] for (uint p = 0u; p < k_pixels; p++) {
                uint i = (b * 8u + o + side) * k_pixels + p;
                sums[i] = sums[i] + factor * x[start + p * k_stride_w + tap * k_dilation_w][j];
              }
            }
          }
        }
      }
    }
    weight_index += k_quads * k_taps * 8u;
    offset += push.x_width * k_quads;
    if (k_kernel_d * k_kernel_h * k_tap_groups > 1u) {
      c++;
      bool wrap = c == rounds_c;
      c = wrap ? 0u : c;
      if (k_tap_groups > 1u) {
        group += wrap ? 1u : 0u;
        tap_offset += wrap ? k_taps * k_dilation_w : 0u;
        wrap = wrap && group == k_tap_groups;
        tap_offset -= wrap ? k_tap_groups * k_taps * k_dilation_w : 0u;
        group = wrap ? 0u : group;
      }
      tap_offset += wrap ? push.x_tap_h : 0u;
      if (k_kernel_d > 1u) {
        kh += wrap ? 1u : 0u;
        wrap = wrap && kh == k_kernel_h;
        tap_offset += wrap ? push.x_tap_d - k_kernel_h * push.x_tap_h : 0u;
        kh = wrap ? 0u : kh;
      }
      offset = c == 0u ? tap_offset : offset;
    }
  }

  if (run < push.runs) {
    [[unroll]] for (uint i = 0u; i < k_channels; i++) {
      uint channel = block * 8u + i;
      if (channel < push.channels) {
        channel += push.channel_start;
        float bias = k_has_bias ? LOAD1(bias, channel) : 0.0;
        uint image_start = image * push.y_step_n;
        if (k_vector_store) {
          uint target = image_start + channel * push.y_step_c + out_d * push.y_step_d + out_h * push.y_step_h + out_w;
          [[unroll]] for (uint p = 0u; p < k_pixels; p += 4u) {
            vec4 residual = k_has_residual ? LOAD4(residual, (target + p) >> 2u) : vec4(0.0);
            vec4 value;
            [[unroll]] for (uint j = 0u; j < 4u; j++) {
              value[j] = epilogue_value(sums[i * k_pixels + p + j], bias, residual[j]);
            }
            STORE4(y, (target + p) >> 2u, value);
          }
        } else {
          [[unroll]] for (uint p = 0u; p < k_pixels; p++) {
            if (out_w + p < push.out_w) {
              uint place = epilogue_offset(channel, out_d, out_h, out_w + p, push.y_step_c, push.y_step_d, push.y_step_h, push.y_step_w);
              float residual = k_has_residual ? LOAD1(residual, image_start + place) : 0.0;
              float value = epilogue_value(sums[i * k_pixels + p], bias, residual);
              STORE1(y, image_start + place, value);
            }
          }
        }
      }
    }
  }
  if (k_touch) {
    TOUCHED(y)
  }
}
