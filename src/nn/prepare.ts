// Getting a block ready before its first real call: kernels, packed weights, memory. Knows no layer.

import { predictMode, setRecording } from "../autograd/flags.ts";
import { type DType, DTYPES } from "../core/dtype.ts";
import { anything, oneOf, readOptions } from "../core/options.ts";
import { describe } from "../core/shape.ts";
import { checkDevice, type Device, type PrepareProgress } from "../tensor/mod.ts";
import { scope, type Tensor, zeros } from "../tensor/mod.ts";

/** Options of {@linkcode Block.prepare}. */
export interface PrepareOptions {
  /** Where the block will run; the default device if absent. */
  readonly device?: Device;
  /** Element type of the inputs; float32 if absent. */
  readonly dtype?: DType;
  /** Called before the first kernel is compiled and after each. */
  readonly onProgress?: (progress: PrepareProgress) => void;
}

/** What is prepared: a block, whichever inputs it takes. */
export interface Callable {
  call(...inputs: Tensor[]): unknown;
}

/**
 * Prepares a block.
 *
 * @param block The block.
 * @param shapes Shape of each input.
 * @param options Device, dtype and progress.
 * @returns Resolves when a call with such inputs finds everything ready.
 * @throws {TypeError} If the shapes are no list of shapes, or an option is unknown.
 */
export async function prepareBlock(
  block: Callable,
  shapes: readonly (readonly number[])[],
  options: PrepareOptions,
): Promise<void> {
  const where = `prepare ${block.constructor.name}`;
  const read = readOptions(where, options, {
    device: anything,
    dtype: oneOf(DTYPES, "float32"),
    onProgress: anything,
  });
  if (!Array.isArray(shapes) || shapes.length === 0 || !shapes.every(Array.isArray)) {
    throw new TypeError(
      `Cannot ${where}: shapes is ${
        describe(shapes)
      }, expected a list with the shape of each input`,
    );
  }
  const { onProgress } = options;
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new TypeError(
      `Cannot ${where}: onProgress is ${describe(onProgress)}, expected a function`,
    );
  }
  const device = checkDevice(where, options.device);
  const pass = () => {
    const before = setRecording(false);
    try {
      scope(() => {
        const inputs = shapes.map((shape) => zeros(shape, { device, dtype: read.dtype }));
        predictMode(() => void block.call(...inputs));
      });
    } finally {
      setRecording(before);
    }
  };
  // Variants cannot be measured in a rehearsal, and graphs keep what they are planned with.
  if (device.kernels.tuning.measures) pass();
  await device.kernels.prepare(device.kernels.rehearse(pass), onProgress);
  // With the kernels there a pass takes microseconds of this thread; the device packs weights and warms up.
  pass();
  await device.synchronize();
}
