// The operands of igemm_forward.comp on their way from buffers over registers into shared memory.

// Image, d, h, w of a column.
uvec4 column_place(uint column) {
  uint n = divide(column, push.pixels_multiplier, push.shifts & 31u);
  uint pixel = column - n * push.pixels;
  uint row = divide(pixel, push.out_w_multiplier, (push.shifts >> 10) & 31u);
  uint d = divide(row, push.out_h_multiplier, (push.shifts >> 5) & 31u);
  return uvec4(n, d, row - d * push.out_h, pixel - row * push.out_w);
}

uint own_column(uint i) {
  if (k_load == 1u) {
    return thread / k_quads_k + i * (k_threads / k_quads_k);
  }
  if (k_load == 2u) {
    return (thread % k_quads_n) * 4u;
  }
  return k_tile_n > k_threads ? thread + i * k_threads : thread % k_tile_n;
}

// Whether the window position of own column i lies in the input; adds its offset to `at`.
bool locate(uint i, uvec3 tap, inout uint at) {
  uvec3 place = k_transposed ? own_first[i] - tap * k_dilations : own_first[i] + tap * k_dilations;
  at += place.x * push.input_d + place.y * push.input_h + place.z * push.input_w;
  return !k_bounds || (place.x < push.in_d && place.y < push.in_h && place.z < push.in_w);
}

float read_float(uint i, uint row, uint step_first) {
  uint channel = channel_first + row;
  uvec3 tap = position;
  if (!k_position_major) {
    uint index = step_first + row;
    channel = index / k_taps;
    uint rest = index - channel * k_taps;
    tap = uvec3(rest / (k_kernel_h * k_kernel_w), rest / k_kernel_w % k_kernel_h, rest % k_kernel_w);
  }
  uint at = own_base[i] + channel * push.input_c;
  bool inside = locate(i, tap, at) && channel < push.group_channels;
  float x = LOAD1(source, inside ? at : own_base[i]);
  return inside ? x : 0.0;
}

vec4 read_quad(uint i, uint channel) {
  uint at = own_base[i] + channel * push.input_c;
  bool inside = locate(i, position, at) && channel < push.group_channels;
  vec4 x = LOAD4(source, (inside ? at : own_base[i]) >> 2);
  return inside ? x : vec4(0.0);
}

// Begins at a later step (position-major order has walked through the positions before it).
void start_at(uint step_index) {
  if (k_position_major) {
    uint length = position_steps();
    uint tap = step_index / length;
    channel_first = (step_index - tap * length) * k_tile_k;
    position = uvec3(tap / (phase_taps.y * phase_taps.z), tap / phase_taps.z % phase_taps.y, tap % phase_taps.z);
  }
}

void load_next(uint step_index, uint weight_base) {
  uint weight_row = k_transposed ? phase_row(position, channel_first) : step_index * k_tile_k;
  [[unroll]] for (uint i = 0u; i < k_loads_m; i++) {
    uint unit = thread + i * k_threads;
    uint row = unit / (k_tile_m / 4u);
    if (k_units_m % k_threads == 0u || unit < k_units_m) {
      uint stride = push.tiles_m * (k_tile_m / 4u);
      next_m[i] = weight.quads[weight_base + (weight_row + row) * stride + unit % (k_tile_m / 4u)];
    }
  }
  [[unroll]] for (uint i = 0u; i < k_loads_n; i++) {
    if (k_load == 1u) {
      next_n[i] = read_quad(i, channel_first + (thread % k_quads_k) * 4u);
    } else if (k_load == 2u) {
      next_n[i] = read_quad(0u, channel_first + thread / k_quads_n + i * (k_threads / k_quads_n));
    } else {
      [[unroll]] for (uint j = 0u; j < 4u; j++) {
        uint e = i * 4u + j;
        uint row = k_tile_n > k_threads ? e / k_wide : thread / k_tile_n + e * k_step_rows;
        next_n[i][j] = read_float(e % k_wide, row, step_index * k_tile_k);
      }
    }
  }
  if (k_position_major) {
    channel_first += k_tile_k;
    if (channel_first >= push.group_channels) {
      channel_first = 0u;
      position.z++;
      if (position.z == phase_taps.z) {
        position.z = 0u;
        position.y++;
        if (position.y == phase_taps.y) {
          position.y = 0u;
          position.x++;
        }
      }
    }
  }
}

void store_next(uint half_index) {
  uint base_m = half_index * k_tile_k * k_row_m;
  uint base_n = half_index * k_tile_k * k_row_n;
  [[unroll]] for (uint i = 0u; i < k_loads_m; i++) {
    uint unit = thread + i * k_threads;
    if (k_units_m % k_threads == 0u || unit < k_units_m) {
      tile_m[base_m + unit / (k_tile_m / 4u) * k_row_m + unit % (k_tile_m / 4u)] = next_m[i];
    }
  }
  [[unroll]] for (uint i = 0u; i < k_loads_n; i++) {
    if (k_load == 2u) {
      uint row = thread / k_quads_n + i * (k_threads / k_quads_n);
      tile_n[base_n + row * k_row_n + thread % k_quads_n] = next_n[i];
    } else {
      [[unroll]] for (uint j = 0u; j < 4u; j++) {
        uint e = i * 4u + j;
        uint column = own_column(k_load == 1u ? i : e % k_wide);
        uint row = k_tile_n > k_threads ? e / k_wide : thread / k_tile_n + e * k_step_rows;
        row = k_load == 1u ? (thread % k_quads_k) * 4u + j : row;
        tile_n[base_n + row * k_row_n + column / 4u][column % 4u] = next_n[i][j];
      }
    }
  }
}
