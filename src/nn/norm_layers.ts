// Layer, group and instance normalization as layers. After apache/mxnet python/mxnet/gluon/nn/basic_layers.py.

import { checkInteger, integer } from "../core/options.ts";
import { normalizeAxis } from "../core/shape.ts";
import { groupNorm, instanceNorm, layerNorm, transpose } from "../ops/index.ts";
import type { Tensor } from "../tensor/mod.ts";
import { inLayer } from "./layer_error.ts";
import { _Norm, type NormOptions } from "./norm_base.ts";

/** Options of {@linkcode LayerNorm}. */
export interface LayerNormLayerOptions extends NormOptions {
  /** The axis to normalize; -1, the last one, by default. */
  readonly axis?: number;
}

function axisOf(name: string, options: unknown, fallback: number): number {
  const { axis } = (typeof options === "object" && options !== null ? options : {}) as {
    readonly axis?: unknown;
  };
  return axis === undefined ? fallback : checkInteger(`construct ${name}`, "axis", axis);
}

/**
 * Layer normalization (Ba and others, 2016): along one axis, for each position on the others.
 *
 * @example
 * ```ts
 * import { LayerNorm, tensor } from "@vknn/vknn";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const norm = new LayerNorm();
 * norm.initialize();
 * using x = tensor([[1, 2, 3, 4, 5]]);
 * using y = norm.call(x);
 * assertAlmostEquals((await y.data())[4]!, Math.SQRT2, 1e-4);
 * assertEquals(`${norm}`, "LayerNorm(eps=1e-05, axis=-1, center=True, scale=True, in_channels=5)");
 * norm.dispose();
 * ```
 */
export class LayerNorm extends _Norm {
  /**
   * Makes the layer.
   *
   * @param options Axis, epsilon, and so on.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: LayerNormLayerOptions = {}) {
    const axis = axisOf(new.target.name, options, -1);
    super(options, { axis, scale: true, fixesGamma: false }, { axis: integer({}, -1) });
  }

  /**
   * Normalizes along the axis.
   *
   * @param x Tensor of the dtype of the parameters.
   * @returns A tensor of the same shape and dtype.
   * @throws {ShapeError} If the axis has another size than the parameters.
   */
  override forward(x: Tensor): Tensor {
    const { axis, epsilon: eps } = this;
    const [gamma, beta] = [this.gamma.data(x.device), this.beta.data(x.device)];
    return inLayer(this, () => layerNorm(x, gamma, beta, { axis, eps }));
  }

  /** What the text lists. */
  protected override get listed(): Readonly<Record<string, number | boolean>> {
    const { epsilon: eps, axis, center, scale } = this;
    return { eps, axis, center, scale };
  }
}

/**
 * Group normalization (Wu and He, 2018): of groups of neighboring channels, for each entry of a batch.
 *
 * @example
 * ```ts
 * import { GroupNorm, tensor } from "@vknn/vknn";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const norm = new GroupNorm(2);
 * norm.initialize();
 * using x = tensor([[[1, 3], [2, 4]]]);
 * using y = norm.call(x);
 * assertAlmostEquals((await y.data())[3]!, 1, 1e-4);
 * assertEquals(`${norm}`, "GroupNorm(eps=1e-05, num_groups=2, center=True, scale=True, in_channels=2)");
 * norm.dispose();
 * ```
 */
export class GroupNorm extends _Norm {
  /** Number of groups of channels. */
  readonly numGroups: number;

  /**
   * Makes the layer.
   *
   * @param numGroups Number of groups of channels.
   * @param options Epsilon, and so on.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(numGroups: number = 1, options: NormOptions = {}) {
    const groups = checkInteger(`construct ${new.target.name}`, "numGroups", numGroups, {
      minimum: 1,
    });
    super(options, { axis: 1, scale: true, fixesGamma: false });
    this.numGroups = groups;
  }

  /**
   * Normalizes every group of every entry.
   *
   * @param x `[N, C, …]` of the dtype of the parameters.
   * @returns A tensor of the same shape and dtype.
   * @throws {ShapeError} If the groups do not divide the channels, or these are not those of the parameters.
   */
  override forward(x: Tensor): Tensor {
    const { numGroups, epsilon: eps } = this;
    const [gamma, beta] = [this.gamma.data(x.device), this.beta.data(x.device)];
    return inLayer(this, () => groupNorm(x, gamma, beta, { numGroups, eps }));
  }

  /** What the text lists. */
  protected override get listed(): Readonly<Record<string, number | boolean>> {
    const { epsilon: eps, numGroups: num_groups, center, scale } = this;
    return { eps, num_groups, center, scale };
  }
}

/** Options of {@linkcode InstanceNorm}. */
export interface InstanceNormLayerOptions extends NormOptions {
  /** Axis of the channels; 1 by default. */
  readonly axis?: number;
}

/**
 * Instance normalization (Ulyanov and others, 2016): of every channel of every entry of a batch. `scale` is false by
 * default.
 *
 * @example
 * ```ts
 * import { InstanceNorm, tensor } from "@vknn/vknn";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const norm = new InstanceNorm();
 * norm.initialize();
 * using x = tensor([[[1.1, 2.2]], [[3.3, 4.4]]]);
 * using y = norm.call(x);
 * assertAlmostEquals((await y.data())[3]!, 1, 1e-3);
 * assertEquals(`${norm}`, "InstanceNorm(eps=1e-05, axis=1, center=True, scale=False, in_channels=1)");
 * norm.dispose();
 * ```
 */
export class InstanceNorm extends _Norm {
  /**
   * Makes the layer.
   *
   * @param options Axis, epsilon, and so on.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: InstanceNormLayerOptions = {}) {
    const axis = axisOf(new.target.name, options, 1);
    super(options, { axis, scale: false, fixesGamma: false }, { axis: integer({}, 1) });
  }

  /**
   * Normalizes every channel of every entry.
   *
   * @param x Tensor with the batch first, of the dtype of the parameters.
   * @returns A tensor of the same shape and dtype.
   * @throws {ShapeError} If the channels are not those of the parameters.
   */
  override forward(x: Tensor): Tensor {
    const gamma = this.gamma.data(x.device);
    const beta = this.beta.data(x.device);
    const axis = normalizeAxis(`apply ${this.constructor.name}`, this.axis, x.rank);
    const options = { eps: this.epsilon };
    return inLayer(this, () => {
      if (axis === 1) return instanceNorm(x, gamma, beta, options);
      const swapped = x.shape.map((_, at) => at === 1 ? axis : at === axis ? 1 : at);
      return transpose(instanceNorm(transpose(x, swapped), gamma, beta, options), swapped);
    });
  }

  /** What the text lists. */
  protected override get listed(): Readonly<Record<string, number | boolean>> {
    const { epsilon: eps, axis, center, scale } = this;
    return { eps, axis, center, scale };
  }
}
