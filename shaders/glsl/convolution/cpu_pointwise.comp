// builds: texel
// 1x1 convolution of channel-first planes on a CPU device, for drivers that inline texel loads (Mesa 22).
//
// One invocation makes k_pixels outputs side by side for k_channels channels; the 8 lanes of a subgroup take 8 such runs,
// counted over (n, run). All pixels of 4 * k_quads input channels are loaded once, before the loop over the output
// channels: they lie on the stack, in the first-level cache, as operands of the multiplications. The sums of one output
// channel are born and stored within a round, so that no round has to blend what it carries with the lane mask, and no
// sum leaves its register. More input channels take k_passes; y holds the sums between them.
//
// With k_wide 2 a round makes two neighboring output channels, whose pixels a pixel shuffle by 2 (all phases of a transposed
// convolution) interleaves along the row: a lane stores them as one run.
//
// Operands: x (vec4s of 4 neighbors), weight (as it is, [channels][inputs], vec4s of 4 inputs), bias, residual, y, y
// once more to be read. Grid: x = ceil(channels / k_channels), y = ceil(runs / local_size_x).
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x_id = 0) in;
// Output channels of a workgroup.
layout(constant_id = 1) const uint k_channels = 8u;
// Input channels of a pass in vec4s, a multiple of 4.
layout(constant_id = 2) const uint k_quads = 4u;
layout(constant_id = 3) const uint k_passes = 1u;
// 4 or 8; every run begins at a multiple of it.
layout(constant_id = 4) const uint k_pixels = 8u;
layout(constant_id = 5) const uint k_wide = 1u;
// Loads in each round that bring the next pixels into the cache, eight lines a load.
layout(constant_id = 6) const uint k_ahead = 0u;

layout(push_constant) uniform Push {
  uint inputs;        // input channels, a multiple of 4
  uint plane;         // vec4s of a plane
  uint runs;
  uint channels;
  uint y_step_n;      // floats
  uint y_step_c;
  uint y_step_h;
  uint x_width;
  uint x_end;         // vec4s of x
} push;

#define STORE_PAIRS
#define STORE_OCTETS
#include "../lib/cpu_load.glsl"
#include "../lib/cpu_broadcast.glsl"
#include "../lib/cpu_touch.glsl"
#include "../lib/epilogue.glsl"

INPUT4(0, x)
INPUT4(1, weight)
INPUT1(2, bias)
INPUT4(3, residual)
OUTPUT4(4, y)
TOUCHABLE(5, y_old)

const uint k_vectors = k_pixels / 4u;
const uint k_stored = k_vectors * k_wide;
const uint k_inputs = k_quads * 4u;
// Cache lines of a subgroup's pixels of one channel.
const uint k_lines = k_vectors * 2u;

// Texels out of range are zero.
const uint NOWHERE = 0x07ffffffu;

