// The driver's own cache of compiled pipelines, kept in a file where the caller named a folder. Without one there is no cache
// object at all, and no file is touched.

import { VkPipelineCacheCreateInfo } from "../../ffi/vulkan/structs.ts";
import * as vk from "../../ffi/vulkan/enums.ts";
import { families } from "../../shaders/manifest.ts";
import { CacheFile, hashTexts, MAX_CACHE_BYTES } from "./cache_file.ts";
import type { Context } from "./context.ts";
import type { DeviceOptions } from "./options.ts";

/** Holds the `VkPipelineCache` of a device. */
export class PipelineStore {
  /** Whether pipelines were made since the last save. */
  changed = false;
  readonly #context: Context;
  readonly #file: CacheFile | undefined;
  readonly #log: DeviceOptions["log"];
  #handle = 0n;

  /**
   * @param context The device.
   * @param options `cacheDirectory` and `log`.
   */
  constructor(context: Context, options: DeviceOptions) {
    this.#context = context;
    this.#log = options.log;
    if (options.cacheDirectory === undefined) return;
    const kernelHash = hashTexts(families.flatMap((family) => Object.values(family)));
    this.#file = new CacheFile(options.cacheDirectory, { ...context.record.cache, kernelHash });
    const known = this.#file.read();
    const found = known === undefined ? "nothing usable" : `${known.length} bytes`;
    this.#log?.({ level: "debug", message: `Found ${found} in ${this.#file.path}.` });
    this.#handle = this.#create(known);
  }

  /** `VkPipelineCache`; 0 for none. */
  get handle(): bigint {
    return this.#handle;
  }

  /** Writes the file, if pipelines were made since the last time. Never throws; the log tells what failed. */
  save(): void {
    if (this.#file === undefined || !this.changed) return;
    this.changed = false;
    const data = this.#read();
    const reason = typeof data === "string" ? data : this.#file.write(data);
    if (reason === undefined) return;
    const message = `Cannot keep compiled kernels in ${this.#file.path}: ${reason}`;
    this.#log?.({ level: "notice", message });
  }

  /** Destroys the cache; nobody may be using it. */
  dispose(): void {
    this.#context.destroy("PipelineCache", this.#handle);
    this.#handle = 0n;
  }

  #create(data: Uint8Array | undefined): bigint {
    const { arena } = this.#context;
    return arena.scope(() => {
      const bytes = data === undefined ? undefined : arena.bytes(data);
      const info = arena.struct(VkPipelineCacheCreateInfo, {
        initialDataSize: BigInt(data?.length ?? 0),
        pInitialData: bytes?.address ?? 0n,
      });
      return this.#context.create("PipelineCache", info.address);
    });
  }

  /** What the driver has, or why it cannot be had. */
  #read(): Uint8Array | string {
    const { arena, commands, handle } = this.#context;
    return arena.scope(() => {
      const size = arena.allocate(8);
      let code = commands.vkGetPipelineCacheData(handle, this.#handle, size.address, 0n);
      if (code !== vk.VK_SUCCESS) return `vkGetPipelineCacheData returned ${code}`;
      const byteLength = Number(size.getU64());
      if (byteLength === 0 || byteLength > MAX_CACHE_BYTES) {
        return `the driver has ${byteLength} bytes`;
      }
      const data = arena.allocate(byteLength);
      code = commands.vkGetPipelineCacheData(handle, this.#handle, size.address, data.address);
      if (code !== vk.VK_SUCCESS) return `vkGetPipelineCacheData returned ${code}`;
      return data.bytes().slice(0, Number(size.getU64()));
    });
  }
}
