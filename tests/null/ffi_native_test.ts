/** The native contract on this very runtime, with the C library in place of Vulkan. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { createNativeMemory, type MemorySymbols, memoryTable } from "../../ffi/memory.ts";
import { NativeLibraryError, runtime } from "../../ffi/native.ts";
import { classifyOpenFailure } from "../../ffi/native_error.ts";
import { ROOT, runText, RUNTIME } from "../support/subprocess.ts";
import { test } from "../support/test.ts";

const LIBC: Readonly<Record<string, string>> = {
  linux: "libc.so.6",
  darwin: "/usr/lib/libSystem.B.dylib",
  windows: "C:\\Windows\\System32\\ucrtbase.dll",
};
const libc = LIBC[runtime.os] as string;

function withMemory(body: (memory: ReturnType<typeof createNativeMemory>) => void): void {
  const library = runtime.openLibrary(libc, memoryTable);
  try {
    body(createNativeMemory(library.symbols as unknown as MemorySymbols));
  } finally {
    library.close();
  }
}

test("runtime describes this program's surroundings", () => {
  assertEquals(runtime.name, RUNTIME);
  assertEquals(runtime.nonblockingCalls, RUNTIME === "deno");
  const platforms = { linux: "linux", darwin: "darwin", win32: "windows" } as const;
  assertEquals(runtime.os, platforms[process.platform as keyof typeof platforms] ?? "other");
  assertEquals(runtime.ffiGrant(), "granted");
  assertEquals(runtime.ffiGrant("/x"), "granted");
  assertEquals(runtime.environment("VKNN_NO_SUCH_VARIABLE"), undefined);
  assertEquals(runtime.environment("PATH"), process.env["PATH"]);
});

test("NativeMemory copies whole arrays and subviews of every kind", () => {
  withMemory((memory) => {
    const target = new Uint8Array(new ArrayBuffer(4096));
    const address = memory.addressOf(target);
    assertEquals(memory.addressOf(target.subarray(1000)), address + 1000n);

    const source = Uint8Array.from({ length: 64 }, (_, i) => i);
    memory.write(address, source.subarray(10, 20), 100);
    assertEquals([...target.subarray(99, 112)], [0, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 0, 0]);

    const floats = new Float32Array([1, 2, 3, 4, 5]);
    memory.write(address + 256n, floats.subarray(1, 4));
    assertEquals([...new Float32Array(target.buffer, 256, 4)], [2, 3, 4, 0]);

    const into = new Float32Array(8);
    memory.read(address, into.subarray(2, 5), 256);
    assertEquals([...into], [0, 0, 2, 3, 4, 0, 0, 0]);

    const view = new DataView(new ArrayBuffer(32), 8, 12);
    memory.read(address, view, 256);
    assertEquals(view.getFloat32(0, true), 2);
    assertEquals(new Uint8Array(view.buffer).subarray(20).every((byte) => byte === 0), true);
    view.setFloat32(0, 9, true);
    memory.write(address, view, 512);
    assertEquals(new Float32Array(target.buffer, 512, 1)[0], 9);
  });
});

test("NativeMemory copies every kind of typed array by its view", () => {
  withMemory((memory) => {
    const target = new Uint8Array(new ArrayBuffer(4096));
    const address = memory.addressOf(target);
    const numeric = [
      Int8Array,
      Uint8Array,
      Uint8ClampedArray,
      Int16Array,
      Uint16Array,
      Float16Array,
      Int32Array,
      Uint32Array,
      Float32Array,
      Float64Array,
    ];
    for (const Kind of numeric) {
      const source = Kind.from([0, 1, 2, 3, 4, 5, 6, 7]);
      memory.write(address, source.subarray(2, 6), 16);
      const into = new Kind(6);
      memory.read(address, into.subarray(1, 5), 16);
      assertEquals([...into], [0, 2, 3, 4, 5, 0], Kind.name);
    }
    for (const Kind of [BigInt64Array, BigUint64Array]) {
      memory.write(address, Kind.from([1n, 2n, 3n]).subarray(1, 2));
      const into = new Kind(2);
      memory.read(address, into.subarray(1));
      assertEquals([...into], [0n, 2n], Kind.name);
    }
  });
});

test("NativeMemory does nothing for empty arrays and refuses a null address", () => {
  withMemory((memory) => {
    const empty = new Uint8Array(0);
    memory.write(0n, empty);
    memory.read(0n, empty);
    memory.write(1n, new Uint8Array(8).subarray(4, 4));
    assertThrows(() => memory.write(0n, new Uint8Array(1)), RangeError, "address is null");
    assertThrows(() => memory.read(0n, new Uint8Array(1)), RangeError, "address is null");
    assertThrows(() => memory.addressOf(empty), RangeError, "no bytes");
  });
});

test("NativeMemory keeps the address of a large buffer while others come and go", () => {
  withMemory((memory) => {
    const kept = new Uint8Array(new ArrayBuffer(256 * 1024));
    const address = memory.addressOf(kept);
    let sink = 0;
    for (let i = 0; i < 200; i++) sink += new Float64Array(100_000).length;
    assert(sink > 0);
    assertEquals(memory.addressOf(kept), address);
  });
});

test("openLibrary() gives null for missing optional symbols and keeps the others", () => {
  const library = runtime.openLibrary(libc, {
    vknnMissingOne: { parameters: [], result: "void", optional: true },
    memset: { parameters: ["buffer", "i32", "usize"], result: "u64" },
    vknnMissingTwo: { parameters: ["u64"], result: "i32", optional: true },
  });
  try {
    assertEquals(library.symbols["vknnMissingOne"], null);
    assertEquals(library.symbols["vknnMissingTwo"], null);
    const bytes = new Uint8Array(16);
    assertEquals(typeof library.symbols["memset"]?.(bytes, 7, 16), "bigint");
    assertEquals([...bytes], Array(16).fill(7));
    assertEquals(Object.getPrototypeOf(library.symbols), Object.prototype);
  } finally {
    library.close();
  }
});

test("openLibrary() passes 64 bits unharmed in both directions", () => {
  // llabs and strtoull take and return whole 64-bit values without looking at memory of ours.
  const library = runtime.openLibrary(libc, {
    llabs: { parameters: ["u64"], result: "u64" },
    strtoull: { parameters: ["buffer", "u64", "i32"], result: "u64" },
  });
  try {
    for (const value of [0n, 1n, (1n << 53n) + 1n, 0x7f12_3456_789a_bcdfn]) {
      assertEquals(library.symbols["llabs"]?.(value), value);
    }
    const text = new TextEncoder().encode("fedcba9876543211\0");
    assertEquals(library.symbols["strtoull"]?.(text, 0n, 16), 0xfedc_ba98_7654_3211n);
  } finally {
    library.close();
  }
});

test("openLibrary() gives non-blocking entries where the runtime has them, else null", async () => {
  const library = runtime.openLibrary(libc, {
    llabsAsync: { parameters: ["u64"], result: "u64", symbol: "llabs", nonblocking: true },
    llabs: { parameters: ["u64"], result: "u64" },
  });
  try {
    const call = library.symbols["llabsAsync"];
    if (runtime.nonblockingCalls) assertEquals(await call?.(5n), 5n);
    else assertEquals(call, null);
  } finally {
    library.close();
  }
});

test("openLibrary() tells its failures apart", () => {
  const kind = (path: string, symbol: string): NativeLibraryError =>
    assertThrows(
      () => runtime.openLibrary(path, { [symbol]: { parameters: [], result: "void" } }),
      NativeLibraryError,
    );
  const missing = kind("/nonexistent/libx.so", "x");
  assertEquals([missing.kind, missing.path], ["file-missing", "/nonexistent/libx.so"]);
  const symbol = kind(libc, "vknnMissing");
  assertEquals([symbol.kind, symbol.symbol], ["symbol-missing", "vknnMissing"]);
  assertStringIncludes(symbol.message, `Cannot open library ${libc}`);
  if (runtime.os === "linux") assertEquals(kind("/etc/passwd", "x").kind, "not-loadable");
});

test("classifyOpenFailure() sees that a dependency is missing, not the library", () => {
  const text = (name: string): string =>
    `${name}: cannot open shared object file: No such file or directory`;
  assertEquals(classifyOpenFailure("/a.so", text("/a.so")), "file-missing");
  assertEquals(classifyOpenFailure("/a.so", text("libdep.so.2")), "not-loadable");
  assertEquals(classifyOpenFailure("/a.so", "invalid ELF header"), "not-loadable");
  assertEquals(classifyOpenFailure("C:\\a.dll", "LoadLibrary failed: error 126"), "file-missing");
});

test("a bare name never opens a library of the current directory", async () => {
  if (runtime.os !== "linux") return;
  const folder = mkdtempSync(join(tmpdir(), "vknn-test-"));
  try {
    const libraryPath = [
      "/lib/x86_64-linux-gnu/libm.so.6",
      "/lib/aarch64-linux-gnu/libm.so.6",
      "/lib64/libm.so.6",
    ]
      .find((path) => {
        try {
          return readFileSync(path).length > 0;
        } catch {
          return false;
        }
      });
    if (libraryPath === undefined) return;
    copyFileSync(libraryPath, join(folder, "libvknn_planted.so.1"));
    const native = pathToFileURL(join(ROOT, "ffi/native.ts")).href;
    const { stdout, stderr } = await runText(
      `import process from "node:process";
       process.chdir(process.argv[2]);
       const { runtime } = await import("${native}");
       for (const name of ["libvknn_planted.so.1"]) {
         try {
           runtime.openLibrary(name, { cos: { parameters: [], result: "void" } });
           console.log("opened");
         } catch (error) {
           console.log(error.name, error.kind);
         }
       }`,
      { permissions: ["--allow-all"], args: [folder] },
    );
    assertStringIncludes(stdout, "NativeLibraryError", stderr);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("importing the bindings asks nothing, opens nothing and ends at once", async () => {
  const url = (path: string): string => pathToFileURL(join(ROOT, path)).href;
  const files = ["ffi/native.ts", "ffi/loader.ts", "ffi/vulkan/structs.ts", "ffi/result.ts"];
  const imports = files.map((path) => `import ${JSON.stringify(url(path))};`).join("\n");
  const { code, stdout, stderr } = await runText(
    `${imports}\nimport { runtime } from ${JSON.stringify(url("ffi/native.ts"))};
     console.log(runtime.ffiGrant(), runtime.environment("PATH") === undefined);`,
    // Without any permission flag Deno's node:child_process adds --allow-all to a child Deno.
    { permissions: ["--deny-net"] },
  );
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.trim(), RUNTIME === "deno" ? "prompt true" : "granted false");
});
