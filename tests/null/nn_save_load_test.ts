/** Parameters to files and back: formats, sources, sharing, what does not fit. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  arrayFormat,
  decodeParameters,
  encodeArrays,
  fileArray,
  FileError,
  FormatError,
} from "../../io.ts";
import {
  Block,
  Conv2D,
  Flatten,
  HybridSequential,
  type LoadParametersOptions,
  Parameter,
  type SaveParametersOptions,
  seed,
} from "../../mod.ts";
import {
  DeferredInitializationError,
  LimitError,
  ShapeError,
  StateError,
} from "../../src/core/errors.ts";
import { test } from "../support/test.ts";
import { MOD_URL, ROOT, runText, RUNTIME } from "../support/subprocess.ts";
import { fixture, MANIFEST } from "./io_support.ts";
import { fakeDevice } from "./nn_fake_device.ts";

const { device, fake } = fakeDevice();

/** Blocks within blocks, with parameters of unknown shape by dotted name. */
class Bag extends Block {
  constructor(names: readonly string[]) {
    super();
    const inner = new Map<string, string[]>();
    for (const name of names) {
      const [first, ...rest] = name.split(".") as [string, ...string[]];
      if (rest.length === 0) Object.assign(this, { [first]: new Parameter(first) });
      else inner.set(first, [...inner.get(first) ?? [], rest.join(".")]);
    }
    for (const [name, below] of inner) this.registerChild(new Bag(below), name);
  }
  override forward(): void {}
}

