// The rules of a maximum, in one place. A scan starts at the lowest finite number with no place (-1); it takes the first
// of equal elements. Policy "skip" (MXNet's): NaN and -infinity never win, so that a window of nothing else has no place.
// Policy "propagate": the first NaN wins, and -infinity is a value. A scan without a place gives the lowest finite number.
#ifndef VKNN_POOLING_SCAN_GLSL
#define VKNN_POOLING_SCAN_GLSL

layout(constant_id = 10) const bool k_half = false; // float16 instead of float32
layout(constant_id = 11) const bool k_propagate = false;

#include "lib/half.glsl"

const float k_lowest = k_half ? -65504.0 : -3.402823466e38;

struct Scan {
  float best;
  int place;
};

Scan scan_start() {
  return Scan(k_lowest, -1);
}

// Decided on bits: drivers may assume that no float is NaN.
bool scan_nan(float x) {
  return (floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u;
}

bool scan_wins(Scan scan, float value) {
  bool more = value > scan.best || (value == scan.best && scan.place < 0);
  if (k_propagate) {
    return scan.place < 0 || (!scan_nan(scan.best) && (more || scan_nan(value)));
  }
  return more && !scan_nan(value);
}

void scan_take(inout Scan scan, float value, int place, bool valid) {
  bool wins = valid && scan_wins(scan, value);
  scan.best = wins ? value : scan.best;
  scan.place = wins ? place : scan.place;
}

// An element of a float operand from the word that holds it.
float scan_value(uint word, uint index) {
  return k_half ? half_to_float((word >> ((index & 1u) * 16u)) & 0xffffu) : uintBitsToFloat(word);
}

uint scan_word_index(uint index) {
  return k_half ? index >> 1 : index;
}

#endif
