// Conv1D to Conv3DTranspose in all rows of a random table: ncnn's channels, odd sizes, groups, dilation, output padding, both
// layouts, both dtypes.

import { convolutionLayerCases } from "../cases/layer_convolution.ts";
import { layerTable } from "./layer_table.ts";

layerTable("convolution", [
  ...convolutionLayerCases(1, 3, 36),
  ...convolutionLayerCases(2, 3, 40),
  ...convolutionLayerCases(3, 2, 40),
]);
