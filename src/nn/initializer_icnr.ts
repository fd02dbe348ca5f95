// The initializer for convolutions whose result a pixel shuffle enlarges.
// After Aitken et al., "Checkerboard artifact free sub-pixel convolution" (2017).

import { ShapeError } from "../core/errors.ts";
import { checkInteger, checkTuple, describe } from "../core/options.ts";
import type { RandomStream } from "../core/random.ts";
import { checkShape, elementCount, formatShape, type Shape } from "../core/shape.ts";
import { Initializer, Uniform } from "./initializer.ts";

/**
 * Gives all output channels that a pixel shuffle puts into one block of pixels the same kernel, so that the first images
 * have no checkerboard: they look like those of nearest-neighbor upsampling. Name: `icnr`.
 *
 * With r the number of pixels of a block, `weight[c·r + i] = kernel[c]` for every i below r, where another initializer
 * makes the kernels of the `channels / r` blocks. For weights of convolutions, channels first or last.
 *
 * @example
 * ```ts
 * import { Conv2D, initializers } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const icnr = new initializers.ICNR(2, new initializers.Xavier());
 * const conv = new Conv2D(12, 3, { inChannels: 8, weightInitializer: icnr }); // for PixelShuffle2D(2)
 * conv.initialize();
 * const [first, second] = (await conv.weight.data().toList()) as number[][];
 * assertEquals(first, second);
 * conv.dispose();
 * ```
 */
export class ICNR extends Initializer {
  /** Factor of the pixel shuffle, or one for each spatial axis. */
  readonly factor: number | readonly number[];
  /** Makes the kernel of a block. */
  readonly initializer: Initializer;

  /**
   * Makes the initializer.
   *
   * @param factor Factor of the pixel shuffle for all spatial axes, or one for each.
   * @param initializer Makes the kernel of a block; `Uniform(0.07)` by default.
   * @throws {TypeError} If an argument has a wrong type.
   * @throws {RangeError} If a factor is no positive integer.
   */
  constructor(factor: number | readonly number[] = 2, initializer: Initializer = new Uniform()) {
    super();
    const where = "construct ICNR";
    const bounds = { minimum: 1 };
    this.factor = Array.isArray(factor)
      ? Object.freeze(checkTuple(where, "factor", factor, Math.max(factor.length, 1), bounds))
      : checkInteger(where, "factor", factor, bounds);
    if (!(initializer instanceof Initializer)) {
      throw new TypeError(
        `Cannot ${where}: initializer is ${describe(initializer)}, expected an Initializer`,
      );
    }
    this.initializer = initializer;
  }

  /** The arguments of the constructor; MXNet has no such initializer. */
  override get options(): Readonly<Record<string, unknown>> {
    return { factor: this.factor, initializer: this.initializer.dumps() };
  }

  /** The values in row-major order. */
  override values(shape: Shape, stream: RandomStream, name: string): Float32Array<ArrayBuffer> {
    checkShape("compute values of ICNR", shape); // the stream is the other initializer's affair
    const axes = shape.length - 2;
    const factors = typeof this.factor === "number"
      ? new Array<number>(Math.max(axes, 0)).fill(this.factor)
      : this.factor;
    const block = factors.reduce((all, each) => all * each, 1);
    if (axes < 1 || factors.length !== axes || shape[0]! % block !== 0) {
      throw new ShapeError(
        `Cannot initialize Parameter '${name}' with ICNR: its shape is ${formatShape(shape)}, ` +
          `expected ${factors.length || 1} spatial axes and a first size divisible by ${block} ` +
          `(factor ${describe(this.factor)})`,
      );
    }
    const rest = shape.slice(1);
    const kernels = this.initializer.values([shape[0]! / block, ...rest], stream, name);
    const length = elementCount(rest);
    const values = new Float32Array(kernels.length * block);
    for (let filter = 0; filter < shape[0]!; filter++) {
      const start = Math.floor(filter / block) * length;
      values.set(kernels.subarray(start, start + length), filter * length);
    }
    return values;
  }
}
