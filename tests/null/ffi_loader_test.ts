/**
 * How the Vulkan loader is found, and what is said when it is not. No Vulkan is needed: systems are
 * made up.
 */
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import process from "node:process";
import { openVulkan } from "../../ffi/loader.ts";
import { loaderCandidates } from "../../ffi/loader_paths.ts";
import {
  type NativeGrant,
  type NativeLibrary,
  NativeLibraryError,
  type NativeRuntime,
  type NativeTable,
} from "../../ffi/native.ts";
import {
  checkResult,
  LoaderError,
  noDriverError,
  resultName,
  VulkanError,
} from "../../ffi/result.ts";
import { commandTable, commandVersions } from "../../ffi/vulkan/commands.ts";
import { test } from "../support/test.ts";

const DEBIAN = "/usr/lib/x86_64-linux-gnu/libvulkan.so.1";
const FEDORA = "/usr/lib64/libvulkan.so.1";

interface System {
  os?: NativeRuntime["os"];
  architecture?: NativeRuntime["architecture"];
  /** Path to what lies there: the symbols it lacks, or "broken". */
  files?: Record<string, readonly string[] | "broken">;
  /** `true`: everything is granted; a list: only these paths. */
  grant?: boolean | readonly string[];
  variable?: string;
}

interface FakeRuntime extends NativeRuntime {
  readonly tried: string[];
}

function fakeRuntime(system: System): FakeRuntime {
  const tried: string[] = [];
  const { grant = true, files = {} } = system;
  const ffiGrant = (path?: string): NativeGrant =>
    grant === true || (Array.isArray(grant) && path !== undefined && grant.includes(path))
      ? "granted"
      : "prompt";
  return {
    name: "fake",
    os: system.os ?? "linux",
    architecture: system.architecture ?? "x86_64",
    nonblockingCalls: true,
    tried,
    environment: (name) => name === "VKNN_VULKAN_LIBRARY" ? system.variable : undefined,
    ffiGrant,
    openLibrary(path: string, table: NativeTable): NativeLibrary {
      tried.push(path);
      if (ffiGrant(path) !== "granted") throw new NativeLibraryError("permission", path, "no");
      const file = files[path];
      if (file === undefined) throw new NativeLibraryError("file-missing", path, "no such file");
      if (file === "broken") {
        throw new NativeLibraryError("not-loadable", path, "invalid ELF header");
      }
      const symbols: NativeLibrary["symbols"] = {};
      for (const [key, entry] of Object.entries(table)) {
        const missing = file.includes(entry.symbol ?? key);
        if (missing && entry.optional !== true) {
          throw new NativeLibraryError("symbol-missing", path, `it has no function ${key}`, key);
        }
        symbols[key] = missing ? null : () => 0;
      }
      return { symbols, close: () => {} };
    },
  };
}

function failure(system: System, library?: string): LoaderError {
  return assertThrows(
    () => openVulkan({ library, runtime: fakeRuntime(system) }),
    LoaderError,
  );
}

test("openVulkan() takes the bare name first under an unrestricted permission", () => {
  const runtime = fakeRuntime({ files: { "libvulkan.so.1": [], [DEBIAN]: [] } });
  assertEquals(openVulkan({ runtime }).path, "libvulkan.so.1");
  assertEquals(runtime.tried, ["libvulkan.so.1"]);
});

test("openVulkan() goes through the absolute paths in order", () => {
  const runtime = fakeRuntime({ files: { [FEDORA]: [] } });
  assertEquals(openVulkan({ runtime }).path, FEDORA);
  assertEquals(runtime.tried, ["libvulkan.so.1", DEBIAN, FEDORA]);
});

test("openVulkan() prefers what a scoped permission covers, and never a bare name", () => {
  const runtime = fakeRuntime({ grant: [FEDORA], files: { [FEDORA]: [], [DEBIAN]: [] } });
  assertEquals(openVulkan({ runtime }).path, FEDORA);
  assertEquals(runtime.tried, [FEDORA]);
});

