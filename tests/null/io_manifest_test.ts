/** Every file that MXNet, NumPy, Python's zipfile and safetensors wrote, and the broken ones. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  decodeNDArrayList,
  decodeNpy,
  decodeSafetensors,
  encodeNDArrayList,
  encodeNpy,
  encodeSafetensors,
  type FileArray,
  FormatError,
  readArrays,
  readParameters,
} from "../../io.ts";
import { test } from "../support/test.ts";
import { FILES, fixture, type ListedArray, MANIFEST, sha256 } from "./io_support.ts";

/** Asserts that an array is the one that the manifest lists. */
function assertListed(found: FileArray, listed: ListedArray, path: string): void {
  const where = `${path}: ${listed.name}`;
  assertEquals([...found.shape], listed.shape, where);
  // The manifest lists bfloat16 by its bits.
  const dtype = found.dtype === "bfloat16" ? "uint16" : found.dtype;
  assertEquals(dtype, listed.dtype, where);
  assertEquals(sha256(found), listed.sha256, where);
  const numbers = { nan: NaN, inf: Infinity, "-inf": -Infinity } as const;
  listed.values?.forEach((value, index) => {
    // Not all integers of 64 bits are numbers; their bits are compared above.
    const expected = typeof value === "string"
      ? numbers[value as keyof typeof numbers]
      : Number(value);
    assertEquals(Number(found.data[index]), expected, `${where} [${index}]`);
  });
}

test("the manifest lists files that exist", () => {
  assertEquals([MANIFEST.files.length, MANIFEST.nets.length], [115, 33]);
  assertEquals(readdirSync(FILES).length, 183);
  for (const { path, bytes } of MANIFEST.files) {
    assertEquals(statSync(join(FILES, path)).size, bytes, path);
  }
});

test("every file of the manifest reads as listed, or fails where it must", async () => {
  let failed = 0;
  for (const { path, arrays, must_fail } of MANIFEST.files) {
    const file = join(FILES, path);
    if (must_fail) {
      failed++;
      await assertRejects(() => readArrays(file), FormatError, "at byte", path);
      continue;
    }
    const found = await readArrays(file);
    assertEquals(found.length, arrays.length, path);
    const named = arrays.every(({ name }) => name !== "");
    arrays.forEach((listed, index) => {
      const array = named ? found.find(({ name }) => name === listed.name) : found[index];
      assert(array !== undefined, `${path} lacks ${listed.name}`);
      assertEquals(array.name, listed.name, path);
      assertListed(array, listed, path);
    });
  }
  assertEquals(failed, 8);
});

test("readParameters() reads every exported and saved model of MXNet 1.9 and 2.0", async () => {
  const keys = ["params", "saved_parameters"] as const;
  let count = 0;
  for (const net of MANIFEST.nets) {
    for (const key of keys) {
      if (typeof net[key] !== "string") continue;
      const listed = MANIFEST.files.find(({ path }) => path === net[key])!;
      const parameters = await readParameters(join(FILES, net[key]));
      assertEquals([...parameters.keys()].sort(), listed.arrays.map(({ name }) => name).sort());
      count++;
    }
    if (typeof net.io === "string") {
      const names = [...(await readParameters(join(FILES, net.io))).keys()];
      assert(names.includes("out0"), net.io);
    }
  }
  assertEquals(count, 64);
});

test("bfloat16 files keep the dtype's name", async () => {
  const files = ["mx2_bf16.npy", "mx2_bf16.npz", "mx2_bf16_v2.nd", "py_bf16.safetensors"];
  for (const path of files) {
    const arrays = await readArrays(join(FILES, path));
    assertEquals(arrays.filter(({ dtype }) => dtype === "bfloat16").length, 1, path);
  }
});

test("encodeNpy() gives the bytes that NumPy and MXNet wrote", () => {
  const others = [
    "np_fortran2.npy", // written in the other memory order
    "np_fortran4.npy",
    "np_bigendian.npy", // in the other byte order
    "np_bigendian_i8.npy",
    "np_version2.npy", // in another version
    "np_version3.npy",
    "mx2_longheader.npy", // with a header that MXNet does not read within zips
  ];
  let count = 0;
  for (const { path, kind, must_fail } of MANIFEST.files) {
    if (!kind.startsWith("npy") || must_fail || others.includes(path)) continue;
    const bytes = fixture(path);
    assertEquals(encodeNpy(decodeNpy(bytes)), bytes, path);
    count++;
  }
  assertEquals(count, 6);
});

test("encodeNDArrayList() gives the bytes that MXNet 1.9 and 2.0 wrote", () => {
  let count = 0;
  for (const { path, kind } of MANIFEST.files) {
    const version = kind.includes("V3") ? "v3" : kind.includes("V2") ? "v2" : undefined;
    if (version === undefined || kind.includes("sparse")) continue;
    const bytes = fixture(path);
    const { arrays, named } = decodeNDArrayList(bytes);
    assertEquals(encodeNDArrayList(arrays, { named, version }), bytes, path);
    count++;
  }
  assertEquals(count, 40);
});

test("encodeSafetensors() gives the bytes of the reference implementation", () => {
  for (const path of ["py.safetensors", "py_empty.safetensors", "py_bf16.safetensors"]) {
    const bytes = fixture(path);
    const { arrays, metadata } = decodeSafetensors(bytes);
    assertEquals(encodeSafetensors(arrays, { metadata }), bytes, path);
    // Whatever order they come in.
    assertEquals(encodeSafetensors(arrays.toReversed(), { metadata }), bytes, path);
  }
  assertEquals(decodeSafetensors(fixture("py.safetensors")).metadata.get("note"), "ünïcode");
});
