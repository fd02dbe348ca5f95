/**
 * Runs the GPU tests under Khronos' validation layer, core and synchronization
 * checks on, and demands not one message. Two canaries, one for each kind of
 * check, must be heard in the same way, or the run counts as failed.
 *
 * Messages go to the child's standard output and are read there: a log file
 * would be cut short by each new instance, and a callback would have to run
 * JavaScript on a driver's thread.
 *
 * Arguments: test files; all of tests/gpu by default.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { ROOT, RUNTIME } from "../support/subprocess.ts";

const SETTINGS = `khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG
khronos_validation.log_filename = stdout
khronos_validation.report_flags = error,warn
khronos_validation.enables = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT
`;
const LAYER = "VK_LAYER_KHRONOS_validation";
const MESSAGE_REGEXP =
  /^.*(Validation (Error|Warning|Performance Warning)|UNASSIGNED-|VUID-|SYNC-HAZARD-).*$/gm;
const TIMEOUT_MILLISECONDS = 1_500_000;
/** Files at a time: most of a file's time is one thread's, in JavaScript or in the driver's compiler. */
const PROCESSES = 2;

interface Outcome {
  code: number | null;
  output: string;
  messages: string[];
  layerLoaded: boolean;
}

/** Runs the current runtime with the layer on and collects what it says. */
function runWithLayer(args: readonly string[], settings: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        NO_COLOR: "1",
        VK_INSTANCE_LAYERS: LAYER,
        VK_LAYER_SETTINGS_PATH: settings,
        // The loader then reports each layer it puts into the call chain.
        VK_LOADER_DEBUG: "layer",
        // The name newer layers know instead of the settings file's entry.
        VK_VALIDATION_VALIDATE_SYNC: "1",
        VKNN_VALIDATION: "1",
      },
    });
    let output = "";
    let loaderLog = "";
    const keep = (text: string) => output += text;
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", (text: string) => loaderLog += text);
    const killer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MILLISECONDS);
    child.on("error", reject);
    child.on("close", (code: number | null) => {
      clearTimeout(killer);
      const messages = output.match(MESSAGE_REGEXP) ?? [];
      const layerLoaded = loaderLog.split("\n").some((line) =>
        line.includes(LAYER) && /insert|loading layer/i.test(line)
      );
      // Without the loader's chatter, which hides what the tests said.
      const rest = loaderLog.split("\n").filter((line) =>
        !/^\s*(\[Vulkan Loader\]|LAYER:)/.test(line)
      );
      resolve({ code, output: output + rest.join("\n"), messages, layerLoaded });
    });
  });
}

function testFiles(): string[] {
  const given = process.argv.slice(2);
  if (given.length > 0) return given;
  const folder = join(ROOT, "tests/gpu");
  return existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith("_test.ts")).sort().map((name) => `tests/gpu/${name}`)
    : [];
}

const TEST_FLAGS = RUNTIME === "deno"
  ? ["test", "--no-check", "--allow-all"]
  : ["test", "--timeout", "600000"];
const RUN_FLAGS = RUNTIME === "deno" ? ["run", "--no-check", "--allow-all"] : ["run"];

const folder = mkdtempSync(join(tmpdir(), "vknn-validation-"));
const settings = join(folder, "vk_layer_settings.txt");
writeFileSync(settings, SETTINGS);
let passed = 0;
let failed = 0;

/** One line for each demand; details only where it is not met. */
function report(name: string, complaint: string | undefined, details = ""): void {
  if (complaint === undefined) {
    passed++;
    console.log(`${name} ... ok`);
  } else {
    failed++;
    // Marked, so that nobody counts the child's results as this run's.
    console.log(`${name} ... FAILED: ${complaint}\n${details.replace(/^/gm, "| ")}`);
  }
}

try {
  for (
    const [kind, expected] of [
      ["core", "VUID-VkBufferCreateInfo-size-00912"],
      ["sync", "SYNC-HAZARD-WRITE-AFTER-WRITE"],
    ] as const
  ) {
    const canary = await runWithLayer([...RUN_FLAGS, "tests/validation/canary.ts", kind], settings);
    const heard = canary.messages.some((message) => message.includes(expected));
    report(
      `canary ${kind}: the layer reports ${expected}`,
      heard ? undefined : `not heard (layer ${canary.layerLoaded ? "" : "not "}loaded)`,
      canary.output,
    );
  }

  const files = testFiles();
  if (files.length === 0) report("GPU tests under validation", "no test file found");
  const check = async (file: string): Promise<void> => {
    const run = await runWithLayer([...TEST_FLAGS, file], settings);
    const complaints: string[] = [];
    if (run.code !== 0) complaints.push(`exit code ${run.code}`);
    if (!run.layerLoaded) complaints.push("the layer was not loaded");
    if (run.messages.length > 0) {
      const names = run.messages.join("\n").match(/(VUID|UNASSIGNED|SYNC-HAZARD)-[\w-]+/g) ?? [];
      complaints.push(`${run.messages.length} messages: ${[...new Set(names)].join(", ")}`);
    }
    const complaint = complaints.length > 0 ? complaints.join("; ") : undefined;
    // The end of what a file printed need not hold its messages.
    const said = [...run.messages, run.output.slice(-20_000)].join("\n");
    report(`${file}: no message`, complaint, said);
  };
  const queue = files.values();
  await Promise.all(Array.from({ length: PROCESSES }, async () => {
    for (const file of queue) await check(file);
  }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

console.log(`\n${failed === 0 ? "ok" : "FAILED"} | ${passed} passed | ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
