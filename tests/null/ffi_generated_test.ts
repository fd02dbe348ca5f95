/** The generated bindings are what the generator makes of the allow-list. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { readFileSync } from "node:fs";
import { allowlistHash, findRegistry, generate } from "../../ffi/generate.ts";
import * as allowlist from "../../ffi/vulkan/allowlist.ts";
import { commandTable, commandVersions } from "../../ffi/vulkan/commands.ts";
import * as enums from "../../ffi/vulkan/enums.ts";
import * as structs from "../../ffi/vulkan/structs.ts";
import { StructLayout } from "../../ffi/struct.ts";
import { test } from "../support/test.ts";

const NAMES = ["enums.ts", "structs.ts", "commands.ts"] as const;

function committed(name: string): string {
  return readFileSync(new URL(`../../ffi/vulkan/${name}`, import.meta.url), "utf8");
}

test("generated bindings carry the hash of the allow-list", () => {
  for (const name of NAMES) {
    const first = committed(name).split("\n", 1)[0] as string;
    assertMatch(first, /^\/\/ @generated from vk\.xml 1\.\d+\.\d+ by ffi\/generate\.ts;/);
    assertEquals(first.split("allowlist-hash: ")[1], allowlistHash(), `${name} is out of date`);
  }
});

test("generated bindings stay under 3,000 lines", () => {
  const lines = NAMES.map((name) => committed(name).split("\n").length - 1);
  assert(lines.reduce((sum, count) => sum + count, 0) < 3000, `found ${lines.join(" + ")} lines`);
});

test("generated bindings equal a new run over the same registry version", () => {
  const path = findRegistry();
  const version = (text: string): string | undefined => /vk\.xml (\S+)/.exec(text)?.[1];
  if (path === undefined) {
    console.log("no vk.xml here: compared by hash only");
    return;
  }
  const files = generate(path);
  assertEquals([...files.keys()].sort(), [...NAMES].sort());
  for (const [name, text] of files) {
    const current = committed(name);
    // Another registry version may know more values; `--check` on the pinned one decides.
    if (version(text) !== version(current)) {
      console.log(
        `vk.xml here is ${version(text)}, not ${version(current)}: compared by hash only`,
      );
      return;
    }
    assert(text === current, `${name} differs: run \`deno run -A ffi/generate.ts\``);
  }
});

test("every allowed command, struct, enumeration value and constant is exported", () => {
  for (const name of allowlist.commands) assert(name in commandTable, name);
  for (const [key, symbol] of Object.entries(allowlist.nonblockingTwins)) {
    assertEquals(commandTable[key]?.symbol, symbol);
    assertEquals(commandTable[key]?.nonblocking, true);
    assertEquals(commandTable[key]?.parameters, commandTable[symbol]?.parameters);
  }
  const layouts = structs as unknown as Record<string, unknown>;
  for (const name of allowlist.structs) assert(layouts[name] instanceof StructLayout, name);
  const values = enums as unknown as Record<string, unknown>;
  for (const list of Object.values(allowlist.enums)) {
    if (list !== "core") { for (const name of list) assert(name in values, name); }
  }
  for (const name of allowlist.constants) assert(name in values, name);
});

test("commands newer than Vulkan 1.0 are optional symbols", () => {
  for (const [name, entry] of Object.entries(commandTable)) {
    const newer = name in commandVersions || name in allowlist.nonblockingTwins;
    assertEquals(entry.optional === true, newer, name);
  }
  assertEquals(commandVersions["vkWaitSemaphores"], "1.2");
  assertEquals(commandVersions["vkEnumerateInstanceVersion"], "1.1");
});

test("generated values match the specification's", () => {
  assertEquals(enums.VK_ERROR_DEVICE_LOST, -4);
  assertEquals(enums.VK_ERROR_OUT_OF_POOL_MEMORY, -1000069000);
  assertEquals(enums.VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT, 0x20000);
  assertEquals(enums.VK_WHOLE_SIZE, 0xffffffffffffffffn);
  assertEquals(enums.VK_QUEUE_FAMILY_IGNORED, 0xffffffff);
  assertEquals(enums.VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0x800);
  assertEquals(enums.VK_SEMAPHORE_TYPE_TIMELINE, 1);
  assertEquals(enums.resultNames.get(-4), "VK_ERROR_DEVICE_LOST");
});
