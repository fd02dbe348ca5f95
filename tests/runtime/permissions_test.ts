/** What a program must be allowed: nothing to import, one library to compute. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runText, RUNTIME } from "../support/subprocess.ts";
import { test } from "../support/test.ts";
import { COMPUTE, COMPUTE_OR_EXPLAIN, IMPORT_ONLY, loaderPath } from "./programs.ts";

test("importing asks for nothing and prints nothing", async () => {
  const result = await runText(IMPORT_ONLY);
  assertEquals([result.code, result.stderr], [0, ""]);
  assertEquals(result.stdout.trim(), "imported true");
});

test("importing works where there is no Vulkan at all", async () => {
  const nowhere = "/nonexistent/vknn-test";
  const result = await runText(IMPORT_ONLY, {
    env: { VKNN_VULKAN_LIBRARY: nowhere, VK_ICD_FILENAMES: nowhere, VK_DRIVER_FILES: nowhere },
  });
  assertEquals([result.code, result.stderr], [0, ""]);
});

test("computing works with all that a program may be allowed", async () => {
  const result = await runText(COMPUTE, { permissions: ["--allow-all"] });
  assertEquals([result.code, result.stdout.trim(), result.stderr], [0, "5,7,9", ""]);
});

// Bun has no permissions, so there is nothing to test there.
if (RUNTIME === "deno") {
  test("a child of these tests has no permission unless it is given one", async () => {
    const result = await runText(
      `for (const name of ["ffi", "read", "env", "net", "run", "sys", "write"]) {
         console.log(Deno.permissions.querySync({ name }).state);
       }`,
    );
    assertEquals(result.stdout.trim().split("\n"), Array(7).fill("prompt"), result.stderr);
  });

  test("computing works with the loader's path as the only permission", async () => {
    const result = await runText(COMPUTE, { permissions: [`--allow-ffi=${loaderPath()}`] });
    assertEquals([result.code, result.stdout.trim(), result.stderr], [0, "5,7,9", ""]);
  });

  test("computing works with --allow-ffi alone", async () => {
    const result = await runText(COMPUTE, { permissions: ["--allow-ffi"] });
    assertEquals([result.code, result.stdout.trim(), result.stderr], [0, "5,7,9", ""]);
  });

  test("computing without permission names the flag to add", async () => {
    const result = await runText(COMPUTE_OR_EXPLAIN);
    assertEquals(result.code, 0, result.stderr);
    assertMatch(result.stdout, /^LoaderError no-permission/);
    assertMatch(result.stdout, /--allow-ffi=\/\S*libvulkan\.so\.1/);
  });

  test("computing with a permission for another library names the flag to add", async () => {
    const result = await runText(COMPUTE_OR_EXPLAIN, {
      permissions: ["--allow-ffi=/nonexistent/library.so"],
    });
    assertEquals(result.code, 0, result.stderr);
    assertStringIncludes(result.stdout, "--allow-ffi=");
  });
}
