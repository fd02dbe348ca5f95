// builds: texel storage address
// Global pooling: the maximum or average of whole planes, in one stage or, where planes are large and few, in two.
//
// Operands: x, seen as [outer][elements][inner] (channel-first: inner = 1, outer = batch * channels); partials,
// [outer][chunks][inner] words: sums or places; y, [outer][inner]. k_stage 0 reads x and writes y. Stage 1 reduces
// chunks of push.chunk elements of x to partials, stage 2 the partials to y. Item i is one result of a stage.
// k_lanes > 1: so many neighboring invocations share one item, each taking every k_lanes-th element, and combine their
// results in shared memory in a fixed order (for devices on which neighbors should read neighbors); a workgroup makes
// k_items of them. 4 bytes read for each addition. Local size 256 or what the device allows.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#endif

layout(local_size_x_id = 0) in;

// 0 maximum, 1 average, 2 place of the maximum
layout(constant_id = 3) const uint k_kind = 0u;
layout(constant_id = 4) const uint k_stage = 0u;
layout(constant_id = 5) const uint k_lanes = 1u; // a power of two
layout(constant_id = 6) const uint k_items = 1u; // of a workgroup: the local size is k_lanes * k_items

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t x_address;
  uint64_t partials_address;
  uint64_t y_address;
#endif
  uint items; // results of this stage; pairs of them for float16 results
  uint last;  // index of the last result
  uint elements; // of a plane
  uint inner;
  uint chunk;
  uint chunks;
  uint multiplier_inner, multiplier_chunks;
  uint shifts; // five bits each for inner, chunks
  float divisor;
} push;

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "scan.glsl"
#include "words.glsl"

INPUT_WORDS(0, x)
INPUT_WORDS(1, partials)
OUTPUT_WORDS(2, y)

const uint k_slots = k_lanes > 1u ? k_lanes * k_items : 1u;
shared float shared_values[k_slots];
shared int shared_places[k_slots];

// Of two scans over different elements the greater, or the one with the earlier place.
Scan combine(Scan a, float value, int place) {
  bool wins = place >= 0 && (scan_wins(a, value) || (place < a.place && value == a.best));
  if (k_propagate) {
    wins = wins || (place >= 0 && place < a.place && scan_nan(value) && scan_nan(a.best));
  }
  return Scan(wins ? value : a.best, wins ? place : a.place);
}

// One result: a float's bits or a place.
uint reduce(uint item) {
  uint rest = divide(item, push.multiplier_inner, push.shifts & 31u);
  uint c = item - rest * push.inner;
  uint outer = k_stage == 1u ? divide(rest, push.multiplier_chunks, push.shifts >> 5) : rest;
  uint begin = (rest - outer * push.chunks) * push.chunk;
  uint end = push.elements + opaque_zero();
  if (k_stage == 1u) {
    end = min(begin + push.chunk, end);
  } else if (k_stage == 2u) {
    begin = 0u;
    end = push.chunks + opaque_zero();
  } else {
    begin = 0u;
  }
  uint base = outer * push.elements;
  uint slot = gl_LocalInvocationID.x;
  uint lane = k_lanes > 1u ? slot % k_lanes : 0u;
  Scan scan = scan_start();
  float sums[4] = float[4](0.0, 0.0, 0.0, 0.0);
  for (uint step = begin + lane; step < end; step += 4u * k_lanes) {
    [[unroll]] for (uint u = 0u; u < 4u; u++) {
      uint at = step + u * k_lanes;
      bool valid = at < end;
      at = min(at, end - 1u);
      if (k_stage == 2u) {
        uint word = WORD(partials, (outer * push.chunks + at) * push.inner + c);
        if (k_kind == 1u) {
          sums[u] += valid ? uintBitsToFloat(word) : 0.0;
        } else {
          uint index = (base + uint(max(int(word), 0))) * push.inner + c;
          scan_take(scan, scan_value(WORD(x, scan_word_index(index)), index), int(word), valid && int(word) >= 0);
        }
      } else {
        uint index = (base + at) * push.inner + c;
        float value = scan_value(WORD(x, scan_word_index(index)), index);
        if (k_kind == 1u) {
          sums[u] += valid ? value : 0.0;
        } else {
          scan_take(scan, value, int(at), valid);
        }
      }
    }
  }
  float sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  if (k_lanes > 1u) {
    barrier(); // of two results in a row
    shared_values[slot] = k_kind == 1u ? sum : scan.best;
    shared_places[slot] = scan.place;
    [[unroll]] for (uint half_lanes = k_lanes / 2u; half_lanes > 0u; half_lanes /= 2u) {
      barrier();
      if (lane < half_lanes) {
        float value = shared_values[slot + half_lanes];
        if (k_kind == 1u) {
          sum += value;
          shared_values[slot] = sum;
        } else {
          scan = combine(scan, value, shared_places[slot + half_lanes]);
          shared_values[slot] = scan.best;
          shared_places[slot] = scan.place;
        }
      }
    }
  }
  if (k_kind == 1u) {
    return floatBitsToUint(k_stage == 1u ? sum : sum / push.divisor);
  }
  return k_kind == 2u || k_stage == 1u ? uint(scan.place) : floatBitsToUint(scan.best);
}

void main() {
  // Where barriers follow, no invocation leaves: the last item is made again.
  uint item = k_lanes > 1u ? workgroup_index() * k_items + gl_LocalInvocationID.x / k_lanes : invocation_index();
  if (k_lanes == 1u && item >= push.items) {
    return;
  }
  uint i = min(item, push.items - 1u);
  uint word;
  if (k_half && k_kind != 2u && k_stage != 1u) {
    uint low = float_to_half(uintBitsToFloat(reduce(2u * i)));
    word = low | (float_to_half(uintBitsToFloat(reduce(min(2u * i + 1u, push.last)))) << 16);
  } else {
    word = reduce(i);
  }
  if (item < push.items && (k_lanes == 1u || gl_LocalInvocationID.x % k_lanes == 0u)) {
    SET_WORD(y, i, word);
  }
}
