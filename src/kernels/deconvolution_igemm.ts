// Transposed convolution as one implicit matrix product on GPUs, in which every phase of the stride has its own taps: no
// products with zeros, and one kernel with work for the whole device.

import { type ConvolutionProblem, product, type Triple } from "./convolution_problem.ts";
import { planIgemmConvolution, type Transposed, transposedWork } from "./convolution_igemm.ts";
import { rankWork, type Tile, type TileChoice, tileFits, TILES } from "./convolution_tiles.ts";
import type { DeconvolutionProblem } from "./deconvolution_problem.ts";
import type { Capabilities, Plan } from "./plan.ts";

/** More phases than this leave each of them too little. */
const MOST_PHASES = 64;

/** The transposed convolution as the matrix product knows it: positions are those of the largest phase. */
function phased(problem: DeconvolutionProblem): ConvolutionProblem {
  const { weight, size, stride } = problem;
  return {
    ...problem,
    size: size.map((each, axis) => Math.ceil(each / stride[axis]!)) as unknown as Triple,
    // The leading axis of a transposed weight is the input channel.
    weight: { ...weight, n: weight.c, c: weight.n },
    shuffle: stride,
    residual: "none",
  };
}

/** Whether a tap of any phase may lie outside the input. */
function leavesInput(problem: DeconvolutionProblem): boolean {
  const { size, stride, padding, kernel, dilation, inputSize } = problem;
  return [0, 1, 2].some((axis) => {
    const step = stride[axis]!;
    for (let tap = 0; tap < Math.min(step, kernel[axis]!); tap++) {
      const phase = (tap + step - padding[axis]! % step) % step;
      const first = (phase + padding[axis]! - tap) / step;
      const taps = Math.ceil((kernel[axis]! - tap) / step);
      const last = Math.ceil(size[axis]! / step) - 1;
      if (first - (taps - 1) * dilation[axis]! < 0 || first + last >= inputSize[axis]!) return true;
    }
    return false;
  });
}

/**
 * Whether the kernel can run a transposed convolution.
 *
 * @param problem The transposed convolution; not empty.
 * @param capabilities The device.
 * @returns False where there is one phase, or where phases have distances between their taps.
 */
export function supportsPhasedIgemm(
  problem: DeconvolutionProblem,
  capabilities: Capabilities,
): boolean {
  const { stride, dilation, kernel, padding } = problem;
  const phases = product(stride);
  return phases > 1 && phases <= MOST_PHASES && padding.every((zeros) => zeros >= 0) &&
    stride.every((step, axis) => step === 1 || dilation[axis] === 1 || kernel[axis] === 1) &&
    TILES.some((tile) => tileFits(tile, capabilities));
}

/**
 * Estimates all tiles, each whole and split.
 *
 * @param capabilities The device.
 * @param problem A transposed convolution that the kernel can run.
 * @param tiles What to choose from.
 * @returns The choices, the least time first.
 */
export function rankPhasedIgemm(
  capabilities: Capabilities,
  problem: DeconvolutionProblem,
  tiles: readonly Tile[] = TILES,
): readonly TileChoice[] {
  const part = phased(problem);
  return rankWork(capabilities, tiles, (tile) => transposedWork(part, tile));
}

/**
 * Plans a transposed convolution as one implicit matrix product.
 *
 * @param capabilities The device.
 * @param problem A transposed convolution that the kernel can run.
 * @param choice The tile, and the parts into which the taps of a phase are split.
 * @returns One dispatch, or one for the parts and one for their sum.
 */
export function planPhasedIgemm(
  capabilities: Capabilities,
  problem: DeconvolutionProblem,
  { tile, splits }: Pick<TileChoice, "tile" | "splits">,
): Plan {
  const transposed: Transposed = {
    size: problem.size,
    weightGroup: problem.channels / problem.groups * problem.weight.n,
    bounds: leavesInput(problem),
  };
  return planIgemmConvolution(capabilities, phased(problem), tile, splits, transposed);
}
