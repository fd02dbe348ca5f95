// Pipelines, made from SPIR-V and specialization constants when they are first needed.

import * as vk from "../../ffi/vulkan/enums.ts";
import {
  VkPipelineLayoutCreateInfo,
  VkPushConstantRange,
  VkShaderModuleCreateInfo,
} from "../../ffi/vulkan/structs.ts";
import type { Slot } from "../../ffi/arena.ts";
import type { Dispatch, Program } from "../core/dispatch.ts";
import { DeviceError, LimitError } from "../core/errors.ts";
import type { Context } from "./context.ts";
import type { DescriptorCache, DescriptorLayout } from "./descriptors.ts";
import { READ, WRITE } from "./hazards.ts";
import type { DeviceOptions } from "./options.ts";
import { writePipelineInfo } from "./pipeline_info.ts";
import { PipelineStore } from "./pipeline_store.ts";

/** A compiled program with its constants. */
export interface Pipeline {
  /** `VkPipeline`. */
  readonly handle: bigint;
  /** `VkPipelineLayout`. */
  readonly layout: bigint;
  /** Layout of its descriptor set; undefined if it takes no descriptors. */
  readonly descriptors: DescriptorLayout | undefined;
  /** What it was made from. */
  readonly program: Program;
  /** For each binding `READ`, `WRITE` or both. */
  readonly access: Uint8Array;
  /** 32-bit words at the head of the push block that hold addresses. */
  readonly addressWords: number;
  /** Measured time of one workgroup, for pacing; 0 until measured. */
  nanosecondsPerGroup: number;
}

const ACCESS: Readonly<Record<Program["bindings"][number]["access"], number>> = {
  read: READ,
  write: WRITE,
  readwrite: READ | WRITE,
};

/** Makes and keeps pipelines. */
export class PipelineCache {
  readonly #context: Context;
  readonly #descriptors: DescriptorCache;
  readonly #pipelines: Map<string, Pipeline> = new Map();
  readonly #layouts: Map<string, bigint> = new Map();
  readonly #modules: Map<Program, bigint> = new Map();
  readonly #underWay: Map<string, Promise<void>> = new Map();
  readonly #store: PipelineStore;

  /**
   * @param context The device.
   * @param descriptors Makes descriptor set layouts.
   * @param options `cacheDirectory` and `log`.
   */
  constructor(context: Context, descriptors: DescriptorCache, options: DeviceOptions) {
    this.#context = context;
    this.#descriptors = descriptors;
    this.#store = new PipelineStore(context, options);
  }

  /** Number of pipelines made. */
  get count(): number {
    return this.#pipelines.size;
  }

  /**
   * Finds the pipeline of a dispatch.
   *
   * @param dispatch What is to be launched.
   * @returns The pipeline, or undefined if it was not made yet.
   */
  find(dispatch: Dispatch): Pipeline | undefined {
    return this.#pipelines.get(dispatch.pipelineKey);
  }

  /**
   * Makes the pipeline of a dispatch.
   *
   * @param dispatch What is to be launched.
   * @returns The pipeline.
   * @throws {DeviceError} If the program needs a feature that the device lacks.
   * @throws {LimitError} If the program needs more of something than the device has.
   */
  make(dispatch: Dispatch): Pipeline {
    const parts = this.#wrap(dispatch);
    return this.#add(dispatch, parts, this.#compile(dispatch, parts.layout));
  }

