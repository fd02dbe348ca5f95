// Linear indices from a grid that the planner may have folded over three axes (src/kernels/grid.ts), since no axis may
// exceed 65,535 workgroups. The fold may overshoot: kernels compare the result with their own count.
#ifndef VKNN_GRID_GLSL
#define VKNN_GRID_GLSL

uint workgroup_index() {
  return (gl_WorkGroupID.z * gl_NumWorkGroups.y + gl_WorkGroupID.y) * gl_NumWorkGroups.x + gl_WorkGroupID.x;
}

uint invocation_index() {
  return workgroup_index() * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
}

// A zero that compilers cannot see through. Added to a push word it hides it from Mesa's inline-uniform pass, which
// compiles a shader anew for each value that a loop bound or a uniform branch takes.
uint opaque_zero() {
  return gl_LocalInvocationIndex >> 20;
}

#endif
