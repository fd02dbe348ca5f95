// The uses of behaviour.json that concern transposed, pooling, padding and deformable layers and gradients: what MXNet refuses
// or dies of, by the text there. tests/null/nn_errors_test.ts runs them.

import {
  AutogradError,
  AvgPool2D,
  Conv2D,
  Conv2DTranspose,
  Conv3DTranspose,
  DeformableConvolution,
  GlobalAvgPool2D,
  type HybridBlock,
  MaxPool2D,
  ModulatedDeformableConvolution,
  ReflectionPad2D,
  ShapeError,
  type Tensor,
  zeros,
} from "../../mod.ts";
import { fakeDevice } from "./nn_fake_device.ts";

type ErrorClass = new (message?: string) => Error;

/** One wrong use. */
export interface Use {
  readonly run: () => unknown;
  readonly error: ErrorClass;
  /** What the message has to contain: class, argument, value, what is allowed. */
  readonly says: readonly string[];
}

const { device } = fakeDevice();

function wrong<T>(value: unknown): T {
  return value as T;
}

function apply(layer: HybridBlock, ...shape: number[]): Tensor {
  layer.initialize(undefined, { device });
  return layer.call(zeros(shape, { device })) as Tensor;
}

/** Uses that are refused. */
export const MORE_USES: Readonly<Record<string, Use>> = {
  "Conv2DTranspose output_padding=stride": {
    run: () => apply(new Conv2DTranspose(4, 3, { strides: 2, outputPadding: 2 }), 1, 3, 8, 8),
    error: ShapeError,
    says: ["Conv2DTranspose", "output padding", "is 2", "less than the stride, 2"],
  },
  "Conv2DTranspose(4, 3, padding=9) on 3x3": {
    run: () => apply(new Conv2DTranspose(4, 3, { padding: 9 }), 1, 3, 3, 3),
    error: ShapeError,
    says: ["Conv2DTranspose", "-13"],
  },
  "Conv2DTranspose output_padding=(1,1,1)": {
    run: () => new Conv2DTranspose(4, 3, { strides: 2, outputPadding: [1, 1, 1] }),
    error: RangeError,
    says: ["Conv2DTranspose", "outputPadding", "[1, 1, 1]", "2 integers"],
  },
  "MaxPool2D((2,2,2))": {
    run: () => new MaxPool2D([2, 2, 2]),
    error: RangeError,
    says: ["MaxPool2D", "poolSize", "[2, 2, 2]", "2 integers"],
  },
  'MaxPool2D(2, layout="NCW")': {
    run: () => new MaxPool2D(2, { layout: wrong("NCW") }),
    error: RangeError,
    says: ["MaxPool2D", "layout", '"NCW"', '"NCHW", "NHWC"'],
  },
  "MaxPool2D(9) on 4x4": {
    run: () => apply(new MaxPool2D(9), 1, 3, 4, 4),
    error: ShapeError,
    says: ["MaxPool2D", "9", "4"],
  },
  "MaxPool2D(2, padding=2)": {
    run: () => apply(new MaxPool2D(2, { padding: 2 }), 1, 3, 4, 4),
    error: RangeError,
    says: ["MaxPool2D", "padding", "2"],
  },
  "AvgPool2D(0)": {
    run: () => new AvgPool2D(0),
    error: RangeError,
    says: ["AvgPool2D", "poolSize", "0"],
  },
  "MaxPool2D(2, strides=0)": {
    run: () => new MaxPool2D(2, { strides: 0 }),
    error: RangeError,
    says: ["MaxPool2D", "strides", "0"],
  },
  "MaxPool2D(2) on rank 3": {
    run: () => apply(new MaxPool2D(2), 3, 4, 4),
    error: ShapeError,
    says: ["MaxPool2D", "rank 3", "expected 4"],
  },
  "GlobalAvgPool2D on rank 3": {
    run: () => apply(new GlobalAvgPool2D(), 3, 4, 4),
    error: ShapeError,
    says: ["GlobalAvgPool2D", "rank 3", "expected 4"],
  },
  "ReflectionPad2D(4) on 4x4": {
    run: () => apply(new ReflectionPad2D(4), 1, 3, 4, 4),
    error: ShapeError,
    says: ["ReflectionPad2D", "[4, 4]", "not smaller than its size 4"],
  },
  "ReflectionPad2D((1,1))": {
    run: () => new ReflectionPad2D([1, 1]),
    error: RangeError,
    says: ["ReflectionPad2D", "padding", "[1, 1]", "8 integers"],
  },
  "ReflectionPad2D((0,0,1,1,1,1,1,1))": {
    run: () => new ReflectionPad2D([0, 0, 1, 1, 1, 1, 1, 1]),
    error: RangeError,
    says: ["ReflectionPad2D", "padding[2] is 1", "expected 0"],
  },
  "ReflectionPad2D(-1)": {
    run: () => new ReflectionPad2D(-1),
    error: RangeError,
    says: ["ReflectionPad2D", "padding", "-1"],
  },
  "ReflectionPad2D(1) on rank 3": {
    run: () => apply(new ReflectionPad2D(1), 3, 4, 4),
    error: ShapeError,
    says: ["ReflectionPad2D", "rank 3", "expected 4"],
  },
  "DeformableConvolution(5, kernel 3, groups=2)": {
    run: () => apply(new DeformableConvolution(5, 3, { groups: 2 }), 1, 4, 8, 8),
    error: ShapeError,
    says: ["DeformableConvolution", "channels", "5", "groups (2)"],
  },
  "DeformableConvolution num_deformable_group=3 on 4 channels": {
    run: () => apply(new DeformableConvolution(4, 3, { numDeformableGroup: 3 }), 1, 4, 8, 8),
    error: ShapeError,
    says: ["DeformableConvolution", "numDeformableGroup (3)", "is 4"],
  },
  "backward of an unrecorded array": {
    run: () => zeros([2], { device }).backward(),
    error: AutogradError,
    says: ["record"],
  },
};

/** Uses that MXNet refuses or ignores, and that are right here; tests/gpu/quirks_test.ts runs them to the end. */
export const MORE_ALLOWED: Readonly<Record<string, () => unknown>> = {
  "Conv3DTranspose dilation=2": () => new Conv3DTranspose(2, 3, { dilation: 2 }),
  // Ignored, as in MXNet: a maximum counts nothing.
  "MaxPool2D(2, count_include_pad=False)": () => new MaxPool2D(2, { countIncludePad: false }),
  "DeformableConvolution NHWC": () => new DeformableConvolution(4, 3, { layout: "NHWC" }),
  "ModulatedDeformableConvolution forward": () => new ModulatedDeformableConvolution(4, 3),
  "second derivative of Conv2D": () => new Conv2D(4, 3),
};
