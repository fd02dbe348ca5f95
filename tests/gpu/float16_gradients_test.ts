/** Convolutions and all their gradients in float16 on random attributes, against the float64 oracle. */
import { assertEquals } from "@std/assert";
import * as vknn from "../../mod.ts";
import { deformableCases } from "../cases/deformable_convolution.ts";
import { type Reference, size } from "../reference/array.ts";
import { convolution, type ConvolutionAttributes } from "../reference/convolution.ts";
import { biasGradient, deconvolution, weightGradient } from "../reference/deconvolution.ts";
import { deformableConvolution, deformableGradients } from "../reference/deformable_convolution.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";
import { rounded } from "./float16_support.ts";

/** One rounding at load, which the oracle sees, and one at store. */
const TOLERANCE = { rtol: 2e-3, atol: 2e-3 };
const CASES = 24;
const CHANNELS = [1, 4, 12, 13, 15, 16];
const LAYOUTS = [["NCW", "NWC"], ["NCHW", "NHWC"], ["NCDHW", "NDHWC"]] as const;

const half = ({ data, shape }: Reference): Reference => ({ data: rounded(data), shape });

/**
 * Runs a function on float16 leaves, forward and backward.
 *
 * @param leaves Operands by name; rounded already.
 * @param expected The result, and the gradient of every leaf.
 */
async function check(
  label: string,
  leaves: Readonly<Record<string, Reference>>,
  head: Reference,
  run: (leaves: Readonly<Record<string, vknn.Tensor>>) => vknn.Tensor,
  expected: { readonly y: Reference; readonly gradients: Readonly<Record<string, Reference>> },
): Promise<void> {
  const make = ({ data, shape }: Reference) =>
    vknn.tensor(rounded(data), shape, { dtype: "float16" });
  const tensors = Object.fromEntries(
    Object.entries(leaves).map(([name, each]) => [name, make(each).attachGrad()]),
  );
  using y = vknn.autograd.record(() => run(tensors));
  using heads = make(head);
  y.backward(heads);
  const compare = async (name: string, actual: vknn.Tensor, { data, shape }: Reference) => {
    assertEquals(actual.dtype, "float16", label);
    assertEquals(actual.shape, shape, `${label} ${name}`);
    const values = await actual.data();
    assertClose(values, data, { ...TOLERANCE, label: `${label} ${name}` });
  };
  await compare("result", y, expected.y);
  for (const [name, gradient] of Object.entries(expected.gradients)) {
    await compare(name, tensors[name]!.grad!, gradient);
  }
  for (const each of Object.values(tensors)) each.dispose();
}

/** Random attributes of a convolution, with sizes. */
function convolutionCase(random: Random) {
  const rank = random.integer(1, 3);
  const layout = random.pick(LAYOUTS[rank - 1]!);
  const axes = (low: number, high: number): number[] =>
    Array.from({ length: rank }, () => random.integer(low, high));
  // Small, for the oracle's sake.
  const channels = random.pick(rank === 3 ? CHANNELS.slice(0, 2) : CHANNELS);
  const groups = random.pick([1, 1, channels]);
  const filters = groups * random.integer(1, Math.ceil(6 / groups));
  const [kernel, stride, padding, dilation] = [axes(1, 3), axes(1, 3), axes(0, 1), axes(1, 2)];
  const spatial = dilation.map((each, axis) =>
    each * (kernel[axis]! - 1) + 1 + random.integer(0, Math.floor(6 / rank))
  );
  const arrange = (n: number, c: number, sizes: readonly number[]): number[] =>
    layout.endsWith("C") ? [n, ...sizes, c] : [n, c, ...sizes];
  const attributes = { stride, padding, dilation, groups, layout };
  const array = (shape: readonly number[]): Reference => ({
    data: rounded(random.float32(size(shape))),
    shape,
  });
  return {
    rank,
    attributes,
    kernel,
    spatial,
    filters,
    array,
    arrange,
    x: array(arrange(random.integer(1, 2), channels, spatial)),
    options: { strides: stride, padding, dilation, groups, layout },
  };
}

