/** Arrays of files as tensors, and back. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  bfloat16ToFloat32,
  decodeNpz,
  encodeNpz,
  fileArray,
  fromTensor,
  readParameters,
  toTensor,
} from "../../io.ts";
import { Conv2D } from "../../mod.ts";
import { gpuTest } from "../support/test.ts";
import { assertSameArrays, FILES, oneOfEach } from "../null/io_support.ts";

gpuTest("toTensor() and fromTensor() keep the bits of every dtype that tensors have", async () => {
  const kept = ["float32", "float16", "int32", "int8", "uint8"];
  for (const array of oneOfEach().filter(({ dtype }) => kept.includes(dtype))) {
    const x = toTensor(array);
    assertEquals([x.dtype, x.shape, x.label], [array.dtype, array.shape, array.name]);
    assertSameArrays([await fromTensor(array.name, x)], [array]);
    x.dispose();
  }
});

gpuTest("toTensor() converts other dtypes when told to", async () => {
  const cases = [
    [fileArray("d", new Float64Array([1.5, -2])), "float32", [1.5, -2]],
    [fileArray("l", new BigInt64Array([5n, -6n])), "int32", [5, -6]],
    [fileArray("L", new BigUint64Array([5n, 2n ** 40n])), "float32", [5, 2 ** 40]],
    [fileArray("t", new Uint8Array([0, 1]), [2], "bool"), "uint8", [0, 1]],
    [fileArray("b", new Uint16Array([0x3f80, 0xc020]), [2], "bfloat16"), "float32", [1, -2.5]],
    // Numbers, not bits of float16.
    [fileArray("u", new Uint16Array([1, 300])), "float16", [1, 300]],
    [fileArray("s", new Int16Array([-1, 300])), "int32", [-1, 300]],
    [fileArray("w", new Uint32Array([1, 300])), "int32", [1, 300]],
  ] as const;
  for (const [array, dtype, values] of cases) {
    assertThrows(() => toTensor(array), TypeError, array.dtype);
    const x = toTensor(array, { dtype });
    assertEquals([x.dtype, [...await x.data()]], [dtype, [...values]]);
    x.dispose();
  }
  const large = fileArray("l", new BigInt64Array([2n ** 40n]));
  assertThrows(() => toTensor(large, { dtype: "int32" }), RangeError);
  const bits = new Uint16Array([0x7f80, 0xff80, 0x8000]);
  assertEquals([...bfloat16ToFloat32(bits)], [Infinity, -Infinity, -0]);
});

gpuTest("scalars and arrays without elements become tensors", async () => {
  for (
    const array of [
      fileArray("s", new Float32Array([3]), []),
      fileArray("e", new Int8Array(), [2, 0]),
    ]
  ) {
    const x = toTensor(array);
    const [found] = decodeNpz(encodeNpz([await fromTensor(array.name, x)]));
    assertSameArrays([found!], [array]);
    x.dispose();
  }
  await assertRejects(() => fromTensor("x", [1] as never), TypeError, "a Tensor");
});

gpuTest("loadDict() takes the parameters that MXNet saved", async () => {
  for (
    const path of [
      "mx2_conv2d_relu.params",
      "mx2_conv2d_relu-0000.params",
      "mx1_conv2d_relu.params",
    ]
  ) {
    const net = new Conv2D(8, 3, { activation: "relu" });
    const parameters = await readParameters(`${FILES}/${path}`);
    net.loadDict(parameters);
    const saved = parameters.get("weight") ?? parameters.get("arg:weight");
    assertEquals(await net.weight.data().data(), saved!.data as Float32Array);
    for (const parameter of net.collectParams().values()) parameter.data().dispose();
  }
});
