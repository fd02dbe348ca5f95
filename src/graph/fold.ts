// Parameters that only a fused graph has, such as weights with a normalization worked in: computed from others, and
// anew when those change. Knows no layers.

import { keep, scope, type Storage, type Tensor } from "../tensor/mod.ts";
import type { GraphVariable } from "./graph.ts";

/** A parameter computed from others. */
export interface Fold {
  /** Unique in its graph; no name of a parameter has a space. */
  readonly name: string;
  /** Parameters, constants, and folds that come earlier. */
  readonly sources: readonly GraphVariable[];
  readonly compute: (sources: readonly Tensor[]) => Tensor;
}

/** A value, and what it was computed from. */
interface Folded {
  readonly storages: readonly Storage[];
  readonly versions: readonly number[];
  readonly value: Tensor;
}

/** The values of the folds of one graph. */
export class FoldedValues {
  readonly #folds: readonly Fold[];
  readonly #found = new Map<string, Folded>();

  /** @param folds The folds, in order. */
  constructor(folds: readonly Fold[]) {
    this.#folds = folds;
  }

  /**
   * Adds the folds to the parameters of a run. The caller opens a scope around it.
   *
   * @param parameters The parameters by name.
   * @returns These, and every fold as the parameters' contents make it.
   */
  extend(parameters: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> {
    if (this.#folds.length === 0) return parameters;
    const all = new Map(parameters);
    for (const fold of this.#folds) {
      const sources = fold.sources.map(({ name, value }) => value ?? all.get(name)!);
      all.set(fold.name, this.#valueOf(fold, sources));
    }
    return all;
  }

  /** Frees all values. */
  dispose(): void {
    for (const { value } of this.#found.values()) value.dispose();
    this.#found.clear();
  }

  #valueOf({ name, compute }: Fold, sources: readonly Tensor[]): Tensor {
    const found = this.#found.get(name);
    if (
      found !== undefined &&
      sources.every(({ storage }, at) =>
        storage === found.storages[at] && storage.version === found.versions[at]
      )
    ) return found.value;
    const value = scope(() => compute(sources));
    // A rehearsal computes nothing, so nothing may be kept.
    if (value.device.kernels?.rehearsing) return value;
    found?.value.dispose();
    const storages = sources.map(({ storage }) => storage);
    const versions = storages.map(({ version }) => version);
    this.#found.set(name, { storages, versions, value: keep(value) });
    return value;
  }
}
