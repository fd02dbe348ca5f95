// Brings the cache lines of a result into the cache before they are written.
//
// Mesa's loop over the lanes makes seven stores for every one to memory, so that the processor's store queue holds two or
// three cache lines: a store that misses stops everything behind it. Loads wait side by side. Kernels on a CPU device
// therefore read a word of each line that they will write, lane by lane another line; only in the build with texel loads,
// where a load is cheap.
// What was read must look useful: a store that never happens asks for it.
#ifndef VKNN_CPU_TOUCH_GLSL
#define VKNN_CPU_TOUCH_GLSL

uint touched = 0u;

//   TOUCHABLE(binding, name)  declares the operand that is read: the result's buffer once more
//   TOUCH(name, index)        reads vec4 `index` of it
#if defined(LOAD_TEXEL)
#define TOUCHABLE(slot, name) INPUT4(slot, name)
#define TOUCH(name, index) touched |= floatBitsToUint(LOAD4(name, index).x)
#else
#define TOUCHABLE(slot, name)
#define TOUCH(name, index)
#endif

// At the end of main: `name` is the result.
#define TOUCHED(name) \
  if ((touched & (gl_LocalInvocationIndex >> 20u)) != 0u) { \
    STORE1(name, 0u, 0.0); \
  }

#endif
