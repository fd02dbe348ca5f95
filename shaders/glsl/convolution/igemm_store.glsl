// The end of igemm_forward.comp: bias, residual, activation and the way of each sum into the output.

float own_bias[4u * k_rows];

float finish(float sum, uint row, uint at) {
  float r = 0.0;
  if (k_has_residual) {
    r = LOAD1(residual, at);
  }
  return epilogue_value(sum, own_bias[row], r);
}

void store_floats(uint column_first, uint filter_first, uint channel_base) {
  [[unroll]] for (uint c = 0u; c < k_cols; c++) {
    [[unroll]] for (uint i = 0u; i < 4u; i++) {
      uint column = column_first + piece_n(c) + i;
      if (column < push.columns) {
        uvec4 place = column_place(column);
        [[unroll]] for (uint row = 0u; row < 4u * k_rows; row++) {
          uint index = filter_first + piece_m(row / 4u) + row % 4u;
          if (index < push.group_filters && phase_holds(place.yzw)) {
            uint at = place.x * push.output_n +
              epilogue_offset(phase_channel(channel_base + index), place.y, place.z, place.w,
                push.output_c, push.output_d, push.output_h, push.output_w);
            STORE1(result, at, finish(sums[row * k_cols + c][i], row, at));
          }
        }
      }
    }
  }
}

// Four columns are neighbors in memory: channel-first, rows without gaps, pixels a multiple of 4, no shuffle.
void store_columns(uint column_first, uint filter_first, uint channel_base) {
  [[unroll]] for (uint c = 0u; c < k_cols; c++) {
    uint column = column_first + piece_n(c);
    if (column < push.columns) {
      uint n = divide(column, push.pixels_multiplier, push.shifts & 31u);
      uint base = n * push.output_n + column - n * push.pixels;
      [[unroll]] for (uint row = 0u; row < 4u * k_rows; row++) {
        uint index = filter_first + piece_m(row / 4u) + row % 4u;
        if (index < push.group_filters) {
          uint at = base + (channel_base + index) * push.output_c;
          vec4 y;
          [[unroll]] for (uint i = 0u; i < 4u; i++) {
            y[i] = finish(sums[row * k_cols + c][i], row, at + i);
          }
          STORE4(result, at >> 2, y);
        }
      }
    }
  }
}

// Four filters are neighbors in memory: channel-last, channels of a group a multiple of 4, no shuffle.
void store_channels(uint column_first, uint filter_first, uint channel_base) {
  [[unroll]] for (uint c = 0u; c < k_cols; c++) {
    [[unroll]] for (uint i = 0u; i < 4u; i++) {
      uint column = column_first + piece_n(c) + i;
      if (column < push.columns) {
        uvec4 place = column_place(column);
        uint base = place.x * push.output_n + place.y * push.output_d + place.z * push.output_h +
          place.w * push.output_w;
        [[unroll]] for (uint r = 0u; r < k_rows; r++) {
          uint index = filter_first + piece_m(r);
          if (index < push.group_filters) {
            uint at = base + channel_base + index;
            vec4 y;
            [[unroll]] for (uint j = 0u; j < 4u; j++) {
              uint row = r * 4u + j;
              y[j] = finish(sums[row * k_cols + c][i], row, at + j);
            }
            STORE4(result, at >> 2, y);
          }
        }
      }
    }
  }
}

// Sums of some of the taps: [filter, phase][column] behind `base`.
void store_part(uint column_first, uint filter_first, uint base, uint channel_base) {
  [[unroll]] for (uint c = 0u; c < k_cols; c++) {
    [[unroll]] for (uint i = 0u; i < 4u; i++) {
      uint column = column_first + piece_n(c) + i;
      [[unroll]] for (uint row = 0u; row < 4u * k_rows; row++) {
        uint index = filter_first + piece_m(row / 4u) + row % 4u;
        if (column < push.columns && index < push.group_filters) {
          STORE1(result, base + phase_channel(channel_base + index) * push.columns + column, sums[row * k_cols + c][i]);
        }
      }
    }
  }
}
