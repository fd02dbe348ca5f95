/** Wrong arguments of every kind to every function of tensors and operators: named errors, no leak. */
import { assert } from "@std/assert";
import fc from "fast-check";
import {
  activation,
  add,
  arange,
  cast,
  concat,
  convolution,
  DeviceError,
  DisposedError,
  div,
  empty,
  full,
  keep,
  leakyRelu,
  maximum,
  minimum,
  mul,
  ones,
  pixelShuffle,
  pixelUnshuffle,
  relu,
  reshape,
  scope,
  setDefaultDevice,
  sigmoid,
  slice,
  StateError,
  sub,
  tanh,
  Tensor,
  tensor,
  TensorMethods,
  transpose,
  upSampling,
  zeros,
} from "../../mod.ts";
import { gpuTest } from "../support/test.ts";

type Anything = (...args: unknown[]) => unknown;

const FUNCTIONS: Readonly<Record<string, unknown>> = {
  activation,
  add,
  arange,
  cast,
  concat,
  convolution,
  div,
  empty,
  full,
  keep,
  leakyRelu,
  maximum,
  minimum,
  mul,
  ones,
  pixelShuffle,
  pixelUnshuffle,
  relu,
  reshape,
  setDefaultDevice,
  sigmoid,
  slice,
  sub,
  tanh,
  Tensor,
  tensor,
  transpose,
  upSampling,
  zeros,
};

/** RangeError and TypeError stand for ShapeError and LimitError too, which extend them. */
const NAMED = [TypeError, RangeError, DeviceError, DisposedError, StateError];

/** Errors of the engine itself also begin with "Cannot". */
const ENGINE_REGEXP = /^Cannot (read p|set p|convert |destructure|mix |access |assign to read)/;

function isNamed(error: unknown): boolean {
  return NAMED.some((named) => error instanceof named) &&
    (error as Error).message.startsWith("Cannot ") &&
    !ENGINE_REGEXP.test((error as Error).message);
}

const hostile = fc.oneof(
  fc.constantFrom<unknown>(0, -1, 1.5, NaN, Infinity, 2 ** 31, 2 ** 53, "3", null, undefined, true),
  fc.constantFrom<unknown>([], [1], [1, 2, 3, 4], [[1], [2, 3]], [-1, 2 ** 31], {}, "relu", "int8"),
  fc.constantFrom<unknown>(
    { dtype: "x" },
    { strides: 0 },
    { kernal: 1 },
    () => {},
    Symbol("s"),
    1n,
  ),
  fc.constantFrom<unknown>(new Float32Array(3), new Float64Array(2), new Map(), new Date(0)),
  fc.constantFrom<unknown>("small tensor", "image", "weight", "bytes", "disposed tensor"),
  fc.anything({ maxDepth: 2 }),
);

gpuTest("hostile arguments to every function end in named errors, without a leak", () => {
  const gone = zeros([2]);
  gone.dispose();
  for (const [name, callable] of Object.entries(FUNCTIONS)) {
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 4 }), (values) => {
        scope(() => {
          const tensors: Record<string, Tensor> = {
            "small tensor": zeros([2, 3]),
            image: ones([1, 4, 5, 5]),
            weight: zeros([4, 4, 3, 3]),
            bytes: zeros([7], { dtype: "uint8" }),
            "disposed tensor": gone,
          };
          const args = values.map((value) =>
            typeof value === "string" ? tensors[value] ?? value : value
          );
          try {
            if (name === "Tensor") Reflect.construct(Tensor, args);
            else (callable as Anything)(...args);
          } catch (error) {
            assert(
              isNamed(error),
              `${name}(${fc.stringify(values)}): ${error}`,
            );
          }
          for (const each of Object.values(tensors)) each.dispose(); // keep() may have got one
        });
      }),
      { numRuns: 300 },
    );
  }
});

gpuTest(
  "hostile arguments to every method of a tensor end in named errors, without a leak",
  async () => {
    const harmless = ["constructor", "dispose", "print"];
    const methods = [Tensor.prototype, TensorMethods.prototype].flatMap((prototype: object) =>
      Object.getOwnPropertyNames(prototype).filter((name) =>
        typeof Object.getOwnPropertyDescriptor(prototype, name)!.value === "function" &&
        !harmless.includes(name)
      )
    );
    for (const name of methods) {
      await fc.assert(
        fc.asyncProperty(fc.array(hostile, { maxLength: 3 }), async (values) => {
          const x = ones([2, 3]);
          try {
            const made = await (x[name as keyof Tensor] as unknown as Anything).apply(x, values);
            if (made instanceof Tensor && made !== x) made.dispose();
          } catch (error) {
            assert(
              isNamed(error),
              `${name}(${fc.stringify(values)}): ${error}`,
            );
          } finally {
            x.dispose();
          }
        }),
        { numRuns: 100 },
      );
    }
  },
);
