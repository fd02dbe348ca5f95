// What the operators of exported graphs mean: MXNet's names, those of 1.x too, to functions of tensors.

import type { Tensor } from "../tensor/mod.ts";
import type { AttributeReader } from "./attribute_text.ts";
import { elementwiseVocabulary } from "./vocabulary_elementwise.ts";
import { layerVocabulary } from "./vocabulary_layers.ts";
import { shapeVocabulary } from "./vocabulary_shapes.ts";

/** Computes the outputs of a node from its inputs; those that do not matter may be absent. */
export type NodeFunction = (inputs: readonly Tensor[]) => Tensor | readonly Tensor[];

/** Reads the attributes of a node once, for all runs. */
export type NodeReader = (attributes: AttributeReader) => NodeFunction;

/** Readers by the name of the operator. */
export type Vocabulary = Readonly<Record<string, NodeReader>>;

const ALL = new Map<string, NodeReader>(
  [layerVocabulary, elementwiseVocabulary, shapeVocabulary].flatMap((each) => Object.entries(each)),
);

/**
 * The reader of an operator's nodes.
 *
 * @param name Name of the operator in a graph file.
 * @returns The reader; undefined if the operator is not supported.
 */
export function readerOf(name: string): NodeReader | undefined {
  return ALL.get(name);
}

/** Names of all operators that graphs may hold. */
export function vocabularyNames(): string[] {
  return [...ALL.keys()].sort();
}

/** Inputs that only matter in training, such as the labels of `SoftmaxOutput`: how many others there are. */
export const READ_INPUTS: ReadonlyMap<string, number> = new Map([
  ["SoftmaxOutput", 1],
  ["Softmax", 1],
  ["LinearRegressionOutput", 1],
  ["MAERegressionOutput", 1],
  ["LogisticRegressionOutput", 1],
]);
