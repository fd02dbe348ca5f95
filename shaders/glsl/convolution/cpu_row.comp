// builds: texel storage address
// Convolution forward on a CPU device straight from a channel-first x, no repack: stride 1 along the width, dilation 1
// along the width, width a multiple of 4, kernel width at most 9 - 1 x 1 as well, with the plane as one long row.
//
// Operands: x (channel-first, read as vec4s of 4 neighbors), weight (packed by pack_weight, taps = kernel_w, one tap
// group), bias, residual, y. One invocation makes k_pixels outputs side by side for 8 * k_blocks channels; the 8
// lanes of a subgroup take 8 such runs, counted over (n, d, h, run).
// Grid: x = ceil(channels / (8 * k_blocks)), y = ceil(runs / local_size_x), runs = n * out_d * out_h * ceil(out_w / k_pixels):
// the workgroups of all output channels read the same pixels one after the other, out of the second-level cache.
//
// A vec4 of x is 4 pixels of one channel, which is just what a lane needs; with a wider kernel the neighbors to the left
// and right are read too. Rows and columns outside x count as zeros. Per 4 input channels and kernel row: 4 or 12 vec4s
// of x and kernel_w * k_blocks of weight for 256 * kernel_w * k_blocks flops a lane; the rest is as in cpu_forward.
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
layout(constant_id = 1) const uint k_blocks = 1u;
layout(constant_id = 2) const uint k_kernel_d = 1u;
layout(constant_id = 3) const uint k_kernel_h = 3u;
layout(constant_id = 4) const uint k_kernel_w = 3u;
layout(constant_id = 5) const uint k_pad_w = 1u;
// Channel quads of one loop round; the packed weight has a multiple of it.
layout(constant_id = 6) const uint k_quads = 1u;
// Every 4 outputs of a run lie side by side at a multiple of 4 floats: width stride 1, out_w a multiple of 4, no shuffle.
layout(constant_id = 7) const bool k_vector_store = false;
// Consecutive outputs of one invocation: 4 or 8.
layout(constant_id = 8) const uint k_pixels = 4u;
// False if no vec4 that matters lies outside x: 1 x 1, no padding, channels a multiple of 4 * k_quads.
layout(constant_id = 9) const bool k_checked = true;
// Channels of a vec4 of the packed weight that are used: fewer than 4 only if there are no more (an image of 3).
layout(constant_id = 10) const uint k_depth = 4u;
// See lib/cpu_touch.glsl; only with k_vector_store.
layout(constant_id = 11) const bool k_touch = false;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t x_address;
  uint64_t weight_address;
  uint64_t bias_address;
  uint64_t residual_address;
  uint64_t y_address;
#endif
  uint quads;         // channels / 4 of the packed weight
  uint inputs;        // input channels
  uint x_depth;
  uint x_height;
  uint x_runs;        // width / 4
  uint x_step_n;      // vec4s from image to image
  uint x_start;       // vec4s to the first channel (a group's offset)
  uint dilation_h;
  uint dilation_d;
  uint starts;        // stride_h | stride_d << 8 | pad_h << 16 | pad_d << 24
  uint runs;
  uint out_h;
  uint out_d;
  uint out_w;
  uint channels;
  uint channel_start;
  uint y_step_n;      // floats; the strides of the stored tensor
  uint y_step_c;
  uint y_step_d;
  uint y_step_h;
  uint y_step_w;
} push;

#define STORE_PAIRS
#include "../lib/cpu_load.glsl"
#include "../lib/cpu_broadcast.glsl"
#include "../lib/cpu_touch.glsl"
#include "../lib/epilogue.glsl"

INPUT4(0, x)
INPUT4(1, weight)
INPUT1(2, bias)
INPUT14(3, 6, residual)
OUTPUT4(4, y)
TOUCHABLE(5, y_old)

const uint k_channels = k_blocks * 8u;
const uint k_side = k_pixels > 4u || k_kernel_w == 1u ? 1u : 2u;
// Texels left and right of a run that its taps reach.
const uint k_left = (k_pad_w + 3u) / 4u;
const uint k_right = (k_kernel_w - 1u > k_pad_w ? k_kernel_w - 1u - k_pad_w + 3u : 0u) / 4u;
const uint k_run_texels = k_pixels / 4u;
const uint k_texels = k_left + k_run_texels + k_right;

#if defined(LOAD_TEXEL)
vec4 load_x(uint index, bool valid) {
  return LOAD4(x, valid || !k_checked ? index : 0x07ffffffu);
}
#else
vec4 load_x(uint index, bool valid) {
  vec4 value = LOAD4(x, valid ? index : 0u);
  return valid ? value : vec4(0.0);
}
#endif