void main() {
  // Zero, but not to the compiler.
  uint zero = gl_LocalInvocationIndex >> 20u;
  uint lane = gl_SubgroupInvocationID;
  uint run = gl_WorkGroupID.y * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  uint safe_run = min(run, push.runs - 1u);
  uint runs_per_plane = push.plane / k_vectors;
  uint image = safe_run / runs_per_plane;
  uint place = (safe_run - image * runs_per_plane) * k_vectors;
  uint row = k_wide == 1u ? 0u : place * 4u / push.x_width;
  uint column = place * 4u - row * push.x_width;
  uint first_channel = gl_WorkGroupID.x * k_channels;
  uint weight_step = push.inputs / 4u;

  for (uint pass = 0u; pass < k_passes + zero; pass++) {
    uint first_input = pass * k_inputs;
    bool last = pass + 1u == k_passes;
    uint x_index = (image * push.inputs + first_input) * push.plane + place;
    vec4 x[k_inputs * k_vectors];
    [[unroll]] for (uint k = 0u; k < k_inputs; k++) {
      [[unroll]] for (uint i = 0u; i < k_vectors; i++) {
        x[k * k_vectors + i] = LOAD4(x, first_input + k < push.inputs ? x_index + k * push.plane + i : NOWHERE);
      }
    }
    // The pixels of the next pass, or of the next run.
    uint next = x_index + k_inputs * push.plane;
    next = last ? x_index - first_input * push.plane + 8u * k_vectors : next;
    next += (lane % k_lines) * 4u - lane * k_vectors + (lane / k_lines) * push.plane;
    uint weight_index = first_channel * weight_step + pass * k_quads + lane;
    for (uint o = 0u; o < k_channels + zero; o += k_wide) {
      uint channel = first_channel + o;
      uint target = image * push.y_step_n;
      target += k_wide == 1u ? channel * push.y_step_c + place * 4u : epilogue_offset(channel, 0u, row, column, push.y_step_c, 0u, push.y_step_h, 1u);
      target >>= 2u;
      // What is there already: the sums of the last pass, or nothing but its cache line.
      vec4 old[k_stored];
      if (k_passes == 1u) {
        TOUCH(y_old, target);
      } else {
        [[unroll]] for (uint i = 0u; i < k_stored; i++) {
          old[i] = LOAD4(y_old, target + i);
        }
      }
      [[unroll]] for (uint i = 0u; i < k_ahead; i++) {
        TOUCH(x, next < push.x_end ? next : NOWHERE);
        next += push.plane * (8u / k_lines);
      }
      float results[k_pixels * k_wide];
      [[unroll]] for (uint j = 0u; j < k_wide; j++) {
        float sums[k_pixels];
        [[unroll]] for (uint p = 0u; p < k_pixels; p++) {
          sums[p] = 0.0;
        }
        // (Mesa 22 unrolls no loop that steps over its end in the first round.)
        [[unroll]] for (uint each = 0u; each < (k_quads + 7u) / 8u; each++) {
          uint q = each * 8u;
          vec4 w = LOAD4(weight, pass * k_quads + q + lane < weight_step ? weight_index + q : NOWHERE);
          [[unroll]] for (uint h = 0u; h < 8u; h += 4u) {
            if (q + h < k_quads) {
              vec4 half_w = duplicate_half(w, zero + h);
              [[unroll]] for (uint t = 0u; t < 16u; t++) {
                float factor = broadcast_half(half_w[t & 3u], t >> 2u);
                uint k = (q + h) * 4u + t;
                [[unroll]] for (uint p = 0u; p < k_pixels; p++) {
                  sums[p] = sums[p] + factor * x[k * k_vectors + p / 4u][p % 4u];
                }
              }
            }
          }
        }
        [[unroll]] for (uint p = 0u; p < k_pixels; p++) {
          results[p * k_wide + j] = sums[p];
        }
        weight_index += weight_step;
      }
      vec4 stored[k_stored];
      float biases = k_has_bias ? LOAD1(bias, channel + lane % k_wide) : 0.0;
      [[unroll]] for (uint i = 0u; i < k_stored; i++) {
        vec4 residual = k_has_residual ? LOAD4(residual, target + i) : vec4(0.0);
        [[unroll]] for (uint p = 0u; p < 4u; p++) {
          float sum = results[i * 4u + p];
          if (k_passes > 1u) {
            // Added last, so that the sums need not wait for it.
            sum += pass == 0u ? 0.0 : old[i][p];
          }
          float bias = k_wide == 1u ? biases : broadcast_half(biases, p & 1u);
          float value = epilogue_value(sum, bias, residual[p]);
          stored[i][p] = last ? value : sum;
        }
      }
      if (run < push.runs && channel < push.channels) {
        if (k_stored == 1u) {
          STORE4(y, target, stored[0]);
        } else {
          [[unroll]] for (uint i = 0u; i < k_stored; i += 2u) {
            STORE8(y, (target + i) / 2u, stored[i], stored[i + 1u]);
          }
        }
      }
    }
  }
  TOUCHED(y)
}
