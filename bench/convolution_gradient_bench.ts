// All directions of convolution (convolution, transposed convolution, weight gradient) on the layers whose gradients
// differ most from their forward pass, for `deno bench`. Wall time with submission and waiting.

import {
  autograd,
  convolution,
  deconvolution,
  defaultDevice,
  type Layout,
  type Tensor,
  tensor,
} from "../mod.ts";
import { readFileSync } from "node:fs";
import { sizeOf, values } from "./data.ts";
import { type Layer, layoutOf } from "./layers.ts";

const IDS = ["R3", "R4", "X1", "M2", "U1", "U2", "G1", "T1", "W2", "W4"];

const all = JSON.parse(
  readFileSync(new URL("layers.json", import.meta.url), "utf8"),
) as Layer[];

/** The tensors of one layer; the weight maps the large image to the small one. */
function prepare(layer: Layer): {
  large: Tensor;
  weight: Tensor;
  small: Tensor;
  options: {
    strides: number[];
    padding: number[];
    groups: number;
    layout: Layout;
  };
} {
  const { strides, padding, groups } = layer.args;
  const transposed = layer.class.endsWith("Transpose");
  const make = (shape: readonly number[]) =>
    tensor(values(`${layer.id} ${shape}`, sizeOf(shape)), shape);
  const [large, small] = transposed ? [layer.output, layer.input] : [layer.input, layer.output];
  return {
    large: make(large),
    weight: make(layer.weight!),
    small: make(small),
    options: {
      strides: [...strides!],
      padding: [...padding!],
      groups: groups!,
      layout: layoutOf(layer),
    },
  };
}

type Prepared = ReturnType<typeof prepare>;

/** Does what is not measured, and returns what is. */
type Direction = (prepared: Prepared) => () => Tensor;

const directions: Readonly<Record<string, Direction>> = {
  convolution: ({ large, weight, options }) => () => convolution(large, weight, null, options),
  "transposed convolution, the input gradient": ({ large, weight, small, options }) => () =>
    deconvolution(small, weight, null, {
      ...options,
      outputSize: large.shape.slice(2),
    }),
  "weight gradient": ({ large, weight, small, options }) => {
    weight.attachGrad();
    const y = autograd.record(() => convolution(large, weight, null, options));
    return () => {
      const [gradient] = autograd.grad(y, [weight], {
        headGradients: small,
      }) as Tensor[];
      y.dispose();
      return gradient!;
    };
  },
};

for (const layer of all.filter(({ id }) => IDS.includes(id))) {
  let prepared: Prepared | undefined;
  for (const [at, [name, direction]] of Object.entries(directions).entries()) {
    Deno.bench({
      name: `${layer.id} ${name}: ${layer.gflop.fwd} GFLOP`,
      group: `${layer.id} ${layer.name}`,
      baseline: at === 0,
      n: 5,
      warmup: 1,
      async fn(b): Promise<void> {
        const device = defaultDevice();
        prepared ??= prepare(layer);
        const run = direction(prepared);
        await device.synchronize();
        b.start();
        const result = run();
        await device.synchronize();
        b.end();
        result.dispose();
      },
    });
  }
}
