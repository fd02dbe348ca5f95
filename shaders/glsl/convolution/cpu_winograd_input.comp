// builds: texel storage address
// Winograd on a CPU device, step 1: V = B^T d B for tiles of 4 x 4 or 2 x 2 outputs, zero padding included.
//
// One invocation transforms four channels of one tile; lanes are tiles, counted over (n, tile row, tile column) from
// tile_start. V in vec4s: [point][quads][tile_step], the order in which cpu_winograd_gemm reads it.
// Operands: x (float, any strides), x_vector (the same buffer in vec4s, read when k_vector_load), v.
// Grid: x = ceil(tiles / local_size_x), y = quads.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_tile = 6u;
layout(constant_id = 2) const uint k_pad_w = 1u;
// Rows of x are contiguous and begin at multiples of four floats: x_step_w = 1, every other step and x_width % 4 == 0;
// tiles of 4 x 4 outputs.
layout(constant_id = 3) const bool k_vector_load = false;

// See lib/cpu_touch.glsl.
layout(constant_id = 4) const bool k_touch = false;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t x_address;
  uint64_t x_vector_address;
  uint64_t v_address;
#endif
  uint tiles;         // of this dispatch
  uint tile_start;
  uint tile_step;     // vec4s of V from quad to quad
  uint tiles_h;
  uint tiles_w;
  uint quads;
  uint channels;
  uint x_height;
  uint x_width;
  uint pad_h;
  uint x_step_n;      // strides of x in floats
  uint x_step_c;
  uint x_step_h;
  uint x_step_w;
} push;

#define STORE_PAIRS
#include "../lib/cpu_load.glsl"
#include "../lib/cpu_touch.glsl"
#include "../lib/winograd.glsl"

INPUT1(0, x)
INPUT4(1, x_vector)
OUTPUT4(2, v)
TOUCHABLE(3, v_old)

const uint k_outputs = k_tile == 4u ? 2u : 4u;
// Texels under a row of the tile, and where the tile begins in the first of them.
const uint k_left = (k_pad_w + 3u) / 4u;
const uint k_first = k_left * 4u - k_pad_w;
const uint k_texels = (k_first + k_tile + 3u) / 4u;

#if defined(LOAD_TEXEL)
// A texel out of range is zero.
vec4 load_vector(uint index, bool valid) {
  return LOAD4(x_vector, valid ? index : 0x07ffffffu);
}
float load_one(uint index, bool valid) {
  return LOAD1(x, valid ? index : 0x1fffffffu);
}
#else
vec4 load_vector(uint index, bool valid) {
  vec4 value = LOAD4(x_vector, valid ? index : 0u);
  return valid ? value : vec4(0.0);
}
float load_one(uint index, bool valid) {
  float value = LOAD1(x, valid ? index : 0u);
  return valid ? value : 0.0;
}
#endif

void main() {
  uint place = gl_GlobalInvocationID.x;
  uint tile = min(place, push.tiles - 1u) + push.tile_start;
  uint tile_row = tile / push.tiles_w;
  uint tile_w = tile - tile_row * push.tiles_w;
  uint image = tile_row / push.tiles_h;
  uint x_h = (tile_row - image * push.tiles_h) * k_outputs - push.pad_h;
  uint x_w = tile_w * k_outputs - k_pad_w;
  uint quad = gl_WorkGroupID.y;
  uint base = image * push.x_step_n + quad * 4u * push.x_step_c + x_h * push.x_step_h + x_w * push.x_step_w;
  // In vec4s; a sum that is negative for a while wraps around and back.
  uint vector_base = image * (push.x_step_n >> 2u) + quad * push.x_step_c + x_h * (push.x_step_h >> 2u) + tile_w - k_left;

  if (k_touch) {
    uint lane = gl_LocalInvocationIndex & 7u;
    uint start = quad * push.tile_step + gl_WorkGroupID.x * gl_WorkGroupSize.x + (gl_LocalInvocationIndex & ~7u);
    [[unroll]] for (uint point = 0u; point < k_tile * k_tile; point += 8u) {
      uint line = start + (point + lane) * push.quads * push.tile_step;
      TOUCH(v_old, line);
      TOUCH(v_old, line + 4u);
    }
  }
  vec4 rows[k_tile * k_tile];
  [[unroll]] for (uint i = 0u; i < k_tile; i++) {
    bool row_inside = x_h + i < push.x_height;
    vec4 d[8];
    if (k_vector_load) {
      uint start = vector_base + i * (push.x_step_h >> 2u);
      [[unroll]] for (uint j = 0u; j < 4u; j++) {
        bool inside = row_inside && quad * 4u + j < push.channels;
        [[unroll]] for (uint t = 0u; t < k_texels; t++) {
          bool valid = inside && (tile_w + t - k_left) * 4u < push.x_width;
          vec4 texel = load_vector(start + j * (push.x_step_c >> 2u) + t, valid);
          [[unroll]] for (uint p = 0u; p < 4u; p++) {
            uint column = t * 4u + p - k_first;
            if (column < k_tile) {
              d[column][j] = texel[p];
            }
          }
        }
      }
    } else {
      [[unroll]] for (uint k = 0u; k < k_tile; k++) {
        bool inside = row_inside && x_w + k < push.x_width;
        [[unroll]] for (uint j = 0u; j < 4u; j++) {
          bool valid = inside && quad * 4u + j < push.channels;
          uint index = base + j * push.x_step_c + i * push.x_step_h + k * push.x_step_w;
          d[k][j] = load_one(index, valid);
        }
      }
    }
    winograd_input(k_tile, d);
    [[unroll]] for (uint k = 0u; k < k_tile; k++) {
      rows[i * k_tile + k] = d[k];
    }
  }
  if (place < push.tiles) {
    uint row_step = k_tile * push.quads * push.tile_step;
    uint target = quad * push.tile_step + place;
    [[unroll]] for (uint k = 0u; k < k_tile; k++) {
      vec4 d[8];
      [[unroll]] for (uint i = 0u; i < k_tile; i++) {
        d[i] = rows[i * k_tile + k];
      }
      uint column = target + k * push.quads * push.tile_step;
      STORE4(v, column, winograd_input_end(k_tile, 0u, d));
      STORE4(v, column + (k_tile - 1u) * row_step, winograd_input_end(k_tile, k_tile - 1u, d));
    }
    // The rows of opposite points share their work. Not unrolled: half the code to compile.
    for (uint pair = 0u; pair < k_tile / 2u - 1u + (gl_LocalInvocationIndex >> 20u); pair++) {
      vec3 even = winograd_input_even(k_tile, pair);
      vec3 odd = winograd_input_odd(k_tile, pair);
      target += row_step;
      [[unroll]] for (uint k = 0u; k < k_tile; k++) {
        vec4 a = even.x * rows[2u * k_tile + k];
        vec4 b = odd.x * rows[k_tile + k];
        if (k_tile > 4u) {
          a += even.y * rows[4u * k_tile + k];
          b += odd.y * rows[3u * k_tile + k];
        }
        if (k_tile == 8u) {
          a += even.z * rows[6u * k_tile + k];
          b += odd.z * rows[5u * k_tile + k];
        }
        uint column = target + k * push.quads * push.tile_step;
        STORE4(v, column, a + b);
        STORE4(v, column + row_step, a - b);
      }
      target += row_step;
    }
  }
  if (k_touch) {
    TOUCHED(v)
  }
}