function spatialOf({ shape }: Reference, layout: string): number[] {
  return shape.filter((_, axis) => layout[axis] !== "N" && layout[axis] !== "C");
}

gpuTest("convolution and its gradients agree with the oracle in float16", async () => {
  const random = new Random(161);
  for (let at = 0; at < CASES; at++) {
    const { attributes, options, kernel, spatial, filters, array, arrange, x } = convolutionCase(
      random,
    );
    const { layout, groups } = attributes;
    const channels = x.shape[layout.indexOf("C")]!;
    const weight = array(arrange(filters, channels / groups, kernel));
    const bias = array([filters]);
    const y = convolution(x, weight, bias, attributes);
    const head = array(y.shape);
    await check(
      JSON.stringify({ x: x.shape, weight: weight.shape, ...options }),
      { x, weight, bias },
      head,
      (leaves) => vknn.convolution(leaves["x"]!, leaves["weight"]!, leaves["bias"]!, options),
      {
        y,
        gradients: {
          x: deconvolution(head, weight, null, { ...attributes, size: spatial }),
          weight: weightGradient(x, head, kernel, attributes),
          bias: biasGradient(head, attributes),
        },
      },
    );
  }
});

gpuTest("transposed convolution and its gradients agree with the oracle in float16", async () => {
  const random = new Random(162);
  for (let at = 0; at < CASES; at++) {
    const { attributes, kernel, filters, array, arrange, x, options } = convolutionCase(random);
    const { stride, dilation, layout, groups } = attributes;
    // No more padding than there is to cut off.
    const padding = attributes.padding.map((each, axis) =>
      Math.min(each, Math.floor(dilation[axis]! * (kernel[axis]! - 1) / 2))
    );
    const own: ConvolutionAttributes & { padding: number[] } = { ...attributes, padding };
    const outputs = spatialOf(x, layout).map((each, axis) =>
      stride[axis]! * (each - 1) + dilation[axis]! * (kernel[axis]! - 1) + 1 - 2 * padding[axis]!
    );
    const channels = x.shape[layout.indexOf("C")]!;
    const weight = array(arrange(channels, filters / groups, kernel));
    const bias = array([filters]);
    const y = deconvolution(x, weight, bias, { ...own, size: outputs });
    const head = array(y.shape);
    await check(
      JSON.stringify({ x: x.shape, weight: weight.shape, ...options, padding }),
      { x, weight, bias },
      head,
      (leaves) =>
        vknn.deconvolution(leaves["x"]!, leaves["weight"]!, leaves["bias"]!, {
          ...options,
          padding,
        }),
      {
        y,
        gradients: {
          x: convolution(head, weight, null, own),
          weight: weightGradient(head, x, kernel, own),
          bias: biasGradient(head, own),
        },
      },
    );
  }
});

gpuTest("deformable convolution and its gradients agree with the oracle in float16", async () => {
  for (const { operands, bias, head, attributes, options, label } of deformableCases(163, CASES)) {
    const [data, offset, weight] = [operands.data, operands.offset, operands.weight].map(half);
    const mask = operands.mask === null ? null : half(operands.mask);
    const own = { data: data!, offset: offset!, weight: weight!, mask };
    const [bias16, head16] = [half(bias), half(head)];
    const { mask: maskGradient, ...gradients } = deformableGradients(own, head16, attributes);
    const leaves = { data: data!, offset: offset!, weight: weight!, bias: bias16 };
    await check(
      label,
      mask === null ? leaves : { ...leaves, mask },
      head16,
      ({ data, offset, mask, weight, bias }) =>
        mask === undefined
          ? vknn.deformableConvolution(data!, offset!, weight!, bias!, options)
          : vknn.modulatedDeformableConvolution(data!, offset!, mask, weight!, bias!, options),
      {
        y: deformableConvolution(own, bias16, attributes),
        gradients: mask === null ? gradients : { ...gradients, mask: maskGradient! },
      },
    );
  }
});
