// What matrix products have in common whose operands lie in shared memory: which part of the tile an invocation makes,
// and the products of one step.

uint thread_m; // place of this invocation among those of the tile
uint thread_n;
vec4 sums[4u * k_rows * k_cols]; // [filter][piece of four columns]

// First of four neighboring filters (columns) of piece i, counted within the workgroup's tile.
uint piece_m(uint i) {
  return (i * k_threads_m + thread_m) * 4u;
}

uint piece_n(uint i) {
  return (i * k_threads_n + thread_n) * 4u;
}

// Gives 32 neighboring invocations a block of 4 x 8 pieces, so that together they read few different quads, and lays
// neighbors so that pairs of them read the same: what a wide shared read serves at once.
void place_thread() {
  thread_m = thread / k_threads_n;
  thread_n = thread % k_threads_n;
  if (k_threads_m % 4u == 0u && k_threads_n % 8u == 0u) {
    uint block = thread / 32u;
    uint lane = thread % 32u;
    thread_m = block / (k_threads_n / 8u) * 4u + lane / 16u * 2u + lane % 2u;
    thread_n = block % (k_threads_n / 8u) * 8u + lane / 2u % 8u;
  }
}

void multiply(uint half_index) {
  uint base_m = half_index * k_tile_k * k_row_m + thread_m;
  uint base_n = half_index * k_tile_k * k_row_n + thread_n;
  for (uint first = 0u; first < k_tile_k; first += k_unroll) {
    [[unroll]] for (uint i = 0u; i < k_unroll; i++) {
      uint k = first + i;
      vec4 x[k_cols];
      [[unroll]] for (uint c = 0u; c < k_cols; c++) {
        x[c] = tile_n[base_n + k * k_row_n + c * k_threads_n];
      }
      [[unroll]] for (uint r = 0u; r < k_rows; r++) {
        vec4 y = tile_m[base_m + k * k_row_m + r * k_threads_m];
        [[unroll]] for (uint j = 0u; j < 4u; j++) {
          [[unroll]] for (uint c = 0u; c < k_cols; c++) {
            sums[(r * 4u + j) * k_cols + c] += y[j] * x[c];
          }
        }
      }
    }
  }
}
