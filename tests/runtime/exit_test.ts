/**
 * A program may end at any moment, also while the GPU works: no hang, no
 * crash, and the exit code the program chose.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type RunOptions, type RunResult, runText } from "../support/subprocess.ts";
import { test } from "../support/test.ts";
import { leaveWorkPending } from "./programs.ts";

/** Far above what the work takes, far below what a person accepts. */
const LIMIT_MILLISECONDS = 30_000;

async function end(ending: string, options: RunOptions = {}): Promise<RunResult> {
  const result = await runText(leaveWorkPending(ending), {
    permissions: ["--allow-all"],
    timeoutMilliseconds: LIMIT_MILLISECONDS,
    ...options,
  });
  assert(!result.timedOut, `still running after ${LIMIT_MILLISECONDS} ms`);
  assertStringIncludes(result.stdout, "pending", result.stderr);
  return result;
}

test("a program that waits for its result ends with 0", async () => {
  const result = await end("await pending;");
  assertEquals([result.code, result.signal, result.stderr], [0, null, ""]);
});

test("a program that forgets its pending work ends with 0", async () => {
  const result = await end("pending.catch(() => {});");
  assertEquals([result.code, result.signal], [0, null], result.stderr);
});

test("exit() with work pending gives the chosen code at once", async () => {
  const result = await end("process.exit(7);");
  assertEquals([result.code, result.signal], [7, null], result.stderr);
});

test("an uncaught error with work pending ends with 1", async () => {
  const result = await end(`throw new Error("on purpose");`);
  assertEquals([result.code, result.signal], [1, null], result.stderr);
  assertStringIncludes(result.stderr, "on purpose");
});

test("an unhandled rejection with work pending ends with 1", async () => {
  const result = await end(`Promise.reject(new Error("on purpose"));`);
  assertEquals([result.code, result.signal], [1, null], result.stderr);
});

for (const name of ["SIGINT", "SIGTERM"] as const) {
  test(`${name} with work pending ends the program by that signal`, async () => {
    const result = await end(`process.kill(process.pid, "${name}"); setInterval(() => {}, 100);`);
    // A runtime may turn the signal into the exit code that shells use for it.
    const code = name === "SIGINT" ? 130 : 143;
    assert(
      result.signal === name || result.code === code,
      `ended with code ${result.code}, signal ${result.signal}: ${result.stderr}`,
    );
  });
}

test("an error that a listener handles leaves the device at work", async () => {
  const result = await end(`
    globalThis.addEventListener("unhandledrejection", (event) => event.preventDefault());
    process.on("unhandledRejection", () => {});
    Promise.reject(new Error("on purpose"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    console.log("values", (await pending).length, (await add(x, x).data()).length);
  `);
  assertEquals([result.code, result.signal], [0, null], result.stderr);
  assertStringIncludes(result.stdout, "values 1048576 1048576");
});
