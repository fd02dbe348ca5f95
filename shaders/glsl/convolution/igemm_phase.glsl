// The phases of a transposed convolution: results at phase, phase + stride, phase + 2 stride … of an axis have the taps
// tap, tap + stride, tap + 2 stride … of the kernel, and the next of them reads one element before.

const uvec3 k_kernels = uvec3(k_kernel_d, k_kernel_h, k_kernel_w);
const uvec3 k_strides = uvec3(k_stride_d, k_stride_h, k_stride_w);
const uvec3 k_paddings = uvec3(k_padding_d, k_padding_h, k_padding_w);
const uvec3 k_dilations = uvec3(k_dilation_d, k_dilation_h, k_dilation_w);
const uint k_phases = k_transposed ? k_stride_d * k_stride_h * k_stride_w : 1u;

uvec3 phase = uvec3(0u); // own one on each axis
uvec3 phase_tap = uvec3(0u); // its first tap
uvec3 phase_taps = k_kernels; // how many it has
uvec3 phase_first = uvec3(0u); // element under its first tap at its first result

// Phases in the order of their first tap, which is that of their work: what takes longest begins first.
void place_phase(uint index) {
  phase_tap = uvec3(index / (k_stride_h * k_stride_w), index / k_stride_w % k_stride_h, index % k_stride_w);
  phase_taps = (max(k_kernels, phase_tap) - phase_tap + k_strides - 1u) / k_strides;
  phase = (phase_tap + k_strides - k_paddings % k_strides) % k_strides;
  phase_first = (phase + k_paddings - phase_tap) / k_strides;
}

// Steps of one kernel position (position-major order).
uint position_steps() {
  return (push.group_channels + k_tile_k - 1u) / k_tile_k;
}

uint phase_steps() {
  return phase_taps.x * phase_taps.y * phase_taps.z * position_steps();
}

// Row of the packed weight where a kernel position of the own phase and a channel lie.
uint phase_row(uvec3 at, uint channel) {
  uvec3 tap = phase_tap + at * k_strides;
  return ((tap.x * k_kernel_h + tap.y) * k_kernel_w + tap.z) * position_steps() * k_tile_k + channel;
}

// Channel of the joined results of all phases, as a pixel shuffle takes them.
uint phase_channel(uint channel) {
  return k_transposed ? channel * k_phases + (phase.x * k_stride_h + phase.y) * k_stride_w + phase.z : channel;
}

// Whether a place of the own phase lies in the result.
bool phase_holds(uvec3 place) {
  uvec3 at = place * k_strides + phase;
  return !k_transposed || (at.x < push.full_d && at.y < push.full_h && at.z < push.full_w);
}
