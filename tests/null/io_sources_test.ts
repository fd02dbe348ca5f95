/** Where files come from and go to: paths, URLs, bytes, streams; writing that is all or nothing. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  arrayFormat,
  decodeParameters,
  encodeArrays,
  encodeNpz,
  encodeParameters,
  type FileArray,
  fileArray,
  FileError,
  type FileSource,
  FormatError,
  LimitError,
  readArrays,
  readParameters,
  writeArrays,
  writeParameters,
} from "../../io.ts";
import { fileError } from "../../src/io/file_error.ts";
import { ROOT, runText, RUNTIME } from "../support/subprocess.ts";
import { test } from "../support/test.ts";
import { assertSameArrays, FILES } from "./io_support.ts";

const ARRAYS = [
  fileArray("0.weight", new Float32Array([1, 2, 3, 4]), [2, 2]),
  fileArray("0.bias", new Float64Array([5]), [1]),
];
const BYTES = encodeNpz(ARRAYS);

async function inFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "vknn-io-"));
  try {
    await fn(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function stream(chunkBytes: number, onCancel?: () => void): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= BYTES.length) return controller.close();
      controller.enqueue(BYTES.slice(at, at += chunkBytes));
    },
    cancel: () => onCancel?.(),
  });
}

test("readArrays() reads from paths, URLs, bytes and streams", () =>
  inFolder(async (folder) => {
    const path = join(folder, "ünï x.bin");
    writeFileSync(path, BYTES);
    async function* chunks() {
      // The same memory for every chunk, as some streams do.
      const chunk = new Uint8Array(7);
      for (let at = 0; at < BYTES.length; at += 7) {
        const part = BYTES.subarray(at, at + 7);
        chunk.set(part);
        yield await Promise.resolve(chunk.subarray(0, part.length));
      }
    }
    const sources: FileSource[] = [
      path,
      pathToFileURL(path),
      BYTES,
      BYTES.buffer,
      stream(1),
      stream(100_000),
      chunks(),
      new Response(BYTES).body!,
      new Blob([BYTES]).stream(),
    ];
    for (const source of sources) assertSameArrays(await readArrays(source), ARRAYS);
    const parameters = await readParameters(stream(10));
    assertEquals([...parameters.keys()], ["0.weight", "0.bias"]);
  }));

test("readArrays() reads large files and files that do not know their size", () =>
  inFolder(async (folder) => {
    const large = fileArray("x", new Float32Array(300_000).fill(2));
    await writeArrays(join(folder, "x.npz"), [large]);
    assertSameArrays(await readArrays(join(folder, "x.npz")), [large]);
    // Found by content, and no array in it.
    await assertRejects(() => readArrays("/proc/self/status"), FormatError, "begins with");
    await assertRejects(() => readArrays("/dev/null"), FormatError, "0 bytes");
    await assertRejects(() => readArrays("/dev/zero", { maxBytes: 1e6 }), LimitError, "maxBytes");
  }));

test("readArrays() stops a source that is too long", async () => {
  let canceled = false;
  const source = stream(10, () => canceled = true);
  await assertRejects(() => readArrays(source, { maxBytes: 100 }), LimitError, "100");
  assert(canceled);
  await assertRejects(() => readArrays(BYTES, { maxBytes: 100 }), LimitError);
  const path = join(FILES, "mx2_mixed.npz");
  await assertRejects(() => readArrays(path, { maxBytes: 4625 }), LimitError);
});

test("readArrays() refuses what is no source", async () => {
  const bad: unknown[] = [
    undefined,
    null,
    1,
    [],
    {},
    "",
    "a\0b",
    new URL("https://example.com/x.npz"),
    new Float32Array(4),
    new Uint8Array(new SharedArrayBuffer(8)),
  ];
  for (const source of bad) {
    await assertRejects(() => readArrays(source as FileSource), TypeError, "Cannot read arrays");
  }
  const texts = new Response("x").body!.pipeThrough(new TextDecoderStream());
  await assertRejects(() => readArrays(texts as never), TypeError, "Uint8Array chunks");
  await assertRejects(() => readArrays(BYTES, { limit: 1 } as never), TypeError, "unknown option");
  await assertRejects(
    () => readArrays("/nonexistent/x.npz"),
    FileError,
    'Cannot read arrays: there is no file "/nonexistent/x.npz", expected one that exists (ENOENT)',
  );
  const failing = new ReadableStream<Uint8Array>({
    pull: () => {
      throw new Error("connection lost");
    },
  });
  await assertRejects(() => readArrays(failing), Error, "connection lost");
});

test("writeArrays() chooses the format by option or ending", () =>
  inFolder(async (folder) => {
    const cases = [
      ["x.npz", "npz"],
      ["x.params", "npz"],
      ["X.NPZ", "npz"],
      ["x.nd", "ndarray-list"],
      ["x.safetensors", "safetensors"],
    ] as const;
    for (const [name, format] of cases) {
      await writeArrays(join(folder, name), ARRAYS);
      assertEquals(arrayFormat(readFileSync(join(folder, name))), format);
    }
    const url = pathToFileURL(join(folder, "x.params"));
    await writeArrays(url, ARRAYS, { format: "ndarray-list" });
    assertEquals(arrayFormat(readFileSync(url)), "ndarray-list");
    const path = join(folder, "x.bin");
    await assertRejects(() => writeArrays(path, ARRAYS), RangeError, "format");
    await assertRejects(() => writeArrays(join(folder, "x.npy"), ARRAYS), RangeError, "expected 1");
    await assertRejects(() => writeArrays(path, ARRAYS, { format: "zip" as "npz" }), RangeError);
    const compressed = { compress: true } as const;
    await assertRejects(
      () => writeArrays(join(folder, "y.nd"), ARRAYS, compressed),
      RangeError,
      "compress",
    );
    await assertRejects(
      () => writeArrays(3 as never, ARRAYS, { format: "npz" }),
      TypeError,
      "path",
    );
    await assertRejects(() => writeArrays("", ARRAYS, { format: "npz" }), TypeError, "path");
    assertEquals(readdirSync(folder).sort(), [
      "X.NPZ",
      "x.nd",
      "x.npz",
      "x.params",
      "x.safetensors",
    ]);
  }));

test("writeParameters() writes what readParameters() reads", () =>
  inFolder(async (folder) => {
    const map = new Map(ARRAYS.map((array) => [array.name, array]));
    for (const name of ["x.params", "x.nd", "x.safetensors"]) {
      await writeParameters(join(folder, name), map);
      const found = await readParameters(join(folder, name));
      for (const [key, array] of map) assertSameArrays([found.get(key)!], [array]);
    }
    await writeParameters(join(folder, "x.params"), map, { compress: true });
    assertEquals((await readParameters(join(folder, "x.params"))).size, 2);
    await assertRejects(() => writeParameters(join(folder, "x.npy"), map), RangeError, "no names");
    const list = ARRAYS as unknown as Map<string, FileArray>;
    assertThrows(() => encodeParameters(list), TypeError, "a Map");
    assertThrows(
      () => decodeParameters(encodeArrays([ARRAYS[0]!], "npy")),
      FormatError,
      "without names",
    );
  }));

test("a write that fails leaves the old file and nothing else", () =>
  inFolder(async (folder) => {
    const path = join(folder, "x.npz");
    await writeArrays(path, ARRAYS);
    const before = readFileSync(path);
    // The arrays cannot be written.
    const bad = [{ ...ARRAYS[0]!, shape: [3] }];
    await assertRejects(() => writeArrays(path, bad), RangeError);
    // The name is taken by a folder.
    mkdirSync(join(folder, "y.npz"));
    await assertRejects(() => writeArrays(join(folder, "y.npz"), ARRAYS), FileError, "folder");
    await assertRejects(() => writeArrays(join(folder, "no/x.npz"), ARRAYS), FileError, '/no"');
    assertEquals(readdirSync(folder).sort(), ["x.npz", "y.npz"]);
    assertEquals(readFileSync(path), before);
    await writeArrays(path, [ARRAYS[1]!]);
    assertEquals((await readArrays(path)).length, 1);
    assertEquals(readdirSync(folder).sort(), ["x.npz", "y.npz"]);
    // A long name still leaves room for that of the temporary file.
    const long = join(folder, "x".repeat(250) + ".npz");
    await writeArrays(long, ARRAYS);
    assert(existsSync(long));
    chmodSync(folder, 0o700);
  }));

test("io.ts asks for nothing when imported, and for one file when that is read", async () => {
  const io = JSON.stringify(pathToFileURL(join(ROOT, "io.ts")).href);
  const path = join(FILES, "mx2_mixed.npz");
  const text = `
    import { decodeArrays, encodeNpz, fileArray, readArrays } from ${io};
    const bytes = encodeNpz([fileArray("x", new Float32Array(3))], { compress: true });
    console.log(decodeArrays(bytes).length);
    const arrays = await readArrays(${JSON.stringify(path)}).catch((error) => error.name);
    console.log(Array.isArray(arrays) ? "read" : arrays);`;
  const flags = RUNTIME === "deno" ? ["--config", join(ROOT, "deno.json")] : [];
  const allowed = await runText(text, {
    runtimeFlags: flags,
    permissions: [`--allow-read=${path}`],
  });
  assertEquals([allowed.code, allowed.stderr], [0, ""]);
  assertStringIncludes(allowed.stdout, "1\nread");
  if (RUNTIME === "deno") {
    const refused = await runText(text, { runtimeFlags: flags });
    assertEquals([refused.code, refused.stdout], [0, "1\nFileError\n"], refused.stderr);
  }
});

test("errors of the file system say what to do; others stay what they are", () => {
  const access = { verb: "write", path: "/a/b", folder: "/a" } as const;
  const textOf = (cause: Error & { code?: string }) =>
    (fileError("write x", access, cause) as Error).message;
  const rows = [
    ["EACCES", 'Cannot write x: the system does not let the program write in "/a" (EACCES)'],
    ["EROFS", 'Cannot write x: the system does not let the program write in "/a" (EROFS)'],
    ["ENOSPC", 'Cannot write x: there is no room left for "/a/b" (ENOSPC)'],
    ["EIO", 'Cannot write x: the system answers "EIO: i/o" (EIO)'],
  ] as const;
  for (const [code, text] of rows) {
    assertEquals(textOf(Object.assign(new Error(`${code}: i/o`), { code })), text);
  }
  for (const other of [new LimitError("too long"), "text", null]) {
    assertEquals(fileError("write x", access, other), other);
  }
});
