/**
 * Runs a script in a fresh process of the current runtime, for what can only
 * be seen from outside: permissions, exit codes, a missing loader or driver.
 * Both suites run these tests, so each covers its own runtime.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The runtimes which the module supports. */
export type Runtime = "deno" | "bun";

/** The runtime this very process runs on. */
export const RUNTIME: Runtime = "Deno" in globalThis ? "deno" : "bun";

/** Folder of the repository, without a slash at the end. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url)).replace(/[\\/]$/, "");

/** URL of the module's main entry point, to be put into script text. */
export const MOD_URL: string = pathToFileURL(join(ROOT, "mod.ts")).href;

/** What {@linkcode runScript} accepts. */
export interface RunOptions {
  /**
   * Deno's permission flags; none by default. Bun has no permissions and
   * ignores them.
   */
  permissions?: readonly string[];
  /** Variables to set, or to remove where undefined. */
  env?: Record<string, string | undefined>;
  /** Arguments for the script. */
  args?: readonly string[];
  /** Further flags for the runtime itself. */
  runtimeFlags?: readonly string[];
  /** The child is killed after this time; 60,000 by default. */
  timeoutMilliseconds?: number;
  /** Signal to send, and when. */
  signal?: { name: NodeJS.Signals; afterMilliseconds: number };
}

/** How a child ended. */
export interface RunResult {
  /** Exit code; null where a signal ended the child. */
  code: number | null;
  /** The signal that ended the child, if any. */
  signal: string | null;
  stdout: string;
  stderr: string;
  /** True where the child was killed because it took too long. */
  timedOut: boolean;
  milliseconds: number;
}

/**
 * Runs TypeScript text as a module.
 *
 * The text lies in a file of its own in the temporary folder, outside the
 * repository, as a user's program would.
 */
export async function runText(text: string, options: RunOptions = {}): Promise<RunResult> {
  const folder = mkdtempSync(join(tmpdir(), "vknn-test-"));
  try {
    const path = join(folder, "script.ts");
    writeFileSync(path, text);
    return await runScript(path, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a script file with the current runtime and waits for its end. */
export function runScript(path: string, options: RunOptions = {}): Promise<RunResult> {
  const flags = options.runtimeFlags ?? [];
  // Deno's own spawn() gives all permissions to a child Deno without any
  // permission flag. This one takes away nothing that a test uses.
  const permissions = options.permissions?.length ? options.permissions : ["--deny-import"];
  const args = RUNTIME === "deno"
    ? [
      "run",
      "--no-prompt",
      "--no-check",
      "--no-lock",
      "--quiet",
      ...flags,
      ...permissions,
      path,
    ]
    : ["run", ...flags, path];
  const env: Record<string, string> = {};
  // Children end in every ungentle way, which the validation layer does not survive, and their
  // output is compared, which the layer writes to. What they compute is validated in this process.
  const changes: Record<string, string | undefined> = {
    NO_COLOR: "1",
    VK_INSTANCE_LAYERS: undefined,
    VK_LOADER_DEBUG: undefined,
    ...options.env,
  };
  for (const [key, value] of Object.entries({ ...process.env, ...changes })) {
    if (value !== undefined) env[key] = value;
  }
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(process.execPath, [...args, ...(options.args ?? [])], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    let timedOut = false;
    child.stdout.setEncoding("utf8").on("data", (text: string) => stdout += text);
    child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text);
    const killer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, options.timeoutMilliseconds ?? 60_000);
    const { signal } = options;
    const signaler = signal === undefined
      ? undefined
      : setTimeout(() => child.kill(signal.name), signal.afterMilliseconds);
    const clear = () => {
      clearTimeout(killer);
      clearTimeout(signaler);
    };
    child.on("error", (error: Error) => {
      clear();
      reject(error);
    });
    child.on("close", (code: number | null, signalName: string | null) => {
      clear();
      const milliseconds = performance.now() - start;
      resolve({ code, signal: signalName, stdout, stderr, timedOut, milliseconds });
    });
  });
}
