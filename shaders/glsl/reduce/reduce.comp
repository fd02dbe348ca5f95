// builds: storage texel
// Sum, maximum or minimum over one axis, in a fixed order: x is [outer][elements][inner], the result
// [outer][chunks][inner], each element from `chunk` neighbors along the axis. Long axes take several dispatches.
// Index map: item i is one result. k_lanes > 1: the invocations of a workgroup share one item, each taking every
// k_lanes-th element, and combine in shared memory (where neighbors should read neighbors). 4 bytes read per addition.
// k_quads: one load for four elements, which with one lane are added up in the same order and so to the same bits.
// k_runs: the elements of an item lie in several places, as those of a channel in several images.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;

// Of x: 0 float32, 1 int32, 2 float16. The result is int32 for int32 and float32 otherwise.
layout(constant_id = 3) const uint k_type = 0u;
layout(constant_id = 4) const uint k_operation = 0u; // 0 sum, 1 maximum, 2 minimum
layout(constant_id = 5) const uint k_lanes = 1u; // 1 or the local size, a power of two
// inner is 1, elements, chunk and run are multiples of 4, and x has words.
layout(constant_id = 6) const bool k_quads = false;
// x is [elements / run][outer][run], inner is 1.
layout(constant_id = 7) const bool k_runs = false;

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "lib/half.glsl"
#include "lib/words.glsl"

WORDS(0, x)
QUADS(1, x_quads)
layout(set = 0, binding = 2) writeonly buffer Output { uint words[]; } result;

layout(push_constant) uniform Push {
  uint items;
  uint elements;
  uint inner;
  uint chunk;
  uint chunks;
  uint run;
  uint jump; // from run to run of an item
  uint multiplier_inner, multiplier_chunks, multiplier_run;
  uint shifts; // five bits each for inner, chunks, run
  float divisor; // of the result
} push;

const uint k_slots = k_lanes > 1u ? k_lanes : 1u;
const uint k_ahead = k_lanes > 1u ? 4u : 1u; // quads that are on their way at once
shared uint shared_words[k_slots];

uint load(uint index) {
  if (k_type == 2u) {
    return floatBitsToUint(half_to_float((WORD(x, index >> 1) >> ((index & 1u) * 16u)) & 0xffffu));
  }
  return WORD(x, index);
}

uint start() {
  if (k_operation == 0u) {
    return 0u;
  }
  if (k_type == 1u) {
    return k_operation == 1u ? 0x80000000u : 0x7fffffffu;
  }
  return k_operation == 1u ? 0xff800000u : 0x7f800000u;
}

uint combine(uint a, uint b) {
  if (k_type == 1u) {
    return k_operation == 0u ? a + b : uint(k_operation == 1u ? max(int(a), int(b)) : min(int(a), int(b)));
  }
  float x = uintBitsToFloat(a);
  float y = uintBitsToFloat(b);
  if (k_operation == 0u) {
    return floatBitsToUint(x + y);
  }
  // NaN wins, decided on bits: drivers may assume that no float is NaN.
  bool x_nan = (a & 0x7fffffffu) > 0x7f800000u;
  bool y_nan = (b & 0x7fffffffu) > 0x7f800000u;
  bool first = k_operation == 1u ? x >= y : x <= y;
  return x_nan || (first && !y_nan) ? a : b;
}

// Adds and keeps what rounding drops (Knuth's two-sum), so that long sums are as exact as short ones.
void take(inout uint sum, inout float rest, uint word) {
  if (k_operation != 0u || k_type == 1u) {
    sum = combine(sum, word);
    return;
  }
  precise float a = uintBitsToFloat(sum);
  precise float b = uintBitsToFloat(word);
  precise float s = a + b;
  precise float from_b = s - a;
  precise float from_a = s - from_b;
  precise float lost = (a - from_a) + (b - from_b);
  // Infinities make NaN of what is lost; their sum needs no correction.
  rest += abs(s) <= 3.4028235e38 ? lost : 0.0;
  sum = floatBitsToUint(s);
}

// Where element `at` of an item lies.
uint place(uint base, uint at) {
  if (k_runs) {
    uint run = divide(at, push.multiplier_run, push.shifts >> 10);
    return base + run * push.jump + (at - run * push.run);
  }
  return base + at * push.inner;
}

void main() {
  uint i = k_lanes > 1u ? workgroup_index() : invocation_index();
  if (i >= push.items) {
    return;
  }
  uint rest = divide(i, push.multiplier_inner, push.shifts & 31u);
  uint c = i - rest * push.inner;
  uint outer = divide(rest, push.multiplier_chunks, (push.shifts >> 5) & 31u);
  uint begin = (rest - outer * push.chunks) * push.chunk;
  uint end = min(begin + push.chunk, push.elements) + opaque_zero();
  uint base = k_runs ? outer * push.run : outer * push.elements * push.inner + c;
  uint lane = k_lanes > 1u ? gl_LocalInvocationID.x : 0u;
  uint sums[4] = uint[4](start(), start(), start(), start());
  float rest_of_sum = 0.0;
  if (k_quads) {
    for (uint first = begin + 4u * lane; first < end; first += 4u * k_ahead * k_lanes) {
      uvec4 next[k_ahead];
      [[unroll]] for (uint q = 0u; q < k_ahead; q++) {
        next[q] = QUAD(x_quads, place(base, min(first + 4u * q * k_lanes, end - 4u)) >> 2u);
      }
      [[unroll]] for (uint q = 0u; q < k_ahead; q++) {
        if (k_ahead == 1u || first + 4u * q * k_lanes < end) {
          [[unroll]] for (uint u = 0u; u < 4u; u++) {
            take(sums[u], rest_of_sum, next[q][u]);
          }
        }
      }
    }
  } else {
    for (uint first = begin + lane; first < end; first += 4u * k_lanes) {
      [[unroll]] for (uint u = 0u; u < 4u; u++) {
        uint at = first + u * k_lanes;
        uint word = load(place(base, min(at, end - 1u)));
        if (at < end) {
          take(sums[u], rest_of_sum, word);
        }
      }
    }
  }
  uint sum = sums[0];
  [[unroll]] for (uint u = 1u; u < 4u; u++) {
    take(sum, rest_of_sum, sums[u]);
  }
  if (k_operation == 0u && k_type != 1u) {
    sum = floatBitsToUint(uintBitsToFloat(sum) + rest_of_sum);
  }
  if (k_lanes > 1u) {
    shared_words[lane] = sum;
    [[unroll]] for (uint half_lanes = k_lanes / 2u; half_lanes > 0u; half_lanes /= 2u) {
      barrier();
      if (lane < half_lanes) {
        sum = combine(sum, shared_words[lane + half_lanes]);
        shared_words[lane] = sum;
      }
    }
  }
  if (k_lanes == 1u || lane == 0u) {
    result.words[i] = k_type == 1u ? sum : floatBitsToUint(uintBitsToFloat(sum) / push.divisor);
  }
}
