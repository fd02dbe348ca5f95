// Makes fewer and larger calls of a graph for prediction: what convolutions can do in the same pass becomes part of them.
// Only values with a single reader that are no outputs disappear.

import { activationOperator } from "../ops/activation.ts";
import { convolutionOperator, deconvolutionOperator } from "../ops/convolution.ts";
import type { Operator } from "../ops/define.ts";
import { broadcastAdd } from "../ops/elementwise.ts";
import { leakyReluOperator } from "../ops/leaky_relu.ts";
import { batchNormOperator } from "../ops/normalization.ts";
import { padOperator } from "../ops/pad.ts";
import { pixelShuffleOperator } from "../ops/pixel_shuffle.ts";
import { upSamplingOperator } from "../ops/up_sampling.ts";
import type { Fold } from "./fold.ts";
import type { Graph, GraphCall } from "./graph.ts";
import { Draft } from "./fuse_draft.ts";
import { absorbNormalization, absorbUpSampling } from "./fuse_folds.ts";
import {
  absorbActivation,
  absorbPadding,
  absorbPixelShuffle,
  absorbResidual,
} from "./fuse_epilogue.ts";
import { absorbPointwise } from "./fuse_linear.ts";

/** A graph for prediction. */
export interface FusedGraph {
  readonly graph: Graph;
  /** Parameters that the graph reads besides those of the first one. */
  readonly folds: readonly Fold[];
}

/** Replaces a call and the one before or behind it by one call; null where that is not possible. */
export type FusionRule = (draft: Draft, call: GraphCall) => GraphCall | null;

/** Rules by the operator of the later call. */
const RULES: ReadonlyMap<Operator, FusionRule> = new Map([
  [activationOperator, absorbActivation],
  [leakyReluOperator, absorbActivation],
  [broadcastAdd, absorbResidual],
  [pixelShuffleOperator, absorbPixelShuffle],
  [batchNormOperator, absorbNormalization],
  [convolutionOperator, absorbPadding],
]);

/** Afterwards: the pixel shuffle that they need would keep others from being absorbed. */
const LATER: ReadonlyMap<Operator, FusionRule> = new Map([[
  convolutionOperator,
  absorbUpSampling,
]]);

/** Last, when sums are part of convolutions. */
const LAST: ReadonlyMap<Operator, FusionRule> = new Map([[convolutionOperator, absorbPointwise]]);

/** Operators that rules look for; others need no draft. */
const SUBJECTS: readonly Operator[] = [
  convolutionOperator,
  deconvolutionOperator,
  padOperator,
  upSamplingOperator,
];

/**
 * Fuses the calls of a graph. Activations, residuals and pixel shuffles change no bits, unless another kernel is chosen
 * for the whole; normalizations, upsamplings and joined 1x1 convolutions change the rounding of weights.
 *
 * @param graph A graph traced for prediction, whose constants the result shares.
 * @returns The graph that computes the same.
 */
export function fuse(graph: Graph): FusedGraph {
  const { nodes } = graph;
  if (
    !nodes.some((node) => node.kind === "call" && SUBJECTS.includes(node.operator))
  ) {
    return { graph, folds: [] };
  }
  const draft = new Draft(graph);
  for (const rules of [RULES, LATER, LAST]) {
    for (let index = 0; index < nodes.length; index++) {
      const node = draft.node(index);
      if (node?.kind !== "call" || node.spec.dtype !== "float32") continue;
      const fused = rules.get(node.operator)?.(draft, node) ?? null;
      if (fused !== null) draft.replace(index, fused);
    }
  }
  return draft.finish();
}
