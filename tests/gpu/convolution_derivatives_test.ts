// Derivatives of both convolutions beyond single values: adjoint tests at larger shapes, second derivatives, fused
// epilogues, equal bits from run to run, empty batches, and what the functions refuse.

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  activation,
  autograd,
  convolution,
  deconvolution,
  type Layout,
  leakyRelu,
  pixelShuffle,
  scope,
  type Tensor,
  tensor,
} from "../../mod.ts";
import { compare, draw, drawRows, make, settingsOf } from "../cases/convolution_gradient.ts";
import { type Reference, size } from "../reference/array.ts";
import { convolution as reference } from "../reference/convolution.ts";
import {
  deconvolution as transposedReference,
  weightGradient,
} from "../reference/deconvolution.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

/** Larger shapes, where an oracle in plain loops would take minutes. */
const LARGE: readonly {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly layout: Layout;
  readonly strides: number;
  readonly padding: number;
  readonly groups?: number;
}[] = [
  { x: [2, 32, 40, 44], w: [64, 32, 3, 3], layout: "NCHW", strides: 2, padding: 1 },
  { x: [1, 33, 31, 24], w: [48, 3, 3, 24], layout: "NHWC", strides: 1, padding: 1 },
  { x: [4, 48, 28, 28], w: [48, 1, 5, 5], layout: "NCHW", strides: 1, padding: 2, groups: 48 },
  { x: [1, 64, 1000], w: [96, 32, 16], layout: "NCW", strides: 8, padding: 4, groups: 2 },
  { x: [1, 16, 9, 20, 20], w: [32, 16, 3, 3, 3], layout: "NCDHW", strides: 1, padding: 1 },
];

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!;
  return sum;
}

function norm(a: ArrayLike<number>): number {
  return Math.sqrt(dot(a, a));
}

