// Buffer access of the kernels that compute in float32, in three builds from one source. Operands are float32, or float16
// where a constant says so: k_half_NAME, which planning sets for operands that are stored so (src/kernels/widen.ts).
//
// LOAD_TEXEL: storage texel buffers (imageBuffer). Mesa 22 compiles an image load inline, as eight 128-bit loads and a
// transpose, while it calls a function for every samplerBuffer fetch and runs a loop over the lanes for a storage
// buffer. Out-of-range reads give 0. LOAD_STORAGE: storage buffers. LOAD_ADDRESS: buffer references; the kernel's push
// block then begins with one uint64_t NAME_address per binding. Offsets count elements: vec4s for 4, floats for 1.
//
//   INPUT4(binding, name)      declares a read-only operand of vec4s (name_texel4)
//   INPUT1(binding, name)      declares a read-only operand of floats (name_texel1)
//   INPUT14(binding, again, name)  an operand that is read as floats and as vec4s, which takes a second binding `again` in the
//                              build with texels
//   LOAD4(name, index)         vec4 at index
//   LOAD1(name, index)         float at index
//   OUTPUT4(binding, name)     declares a write-only result, seen as vec4s
//   STORE4(name, index, value) vec4 at index: Mesa 22 stores lane by lane, so a vec4 costs little more than a float
//   STORE2(name, index, value) vec2 at index, in vec2s; only with STORE_PAIRS
//   STORE1(name, index, value) float at index
//   STORE8(name, index, a, b)  two vec4s at index, in pairs of them; only with STORE_PAIRS and STORE_OCTETS
//
// STORE_PAIRS, defined before this file, makes STORE4 store 64-bit integers: the kernel must enable the extension for them.
// STORE_SHORTS: single halves are stored as such; else in two atomic steps that leave the other half of the word alone.
#ifndef VKNN_CPU_LOAD_GLSL
#define VKNN_CPU_LOAD_GLSL

#include "lib/half.glsl"

// The constant's number tells the binding (shaders/build/reflect.ts).
#define HALF_OPERAND(slot, name) layout(constant_id = 64 + slot) const bool k_half_##name = false;

#define LOAD4(name, index) name##_load4(index)
#define LOAD1(name, index) name##_load1(index)
#define STORE8(name, index, a, b) name##_store8(index, a, b)
#define STORE4(name, index, value) name##_store4(index, value)
#define STORE2(name, index, value) name##_store2(index, value)
#define STORE1(name, index, value) name##_store1(index, value)

#if defined(LOAD_ADDRESS)

