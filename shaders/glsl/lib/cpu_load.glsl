// Buffer access of the CPU-device kernels, in three builds from one source.
//
// LOAD_TEXEL: storage texel buffers (imageBuffer). Mesa 22 compiles an image load inline, as eight 128-bit loads and a
// transpose, while it calls a function for every samplerBuffer fetch and runs a loop over the lanes for a storage
// buffer. Out-of-range reads give 0. LOAD_STORAGE: storage buffers. LOAD_ADDRESS: buffer references; the kernel's push
// block then begins with one uint64_t NAME_address per binding. Offsets count elements: vec4s for 4, floats for 1.
//
//   INPUT4(binding, name)      declares a read-only operand of vec4s (name_texel4)
//   INPUT1(binding, name)      declares a read-only operand of floats (name_texel1)
//   INPUT14(binding, again, name)  an operand of floats that is read as vec4s as well, which takes a second binding `again` in
//                              the build with texels; LOAD14(name, index) is its vec4 at index
//   LOAD4(name, index)         vec4 at index
//   LOAD1(name, index)         float at index
//   OUTPUT4(binding, name)     declares a write-only result, seen as vec4s
//   STORE4(name, index, value) vec4 at index: Mesa 22 stores lane by lane, so a vec4 costs little more than a float
//   STORE2(name, index, value) vec2 at index, in vec2s; only with STORE_PAIRS
//   STORE1(name, index, value) float at index
//   STORE8(name, index, a, b)  two vec4s at index, in pairs of them; only with STORE_PAIRS and STORE_OCTETS
//
// STORE_PAIRS, defined before this file, makes STORE4 store 64-bit integers: the kernel must enable the extension for them.
#ifndef VKNN_CPU_LOAD_GLSL
#define VKNN_CPU_LOAD_GLSL

#if defined(LOAD_ADDRESS)

layout(buffer_reference, std430, buffer_reference_align = 16) readonly buffer input4_reference {
  vec4 data[];
};
layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer input1_reference {
  float data[];
};
layout(buffer_reference, std430, buffer_reference_align = 16) writeonly buffer output4_reference {
  vec4 data[];
};
layout(buffer_reference, std430, buffer_reference_align = 8) writeonly buffer output2_reference {
  vec2 data[];
};
#define INPUT4(slot, name)
#define INPUT1(slot, name)
#define INPUT14(slot, again, name)
#define OUTPUT4(slot, name)
#define LOAD4(name, index) input4_reference(push.name##_address).data[index]
#define LOAD1(name, index) input1_reference(push.name##_address).data[index]
#define LOAD14(name, index) LOAD4(name, index)
#define STORE4(name, index, value) output4_reference(push.name##_address).data[index] = (value)
#define STORE2(name, index, value) output2_reference(push.name##_address).data[index] = (value)
#define STORE8(name, index, a, b) STORE4(name, (index) * 2u, a); STORE4(name, (index) * 2u + 1u, b)
#define STORE1(name, index, value) output4_reference(push.name##_address).data[(index) >> 2u][(index) & 3u] = (value)

#else

#if defined(LOAD_TEXEL)

// The mask keeps the sign bit of the byte offset clear, which spares eight sign extensions a load.
#define INPUT4(slot, name) layout(set = 0, binding = slot, rgba32f) readonly uniform imageBuffer name##_texel4;
#define INPUT1(slot, name) layout(set = 0, binding = slot, r32f) readonly uniform imageBuffer name##_texel1;
#define INPUT14(slot, again, name) INPUT1(slot, name) INPUT4(again, name)
#define LOAD14(name, index) LOAD4(name, index)
#define LOAD4(name, index) imageLoad(name##_texel4, int((index) & 0x07ffffffu))
#define LOAD1(name, index) imageLoad(name##_texel1, int((index) & 0x1fffffffu)).x

#else

#define INPUT4(slot, name) layout(set = 0, binding = slot, std430) readonly buffer name##_block { vec4 name##_data[]; };
#define INPUT1(slot, name) layout(set = 0, binding = slot, std430) readonly buffer name##_block { float name##_data[]; };
#define INPUT14(slot, again, name) \
  INPUT1(slot, name) \
  layout(set = 0, binding = slot, std430) readonly buffer name##_vector_block { vec4 name##_vectors[]; };
#define LOAD14(name, index) name##_vectors[index]
#define LOAD4(name, index) name##_data[index]
#define LOAD1(name, index) name##_data[index]

#endif

#if defined(STORE_PAIRS)

// Two 64-bit halves instead of four floats: half the work of Mesa's loop over the lanes.
#if defined(STORE_OCTETS)
#define OUTPUT4(slot, name) \
  layout(set = 0, binding = slot, std430) writeonly buffer name##_block { vec4 name##_data[]; }; \
  layout(set = 0, binding = slot, std430) writeonly buffer name##_pair_block { u64vec2 name##_pairs[]; }; \
  layout(set = 0, binding = slot, std430) writeonly buffer name##_octet_block { u64vec4 name##_octets[]; };
#define STORE8(name, index, a, b) name##_octets[index] = u64vec4(two_pairs(a), two_pairs(b))
#else
#define OUTPUT4(slot, name) \
  layout(set = 0, binding = slot, std430) writeonly buffer name##_block { vec4 name##_data[]; }; \
  layout(set = 0, binding = slot, std430) writeonly buffer name##_pair_block { u64vec2 name##_pairs[]; };
#endif
#define STORE4(name, index, value) name##_pairs[index] = two_pairs(value)
#define STORE2(name, index, value) name##_pairs[(index) >> 1u][(index) & 1u] = packUint2x32(floatBitsToUint(value))

u64vec2 two_pairs(vec4 value) {
  return u64vec2(packUint2x32(floatBitsToUint(value.xy)), packUint2x32(floatBitsToUint(value.zw)));
}

#else

#define OUTPUT4(slot, name) layout(set = 0, binding = slot, std430) writeonly buffer name##_block { vec4 name##_data[]; };
#define STORE4(name, index, value) name##_data[index] = (value)

#endif

#define STORE1(name, index, value) name##_data[(index) >> 2u][(index) & 3u] = (value)

#endif

#endif
