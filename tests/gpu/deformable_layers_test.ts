// Deformable layers as models use them: gradients that add up, float16, hooks, deferred shapes, second derivatives.

import { assert, assertEquals, assertThrows } from "@std/assert";
import * as vknn from "../../mod.ts";
import { deformableCases } from "../cases/deformable_convolution.ts";
import { deformableConvolution, deformableGradients } from "../reference/deformable_convolution.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

const GRADIENT = { rtol: 5e-4, atol: 5e-5 };

/** Applies the operator of a case to tensors. */
function apply(
  { operands, options }: ReturnType<typeof deformableCases>[number],
  tensors: readonly vknn.Tensor[],
): vknn.Tensor {
  const [data, offset] = tensors as [vknn.Tensor, vknn.Tensor];
  const [weight, bias] = tensors.slice(-2) as [vknn.Tensor, vknn.Tensor];
  return operands.mask === null
    ? vknn.deformableConvolution(data, offset, weight, bias, options)
    : vknn.modulatedDeformableConvolution(data, offset, tensors[2]!, weight, bias, options);
}

gpuTest("gradients of deformable operators flow through autograd, and add up", async () => {
  for (const each of deformableCases(91, 40)) {
    const { operands, bias, head, attributes, label } = each;
    const { data, offset, mask, weight } = operands;
    const all = [data, offset, ...(mask === null ? [] : [mask]), weight, bias];
    const tensors = all.map((array) =>
      vknn.tensor(Float32Array.from(array.data), array.shape).attachGrad("add")
    );
    using headTensor = vknn.tensor(Float32Array.from(head.data), head.shape);
    for (let pass = 0; pass < 2; pass++) {
      using y = vknn.autograd.record(() => apply(each, tensors));
      y.backward(headTensor);
    }
    const gradients = deformableGradients(operands, head, attributes);
    const names = ["data", "offset", ...(mask === null ? [] : ["mask"]), "weight", "bias"] as const;
    for (const [index, name] of names.entries()) {
      const expected = gradients[name as "data"].data;
      const twice = Float64Array.from(expected, (value) => 2 * value);
      const found = await tensors[index]!.grad!.data();
      assertClose(found, twice, { ...GRADIENT, label: `${name} ${label}` });
    }
    for (const tensor of tensors) tensor.dispose();
  }
});

gpuTest("a gradient that nobody wants is not computed", async () => {
  const each = deformableCases(92, 1)[0]!;
  const { data, offset, mask, weight } = each.operands;
  const all = [data, offset, ...(mask === null ? [] : [mask]), weight, each.bias];
  const tensors = all.map((array) => vknn.tensor(Float32Array.from(array.data), array.shape));
  tensors[1]!.attachGrad();
  using y = vknn.autograd.record(() => apply(each, tensors));
  y.backward();
  assertEquals(tensors.map((tensor) => tensor.grad !== null), tensors.map((_, i) => i === 1));
  const ones = { ...each.head, data: new Float64Array(each.head.data.length).fill(1) };
  const { offset: expected } = deformableGradients(each.operands, ones, each.attributes);
  assertClose(await tensors[1]!.grad!.data(), expected.data, GRADIENT);
  for (const tensor of tensors) tensor.dispose();
});

gpuTest("deformable convolution stores float16 and computes in float32", async () => {
  for (const each of deformableCases(93, 10)) {
    const { operands, bias, attributes, label } = each;
    const half = (array: { data: ArrayLike<number>; shape: readonly number[] }) => ({
      data: Float16Array.from(array.data),
      shape: array.shape,
    });
    const rounded = {
      data: half(operands.data),
      offset: half(operands.offset),
      mask: operands.mask === null ? null : half(operands.mask),
      weight: half(operands.weight),
    };
    const roundedBias = half(bias);
    const all = [rounded.data, rounded.offset, rounded.mask, rounded.weight, roundedBias]
      .flatMap((array) => array === null ? [] : [array]);
    const tensors = all.map(({ data, shape }) => vknn.tensor(data, shape));
    using y = apply(each, tensors);
    assertEquals(y.dtype, "float16");
    const expected = deformableConvolution(rounded, roundedBias, attributes);
    assertClose(await y.data(), expected.data, { rtol: 2e-3, atol: 2e-3, label });
    for (const tensor of tensors) tensor.dispose();
  }
});

gpuTest("the first output of a deformable layer is that of a plain convolution", async () => {
  const random = new Random(94);
  for (const layout of ["NCHW", "NHWC"] as const) {
    const shape = layout === "NCHW" ? [2, 4, 6, 5] : [2, 6, 5, 4];
    using x = vknn.tensor(random.float32(240), shape);
    const options = { groups: 2, strides: [1, 2], layout, activation: "tanh" } as const;
    for (const Layer of [vknn.DeformableConvolution, vknn.ModulatedDeformableConvolution]) {
      const layer = new Layer(6, [2, 3], { ...options, numDeformableGroup: 2 });
      layer.initialize("xavier");
      let calls = 0;
      using y = layer.call(x);
      const handle = layer.act!.registerForwardHook(() => calls++);
      using hooked = layer.call(x);
      handle.detach();
      assertEquals(calls, 1);
      const plain = new vknn.Conv2D(6, [2, 3], { ...options, useBias: false });
      plain.loadDict({ weight: layer.deformable_conv_weight.data() });
      using expected = plain.call(x);
      assertEquals(y.shape, expected.shape);
      for (const each of [y, hooked]) {
        assertClose(await each.data(), await expected.data(), { rtol: 1e-5, atol: 1e-6 });
      }
      layer.dispose();
      plain.dispose();
    }
  }
});

gpuTest("an empty batch passes, and gives zeros for the weight", async () => {
  using x = vknn.tensor(new Float32Array(0), [0, 2, 4, 4]).attachGrad();
  using layer = new vknn.ModulatedDeformableConvolution(3, 2);
  layer.initialize();
  // Deferred shapes come from any input, also an empty one.
  using first = layer.call(x);
  assertEquals(first.shape, [0, 3, 3, 3]);
  const weight = layer.deformable_conv_weight.data().attachGrad();
  using y = vknn.autograd.record(() => layer.call(x));
  y.backward();
  assertEquals(await weight.grad!.data(), new Float32Array(24));
  assertEquals(x.grad!.shape, [0, 2, 4, 4]);
});

gpuTest("second derivatives of deformable convolution do not exist, and the error says so", () => {
  using x = vknn.tensor(new Float32Array(9).fill(1), [1, 1, 3, 3]).attachGrad();
  using offset = vknn.tensor(new Float32Array(18).fill(0.25), [1, 2, 3, 3]);
  using weight = vknn.tensor([[[[1]]]]);
  const error = assertThrows(() =>
    vknn.scope(() => {
      const gradient = vknn.autograd.record(() => {
        const y = vknn.deformableConvolution(x, offset, weight);
        return vknn.autograd.grad(vknn.mul(y, y), x, { createGraph: true });
      });
      vknn.autograd.grad(gradient, x);
    }), vknn.AutogradError);
  assert(/_backward_DeformableConvolution/.test(error.message), error.message);
});