void main() {
  // Zero, but not to the compiler: Mesa 22 would recompile for every value of a push constant in a loop condition.
  uint zero = gl_LocalInvocationIndex >> 20u;
  uint lane = gl_SubgroupInvocationID;
  uint run = gl_WorkGroupID.y * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  uint safe_run = min(run, push.runs - 1u);
  uint runs_per_row = (push.out_w + k_pixels - 1u) / k_pixels;
  uint rest = safe_run / runs_per_row;
  uint run_w = safe_run - rest * runs_per_row;
  uint plane = rest / push.out_h;
  uint out_h = rest - plane * push.out_h;
  uint image = plane / push.out_d;
  uint out_d = plane - image * push.out_d;
  uint x_h = out_h * (push.starts & 255u) - ((push.starts >> 16u) & 255u);
  uint x_d = out_d * ((push.starts >> 8u) & 255u) - (push.starts >> 24u);
  uint row = push.x_runs;
  uint channel_step = push.x_depth * push.x_height * row;
  uint x_index = image * push.x_step_n + push.x_start + run_w * k_run_texels;
  uint block = gl_WorkGroupID.x * k_blocks;
  uint rounds_c = push.quads / k_quads + zero;
  uint rounds = rounds_c * (k_kernel_d * k_kernel_h);
  uint weight_block = push.quads * (k_kernel_d * k_kernel_h * k_kernel_w * 8u);
  uint weight_index = block * weight_block + lane;
  bool inside[k_texels];
  [[unroll]] for (uint i = 0u; i < k_texels; i++) {
    inside[i] = run_w * k_run_texels + i - k_left < row;
  }

  if (k_touch) {
    // The eight runs of a subgroup mostly lie side by side; each lane takes their lines in another channel.
    uint start = image * push.y_step_n + out_d * push.y_step_d + out_h * push.y_step_h + run_w * k_pixels;
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
  uint c = 0u;
  uint kh = 0u;
  for (uint round = 0u; round < rounds; round++) {
    bool row_inside = x_h < push.x_height && x_d < push.x_depth;
    uint base = x_index + c * channel_step + (x_d * push.x_height + x_h) * row;
    vec4 x[k_quads * 4u * k_texels];
    [[unroll]] for (uint j = 0u; j < k_quads * 4u; j++) {
      bool channel_inside = row_inside && c + j < push.inputs;
      if ((j & 3u) < k_depth) {
        [[unroll]] for (uint i = 0u; i < k_texels; i++) {
          x[j * k_texels + i] = load_x(base + j * channel_step + i - k_left, channel_inside && inside[i]);
        }
      }
    }
    [[unroll]] for (uint b = 0u; b < k_blocks; b++) {
      vec4 w[k_quads * k_kernel_w];
      [[unroll]] for (uint t = 0u; t < k_quads * k_kernel_w; t++) {
        w[t] = LOAD4(weight, weight_index + b * weight_block + t * 8u);
      }
      // Few sums at a time: they stay in registers over the whole round.
      vec4 half_w[k_quads * k_kernel_w];
      [[unroll]] for (uint o = 0u; o < 8u; o += k_side) {
        if ((o & 3u) == 0u) {
          [[unroll]] for (uint t = 0u; t < k_quads * k_kernel_w; t++) {
            half_w[t] = duplicate_half(w[t], zero + o);
          }
        }
        [[unroll]] for (uint t = 0u; t < k_quads * k_kernel_w; t++) {
          [[unroll]] for (uint j = 0u; j < k_depth; j++) {
            [[unroll]] for (uint side = 0u; side < k_side; side++) {
              float factor = broadcast_half(half_w[t][j], (o + side) & 3u);
              [[unroll]] for (uint p = 0u; p < k_pixels; p++) {
                uint place = k_left * 4u + p + t % k_kernel_w - k_pad_w;
                uint i = (b * 8u + o + side) * k_pixels + p;
                sums[i] = sums[i] + factor * x[((t / k_kernel_w) * 4u + j) * k_texels + place / 4u][place % 4u];
              }
            }
          }
        }
      }
    }
    weight_index += k_quads * k_kernel_w * 8u;
    c += k_quads * 4u;
    if (k_kernel_d * k_kernel_h > 1u) {
      bool wrap = c == rounds_c * k_quads * 4u;
      c = wrap ? 0u : c;
      x_h += wrap ? push.dilation_h : 0u;
      if (k_kernel_d > 1u) {
        kh += wrap ? 1u : 0u;
        wrap = kh == k_kernel_h;
        x_h -= wrap ? k_kernel_h * push.dilation_h : 0u;
        x_d += wrap ? push.dilation_d : 0u;
        kh = wrap ? 0u : kh;
      }
    }
  }

  uint out_w = run_w * k_pixels;
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
            if (p == 0u || out_w + p < push.out_w) {
              vec4 residual = k_has_residual ? LOAD4(residual, (target + p) >> 2u) : vec4(0.0);
              vec4 value;
              [[unroll]] for (uint j = 0u; j < 4u; j++) {
                value[j] = epilogue_value(sums[i * k_pixels + p + j], bias, residual[j]);
              }
              STORE4(y, (target + p) >> 2u, value);
            }
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