async function inFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "vknn-nn-"));
  try {
    await fn(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Two convolutions, the second of them shared with a third place. */
function makeNet(inChannels: number = 1): HybridSequential {
  const conv = new Conv2D(2, 1, { inChannels: inChannels === 0 ? 0 : 2 });
  return new HybridSequential().add(new Conv2D(2, [1, 2], { inChannels }), conv, conv);
}

function trained(): HybridSequential {
  const net = makeNet();
  seed(3);
  net.initialize("uniform", { device });
  return net;
}

function valuesOf(net: HybridSequential): Record<string, number[]> {
  return Object.fromEntries(
    [...net.collectParams()].map(([name, parameter]) => [name, [...parameter.data().dataSync()]]),
  );
}

const NAMES = ["0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias"];

test("saveParameters() and loadParameters() keep every bit in every format and from every source", () =>
  inFolder(async (folder) => {
    const net = trained();
    const endings = [
      ["net.params", "npz"],
      ["net", "npz"],
      ["net.SafeTensors", "safetensors"],
      ["net.nd", "ndarray-list"],
    ] as const;
    for (const [name, format] of endings) {
      const path = join(folder, name);
      await net.saveParameters(path);
      const bytes = new Uint8Array(readFileSync(path));
      assertEquals(arrayFormat(bytes), format, name);
      assertEquals([...decodeParameters(bytes).keys()].sort(), NAMES.toSorted(), name);
      const sources = [path, pathToFileURL(path), bytes, bytes.buffer, new Blob([bytes]).stream()];
      for (const source of sources) {
        const fresh = makeNet(0);
        await fresh.loadParameters(source, { device });
        assertEquals(valuesOf(fresh), valuesOf(net), name);
        fresh.dispose();
      }
    }
    assertEquals(readdirSync(folder).sort(), ["net", "net.SafeTensors", "net.nd", "net.params"]);
    net.dispose();
    assertEquals(fake.liveBuffers, 0);
  }));

test("saveParameters() without a path gives the bytes of the file", async () => {
  const net = trained();
  const formats = ["npz", "ndarray-list", "safetensors"] as const;
  for (const format of formats) {
    const bytes = await net.saveParameters(null, { format });
    assertEquals(arrayFormat(bytes), format);
    assertEquals(
      bytes,
      await net.saveParameters(undefined, { format }),
      "the same bytes each time",
    );
    const fresh = makeNet(0);
    await fresh.loadParameters(bytes, { device });
    assertEquals(valuesOf(fresh), valuesOf(net));
    fresh.dispose();
  }
  assertEquals(arrayFormat(await net.saveParameters()), "npz");
  const compressed = await net.saveParameters(null, { compress: true });
  assertEquals([...decodeParameters(compressed).keys()], NAMES);
  net.dispose();
});

test("saveParameters() writes a shared parameter under every name, or once under its last", async () => {
  const net = trained();
  const all = decodeParameters(await net.saveParameters());
  assertEquals([...all.keys()], NAMES);
  const once = await net.saveParameters(null, { deduplicate: true });
  assertEquals([...decodeParameters(once).keys()], ["0.weight", "0.bias", "2.weight", "2.bias"]);
  // Loading knows that they are shared.
  const fresh = makeNet(0);
  await fresh.loadParameters(once, { device });
  assertEquals(valuesOf(fresh), valuesOf(net));
  net.dispose();
  fresh.dispose();
});

test("saveParameters() saves the values at the time of the call", async () => {
  const net = trained();
  const before = valuesOf(net)["0.bias"];
  const saving = net.saveParameters();
  net.collectParams().get("0.bias")!.setData(new Float32Array([7, 8]));
  const saved = decodeParameters(await saving).get("0.bias")!;
  assertEquals([...saved.data as Float32Array], before);
  net.dispose();
});

test("saveParameters() averages over devices", async () => {
  const second = fakeDevice("second");
  const conv = new Conv2D(2, 1, { inChannels: 1, useBias: false });
  conv.initialize("ones", { device: [device, second.device] });
  conv.weight.data(second.device).assign(new Float32Array([2, 4]));
  const saved = decodeParameters(await conv.saveParameters()).get("weight")!;
  assertEquals([[...saved.shape], [...saved.data as Float32Array]], [[2, 1, 1, 1], [1.5, 2.5]]);
  conv.dispose();
});

test("saveParameters() refuses parameters without values, and then writes nothing", () =>
  inFolder(async (folder) => {
    const path = join(folder, "net.params");
    const net = makeNet(0);
    await assertRejects(() => net.saveParameters(path), StateError, "'weight'");
    net.initialize(undefined, { device });
    await assertRejects(() => net.saveParameters(path), DeferredInitializationError, "'weight'");
    net.dispose();
    const full = trained();
    const unknown = { deduplicated: true } as unknown as SaveParametersOptions;
    await assertRejects(() => full.saveParameters(path, unknown), TypeError, '"deduplicate"');
    const npy = { format: "npy" } as unknown as SaveParametersOptions;
    await assertRejects(() => full.saveParameters(path, npy), RangeError, '"safetensors"');
    const nd = { format: "ndarray-list", compress: true } as const;
    await assertRejects(() => full.saveParameters(path, nd), RangeError, "compress");
    await assertRejects(() => full.saveParameters(3 as unknown as string), TypeError, "path");
    await assertRejects(() => full.saveParameters(join(folder, "no", "x")), FileError, '/no"');
    assertEquals(readdirSync(folder), []);
    full.dispose();
  }));

test("saveParameters() is atomic: where it cannot write, the old file stays", () =>
  inFolder(async (folder) => {
    const net = trained();
    const path = join(folder, "net.params");
    await net.saveParameters(path);
    const before = readFileSync(path);
    net.collectParams().get("0.bias")!.setData(new Float32Array([7, 8]));
    net.dispose();
    await assertRejects(() => net.saveParameters(path), StateError);
    assertEquals(readFileSync(path), before);
    assert(!existsSync(`${path}.tmp`) && readdirSync(folder).length === 1);
  }));

test("a block without parameters saves a file that it loads", async () => {
  const empty = await new Flatten().saveParameters();
  await new Flatten().loadParameters(empty);
  // As MXNet: a file without arrays is loaded without checks.
  const conv = new Conv2D(1, 1);
  for (const name of ["mx1_empty.nd", "mx1_emptydict.nd"]) await conv.loadParameters(fixture(name));
  await conv.loadParameters(empty);
  assert(!conv.weight.initialized);
});

test("loadParameters() tells everything that does not fit at once, and changes nothing", async () => {
  const net = trained();
  const before = valuesOf(net);
  const file = encodeArrays([
    fileArray("0.weight", new Float32Array(6), [2, 1, 1, 3]),
    fileArray("arg:0.bias", new Float64Array(2)),
    fileArray("more", new Float32Array(1)),
    fileArray("extra", new Float32Array(1)),
  ], "npz");
  const error = await assertRejects(() => net.loadParameters(file), RangeError);
  for (
    const part of [
      "Cannot load parameters of HybridSequential from 'the bytes'",
      "2 missing ('1.weight', '1.bias')",
      "2 unexpected ('more', 'extra')",
      "1 of another shape ('0.weight' expected (2, 1, 1, 2) vs saved (2, 1, 1, 3))",
      "1 of another dtype ('0.bias' expected float32 vs saved float64)",
      "found '0.weight', '0.bias', 'more', 'extra'",
      "Set allowMissing, ignoreExtra, castDtype",
    ]
  ) assertStringIncludes(error.message, part);
  // The rest, when told to tolerate that.
  const tolerant = { allowMissing: true, ignoreExtra: true, castDtype: true };
  const shape = await assertRejects(() => net.loadParameters(file, tolerant), ShapeError);
  assertStringIncludes(shape.message, "shape incompatible expected (2, 1, 1, 2)");
  assertEquals(valuesOf(net), before);
  net.dispose();
});

test("loadParameters() names the file, and gives MXNet's sentence for a single problem", () =>
  inFolder(async (folder) => {
    const path = join(folder, "x.params");
    writeFileSync(path, encodeArrays([fileArray("bias", new Float32Array(2))], "npz"));
    const conv = new Conv2D(2, 1);
    await assertRejects(
      () => conv.loadParameters(path),
      RangeError,
      `Parameter 'weight' is missing in 'file: ${path}', which contains parameters: 'bias'. ` +
        "Set allowMissing",
    );
    await assertRejects(() => conv.loadParameters(join(folder, "y")), FileError, '/y"');
    const two = encodeArrays(
      [fileArray("a", new Float32Array(1)), fileArray("b", new Float32Array(1))],
      "npz",
    );
    await assertRejects(
      () => conv.loadParameters(two, { allowMissing: true }),
      RangeError,
      "2 unexpected ('a', 'b'). Set ignoreExtra",
    );
  }));

test("loadParameters() converts every dtype of files when told to, and only then", async () => {
  const rows = [
    fileArray("w", new Float64Array([1, 2])),
    fileArray("w", new Float16Array([1, 2])),
    fileArray("w", new BigInt64Array([1n, 2n])),
    fileArray("w", new BigUint64Array([1n, 2n])),
    fileArray("w", new Uint16Array([0x3f80, 0x4000]), [2], "bfloat16"),
    fileArray("w", new Uint8Array([1, 2])),
    fileArray("w", new Int8Array([1, 2])),
    fileArray("w", new Int16Array([1, 2])),
    fileArray("w", new Uint16Array([1, 2])),
    fileArray("w", new Uint32Array([1, 2])),
    fileArray("w", new Int32Array([1, 2])),
  ];
  class Own extends HybridSequential {
    readonly w = new Parameter("w", { shape: [2] });
  }
  for (const array of rows) {
    const file = encodeArrays([array], "ndarray-list");
    const block = new Own();
    await assertRejects(
      () => block.loadParameters(file, { device }),
      TypeError,
      `expected float32 vs saved ${array.dtype}; set castDtype`,
    );
    await block.loadParameters(file, { device, castDtype: true });
    assertEquals([...block.w.data().dataSync()], [1, 2], array.dtype);
    assertEquals(block.w.dtype, "float32");
    block.dispose();
    const saved = { device, castDtype: true, dtypeSource: "saved" } as const;
    const own = ["float64", "bfloat16"].includes(array.dtype) ? "float32" : array.dtype;
    if (["float32", "float16", "uint8", "int8", "int32"].includes(own)) {
      await block.loadParameters(file, saved);
      assertEquals([block.w.dtype, [...block.w.data().dataSync()]], [own, [1, 2]]);
      block.dispose();
    } else {
      await assertRejects(() => block.loadParameters(file, saved), TypeError, "no tensor has");
    }
  }
  const flags = encodeArrays([fileArray("w", new Uint8Array([1, 0]), [2], "bool")], "npz");
  const block = new Own();
  await assertRejects(() => block.loadParameters(flags, { device }), TypeError, "saved bool");
  block.loadDict(decodeParameters(flags), { device, castDtype: true });
  assertEquals([...block.w.data().dataSync()], [1, 0]);
  block.dispose();
});

test("loadParameters() refuses damaged, unnamed and too large files, and wrong arguments", async () => {
  const net = trained();
  const file = await net.saveParameters();
  await assertRejects(() => net.loadParameters(file.subarray(0, 90)), FormatError, "at byte");
  await assertRejects(() => net.loadParameters(new Uint8Array(50)), FormatError, "expected .npy");
  await assertRejects(() => net.loadParameters(fixture("mx1_list.nd")), FormatError, "names");
  await assertRejects(() => net.loadParameters(file, { maxBytes: 100 }), LimitError, "maxBytes");
  await assertRejects(() => net.loadParameters(file, { maxArrays: 2 }), LimitError, "maxArrays");
  const unknown = { allow_missing: true } as unknown as LoadParametersOptions;
  await assertRejects(() => net.loadParameters(file, unknown), TypeError, '"allowMissing"');
  for (const wrong of [undefined, null, 3, {}, [file]]) {
    await assertRejects(() => net.loadParameters(wrong as unknown as Uint8Array), TypeError);
  }
  net.dispose();
});

test("loadParameters() reads every model that MXNet 2.0 and 1.9 saved or exported", async () => {
  let count = 0;
  for (const net of MANIFEST.nets) {
    for (const path of [net["params"], net["saved_parameters"]]) {
      if (typeof path !== "string") continue;
      const saved = [...decodeParameters(fixture(path))];
      const bare = saved.map(([name, array]) => [name.replace(/^(arg|aux):/, ""), array] as const);
      const model = new Bag(bare.map(([name]) => name));
      const options = { device, castDtype: true, dtypeSource: "saved" } as const;
      await model.loadParameters(fixture(path), options);
      const parameters = model.collectParams();
      assertEquals([...parameters.keys()].sort(), bare.map(([name]) => name).sort(), path);
      for (const [name, array] of bare) {
        const parameter = parameters.get(name)!;
        const dtype = array.dtype === "float64" ? "float32" : array.dtype;
        assertEquals([parameter.dtype, parameter.shape], [dtype, [...array.shape]], path);
        const expected = array.dtype === "float64"
          ? Float32Array.from(array.data as Float64Array)
          : array.data;
        assertEquals(parameter.data().dataSync(), expected as Float32Array, `${path}: ${name}`);
      }
      model.dispose();
      count++;
    }
  }
  assertEquals(count, 64);
  assertEquals(fake.liveBuffers, 0);
});

test("saveParameters() and loadParameters() need no permission for bytes", async () => {
  const result = await runText(
    `
    import { Flatten } from ${JSON.stringify(MOD_URL)};
    const bytes = await new Flatten().saveParameters();
    await new Flatten().loadParameters(bytes);
    console.log(bytes.length);`,
    {
      runtimeFlags: RUNTIME === "deno" ? ["--config", join(ROOT, "deno.json")] : [],
    },
  );
  assertEquals([result.code, result.stderr, result.stdout.trim()], [0, "", "22"]);
});