layout(buffer_reference, std430, buffer_reference_align = 16) readonly buffer input4_reference {
  vec4 data[];
};
layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer input1_reference {
  float data[];
};
layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer pairs_reference {
  uvec2 data[];
};
layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer words_reference {
  uint data[];
};
layout(buffer_reference, std430, buffer_reference_align = 16) writeonly buffer output4_reference {
  vec4 data[];
};
layout(buffer_reference, std430, buffer_reference_align = 8) writeonly buffer output2_reference {
  vec2 data[];
};
layout(buffer_reference, std430, buffer_reference_align = 8) writeonly buffer narrow4_reference {
  uvec2 data[];
};
layout(buffer_reference, std430, buffer_reference_align = 4) buffer halves_reference {
  uint data[];
};
#define INPUT_QUADS(name) \
  vec4 name##_load4(uint index) { \
    if (k_half_##name) { \
      return halves_to_floats(pairs_reference(push.name##_address).data[index]); \
    } \
    return input4_reference(push.name##_address).data[index]; \
  }
#define INPUT_FLOATS(name) \
  float name##_load1(uint index) { \
    if (k_half_##name) { \
      return half_of(words_reference(push.name##_address).data[index >> 1], index); \
    } \
    return input1_reference(push.name##_address).data[index]; \
  }
#define INPUT4(slot, name) HALF_OPERAND(slot, name) INPUT_QUADS(name)
#define INPUT1(slot, name) HALF_OPERAND(slot, name) INPUT_FLOATS(name)
#define INPUT14(slot, again, name) HALF_OPERAND(slot, name) INPUT_QUADS(name) INPUT_FLOATS(name)
#define WRITE4(name, index, value) output4_reference(push.name##_address).data[index] = (value)
#define WRITE2(name, index, value) output2_reference(push.name##_address).data[index] = (value)
#define WRITE8(name, index, a, b) WRITE4(name, (index) * 2u, a); WRITE4(name, (index) * 2u + 1u, b)
#define WRITE1(name, index, value) output4_reference(push.name##_address).data[(index) >> 2u][(index) & 3u] = (value)
#define WRITE_NARROW4(name, index, value) narrow4_reference(push.name##_address).data[index] = (value)
#define HALVES(name) halves_reference(push.name##_address).data
#define OUTPUT4(slot, name) HALF_OPERAND(slot, name) OUTPUT_STORES(name)

#else

#if defined(LOAD_TEXEL)

// The mask keeps the sign bit of the byte offset clear, which spares eight sign extensions a load.
#define INPUT_QUADS(slot, name, half) \
  layout(set = 0, binding = slot, rgba32f) readonly uniform imageBuffer name##_texel4; \
  vec4 name##_load4(uint index) { \
    vec4 texel = imageLoad(name##_texel4, int((half ? index >> 1 : index) & 0x07ffffffu)); \
    if (half) { \
      return halves_to_floats(floatBitsToUint((index & 1u) == 0u ? texel.xy : texel.zw)); \
    } \
    return texel; \
  }
#define INPUT4(slot, name) HALF_OPERAND(slot, name) INPUT_QUADS(slot, name, k_half_##name)
#define INPUT1(slot, name) HALF_OPERAND(slot, name) \
  layout(set = 0, binding = slot, r32f) readonly uniform imageBuffer name##_texel1; \
  float name##_load1(uint index) { \
    float texel = imageLoad(name##_texel1, int((k_half_##name ? index >> 1 : index) & 0x1fffffffu)).x; \
    return k_half_##name ? half_of(floatBitsToUint(texel), index) : texel; \
  }
#define INPUT14(slot, again, name) \
  INPUT1(slot, name) HALF_OPERAND(again, again_##name) INPUT_QUADS(again, name, k_half_again_##name)

#else

#define INPUT_FLOATS(slot, name) \
  layout(set = 0, binding = slot, std430) readonly buffer name##_block { float name##_data[]; }; \
  layout(set = 0, binding = slot, std430) readonly buffer name##_words_block { uint name##_words[]; }; \
  float name##_load1(uint index) { \
    if (k_half_##name) { \
      return half_of(name##_words[index >> 1], index); \
    } \
    return name##_data[index]; \
  }
#define INPUT_QUADS(slot, name) \
  layout(set = 0, binding = slot, std430) readonly buffer name##_quads_block { vec4 name##_quads[]; }; \
  layout(set = 0, binding = slot, std430) readonly buffer name##_pairs_block { uvec2 name##_pairs[]; }; \
  vec4 name##_load4(uint index) { \
    if (k_half_##name) { \
      return halves_to_floats(name##_pairs[index]); \
    } \
    return name##_quads[index]; \
  }
#define INPUT4(slot, name) HALF_OPERAND(slot, name) INPUT_QUADS(slot, name)
#define INPUT1(slot, name) HALF_OPERAND(slot, name) INPUT_FLOATS(slot, name)
#define INPUT14(slot, again, name) HALF_OPERAND(slot, name) INPUT_QUADS(slot, name) INPUT_FLOATS(slot, name)

#endif

#if defined(STORE_PAIRS)

u64vec2 two_pairs(vec4 value) {
  return u64vec2(packUint2x32(floatBitsToUint(value.xy)), packUint2x32(floatBitsToUint(value.zw)));
}

// Two 64-bit halves instead of four floats: half the work of Mesa's loop over the lanes.
#define OUTPUT_PAIRS(slot, name) \
  layout(set = 0, binding = slot, std430) writeonly buffer name##_block { vec4 name##_data[]; }; \
  layout(set = 0, binding = slot, std430) writeonly buffer name##_pair_block { u64vec2 name##_pairs[]; };
#if defined(STORE_OCTETS)
#define OUTPUT_VIEWS(slot, name) OUTPUT_PAIRS(slot, name) \
  layout(set = 0, binding = slot, std430) writeonly buffer name##_octet_block { u64vec4 name##_octets[]; };
#define WRITE8(name, index, a, b) name##_octets[index] = u64vec4(two_pairs(a), two_pairs(b))
#else
#define OUTPUT_VIEWS(slot, name) OUTPUT_PAIRS(slot, name)
#endif
#define WRITE4(name, index, value) name##_pairs[index] = two_pairs(value)
#define WRITE2(name, index, value) name##_pairs[(index) >> 1u][(index) & 1u] = packUint2x32(floatBitsToUint(value))
#define WRITE1(name, index, value) name##_data[(index) >> 2u][(index) & 3u] = (value)
#define WRITE_NARROW4(name, index, value) name##_pairs[(index) >> 1u][(index) & 1u] = packUint2x32(value)

#else

#define OUTPUT_VIEWS(slot, name) \
  layout(set = 0, binding = slot, std430) writeonly buffer name##_block { vec4 name##_data[]; }; \
  layout(set = 0, binding = slot, std430) writeonly buffer name##_floats_block { float name##_floats[]; }; \
  layout(set = 0, binding = slot, std430) writeonly buffer name##_narrow_block { uvec2 name##_narrow[]; };
#define WRITE4(name, index, value) name##_data[index] = (value)
#define WRITE1(name, index, value) name##_floats[index] = (value)
#define WRITE_NARROW4(name, index, value) name##_narrow[index] = (value)

#endif

#define HALVES(name) name##_halves
#define OUTPUT4(slot, name) HALF_OPERAND(slot, name) \
  OUTPUT_VIEWS(slot, name) \
  OUTPUT_HALVES(slot, name) \
  OUTPUT_STORES(name)

#endif

#if defined(STORE_SHORTS)
#define OUTPUT_HALVES(slot, name) \
  layout(set = 0, binding = slot, std430) writeonly buffer name##_halves_block { uint16_t name##_halves[]; };
#define WRITE_HALF(name, index, value) HALVES(name)[index] = uint16_t(value)
#else
#define OUTPUT_HALVES(slot, name) \
  layout(set = 0, binding = slot, std430) buffer name##_halves_block { uint name##_halves[]; };
#define WRITE_HALF(name, index, value) \
  atomicAnd(HALVES(name)[(index) >> 1], 0xffff0000u >> (((index) & 1u) << 4)); \
  atomicOr(HALVES(name)[(index) >> 1], (value) << (((index) & 1u) << 4))
#endif

#if defined(STORE_PAIRS)
#define OUTPUT_STORE2(name) \
  void name##_store2(uint index, vec2 value) { \
    if (k_half_##name) { \
      HALVES(name)[index] = floats_to_halves(value); \
    } else { \
      WRITE2(name, index, value); \
    } \
  }
#else
#define OUTPUT_STORE2(name)
#endif

#if defined(STORE_OCTETS)
#define OUTPUT_STORE8(name) \
  void name##_store8(uint index, vec4 a, vec4 b) { \
    if (k_half_##name) { \
      WRITE_NARROW8(name, index, floats_to_halves(a), floats_to_halves(b)); \
    } else { \
      WRITE8(name, index, a, b); \
    } \
  }
#if defined(LOAD_ADDRESS)
#define WRITE_NARROW8(name, index, a, b) WRITE4(name, index, uintBitsToFloat(uvec4(a, b)))
#else
#define WRITE_NARROW8(name, index, a, b) name##_pairs[index] = u64vec2(packUint2x32(a), packUint2x32(b))
#endif
#else
#define OUTPUT_STORE8(name)
#endif

// What a kernel does not call is not compiled.
#define OUTPUT_STORES(name) OUTPUT_STORE2(name) OUTPUT_STORE8(name) \
  void name##_store4(uint index, vec4 value) { \
    if (k_half_##name) { \
      WRITE_NARROW4(name, index, floats_to_halves(value)); \
    } else { \
      WRITE4(name, index, value); \
    } \
  } \
  void name##_store1(uint index, float value) { \
    if (k_half_##name) { \
      uint narrow = float_to_half(value); \
      WRITE_HALF(name, index, narrow); \
    } else { \
      WRITE1(name, index, value); \
    } \
  }

#endif
