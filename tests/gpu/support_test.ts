/** The leak check of gpuTest() itself, seen from outside: it must find a leak, and fail without an adapter. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { add, tensor } from "../../mod.ts";
import { ROOT, RUNTIME } from "../support/subprocess.ts";
import { gpuTest, test } from "../support/test.ts";

/** Runs a test file with the given text in a child and returns its output. */
async function runTestFile(text: string, env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "vknn-test-"));
  try {
    const path = join(folder, "child_test.ts");
    writeFileSync(path, text);
    const flags = RUNTIME === "deno"
      ? ["test", "--no-check", "--allow-all", path]
      : ["test", "--timeout", "60000", path];
    const child = spawn(process.execPath, flags, {
      cwd: ROOT,
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => output += text);
    }
    const code = await new Promise((resolve) => child.on("close", resolve));
    return { code, output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const IMPORTS = `
import { tensor } from ${JSON.stringify(pathToFileURL(join(ROOT, "mod.ts")).href)};
import { gpuTest } from ${JSON.stringify(pathToFileURL(join(ROOT, "tests/support/test.ts")).href)};
`;

gpuTest("gpuTest() passes where everything is disposed of", async (device) => {
  const a = tensor([1, 2, 3]);
  const b = add(a, a);
  assert(device.memory().liveBuffers >= 2);
  assertEquals(Array.from(await b.data()), [2, 4, 6]);
  a.dispose();
  b.dispose();
});

test("gpuTest() fails where a tensor is left behind", async () => {
  const text = `${IMPORTS}
    gpuTest("leaks", async () => { globalThis.kept = tensor([1, 2, 3]); });`;
  const { code, output } = await runTestFile(text);
  assertNotEquals(code, 0);
  assertMatch(output, /left GPU objects behind: liveBuffers 0 -> 1/);
});

test("gpuTest() fails, and is not skipped, where there is no adapter", async () => {
  const nowhere = "/nonexistent/icd.json";
  const text = `${IMPORTS} gpuTest("needs a GPU", () => {});`;
  const { code, output } = await runTestFile(text, {
    VK_ICD_FILENAMES: nowhere,
    VK_DRIVER_FILES: nowhere,
  });
  assertNotEquals(code, 0);
  assertMatch(output, /no driver/i);
});
