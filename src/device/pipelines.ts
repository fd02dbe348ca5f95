// Pipelines, made from SPIR-V and specialization constants when they are first needed.

import * as vk from "../../ffi/vulkan/enums.ts";
import {
  VkComputePipelineCreateInfo,
  VkPipelineLayoutCreateInfo,
  VkPushConstantRange,
  VkShaderModuleCreateInfo,
  VkSpecializationInfo,
  VkSpecializationMapEntry,
} from "../../ffi/vulkan/structs.ts";
import type { Slot } from "../../ffi/arena.ts";
import type { Dispatch, Program } from "../core/dispatch.ts";
import { DeviceError, LimitError } from "../core/errors.ts";
import type { Context } from "./context.ts";
import type { DescriptorCache, DescriptorLayout } from "./descriptors.ts";
import { READ, WRITE } from "./hazards.ts";

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

  /**
   * @param context The device.
   * @param descriptors Makes descriptor set layouts.
   */
  constructor(context: Context, descriptors: DescriptorCache) {
    this.#context = context;
    this.#descriptors = descriptors;
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
    const { program } = dispatch;
    this.#checkProgram(program);
    const descriptors = program.addresses || program.bindings.length === 0
      ? undefined
      : this.#descriptors.layout(program.bindings.map(({ kind }) => kind));
    const layout = this.#layout(descriptors, program.pushByteLength);
    const pipeline: Pipeline = {
      handle: this.#compile(dispatch, layout),
      layout,
      descriptors,
      program,
      access: Uint8Array.from(program.bindings, ({ access }) => ACCESS[access]),
      addressWords: program.addresses ? program.bindings.length * 2 : 0,
      nanosecondsPerGroup: 0,
    };
    this.#pipelines.set(dispatch.pipelineKey, pipeline);
    return pipeline;
  }

  /** Destroys everything. */
  dispose(): void {
    for (const { handle } of this.#pipelines.values()) {
      this.#context.commands.vkDestroyPipeline(this.#context.handle, handle, 0n);
      this.#context.countObject(-1);
    }
    for (const layout of this.#layouts.values()) this.#context.destroy("PipelineLayout", layout);
    for (const module of this.#modules.values()) this.#context.destroy("ShaderModule", module);
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
      const info = arena.struct(VkComputePipelineCreateInfo, {
        stage: {
          stage: vk.VK_SHADER_STAGE_COMPUTE_BIT,
          module,
          pName: arena.text("main").address,
          pSpecializationInfo: this.#specialization(dispatch).address,
        },
        layout,
        basePipelineIndex: -1,
      });
      const out = arena.allocate(8);
      this.#context.check(
        "vkCreateComputePipelines",
        commands.vkCreateComputePipelines(handle, 0n, 1, info.address, 0n, out.address),
      );
      this.#context.countObject(1);
      return out.getU64();
    });
  }

  #specialization(dispatch: Dispatch): Slot {
    const { arena } = this.#context;
    const { program, constants } = dispatch;
    const names = Object.keys(constants);
    const data = arena.allocate(names.length * 4);
    const entries = names.map((name, i) => {
      const constant = program.constants[name];
      const value = constants[name];
      if (constant === undefined || value === undefined) {
        throw new TypeError(`Cannot use ${program.id}: it has no constant ${name}`);
      }
      const at = data.offset + i * 4;
      if (constant.type === "f32") data.view.setFloat32(at, value, true);
      else data.view.setInt32(at, value, true);
      return { constantID: constant.id, offset: i * 4, size: 4n };
    });
    return arena.struct(VkSpecializationInfo, {
      mapEntryCount: entries.length,
      pMapEntries: arena.structs(VkSpecializationMapEntry, entries).address,
      dataSize: BigInt(data.byteLength),
      pData: data.address,
    });
  }
}
