/**
 * Writes files in every format and a list of what they hold, for check_files.py.
 * Run by `scripts/interop`.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import {
  type ArrayFormat,
  encodeNDArrayList,
  encodeNpy,
  encodeNpz,
  encodeSafetensors,
  type FileArray,
  fileArray,
  fromTensor,
  readParameters,
  writeParameters,
  writeSymbol,
} from "../../io.ts";
import { type Tensor, tensor } from "../../mod.ts";
import { FILES, MANIFEST, oneOfEach, sha256 } from "../null/io_support.ts";
import { filledBlock, GRAPH_BLOCKS } from "../support/graph_blocks.ts";
import { Random } from "../support/random.ts";

const out = process.argv[2];
if (out === undefined) throw new Error("usage: write_files.ts FOLDER");
mkdirSync(out, { recursive: true });

const files: unknown[] = [];
const nets: unknown[] = [];

/** Writes one file, and what must be read from it by whom. */
function add(
  path: string,
  readers: readonly string[],
  bytes: Uint8Array,
  arrays: readonly FileArray[],
): void {
  writeFileSync(join(out as string, path), bytes);
  const listed = arrays.map((array) => ({
    name: array.name,
    shape: array.shape,
    dtype: array.dtype,
    sha256: sha256(array),
  }));
  files.push({ path, readers, arrays: listed });
}

const bfloat16 = fileArray("b", new Uint16Array([0x3f80, 0xc020, 0x7f80]), [3], "bfloat16");
const each = oneOfEach().filter(({ dtype }) => dtype !== "bfloat16");
// Any bits but those of booleans.
const typed = each.map((array) =>
  array.dtype === "bool"
    ? fileArray("bool", new Uint8Array([0, 1, 1, 0, 1, 0]), [2, 3], "bool")
    : array
);
const NEW = ["int16", "uint16", "uint32", "uint64"];
const old = typed.filter(({ dtype }) => !NEW.includes(dtype));
const shapes = [
  fileArray("scalar", new Float32Array([2.5]), []),
  fileArray("none", new Float32Array(), [2, 0, 3]),
  fileArray("five", Float32Array.from({ length: 12 }, (_, i) => i), [2, 1, 2, 1, 3]),
];
const deep = fileArray("deep", new Float32Array([7]), Array<number>(22).fill(1));
const named = [
  fileArray("arg:conv0.weight", new Float32Array(12).fill(0.5), [3, 2, 2]),
  fileArray("a/b", new Int32Array([1, 2, 3])),
  fileArray("ключ.é \u{1f600}", new Float64Array([1e300])),
  fileArray("__proto__", new Int8Array([-1])),
];

for (const array of [...typed, ...shapes, deep]) {
  add(`${array.name}.npy`, ["numpy", "mx2"], encodeNpy(array), [{ ...array, name: "" }]);
}
for (const compress of [false, true]) {
  const bytes = (arrays: FileArray[]) => encodeNpz(arrays, { compress });
  const ending = compress ? "_packed.npz" : ".npz";
  add(`types${ending}`, ["numpy", "mx2"], bytes(typed), typed);
  add(`shapes${ending}`, ["numpy", "mx2"], bytes([...shapes, deep]), [...shapes, deep]);
  add(`names${ending}`, ["numpy", "mx2"], bytes(named), named);
  add(`empty${ending}`, ["numpy", "mx2"], bytes([]), []);
}
add("types.nd", ["mx2"], encodeNDArrayList(typed), typed);
add("old_types.nd", ["mx1", "mx2"], encodeNDArrayList(old), old);
add("names.nd", ["mx1", "mx2"], encodeNDArrayList(named), named);
add("shapes.nd", ["mx1", "mx2"], encodeNDArrayList(shapes), shapes);
add("bfloat16.nd", ["mx1", "mx2"], encodeNDArrayList([bfloat16]), [bfloat16]);
const bare = old.map((array) => ({ ...array, name: "" }));
add("list.nd", ["mx1", "mx2"], encodeNDArrayList(bare), bare);
add("empty.nd", ["mx1", "mx2"], encodeNDArrayList([]), []);
const all = [...typed, bfloat16, ...shapes, ...named];
const metadata = new Map([["note", "ünïcode"], ["format", "np"]]);
add("all.safetensors", ["safetensors"], encodeSafetensors(all, { metadata }), all);
add("empty.safetensors", ["safetensors"], encodeSafetensors([]), []);

// Exported networks with their parameters written by us.
for (const net of MANIFEST.nets as Record<string, string>[]) {
  const { name, symbol, params, io } = net;
  if (!name || !symbol || !params || !io) continue;
  const reader = name.startsWith("mx2") ? "mx2" : "mx1";
  const formats: ArrayFormat[] = reader === "mx2" ? ["npz", "ndarray-list"] : ["ndarray-list"];
  const parameters = await readParameters(join(FILES, params));
  for (const format of formats) {
    const path = `${name}.${format}.params`;
    await writeParameters(join(out, path), parameters, { format });
    nets.push({ name, reader, symbol: join(FILES, symbol), params: path, io: join(FILES, io) });
  }
}

// Networks that we trace and export, with what we compute.
for (const entry of GRAPH_BLOCKS) {
  const count = entry.input.reduce((product, size) => product * size, 1);
  const x = tensor(new Random(7).float32(count), entry.input);
  const block = filledBlock(entry, (each) => void (each.call(x) as Tensor).dispose());
  block.hybridize();
  const y = block.call(x) as Tensor;
  const { graph, params } = await block.export(null);
  const paths = { symbol: `ours_${entry.name}-symbol.json`, io: `ours_${entry.name}.io.npz` };
  await writeSymbol(join(out, paths.symbol), graph);
  writeFileSync(
    join(out, paths.io),
    encodeNpz([await fromTensor("data", x), await fromTensor("out0", y)]),
  );
  for (const reader of entry.onlyNew ? ["mx2"] : ["mx2", "mx1"]) {
    const path = `ours_${entry.name}.${reader}.params`;
    const format = reader === "mx2" ? "npz" : "ndarray-list";
    await writeParameters(join(out, path), params, { format });
    nets.push({
      name: entry.name,
      reader,
      symbol: join(out, paths.symbol),
      params: path,
      io: join(out, paths.io),
    });
  }
}
const list = JSON.stringify({ files, nets }, null, 1);
writeFileSync(join(out, "list.json"), list);
console.log(`${files.length} files and ${nets.length} networks in ${out}`);
