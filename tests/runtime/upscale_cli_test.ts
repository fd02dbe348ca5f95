/** The upscale program as its users see it: exit codes, messages, files. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { encode } from "fast-png";
import jpeg from "jpeg-js";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readImage } from "../../examples/upscale/image.ts";
import { ROOT, type RunResult, runScript } from "../support/subprocess.ts";
import { test } from "../support/test.ts";

const script = join(ROOT, "examples/upscale/main.ts");

function run(...args: string[]): Promise<RunResult> {
  return runScript(script, { permissions: ["--allow-all"], args });
}

/** A folder with small pictures, removed afterwards. */
async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "vknn-upscale-"));
  try {
    const data = Uint8Array.from({ length: 30 * 20 * 4 }, (_, i) => (i * 31) & 255);
    writeFileSync(join(folder, "in.png"), encode({ width: 30, height: 20, channels: 4, data }));
    writeFileSync(join(folder, "in.jpg"), jpeg.encode({ width: 30, height: 20, data }, 90).data);
    writeFileSync(join(folder, "words.png"), "no image at all, but long enough for a head");
    const huge = encode({ width: 1, height: 1, channels: 1, data: new Uint8Array(1) });
    const view = new DataView(huge.buffer, huge.byteOffset);
    view.setUint32(16, 60000);
    view.setUint32(20, 60000);
    writeFileSync(join(folder, "huge.png"), huge);
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One clear sentence on standard error, exit code 1, and no new file. */
async function assertRefused(folder: string, args: string[], message: RegExp): Promise<void> {
  const before = readdirSync(folder).toSorted();
  const { code, stdout, stderr } = await run(...args);
  assertMatch(stderr, message);
  assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
  assert(stderr.startsWith("error: "), stderr);
  assertEquals(stdout, "");
  assertEquals(code, 1);
  assertEquals(readdirSync(folder).toSorted(), before);
}

test("upscale: --help explains and succeeds", async () => {
  const { code, stdout, stderr } = await run("--help");
  assertEquals([code, stderr], [0, ""]);
  for (const word of ["INPUT", "OUTPUT", "--scale", "--tile", "--device", "--profile"]) {
    assert(stdout.includes(word), word);
  }
});

test("upscale: a PNG with opacity is enlarged", () =>
  inFolder(async (folder) => {
    const output = join(folder, "out.png");
    const { code, stdout, stderr } = await run(join(folder, "in.png"), output, "--profile");
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /^30x20 to 2 times that on .+/);
    assertMatch(stdout, /60x40 \(0\.00 megapixels\): [\d.]+ s on the device, [\d.]+ GFLOP\/s/);
    assertMatch(stdout, /operator +program +launches/);
    assertEquals(stderr, "1/1 tile, 0.0 s left\n");
    const picture = readImage(readFileSync(output));
    assertEquals([picture.width, picture.height], [60, 40]);
    assert(picture.alpha !== null);
    assertEquals(readdirSync(folder).filter((name) => name.endsWith(".tmp")), []);
  }));

test("upscale: a JPEG is enlarged by three in tiles, over an older file", () =>
  inFolder(async (folder) => {
    const output = join(folder, "out.PNG");
    writeFileSync(output, "older");
    // Recognized by content: the name lies.
    writeFileSync(join(folder, "photo.png"), readFileSync(join(folder, "in.jpg")));
    const { code, stderr } = await run(
      ...[join(folder, "photo.png"), output, "--scale=3", "--tile", "40"],
    );
    assertEquals(code, 0, stderr);
    const picture = readImage(readFileSync(output));
    assertEquals([picture.width, picture.height, picture.alpha], [90, 60, null]);
  }));

test("upscale: wrong command lines are refused", () =>
  inFolder(async (folder) => {
    const [input, output] = [join(folder, "in.png"), join(folder, "out.png")];
    await assertRefused(folder, [], /expected an input and an output file, found 0 names/);
    await assertRefused(folder, [input], /found 1 names/);
    await assertRefused(folder, [input, output, "more"], /found 3 names/);
    await assertRefused(
      folder,
      [input, output, "--scale", "5"],
      /the scale must be 2, 3, 4, not '5'/,
    );
    await assertRefused(folder, [input, output, "--scale", "two"], /not 'two'/);
    await assertRefused(folder, [input, output, "--tile", "8"], /from 40, not '8'/);
    await assertRefused(folder, [input, output, "--sacle", "2"], /--sacle.*--help lists/);
  }));

test("upscale: inputs that are missing, no image or too large are refused", () =>
  inFolder(async (folder) => {
    const output = join(folder, "out.png");
    await assertRefused(folder, [join(folder, "no.png"), output], /no\.png' does not exist/);
    await assertRefused(folder, [folder, output], /is a folder/);
    await assertRefused(
      folder,
      [join(folder, "words.png"), output],
      /words\.png: the file is neither a PNG nor a JPEG image/,
    );
    await assertRefused(
      folder,
      [join(folder, "huge.png"), output],
      /huge\.png: 60000x60000 enlarged by 2 makes 14400 megapixels; at most 256 fit/,
    );
    const cut = readFileSync(join(folder, "in.jpg")).subarray(0, 400);
    writeFileSync(join(folder, "cut.jpg"), cut);
    await assertRefused(folder, [join(folder, "cut.jpg"), output], /cut\.jpg: the JPEG file/);
  }));

test("upscale: outputs that cannot be written are refused", () =>
  inFolder(async (folder) => {
    const input = join(folder, "in.png");
    await assertRefused(
      folder,
      [input, join(folder, "none", "out.png")],
      /the output folder '.*none' does not exist/,
    );
    await assertRefused(folder, [input, join(folder, "out.jpg")], /must end in \.png/);
    mkdirSync(join(folder, "dir.png"));
    await assertRefused(folder, [input, join(folder, "dir.png")], /is a folder/);
    await assertRefused(folder, [input, join(input, "out.png")], /is not a folder/);
  }));

test("upscale: a tile that is too large for the device is refused with advice", () =>
  inFolder(async (folder) => {
    // One tensor of this tile takes more than the 128 MiB that every device offers, and more than
    // the 4 GiB that any 32-bit limit can name.
    const side = 4200;
    const plain = new Uint8Array(side * side);
    const wide = encode({ width: side, height: side, channels: 1, data: plain });
    writeFileSync(join(folder, "wide.png"), wide);
    const { code, stderr } = await run(
      ...[join(folder, "wide.png"), join(folder, "out.png"), "--tile", "5000"],
    );
    assertEquals(code, 1);
    assertMatch(stderr, /^error: the tile is too large for the device.*: choose a smaller --tile/);
    assertEquals(readdirSync(folder).filter((name) => name.includes("out.png")), []);
  }));

test("upscale: an unknown device is refused in words", () =>
  inFolder(async (folder) => {
    const args = [join(folder, "in.png"), join(folder, "out.png"), "--device", "no such device"];
    await assertRefused(folder, args, /no such device/);
  }));
