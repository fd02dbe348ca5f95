// Both convolutions through the public functions: outputs and gradients of a random table against the float64 oracle.

import { autograd, convolution, deconvolution } from "../../mod.ts";
import {
  compare,
  draw,
  drawRows,
  make,
  type Row,
  settingsOf,
} from "../cases/convolution_gradient.ts";
import { size } from "../reference/array.ts";
import { convolution as reference } from "../reference/convolution.ts";
import {
  biasGradient,
  deconvolution as transposedReference,
  weightGradient,
} from "../reference/deconvolution.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

async function checkRow(row: Row, seed: number): Promise<void> {
  const random = new Random(seed);
  const { options, attributes } = settingsOf(row);
  const label = JSON.stringify(row);
  const large = draw(random, row.large);
  const weight = draw(random, row.weight);
  const small = draw(random, row.small);
  const channel = row.layout.indexOf("C");
  const [filters, channels] = [row.small[channel]!, row.large[channel]!];
  const taps = size(row.kernel);
  const results = size(row.small) / filters;
  const ups = filters / row.groups * taps;
  const downs = channels / row.groups * taps;
  const down = {
    y: reference(large, weight, null, attributes),
    dx: transposedReference(small, weight, null, attributes),
    dw: weightGradient(large, small, row.kernel, attributes),
  };
  for (const transposed of [false, true]) {
    const [from, to] = transposed ? [small, large] : [large, small];
    const outputs = transposed ? channels : filters;
    const bias = draw(random, [outputs]);
    using x = make(from);
    using w = make(weight);
    using b = make(bias);
    using head = make(to);
    for (const leaf of [x, w, b]) leaf.attachGrad();
    using y = autograd.record(() =>
      transposed
        ? deconvolution(x, w, b, { ...options, outputPadding: row.outputPadding })
        : convolution(x, w, b, options)
    );
    y.backward(head);
    const name = `${transposed ? "transposed " : ""}${label}`;
    const plain = transposed ? down.dx : down.y;
    const pixels = size(to.shape) / outputs / to.shape[0]!;
    const biased = {
      shape: plain.shape,
      data: Float64Array.from(plain.data, (value, at) => {
        const c = channel === 1 ? Math.floor(at / pixels) % outputs : at % outputs;
        return value + bias.data[c]!;
      }),
    };
    using dx = x.grad;
    using dw = w.grad;
    using db = b.grad;
    await compare(y, biased, `${name} result`, transposed ? ups : downs);
    await compare(dx, transposed ? down.y : down.dx, `${name} dx`, transposed ? downs : ups);
    await compare(dw, down.dw, `${name} dw`, results);
    await compare(db, biasGradient(to, attributes), `${name} db`, size(to.shape) / outputs);
  }
}

for (const [rank, windows] of [[1, 4], [2, 4], [3, 3]] as const) {
  gpuTest(
    `${rank}-D convolutions agree with the oracle in all rows of a random table`,
    async () => {
      const rows = drawRows(rank, windows, 12);
      for (const [index, row] of rows.entries()) await checkRow(row, index);
    },
  );
}
