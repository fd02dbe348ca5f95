// Layers that pad with a constant or with the other end of an axis.

import { _Padding, type Padding } from "./padding.ts";

/**
 * Pads one axis with a constant.
 *
 * @example
 * ```ts
 * import { ConstantPad1D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([[[1, 2]]]);
 * using y = new ConstantPad1D([[1, 0]], 9).call(x);
 * assertEquals([...await y.data()], [9, 1, 2]);
 * ```
 */
export class ConstantPad1D extends _Padding {
  /**
   * Makes the layer.
   *
   * @param padding A number, an entry for each axis, or six numbers; 0 by default.
   * @param value The constant; 0 by default.
   * @throws {TypeError} If an argument has a wrong type.
   * @throws {RangeError} If a size is negative or the number of entries does not fit.
   */
  constructor(padding: Padding = 0, value: number = 0) {
    super(padding, 1, "constant", value);
  }
}

/**
 * Pads two axes with a constant.
 *
 * @example
 * ```ts
 * import { ConstantPad2D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([[[[1, 2]]]]);
 * using y = new ConstantPad2D([0, [1, 0]], 9).call(x);
 * assertEquals([...await y.data()], [9, 1, 2]);
 * ```
 */
export class ConstantPad2D extends _Padding {
  /**
   * Makes the layer.
   *
   * @param padding A number, an entry for each axis, or eight numbers; 0 by default.
   * @param value The constant; 0 by default.
   * @throws {TypeError} If an argument has a wrong type.
   * @throws {RangeError} If a size is negative or the number of entries does not fit.
   */
  constructor(padding: Padding = 0, value: number = 0) {
    super(padding, 2, "constant", value);
  }
}

/**
 * Pads three axes with a constant.
 *
 * @example
 * ```ts
 * import { ConstantPad3D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2], [1, 1, 1, 1, 2]);
 * using y = new ConstantPad3D([0, 0, [1, 0]], 9).call(x);
 * assertEquals([...await y.data()], [9, 1, 2]);
 * ```
 */
export class ConstantPad3D extends _Padding {
  /**
   * Makes the layer.
   *
   * @param padding A number, an entry for each axis, or ten numbers; 0 by default.
   * @param value The constant; 0 by default.
   * @throws {TypeError} If an argument has a wrong type.
   * @throws {RangeError} If a size is negative or the number of entries does not fit.
   */
  constructor(padding: Padding = 0, value: number = 0) {
    super(padding, 3, "constant", value);
  }
}

/**
 * Pads two axes with zeros: {@linkcode ConstantPad2D} with its default.
 *
 * @example
 * ```ts
 * import { tensor, ZeroPad2D } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([[[[1, 2]]]]);
 * using y = new ZeroPad2D([0, 1]).call(x);
 * assertEquals([...await y.data()], [0, 1, 2, 0]);
 * ```
 */
export class ZeroPad2D extends ConstantPad2D {
  /**
   * Makes the layer.
   *
   * @param padding A number, an entry for each axis, or eight numbers; 0 by default.
   * @throws {TypeError} If it has a wrong type.
   * @throws {RangeError} If a size is negative or the number of entries does not fit.
   */
  constructor(padding: Padding = 0) {
    super(padding);
  }
}

/**
 * Pads one axis as if the input were repeated, as often as needed.
 *
 * @example
 * ```ts
 * import { CircularPad1D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([[[1, 2]]]);
 * using y = new CircularPad1D([[1, 2]]).call(x);
 * assertEquals([...await y.data()], [2, 1, 2, 1, 2]);
 * ```
 */
export class CircularPad1D extends _Padding {
  /**
   * Makes the layer.
   *
   * @param padding A number, an entry for each axis, or six numbers; 0 by default.
   * @throws {TypeError} If it has a wrong type.
   * @throws {RangeError} If a size is negative or the number of entries does not fit.
   */
  constructor(padding: Padding = 0) {
    super(padding, 1, "circular");
  }
}

/**
 * Pads two axes as if the input were repeated, as often as needed.
 *
 * @example
 * ```ts
 * import { CircularPad2D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([[[[1, 2]]]]);
 * using y = new CircularPad2D([0, [1, 2]]).call(x);
 * assertEquals([...await y.data()], [2, 1, 2, 1, 2]);
 * ```
 */
export class CircularPad2D extends _Padding {
  /**
   * Makes the layer.
   *
   * @param padding A number, an entry for each axis, or eight numbers; 0 by default.
   * @throws {TypeError} If it has a wrong type.
   * @throws {RangeError} If a size is negative or the number of entries does not fit.
   */
  constructor(padding: Padding = 0) {
    super(padding, 2, "circular");
  }
}

/**
 * Pads three axes as if the input were repeated, as often as needed.
 *
 * @example
 * ```ts
 * import { CircularPad3D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2], [1, 1, 1, 1, 2]);
 * using y = new CircularPad3D([0, 0, [1, 2]]).call(x);
 * assertEquals([...await y.data()], [2, 1, 2, 1, 2]);
 * ```
 */
export class CircularPad3D extends _Padding {
  /**
   * Makes the layer.
   *
   * @param padding A number, an entry for each axis, or ten numbers; 0 by default.
   * @throws {TypeError} If it has a wrong type.
   * @throws {RangeError} If a size is negative or the number of entries does not fit.
   */
  constructor(padding: Padding = 0) {
    super(padding, 3, "circular");
  }
}
