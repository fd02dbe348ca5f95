// Every family's attribute table, in one list.

import { activationCases } from "./activation.ts";
import { argmaxCases } from "./argmax.ts";
import type { OperatorCase } from "./case.ts";
import { castCases } from "./cast.ts";
import { comparisonCases } from "./comparison.ts";
import { concatCases } from "./concat.ts";
import { convolutionCases } from "./convolution.ts";
import { crossEntropyCases } from "./cross_entropy.ts";
import { deformableConvolutionCases } from "./deformable_convolution.ts";
import { dropoutCases } from "./dropout.ts";
import { elementwiseCases } from "./elementwise.ts";
import { padOperatorCases } from "./pad.ts";
import { functionCases } from "./function.ts";
import { indexingCases } from "./indexing.ts";
import { leakyReluCases } from "./leaky_relu.ts";
import { matmulCases } from "./matmul.ts";
import { normalizationCases } from "./normalization.ts";
import { pixelShuffleCases } from "./pixel_shuffle.ts";
import { reduceCases } from "./reduce.ts";
import { sliceCases } from "./slice.ts";
import { softmaxCases } from "./softmax.ts";
import { transposeCases } from "./transpose.ts";
import { upSamplingCases } from "./up_sampling.ts";

/** Cases by operator family. */
export const operatorCases: Readonly<Record<string, readonly OperatorCase[]>> = {
  activation: activationCases,
  argmax: argmaxCases,
  cast: castCases,
  comparison: comparisonCases,
  concat: concatCases,
  convolution: convolutionCases,
  cross_entropy: crossEntropyCases,
  deformable_convolution: deformableConvolutionCases,
  dropout: dropoutCases,
  elementwise: elementwiseCases,
  normalization: normalizationCases,
  pad: padOperatorCases,
  function: functionCases,
  indexing: indexingCases,
  leaky_relu: leakyReluCases,
  matmul: matmulCases,
  pixel_shuffle: pixelShuffleCases,
  reduce: reduceCases,
  slice: sliceCases,
  softmax: softmaxCases,
  transpose: transposeCases,
  up_sampling: upSamplingCases,
};
