/** What is missing is said in words, with the package that brings it. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runText } from "../support/subprocess.ts";
import { test } from "../support/test.ts";
import { COMPUTE_OR_EXPLAIN, openWith } from "./programs.ts";

const PERMISSIONS = ["--allow-ffi", "--allow-env"];
const NOWHERE = "/nonexistent/vknn-test/libvulkan.so.1";

test("a missing loader: the variable's path, the reason and the package are named", async () => {
  const result = await runText(COMPUTE_OR_EXPLAIN, {
    permissions: PERMISSIONS,
    env: { VKNN_VULKAN_LIBRARY: NOWHERE },
  });
  assertEquals(result.code, 0, result.stderr);
  assertMatch(result.stdout, /^LoaderError no-loader/);
  assertStringIncludes(result.stdout, `${NOWHERE}: there is no such file`);
  assertStringIncludes(result.stdout, "libvulkan1");
});

test("a missing loader: the `library` option is treated the same way", async () => {
  const result = await runText(openWith(NOWHERE), { permissions: PERMISSIONS });
  assertEquals(result.code, 0, result.stderr);
  assertMatch(result.stdout, /^LoaderError no-loader/);
  assertStringIncludes(result.stdout, NOWHERE);
});

test("a missing driver: loader found, package and container hint named", async () => {
  const manifest = "/nonexistent/vknn-test/icd.json";
  const result = await runText(COMPUTE_OR_EXPLAIN, {
    permissions: PERMISSIONS,
    env: { VK_ICD_FILENAMES: manifest, VK_DRIVER_FILES: manifest, VK_ADD_DRIVER_FILES: undefined },
  });
  assertEquals(result.code, 0, result.stderr);
  assertMatch(result.stdout, /^LoaderError no-driver/);
  assertStringIncludes(result.stdout, "mesa-vulkan-drivers");
  assertMatch(result.stdout, /container/);
});

test("a library that is not Vulkan: the first missing function is named", async () => {
  const result = await runText(openWith("libm.so.6"), { permissions: PERMISSIONS });
  assertEquals(result.code, 0, result.stderr);
  assertMatch(result.stdout, /^LoaderError not-vulkan/);
  assertMatch(result.stdout, /libm\.so\.6: .*function vk\w+/);
});

test("a file that is no library at all is an error in words", async () => {
  const result = await runText(openWith("/etc/passwd"), { permissions: PERMISSIONS });
  assertEquals(result.code, 0, result.stderr);
  assertMatch(result.stdout, /^LoaderError /);
  assertStringIncludes(result.stdout, "/etc/passwd");
});