gpuTest(
  "convolution, its transpose and its weight gradient are adjoint at larger shapes",
  async () => {
    for (const [index, { x, w, layout, strides, padding, groups = 1 }] of LARGE.entries()) {
      const random = new Random(index);
      const options = { strides, padding, groups, layout };
      using input = make(draw(random, x));
      using weight = make(draw(random, w));
      for (const leaf of [input, weight]) leaf.attachGrad();
      using y = autograd.record(() => convolution(input, weight, null, options));
      using head = make(draw(random, y.shape));
      y.backward(head);
      using dx = input.grad!;
      using dw = weight.grad!;
      const values = await Promise.all([y, head, input, dx, weight, dw].map((each) => each.data()));
      const [py, ph, px, pdx, pw, pdw] = values as [
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      const inner = dot(py, ph);
      const scale = norm(py) * norm(ph);
      assert(Math.abs(inner - dot(px, pdx)) <= 1e-4 * scale, `dx of ${x}`);
      assert(Math.abs(inner - dot(pw, pdw)) <= 1e-4 * scale, `dw of ${x}`);
      // Far fewer digits would be lost by chance: the three sums are equal in exact arithmetic.
      assertAlmostEquals(dot(px, pdx) / scale, inner / scale, 1e-5);
      assertAlmostEquals(dot(pw, pdw) / scale, inner / scale, 1e-5);
    }
  },
);

/**
 * For S = <dx, u> + <dw, v> with the gradients dx, dw of <y, head>: dS/dx, dS/dw and dS/dhead follow from the linearity of
 * the operators, so that each is an operator of u, v and the factors.
 */
gpuTest("second derivatives of both convolutions agree with the oracle", async () => {
  for (const row of drawRows(2, 3, 2)) {
    const random = new Random(5);
    const { options, attributes } = settingsOf(row);
    for (const transposed of [false, true]) {
      const [from, to] = transposed ? [row.small, row.large] : [row.large, row.small];
      const [px, pw, ph, pu, pv] = [from, row.weight, to, from, row.weight].map((shape) =>
        draw(random, shape)
      ) as Reference[] as [Reference, Reference, Reference, Reference, Reference];
      using x = make(px);
      using w = make(pw);
      using head = make(ph);
      using u = make(pu);
      using v = make(pv);
      for (const leaf of [x, w, head]) leaf.attachGrad();
      const tensors: Tensor[] = [];
      const sum = autograd.record(() => {
        const y = transposed
          ? deconvolution(x, w, null, { ...options, outputPadding: row.outputPadding })
          : convolution(x, w, null, options);
        const [dx, dw] = autograd.grad(y, [x, w], {
          headGradients: head,
          createGraph: true,
        }) as Tensor[];
        const parts = [dx!.mul(u), dw!.mul(v)].map((each) => each.reshape([-1]));
        tensors.push(y, dx!, dw!, ...parts);
        return parts;
      });
      autograd.backward(sum);
      const add = (a: Reference, b: Reference): Reference => ({
        shape: a.shape,
        data: Float64Array.from(a.data, (value, at) => value + b.data[at]!),
      });
      const forward = (x: Reference, w: Reference) =>
        transposed
          ? transposedReference(x, w, null, attributes)
          : reference(x, w, null, attributes);
      const backward = (g: Reference, w: Reference) =>
        transposed
          ? reference(g, w, null, attributes)
          : transposedReference(g, w, null, attributes);
      const weightOf = (x: Reference, g: Reference) =>
        transposed
          ? weightGradient(g, x, row.kernel, attributes)
          : weightGradient(x, g, row.kernel, attributes);
      const label = `${transposed ? "transposed " : ""}${JSON.stringify(row)}`;
      const terms = 4 * size(row.weight);
      using sx = x.grad;
      using sw = w.grad;
      using sh = head.grad;
      await compare(sx, backward(ph, pv), `${label} dS/dx`, terms);
      await compare(sw, weightOf(pu, ph), `${label} dS/dw`, terms);
      await compare(sh, add(forward(pu, pw), forward(px, pv)), `${label} dS/dhead`, terms);
      for (const each of tensors) each.dispose();
    }
  }
});

gpuTest(
  "fused activations, residuals and shuffles pass gradients like separate operators",
  async () => {
    const random = new Random(9);
    for (
      const name of ["relu", "sigmoid", "tanh", "softrelu", "mish", "softsign", "leaky"] as const
    ) {
      const after = name === "tanh";
      const shuffled = name === "relu" || name === "mish";
      using x = make(draw(random, [1, 3, 5, 6]));
      using w = make(draw(random, [4, 3, 3, 3]));
      using r = make(draw(random, shuffled ? [1, 1, 10, 12] : [1, 4, 5, 6]));
      const fused = () =>
        convolution(x, w, null, {
          padding: 1,
          activation: name,
          residual: r,
          residualAfterActivation: after,
          pixelShuffle: shuffled ? 2 : null,
        });
      const apart = () => {
        let y = convolution(x, w, null, { padding: 1 });
        if (shuffled) y = pixelShuffle(y, 2);
        if (!after) y = y.add(r);
        y = name === "leaky" ? leakyRelu(y) : activation(y, name);
        return after ? y.add(r) : y;
      };
      const results: Float32Array[][] = [];
      for (const run of [fused, apart]) {
        for (const leaf of [x, w, r]) leaf.attachGrad();
        const y = scope(() => autograd.record(run));
        y.backward();
        const tensors = [y, ...[x, w, r].map((leaf) => leaf.grad!)];
        results.push(await Promise.all(tensors.map((each) => each.data())) as Float32Array[]);
        for (const each of tensors) each.dispose();
      }
      results[0]!.forEach((values, at) =>
        assertClose(values, results[1]![at]!, { rtol: 1e-6, atol: 1e-6, label: `${name} ${at}` })
      );
    }
    // Channel-last, where the shuffle works on a transposed copy, and an activation differentiated by its output.
    using x = make(draw(random, [1, 5, 6, 3]));
    using w = make(draw(random, [4, 3, 3, 3]));
    const options = { layout: "NHWC", pixelShuffle: 2, activation: "tanh" } as const;
    for (const leaf of [x, w]) leaf.attachGrad();
    using y = scope(() => autograd.record(() => convolution(x, w, null, options)));
    using plain = convolution(x, w, null, options);
    assertClose(await y.data() as Float32Array, await plain.data() as Float32Array, { atol: 1e-6 });
    y.backward();
    using dx = x.grad!;
    using dw = w.grad!;
    assertEquals([dx.shape, dw.shape], [x.shape, w.shape]);
  },
);

gpuTest("convolution gradients have equal bits in 20 runs", async () => {
  const random = new Random(2);
  const data = [draw(random, [2, 12, 15, 15]), draw(random, [16, 12, 3, 3]), draw(random, [16])];
  let first: unknown;
  for (let run = 0; run < 20; run++) {
    const [x, w, b] = data.map(make) as [Tensor, Tensor, Tensor];
    for (const leaf of [x, w, b]) leaf.attachGrad();
    const y = autograd.record(() => convolution(x, w, b, { strides: 2, padding: 1 }));
    y.backward();
    const gradients = [x, w, b].map((leaf) => leaf.grad!);
    const bits = await Promise.all(gradients.map((each) => each.data()));
    for (const each of [x, w, b, y, ...gradients]) each.dispose();
    first ??= bits;
    assertEquals(bits, first);
  }
});

gpuTest("an empty batch has zero weight gradients of full size", async () => {
  for (const transposed of [false, true]) {
    using x = tensor(new Float32Array(0), [0, 4, 8, 8]);
    using w = make(draw(new Random(1), transposed ? [4, 6, 3, 3] : [6, 4, 3, 3]));
    using b = make(draw(new Random(2), [6]));
    for (const leaf of [x, w, b]) leaf.attachGrad();
    using y = autograd.record(() => transposed ? deconvolution(x, w, b) : convolution(x, w, b));
    y.backward();
    using dx = x.grad!;
    using dw = w.grad!;
    using db = b.grad!;
    assertEquals(dx.shape, [0, 4, 8, 8]);
    assertEquals(await dw.data(), new Float32Array(w.size));
    assertEquals(await db.data(), new Float32Array(6));
  }
});

gpuTest("deconvolution() settles sizes and refuses what cannot be", async () => {
  using x = make(draw(new Random(1), [1, 2, 4, 5]));
  using w = make(draw(new Random(2), [2, 3, 3, 4]));
  const shape = (options: Parameters<typeof deconvolution>[3]) => {
    using y = deconvolution(x, w, null, options);
    return y.shape;
  };
  assertEquals(shape({ strides: 2 }), [1, 3, 9, 12]);
  assertEquals(shape({ strides: [2, 3], padding: [[1, 0], [0, 2]] }), [1, 3, 8, 14]);
  assertEquals(shape({ strides: [2, 6], padding: "same" }), [1, 3, 8, 30]);
  assertEquals(shape({ strides: 3, padding: 1, outputSize: [12, 15] }), [1, 3, 12, 15]);
  const fails = (options: Parameters<typeof deconvolution>[3], message: string) =>
    assertThrows(() => deconvolution(x, w, null, options), Error, message);
  fails({ strides: 2, outputPadding: 2 }, "output padding (adj) is 2 on spatial axis 0");
  fails({ strides: 2, outputPadding: -1 }, "outputPadding is -1");
  fails({ padding: 3 }, "the result has 0 elements on spatial axis 0");
  fails(
    { strides: 3, outputSize: [15, 16] },
    "outputSize is 15 on spatial axis 0, expected 12 to 14",
  );
  fails({ outputSize: [9, 9] }, "expected 6");
  fails({ adj: 1 } as unknown as { groups: number }, 'unknown option "adj"');
  using narrow = make(draw(new Random(2), [5, 3, 3, 4]));
  assertThrows(() => deconvolution(x, narrow), Error, "input has 2 channels, weight expects 5");
  // Padding "same" of a convolution: ceil(in / stride) windows.
  using small = make(draw(new Random(2), [3, 2, 3, 4]));
  using y = convolution(x, small, null, { strides: [3, 2], padding: "same", dilation: [1, 2] });
  assertEquals(y.shape, [1, 3, 2, 3]);
  const expected = reference(
    { data: await x.data() as Float32Array, shape: x.shape },
    { data: await small.data() as Float32Array, shape: small.shape },
    null,
    { stride: [3, 2], dilation: [1, 2], padding: [1, 3], paddingAfter: [1, 3] },
  );
  assertClose(await y.data() as Float32Array, expected.data, { atol: 1e-5, rtol: 1e-5 });
});
