// Where the outputs of a lane of cpu_columns lie: 8 in all, in units of k_join side by side in a row, counted over (n, d, h,
// unit). The kernel declares before: k_join and the push words units, units_per_row, out_h, out_d.
#ifndef VKNN_COLUMNS_PLACE_GLSL
#define VKNN_COLUMNS_PLACE_GLSL

const uint k_units = 8u / k_join;

struct Place {
  uint image;
  uint d;
  uint h;
  uint w;
};

// Unit v of a run; behind the last, the last.
Place place_of(uint run, uint v) {
  uint unit = min(run * k_units + v, push.units - 1u);
  uint row = unit / push.units_per_row;
  uint plane = row / push.out_h;
  uint image = plane / push.out_d;
  return Place(image, plane - image * push.out_d, row - plane * push.out_h, (unit - row * push.units_per_row) * k_join);
}

#endif
