/** The digits program as its users see it. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, type RunResult, runScript } from "../support/subprocess.ts";
import { test } from "../support/test.ts";

function run(...args: string[]): Promise<RunResult> {
  return runScript(join(ROOT, "examples/digits/main.ts"), { permissions: ["--allow-all"], args });
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "vknn-digits-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("digits: a short training leaves weights and pictures", () =>
  inFolder(async (folder) => {
    const out = join(folder, "made/here");
    const { code, stdout, stderr } = await run("--epochs=1", "--images=640", "--out", out);
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /^640 images to learn from, 2004 to test with, on .+/);
    assertMatch(stdout, /epoch 1: loss [\d.]+, ([\d.]+) % of the test images right/);
    assertMatch(stdout, /\d+ images a second; re-loaded from .+digits\.params: [\d.]+ %/);
    assertEquals(readdirSync(out).sort(), ["confusion.png", "digits.params", "loss.svg"]);
    assertMatch(readFileSync(join(out, "loss.svg"), "utf8"), /^<svg /);
    const [accuracy] = /[\d.]+(?= % of the test)/.exec(stdout)!;
    assert(Number(accuracy) > 20, `${accuracy} % is no better than chance`);
    assert(stdout.includes(`digits.params: ${accuracy} %`), "re-loaded weights answer alike");
  }));

test("digits: what cannot work is refused in one sentence", () =>
  inFolder(async (folder) => {
    const occupied = join(folder, "file");
    writeFileSync(occupied, "no folder");
    const refused: [string[], RegExp][] = [
      [["--epochs", "0"], /--epochs must be an integer from 1, not '0'/],
      [["--batch", "1.5"], /--batch must be an integer from 1/],
      [["--schedule", "cosines"], /must be constant or cosine, not 'cosines'/],
      [["--epoch", "1"], /--help lists the options/],
      [["--out", join(occupied, "sub")], /cannot be made/],
      [["--device", "no such device", "--out", join(folder, "out")], /no such device/],
    ];
    for (const [args, message] of refused) {
      const { code, stderr } = await run(...args);
      assertEquals(code, 1, args.join(" "));
      assertMatch(stderr, message);
      assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
    }
    assert(!existsSync(join(folder, "out/digits.params")));
    const { code, stdout } = await run("--help");
    assertEquals(code, 0);
    assert(stdout.includes("--schedule"));
  }));
