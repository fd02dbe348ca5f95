/** The helpers of the suite itself: a helper that cannot fail proves nothing. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { assertClose, ulps } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { ROOT, runText, RUNTIME } from "../support/subprocess.ts";
import { test } from "../support/test.ts";

test("assertClose() passes within the tolerance", () => {
  assertClose([1, NaN, -Infinity, 0], [1 + 1e-7, NaN, -Infinity, -0]);
});

test("assertClose() names the worst element, both values and ULPs", () => {
  const error = assertThrows(() => assertClose([1, 2.5, 3.25], [1, 2, 3], { label: "row" }), Error);
  assertMatch(error.message, /row: 2 of 3 values/);
  assertMatch(error.message, /index 1: actual 2\.5, expected 2, difference 0\.5, 2097152 ULP/);
});

test("assertClose() refuses NaN, infinity and other lengths", () => {
  assertThrows(() => assertClose([NaN], [1]), Error, "index 0");
  assertThrows(() => assertClose([1], [NaN]), Error, "index 0");
  assertThrows(() => assertClose([1], [Infinity]), Error, "index 0");
  assertThrows(() => assertClose([-Infinity], [Infinity]), Error, "index 0");
  assertThrows(() => assertClose([1], [1, 2]), Error, "1 values, expected 2");
});

test("ulps() counts float32 steps across zero", () => {
  assertEquals(ulps(0, -0), 0);
  assertEquals(ulps(1, 1 + 2 ** -23), 1);
  assertEquals(ulps(2 ** -149, -(2 ** -149)), 2);
});

test("Random repeats itself for equal seeds and stays in range", () => {
  const first = new Random(7).float32(1000, -2, 3);
  assertEquals(first, new Random(7).float32(1000, -2, 3));
  assert(first.every((value) => value >= -2 && value < 3));
  assert(first.some((value, i) => value !== new Random(8).float32(1000, -2, 3)[i]));
  assertEquals(new Set(new Random(1).distinct(100)).size, 100);
});

test("runText() reports exit code, output and variables of a child", async () => {
  const result = await runText(
    `import process from "node:process";
     console.log(process.env.VKNN_PROBE ?? "unset");
     process.exit(3);`,
    { env: { VKNN_PROBE: "seen" }, permissions: ["--allow-env"] },
  );
  assertEquals(result.code, 3);
  assertEquals(result.stdout.trim(), "seen");
  assert(ROOT.length > 1 && (RUNTIME === "deno" || RUNTIME === "bun"));
});

test("runText() kills a child that takes too long", async () => {
  const result = await runText("setInterval(() => {}, 1000);", { timeoutMilliseconds: 1500 });
  assert(result.timedOut);
});