  /**
   * Makes the pipeline of a dispatch without blocking the event loop, where the runtime can.
   *
   * @param dispatch What is to be launched.
   * @returns Resolves when there is one.
   * @throws {DeviceError | LimitError} As `make`.
   */
  async makeAside(dispatch: Dispatch): Promise<void> {
    if (this.#pipelines.has(dispatch.pipelineKey)) return;
    const known = this.#underWay.get(dispatch.pipelineKey);
    if (known !== undefined) return await known;
    const work = this.#makeAside(dispatch);
    this.#underWay.set(dispatch.pipelineKey, work);
    try {
      await work;
    } finally {
      this.#underWay.delete(dispatch.pipelineKey);
    }
  }

  /** Whether another thread makes a pipeline. */
  get busy(): boolean {
    return this.#underWay.size > 0;
  }

  /**
   * Resolves when no other thread makes a pipeline.
   *
   * @returns Never rejects.
   */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay.values());
  }

  /** Writes the driver's cache to its file, if there is one and it grew. */
  save(): void {
    this.#store.save();
  }

  async #makeAside(dispatch: Dispatch): Promise<void> {
    const parts = this.#wrap(dispatch);
    const handle = await this.#compileAside(dispatch, parts.layout);
    // Somebody may have needed it meanwhile, and could not wait.
    if (this.#pipelines.has(dispatch.pipelineKey)) this.#destroy(handle);
    else this.#add(dispatch, parts, handle);
  }

  /** Destroys everything. */
  dispose(): void {
    for (const { handle } of this.#pipelines.values()) this.#destroy(handle);
    for (const layout of this.#layouts.values()) this.#context.destroy("PipelineLayout", layout);
    for (const module of this.#modules.values()) this.#context.destroy("ShaderModule", module);
    this.#store.dispose();
    this.#pipelines.clear();
    this.#layouts.clear();
    this.#modules.clear();
  }

  #checkProgram(program: Program): void {
    const { adapter } = this.#context.record;
    const features: Readonly<Record<string, boolean>> = { ...adapter.features };
    const lacking = program.requires.filter((name) => features[name] !== true);
    if (lacking.length > 0) {
      throw new DeviceError(
        `Cannot use ${program.id} on ${adapter.name}: the device has no ${lacking.join(", ")}. ` +
          "Use a variant without it, or another adapter.",
      );
    }
    if (program.pushByteLength > adapter.limits.maxPushConstantBytes) {
      throw new LimitError(
        `Cannot use ${program.id} on ${adapter.name}: it pushes ${program.pushByteLength} bytes, ` +
          `maxPushConstantsSize allows ${adapter.limits.maxPushConstantBytes}`,
      );
    }
  }

  #layout(descriptors: DescriptorLayout | undefined, pushByteLength: number): bigint {
    const key = `${descriptors?.kinds.join() ?? "none"}|${pushByteLength}`;
    const known = this.#layouts.get(key);
    if (known !== undefined) return known;
    const { arena } = this.#context;
    const layout = arena.scope(() => {
      const range = arena.struct(VkPushConstantRange, {
        stageFlags: vk.VK_SHADER_STAGE_COMPUTE_BIT,
        size: pushByteLength,
      });
      const info = arena.struct(VkPipelineLayoutCreateInfo, {
        setLayoutCount: descriptors === undefined ? 0 : 1,
        pSetLayouts: arena.u64s([descriptors?.handle ?? 0n]).address,
        pushConstantRangeCount: pushByteLength > 0 ? 1 : 0,
        pPushConstantRanges: range.address,
      });
      return this.#context.create("PipelineLayout", info.address);
    });
    this.#layouts.set(key, layout);
    return layout;
  }

  #module(program: Program): bigint {
    const known = this.#modules.get(program);
    if (known !== undefined) return known;
    const { arena } = this.#context;
    const module = arena.scope(() => {
      const code = arena.bytes(program.spirv());
      const info = arena.struct(VkShaderModuleCreateInfo, {
        codeSize: BigInt(code.byteLength),
        pCode: code.address,
      });
      return this.#context.create("ShaderModule", info.address);
    });
    this.#modules.set(program, module);
    return module;
  }

  #compile(dispatch: Dispatch, layout: bigint): bigint {
    const { arena, commands, handle } = this.#context;
    const module = this.#module(dispatch.program);
    return arena.scope(() => {
      const take = (byteLength: number) => arena.allocate(byteLength);
      const info = writePipelineInfo(take, dispatch, module, layout);
      const out = arena.allocate(8);
      this.#context.check(
        "vkCreateComputePipelines",
        commands.vkCreateComputePipelines(
          handle,
          this.#store.handle,
          1,
          info.address,
          0n,
          out.address,
        ),
      );
      this.#context.countObject(1);
      return out.getU64();
    });
  }

  /** The same on another thread. */
  async #compileAside(dispatch: Dispatch, layout: bigint): Promise<bigint> {
    const { arena, commands, handle } = this.#context;
    const create = commands.vkCreateComputePipelinesAsync;
    if (create === null) return this.#compile(dispatch, layout);
    const slots: Slot[] = [];
    const take = (byteLength: number) => {
      const slot = arena.permanent(byteLength);
      slots.push(slot);
      return slot;
    };
    try {
      const info = writePipelineInfo(take, dispatch, this.#module(dispatch.program), layout);
      const out = take(8);
      const code = await create(handle, this.#store.handle, 1, info.address, 0n, out.address);
      this.#context.check("vkCreateComputePipelines", code);
      this.#context.countObject(1);
      return out.getU64();
    } finally {
      for (const slot of slots) arena.recycle(slot);
    }
  }

  #wrap(dispatch: Dispatch): Omit<Pipeline, "handle"> {
    const { program } = dispatch;
    this.#checkProgram(program);
    const descriptors = program.addresses || program.bindings.length === 0
      ? undefined
      : this.#descriptors.layout(program.bindings.map(({ kind }) => kind));
    return {
      layout: this.#layout(descriptors, program.pushByteLength),
      descriptors,
      program,
      access: Uint8Array.from(program.bindings, ({ access }) => ACCESS[access]),
      addressWords: program.addresses ? program.bindings.length * 2 : 0,
      nanosecondsPerGroup: 0,
    };
  }

  #add(dispatch: Dispatch, parts: Omit<Pipeline, "handle">, handle: bigint): Pipeline {
    const pipeline: Pipeline = { ...parts, handle };
    this.#pipelines.set(dispatch.pipelineKey, pipeline);
    this.#store.changed = true;
    return pipeline;
  }

  #destroy(handle: bigint): void {
    this.#context.commands.vkDestroyPipeline(this.#context.handle, handle, 0n);
    this.#context.countObject(-1);
  }
}
