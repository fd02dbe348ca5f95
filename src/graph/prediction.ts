// How a block's graph predicts with staticAlloc: fused, and planned ahead where every run does the same.

import type { Device, Tensor } from "../tensor/mod.ts";
import { FoldedValues } from "./fold.ts";
import { fuse } from "./fuse.ts";
import type { Graph } from "./graph.ts";
import { type GraphValues, runGraph } from "./run.ts";
import type { ProgramArena } from "./static_memory.ts";
import { planStatic } from "./static_plan.ts";
import { StaticProgram } from "./static_program.ts";

/** A fused graph, ready to run. */
export class Prediction {
  /** The fused graph. */
  readonly graph: Graph;
  /** Null if it runs call by call. */
  readonly program: StaticProgram | null;
  readonly #device: Device;
  readonly #folded: FoldedValues;

  /**
   * @param graph A graph traced for prediction.
   * @param device Where it runs.
   * @param arena Where the values of the block's graphs lie.
   * @throws {LimitError} If the device cannot do it.
   */
  constructor(graph: Graph, device: Device, arena: ProgramArena) {
    const fused = fuse(graph);
    this.graph = fused.graph;
    this.#device = device;
    this.#folded = new FoldedValues(fused.folds);
    for (const node of fused.graph.nodes) {
      if (node.kind !== "call") continue;
      const specs = node.inputs.map((at) => at === null ? null : fused.graph.nodes[at]!.spec);
      node.operator.tune(device, node.attributes, specs);
    }
    const { maxBufferSize, maxMemoryAllocationSize } = device.adapter.limits;
    const { alignment } = device.recordings;
    const plan = planStatic(fused.graph, device.capabilities, {
      alignment,
      // A program asks for one alignment more.
      pieceBytes: Math.min(maxBufferSize, maxMemoryAllocationSize) - alignment,
    });
    this.program = plan === null ? null : new StaticProgram(device, fused.graph, plan, arena);
  }

  /**
   * Runs it. The caller runs it in a scope, which frees everything if it fails.
   *
   * @param values Inputs and parameters.
   * @param replay Whether recorded commands may be submitted.
   * @returns The outputs; one that is a variable is the caller's own tensor.
   */
  run(values: GraphValues, replay: boolean): Tensor[] {
    const all = { ...values, parameters: this.parametersOf(values.parameters) };
    // A rehearsal collects launches, and must not touch memory.
    return this.program === null || this.#device.kernels.rehearsing
      ? runGraph(this.graph, all)
      : this.program.run(all, replay);
  }

  /**
   * Adds what the fused graph reads besides the parameters of the block. The caller opens a scope around it.
   *
   * @param parameters Parameters of the block by name.
   * @returns These, and weights with other layers worked in.
   */
  parametersOf(parameters: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> {
    return this.#folded.extend(parameters);
  }

  /** Frees what it holds. */
  dispose(): void {
    this.program?.dispose();
    this.#folded.dispose();
  }
}
