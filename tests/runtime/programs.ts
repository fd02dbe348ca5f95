/**
 * Small programs for the tests of this folder, as a user would write them.
 *
 * @module
 */
import { existsSync } from "node:fs";
import process from "node:process";
import { loaderCandidates } from "../../ffi/loader_paths.ts";
import { MOD_URL } from "../support/subprocess.ts";

/** Imports the module and nothing else. */
export const IMPORT_ONLY = `
import * as vknn from ${JSON.stringify(MOD_URL)};
console.log("imported", Object.keys(vknn).length > 0);
`;

/** Adds two tensors on the default device and prints "5,7,9". */
export const COMPUTE = `
import { add, tensor } from ${JSON.stringify(MOD_URL)};
const sum = add(tensor([1, 2, 3]), tensor([4, 5, 6]));
console.log(Array.from(await sum.data()).join(","));
`;

/** Tries the same, and prints name, reason and message of the error instead of failing. */
export const COMPUTE_OR_EXPLAIN = `
import { add, tensor } from ${JSON.stringify(MOD_URL)};
try {
  const sum = add(tensor([1, 2, 3]), tensor([4, 5, 6]));
  console.log(Array.from(await sum.data()).join(","));
} catch (error) {
  console.log(error.name, error.reason);
  console.log(error.message);
}
`;

/** Opens a device with the given library and prints the error. */
export function openWith(library: string): string {
  return `
import { Device } from ${JSON.stringify(MOD_URL)};
try {
  await Device.open({ library: ${JSON.stringify(library)} });
  console.log("opened");
} catch (error) {
  console.log(error.name, error.reason);
  console.log(error.message);
}
`;
}

/** Leaves much work behind that nobody waits for, then does what is asked. */
export function leaveWorkPending(ending: string): string {
  return `
import process from "node:process";
import { add, tensor } from ${JSON.stringify(MOD_URL)};
let x = tensor(new Float32Array(1 << 20));
for (let i = 0; i < 200; i++) x = add(x, x);
const pending = x.data();
console.log("pending");
${ending}
`;
}

/** Absolute path of this machine's Vulkan loader. */
export function loaderPath(): string {
  const architecture = process.arch === "arm64" ? "aarch64" : "x86_64";
  const path = loaderCandidates("linux", architecture, false).find((path) => existsSync(path));
  if (path === undefined) throw new Error("no Vulkan loader in the usual folders");
  return path;
}
