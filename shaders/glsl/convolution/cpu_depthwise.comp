// builds: texel storage address
// Depthwise convolution forward on a CPU device (lavapipe): one input channel a filter, any multiplier, kernel, stride
// and dilation; x with contiguous rows (channel-first), no repack.
//
// Operands: x (floats), x again as vec4s, weight (floats, [channels][kd][kh][kw]), bias, residual, y. One invocation
// makes 4 consecutive outputs of k_rows rows of one channel; lanes run over the plane: (row block, run of 4).
// Grid: x = ceil(runs / local_size_x), y = output channels, z = n * out_d,
// runs = ceil(out_w / 4) * ceil(out_h / k_rows).
//
// With k_aligned (stride 1, dilation 1 along the width, width and channel step multiples of 4) rows are read as vec4s,
// else by gathers. Taps are unrolled and there is no loop, so no lane mask costs anything. 8 weights are read at once,
// spread over the lanes; a shuffle with a constant index broadcasts one. 4 x 4 outputs of a 3 x 3 kernel: 288 flops for
// 288 bytes in, 64 out. Local size 64 for a large plane, 8 for a small one.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_rows = 4u;
layout(constant_id = 2) const uint k_kernel_d = 1u;
layout(constant_id = 3) const uint k_kernel_h = 3u;
layout(constant_id = 4) const uint k_kernel_w = 3u;
layout(constant_id = 5) const uint k_stride_h = 1u;
layout(constant_id = 6) const uint k_stride_w = 1u;
layout(constant_id = 7) const uint k_dilation_h = 1u;
layout(constant_id = 8) const uint k_dilation_w = 1u;
layout(constant_id = 9) const uint k_pad_w = 1u;
layout(constant_id = 10) const uint k_multiplier = 1u;
layout(constant_id = 11) const bool k_aligned = false;
// Every run of y starts at a multiple of 4 floats and is whole.
layout(constant_id = 12) const bool k_vector_store = false;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t x_address;
  uint64_t x_vector_address;
  uint64_t weight_address;
  uint64_t bias_address;
  uint64_t residual_address;
  uint64_t y_address;
#endif
  uint x_depth;
  uint x_height;
  uint x_width;
  uint x_step_n; // floats
  uint x_step_c;
  uint pad_h;
  uint pad_d;
  uint steps_d;  // stride_d | dilation_d << 16
  uint runs;
  uint out_d;
  uint out_h;
  uint out_w;
  uint y_step_n; // floats; the strides of the stored tensor
  uint y_step_c;
  uint y_step_d;
  uint y_step_h;
  uint y_step_w;
} push;

#include "../lib/cpu_load.glsl"
#include "../lib/epilogue.glsl"

INPUT1(0, x)
INPUT4(1, x_vector)
INPUT1(2, weight)
INPUT1(3, bias)
INPUT1(4, residual)
OUTPUT4(5, y)

const uint k_span_h = (k_rows - 1u) * k_stride_h + (k_kernel_h - 1u) * k_dilation_h + 1u;
const uint k_span_w = 3u * k_stride_w + (k_kernel_w - 1u) * k_dilation_w + 1u;
const uint k_count = k_kernel_d * k_kernel_h * k_kernel_w;
const uint k_weights = (k_count + 7u) / 8u;
const uint k_left = (k_pad_w + 3u) / 4u;
const uint k_texels = k_left + 1u + (k_kernel_w - 1u > k_pad_w ? k_kernel_w - 1u - k_pad_w + 3u : 0u) / 4u;

