// builds: storage texel
// Conversion between float32, float16, int32, int8 and uint8.
// Index map: invocation i makes output word i, that is 1, 2 or 4 elements. Rules: to float16 the nearest, ties to even;
// float to integer toward zero, saturating, NaN gives 0; between integers the low bits (as C and NumPy do).
// Local size 64: no cooperation, small tail.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

// 0 float32, 1 float16, 2 int32, 3 int8, 4 uint8
layout(constant_id = 3) const uint k_from = 0u;
layout(constant_id = 4) const uint k_to = 0u;

#include "lib/grid.glsl"
#include "lib/half.glsl"
#include "lib/words.glsl"

WORDS(0, x)
layout(set = 0, binding = 1) writeonly buffer Output { uint words[]; } result;

layout(push_constant) uniform Push {
  uint word_count;
  uint element_count;
} push;

// log2 of elements in a word
uint lanes_log2(uint type) {
  return type == 1u ? 1u : (type >= 3u ? 2u : 0u);
}

int saturate(float x, float low, float high) {
  bool nan = (floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u;
  return nan ? 0 : int(min(max(x, low), high));
}

uint convert_float(float x) {
  if (k_to == 1u) {
    return float_to_half(x);
  }
  if (k_to == 2u) {
    // 2^31 is not an int: the largest float below it is 2147483520.
    return x >= 2147483648.0 ? 0x7fffffffu : uint(saturate(x, -2147483648.0, 2147483520.0));
  }
  if (k_to == 3u) {
    return uint(saturate(x, -128.0, 127.0)) & 255u;
  }
  if (k_to == 4u) {
    return uint(saturate(x, 0.0, 255.0));
  }
  return floatBitsToUint(x);
}

uint convert(uint index) {
  uint lanes = lanes_log2(k_from);
  // Past the end the last element is read again: no stray read, and the padding gets a defined value.
  index = min(index, push.element_count - 1u);
  uint word = WORD(x, index >> lanes);
  uint lane = index & ((1u << lanes) - 1u);
  if (k_from == 0u) {
    return convert_float(uintBitsToFloat(word));
  }
  if (k_from == 1u) {
    return convert_float(half_to_float((word >> (lane * 16u)) & 0xffffu));
  }
  int whole = int(word);
  if (k_from == 3u) {
    whole = bitfieldExtract(int(word), int(lane * 8u), 8);
  } else if (k_from == 4u) {
    whole = int((word >> (lane * 8u)) & 255u);
  }
  if (k_to == 0u) {
    return floatBitsToUint(float(whole));
  }
  if (k_to == 1u) {
    return float_to_half(float(whole));
  }
  return k_to == 2u ? uint(whole) : uint(whole) & 255u;
}

void main() {
  uint i = invocation_index();
  if (i >= push.word_count) {
    return;
  }
  uint word = 0u;
  uint lanes = lanes_log2(k_to);
  if (lanes == 0u) {
    word = convert(i);
  } else if (lanes == 1u) {
    word = convert(2u * i) | (convert(2u * i + 1u) << 16);
  } else {
    word = convert(4u * i) | (convert(4u * i + 1u) << 8) | (convert(4u * i + 2u) << 16) | (convert(4u * i + 3u) << 24);
  }
  result.words[i] = word;
}