test("openVulkan() shares library and arena, but not the commands object", () => {
  const runtime = fakeRuntime({ files: { [DEBIAN]: [] }, grant: [DEBIAN] });
  const first = openVulkan({ runtime });
  const second = openVulkan({ runtime });
  assertEquals(runtime.tried, [DEBIAN]);
  assertStrictEquals(first.arena, second.arena);
  first.commands.vkDeviceWaitIdle = () => -4;
  assertEquals(second.commands.vkDeviceWaitIdle(1n), 0);
  assertEquals(openVulkan({ runtime }).commands.vkDeviceWaitIdle(1n), 0);
  // The commands object holds the commands only, by their own names.
  assertEquals(Object.keys(second.commands).sort(), Object.keys(commandTable).sort());
});

test("openVulkan() obeys the option before the variable, and tries nothing else", () => {
  const files = { "/a.so": [], "/b.so": [], [DEBIAN]: [] };
  const runtime = fakeRuntime({ files, variable: "/b.so" });
  assertEquals(openVulkan({ runtime, library: "/a.so" }).path, "/a.so");
  assertEquals(openVulkan({ runtime }).path, "/b.so");
  assertEquals(runtime.tried, ["/a.so", "/b.so"]);
  const missing = failure({ files, variable: "/c.so" });
  assertEquals(missing.reason, "no-loader");
  assertEquals(missing.attempts, [{ path: "/c.so", reason: "there is no such file" }]);
  assertStringIncludes(missing.message, "VKNN_VULKAN_LIBRARY");
  // An empty variable counts as unset.
  assertEquals(openVulkan({ runtime: fakeRuntime({ files, variable: "" }) }).path, DEBIAN);
});

test("openVulkan() lists every path and names the packages when there is no loader", () => {
  const error = failure({});
  assertEquals(error.name, "LoaderError");
  assertEquals(error.reason, "no-loader");
  assertEquals(
    error.attempts.map(({ path }) => path),
    [...loaderCandidates("linux", "x86_64", true)],
  );
  for (const { path } of error.attempts) {
    assertStringIncludes(error.message, `${path}: there is no such file`);
  }
  for (const name of ["libvulkan1", "vulkan-loader", "vulkan-icd-loader"]) {
    assertStringIncludes(error.message, name);
  }
  assertStringIncludes(failure({ os: "darwin" }).message, "molten-vk");
  assertStringIncludes(failure({ os: "windows" }).message, "vulkan-1.dll");
});

test("openVulkan() says why a library does not load", () => {
  const error = failure({ files: { "/x.so": "broken" } }, "/x.so");
  assertEquals(error.reason, "no-loader");
  assertStringIncludes(error.message, "invalid ELF header");
});

test("openVulkan() names the exact flag when native code is not permitted", () => {
  const error = failure({ grant: false, files: { [DEBIAN]: [] } });
  assertEquals(error.reason, "no-permission");
  assertStringIncludes(error.message, `--allow-ffi=${DEBIAN} `);
  assertStringIncludes(failure({ grant: false }, "/x.so").message, "--allow-ffi=/x.so ");
  // Windows needs a second library for copying bytes.
  assertStringIncludes(
    failure({ grant: false, os: "windows" }).message,
    "--allow-ffi=C:\\Windows\\System32\\vulkan-1.dll,C:\\Windows\\System32\\ucrtbase.dll",
  );
});

test("openVulkan() asks at most once when the first answer is no", () => {
  const runtime = fakeRuntime({ grant: false });
  assertThrows(() => openVulkan({ runtime }), LoaderError);
  assertEquals(runtime.tried, [DEBIAN]);
});

test("openVulkan() mentions both when the permitted place is empty", () => {
  const error = failure({ grant: [DEBIAN] });
  assertEquals(error.reason, "no-permission");
  assertStringIncludes(error.message, `${DEBIAN}: there is no such file`);
  assertStringIncludes(error.message, `--allow-ffi=${FEDORA} `);
  assertStringIncludes(error.message, "libvulkan1");
});

test("openVulkan() refuses a bare name without an unrestricted permission", () => {
  const runtime = fakeRuntime({ grant: ["libvulkan.so.1"], files: { "libvulkan.so.1": [] } });
  const error = assertThrows(
    () => openVulkan({ runtime, library: "libvulkan.so.1" }),
    LoaderError,
  );
  assertEquals(error.reason, "no-permission");
  assertStringIncludes(error.message, "absolute path");
  assertEquals(runtime.tried, []);
});

