// Reading operands as 32-bit words or as quads of words, in two builds. LOAD_TEXEL: storage texel buffers, which Mesa 22
// reads inline while it loops over the lanes for a storage buffer (several times slower on CPU devices). Otherwise
// storage buffers. Bits pass unchanged on both ways.
//
//   WORDS(binding, name), QUADS(binding, name)   declare a read-only operand
//   WORD(name, index), QUAD(name, index)         uint or uvec4 at an index counted in words or quads
#ifndef VKNN_WORDS_GLSL
#define VKNN_WORDS_GLSL

#ifdef LOAD_TEXEL
// The masks keep the sign bit of the byte offset clear, which spares a sign extension for each lane.
#define WORDS(slot, name) layout(set = 0, binding = slot, r32f) readonly uniform imageBuffer name##_texel1;
#define QUADS(slot, name) layout(set = 0, binding = slot, rgba32f) readonly uniform imageBuffer name##_texel4;
#define WORD(name, index) floatBitsToUint(imageLoad(name##_texel1, int((index) & 0x1fffffffu)).x)
#define QUAD(name, index) floatBitsToUint(imageLoad(name##_texel4, int((index) & 0x07ffffffu)))
#else
#define WORDS(slot, name) layout(set = 0, binding = slot) readonly buffer name##_block { uint name##_words[]; };
#define QUADS(slot, name) layout(set = 0, binding = slot) readonly buffer name##_block { uvec4 name##_quads[]; };
#define WORD(name, index) name##_words[index]
#define QUAD(name, index) name##_quads[index]
#endif

#endif
