// The pooling layers of layers.json (P1 to P3) for `deno bench`, forward and the gradient of the input, against a copy
// of the same number of bytes: pooling is as fast as memory is, or it is too slow.

import {
  AvgPool3D,
  defaultDevice,
  GlobalAvgPool2D,
  MaxPool2D,
  ops,
  scope,
  type Tensor,
  tensor,
} from "../mod.ts";
import { sizeOf, values } from "./data.ts";

interface PoolingRow {
  readonly id: string;
  readonly name: string;
  readonly input: readonly number[];
  readonly output: readonly number[];
  forward(x: Tensor): Tensor;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const max = new MaxPool2D(3, { strides: 2, padding: 1 });
const mean = new GlobalAvgPool2D();
const volume = new AvgPool3D(2);

const rows: readonly PoolingRow[] = [
  {
    id: "P1",
    name: "max pool 3x3 s2 p1 64 @112 b8",
    input: [8, 64, 112, 112],
    output: [8, 64, 56, 56],
    forward: (x) => max.call(x),
    attributes: {
      kernel: [3, 3],
      stride: [2, 2],
      pad: [1, 1],
      pool_type: "max",
    },
  },
  {
    id: "P2",
    name: "global avg pool 2048 @7 b32",
    input: [32, 2048, 7, 7],
    output: [32, 2048, 1, 1],
    forward: (x) => mean.call(x),
    attributes: { global_pool: true, pool_type: "avg" },
  },
  {
    id: "P3",
    name: "avg pool 2x2x2 64 @32x112x112",
    input: [1, 64, 32, 112, 112],
    output: [1, 64, 16, 56, 56],
    forward: (x) => volume.call(x),
    attributes: { kernel: [2, 2, 2], stride: [2, 2, 2], pool_type: "avg" },
  },
];

const backward = ops.operators.find(({ name }) => name === "_backward_Pooling")!;

for (const row of rows) {
  let inputs: { x: Tensor; head: Tensor; half: Tensor } | undefined;
  const measure = (
    name: string,
    baseline: boolean,
    run: (x: Tensor, head: Tensor, half: Tensor) => Tensor,
  ) =>
    Deno.bench({
      group: `${row.id} ${row.name}`,
      name: `${row.id} ${name}`,
      baseline,
      n: 10,
      warmup: 2,
      async fn(b): Promise<void> {
        inputs ??= {
          x: tensor(values("x", sizeOf(row.input)), [...row.input]),
          head: tensor(values("head", sizeOf(row.output)), [...row.output]),
          // Copying this reads and writes as many bytes as the forward does.
          half: tensor(
            values("copy", (sizeOf(row.input) + sizeOf(row.output)) >> 1),
          ),
        };
        const { x, head, half } = inputs;
        b.start();
        scope(() => {
          run(x, head, half);
        });
        await defaultDevice().synchronize();
        b.end();
      },
    });
  measure(
    "copy of as many bytes as the forward",
    true,
    (_x, _head, half) => ops.slice(half, 0, half.size),
  );
  measure("forward", false, (x) => row.forward(x));
  measure(
    "gradient of the input",
    false,
    (x, head) => backward.apply([head, x], row.attributes),
  );
}
