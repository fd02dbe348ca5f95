// Operands of the deformable kernels, in two builds. LOAD_TEXEL: storage texel buffers, which Mesa 22 reads inline while
// it loops over the lanes for a storage buffer. LOAD_STORAGE: storage buffers. Indices count elements: vec4s or floats.
//
//   INPUT4(binding, name), LOAD4(name, index)     operand of vec4s
//   INPUT1(binding, name), LOAD1(name, index)     operand of floats
//   OUTPUT(binding, name)                         result, written (and read where a kernel adds to it) by
//   STORE4(name, index, v), STORE1(name, index, v), READ1(name, index)
#ifndef VKNN_DEFORMABLE_OPERANDS_GLSL
#define VKNN_DEFORMABLE_OPERANDS_GLSL

#ifdef LOAD_TEXEL
// The masks keep the sign bit of the byte offset clear, which spares sign extensions.
#define INPUT4(slot, name) layout(set = 0, binding = slot, rgba32f) readonly uniform imageBuffer name##_texel4;
#define INPUT1(slot, name) layout(set = 0, binding = slot, r32f) readonly uniform imageBuffer name##_texel1;
#define LOAD4(name, index) imageLoad(name##_texel4, int((index) & 0x07ffffffu))
#define LOAD1(name, index) imageLoad(name##_texel1, int((index) & 0x1fffffffu)).x
#else
#define INPUT4(slot, name) layout(set = 0, binding = slot, std430) readonly buffer name##_block { vec4 name##_data[]; };
#define INPUT1(slot, name) layout(set = 0, binding = slot, std430) readonly buffer name##_block { float name##_data[]; };
#define LOAD4(name, index) name##_data[index]
#define LOAD1(name, index) name##_data[index]
#endif

#define OUTPUT(slot, name) \
  layout(set = 0, binding = slot, std430) buffer name##_block { float name##_floats[]; }; \
  layout(set = 0, binding = slot, std430) buffer name##_quad_block { vec4 name##_quads[]; };
#define STORE4(name, index, value) name##_quads[index] = (value)
#define STORE1(name, index, value) name##_floats[index] = (value)
#define READ1(name, index) name##_floats[index]

#endif