test("openVulkan() names the first missing function of a library that is not Vulkan", () => {
  const all = Object.keys(commandTable);
  const error = failure({ files: { "/m.so": all } }, "/m.so");
  assertEquals(error.reason, "not-vulkan");
  assertStringIncludes(error.message, "/m.so: it is not Vulkan: it has no function vk");
});

test("openVulkan() loads without each optional command only if no version needs it", () => {
  for (const [name, version] of Object.entries(commandVersions)) {
    const error = failure({ files: { "/v.so": [name] } }, "/v.so");
    assertEquals(error.reason, "too-old");
    assertStringIncludes(error.message, `it has no ${name}, which came with Vulkan ${version}`);
    assertStringIncludes(error.message, "expected Vulkan 1.2 or newer");
  }
});

test("openVulkan() explains a runtime without native calls", () => {
  const runtime: NativeRuntime = {
    ...fakeRuntime({}),
    openLibrary(path) {
      throw new NativeLibraryError("unsupported-runtime", path, "none");
    },
  };
  assertStringIncludes(assertThrows(() => openVulkan({ runtime }), LoaderError).message, "Deno 2");
});

test("openVulkan() tells a missing library and one that is not Vulkan apart", () => {
  const missing = assertThrows(
    () => openVulkan({ library: "/nonexistent/libvulkan.so.1" }),
    LoaderError,
  );
  assertEquals(missing.reason, "no-loader");
  if (process.platform === "linux") {
    const other = assertThrows(() => openVulkan({ library: "libm.so.6" }), LoaderError);
    assertEquals(other.reason, "not-vulkan");
    assertStringIncludes(other.message, "libm.so.6: it is not Vulkan: it has no function vk");
    const text = assertThrows(() => openVulkan({ library: "/etc/passwd" }), LoaderError);
    assertEquals(text.reason, "no-loader");
    assertStringIncludes(text.message, "ELF");
  }
});

test("loaderCandidates() are absolute, without duplicates, and never in a home or current folder", () => {
  for (const os of ["linux", "darwin", "windows", "other"] as const) {
    for (const architecture of ["x86_64", "aarch64", "other"] as const) {
      const paths = loaderCandidates(os, architecture, false);
      assertEquals(new Set(paths).size, paths.length);
      for (const path of paths) assert(/^(\/|C:\\)/.test(path), path);
    }
    // macOS and Windows look for a bare name in the current directory too.
    const bare = loaderCandidates(os, "x86_64", true).filter((path) => !/[\\/]/.test(path));
    assertEquals(bare, os === "linux" || os === "other" ? ["libvulkan.so.1"] : []);
  }
  assertEquals(loaderCandidates("linux", "aarch64", false)[0], DEBIAN.replace("x86_64", "aarch64"));
  assertStringIncludes(loaderCandidates("darwin", "aarch64", false)[0] ?? "", "/opt/homebrew/");
});

test("noDriverError() tells loader and driver apart and knows containers", () => {
  const error = noDriverError("linux", DEBIAN, "vkEnumeratePhysicalDevices lists 0 devices");
  assertInstanceOf(error, LoaderError);
  assertEquals(error.reason, "no-driver");
  for (const text of ["loader found, no driver", DEBIAN, "mesa-vulkan-drivers", "container"]) {
    assertStringIncludes(error.message, text);
  }
});

test("checkResult() passes successes and explains failures", () => {
  for (const code of [0, 1, 2, 5]) assertEquals(checkResult("vkWaitSemaphores", code), code);
  const error = assertThrows(() => checkResult("vkAllocateMemory", -2), VulkanError);
  assertEquals([error.command, error.code, error.codeName], [
    "vkAllocateMemory",
    -2,
    "VK_ERROR_OUT_OF_DEVICE_MEMORY",
  ]);
  assertStringIncludes(
    error.message,
    "Cannot complete vkAllocateMemory: found VK_ERROR_OUT_OF_DEVICE_MEMORY (-2), expected VK_SUCCESS. The device's memory is full",
  );
  assertStringIncludes(new VulkanError("vkX", -12345).message, "VkResult -12345");
  assertEquals(resultName(-4), "VK_ERROR_DEVICE_LOST");
  assertFalse(resultName(-4).includes("-4"));
});