void main() {
  uint lane = gl_SubgroupInvocationID;
  uint channel = gl_WorkGroupID.y;
  uint image = gl_WorkGroupID.z / push.out_d;
  uint out_d = gl_WorkGroupID.z - image * push.out_d;
  uint runs_per_row = (push.out_w + 3u) / 4u;
  uint run = gl_GlobalInvocationID.x;
  uint safe_run = min(run, push.runs - 1u);
  uint row_block = safe_run / runs_per_row;
  uint run_w = safe_run - row_block * runs_per_row;
  uint out_h = row_block * k_rows;
  uint out_w = run_w * 4u;
  float weights[k_weights];
  [[unroll]] for (uint i = 0u; i < k_weights; i++) {
    weights[i] = LOAD1(weight, channel * k_count + min(i * 8u + lane, k_count - 1u));
  }
  uint base = image * push.x_step_n + (channel / k_multiplier) * push.x_step_c;
  uint x_h = out_h * k_stride_h - push.pad_h;
  uint x_w = out_w * k_stride_w - k_pad_w;
  float sums[k_rows * 4u];
  [[unroll]] for (uint i = 0u; i < k_rows * 4u; i++) {
    sums[i] = 0.0;
  }
  [[unroll]] for (uint kd = 0u; kd < k_kernel_d; kd++) {
    uint x_d = out_d * (push.steps_d & 0xffffu) + kd * (push.steps_d >> 16u) - push.pad_d;
    [[unroll]] for (uint r = 0u; r < k_span_h; r++) {
      bool row_inside = x_d < push.x_depth && x_h + r < push.x_height;
      uint row_start = base + (x_d * push.x_height + x_h + r) * push.x_width;
      // Values at x_w + 0 .. k_span_w - 1; with k_aligned they sit k_left * 4 - k_pad_w further right.
      float values[k_aligned ? k_texels * 4u : k_span_w];
      if (k_aligned) {
        [[unroll]] for (uint i = 0u; i < k_texels; i++) {
          bool inside = row_inside && run_w + i - k_left < push.x_width / 4u;
          vec4 four = LOAD4(x_vector, inside ? row_start / 4u + run_w + i - k_left : 0u);
          [[unroll]] for (uint j = 0u; j < 4u; j++) {
            values[i * 4u + j] = inside ? four[j] : 0.0;
          }
        }
      } else {
        [[unroll]] for (uint i = 0u; i < k_span_w; i++) {
          bool inside = row_inside && x_w + i < push.x_width;
          float value = LOAD1(x, inside ? row_start + x_w + i : 0u);
          values[i] = inside ? value : 0.0;
        }
      }
      uint start = k_aligned ? k_left * 4u - k_pad_w : 0u;
      [[unroll]] for (uint row = 0u; row < k_rows; row++) {
        [[unroll]] for (uint kh = 0u; kh < k_kernel_h; kh++) {
          if (row * k_stride_h + kh * k_dilation_h == r) {
            [[unroll]] for (uint kw = 0u; kw < k_kernel_w; kw++) {
              uint tap = (kd * k_kernel_h + kh) * k_kernel_w + kw;
              float factor = subgroupShuffle(weights[tap / 8u], tap % 8u);
              [[unroll]] for (uint p = 0u; p < 4u; p++) {
                sums[row * 4u + p] += factor * values[start + p * k_stride_w + kw * k_dilation_w];
              }
            }
          }
        }
      }
    }
  }

  if (run < push.runs) {
    float bias = k_has_bias ? LOAD1(bias, channel) : 0.0;
    uint image_start = image * push.y_step_n;
    [[unroll]] for (uint row = 0u; row < k_rows; row++) {
      if (out_h + row < push.out_h) {
        if (k_vector_store) {
          uint target = image_start + channel * push.y_step_c + out_d * push.y_step_d + (out_h + row) * push.y_step_h + out_w;
          vec4 value;
          [[unroll]] for (uint p = 0u; p < 4u; p++) {
            float residual = k_has_residual ? LOAD1(residual, target + p) : 0.0;
            value[p] = epilogue_value(sums[row * 4u + p], bias, residual);
          }
          STORE4(y, target >> 2u, value);
        } else {
          [[unroll]] for (uint p = 0u; p < 4u; p++) {
            if (out_w + p < push.out_w) {
              uint place = epilogue_offset(channel, out_d, out_h + row, out_w + p, push.y_step_c, push.y_step_d, push.y_step_h, push.y_step_w);
              float residual = k_has_residual ? LOAD1(residual, image_start + place) : 0.0;
              STORE1(y, image_start + place, epilogue_value(sums[row * 4u + p], bias, residual));
            }
          }
        }
      }
    }
  }
}
