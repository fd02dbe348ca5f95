// Reads the interface of a compute shader out of its SPIR-V words: what the device must bind, specialize and push.
// Knows the SPIR-V specification (unified1, sections 2.3 and 3), nothing of GLSL files or of Vulkan objects.

import type { ProgramBinding, ProgramConstant, ProgramPushWord } from "../../src/core/dispatch.ts";

/** The interface of one compiled shader, without its code. */
export interface Reflection {
  readonly bindings: readonly ProgramBinding[];
  readonly addresses: boolean;
  readonly constants: Readonly<Record<string, ProgramConstant>>;
  readonly push: Readonly<Record<string, ProgramPushWord>>;
  readonly pushByteLength: number;
  readonly requires: readonly string[];
}

interface Instruction {
  readonly op: number;
  readonly words: Uint32Array;
}

/** Opcodes by their names in the specification. */
const OP = {
  Source: 3,
  SourceContinued: 2,
  SourceExtension: 4,
  Name: 5,
  MemberName: 6,
  String: 7,
  Line: 8,
  Capability: 17,
  TypeBool: 20,
  TypeInt: 21,
  TypeFloat: 22,
  TypeVector: 23,
  TypeImage: 25,
  TypeArray: 28,
  TypeStruct: 30,
  TypePointer: 32,
  Constant: 43,
  SpecConstantTrue: 48,
  SpecConstantFalse: 49,
  SpecConstant: 50,
  SpecConstantComposite: 51,
  Variable: 59,
  Decorate: 71,
  MemberDecorate: 72,
  NoLine: 317,
  ModuleProcessed: 330,
} as const;

const DEBUG_OPS: ReadonlySet<number> = new Set([
  OP.Source,
  OP.SourceContinued,
  OP.SourceExtension,
  OP.Name,
  OP.MemberName,
  OP.String,
  OP.Line,
  OP.NoLine,
  OP.ModuleProcessed,
]);

const DECORATION = {
  SpecId: 1,
  BuiltIn: 11,
  NonWritable: 24,
  NonReadable: 25,
  Binding: 33,
  Offset: 35,
};
const BUILT_IN_WORKGROUP_SIZE = 25;
/** Number of the constant that says that binding 0 is float16; those of the others follow (lib/cpu_load.glsl). */
const FIRST_HALF_CONSTANT = 64;
const STORAGE = {
  UniformConstant: 0,
  PushConstant: 9,
  StorageBuffer: 12,
  PhysicalStorageBuffer: 5349,
};

/** Capability number → what the device must offer; null where every Vulkan 1.2 compute device offers it. */
const CAPABILITIES: ReadonlyMap<number, string | null> = new Map([
  [1, null], // Shader
  [9, "float16"],
  [10, "float64"],
  [11, "int64"],
  [22, "int16"],
  [39, "int8"],
  [46, null], // SampledBuffer
  [47, null], // ImageBuffer
  [50, null], // ImageQuery
  [61, "subgroupBasic"],
  [62, "subgroupVote"],
  [63, "subgroupArithmetic"],
  [64, "subgroupBallot"],
  [65, "subgroupShuffle"],
  [66, "subgroupShuffleRelative"],
  [67, "subgroupClustered"],
  [68, "subgroupQuad"],
  [4433, "storage16"],
  [4434, "storage16"],
  [4448, "storage8"],
  [4449, "storage8"],
  [4466, "signedZeroInfNanPreserve"],
  [5345, "vulkanMemoryModel"],
  [5347, "bufferDeviceAddress"],
  [6022, "cooperativeMatrix"],
  [6033, "atomicFloat32Add"],
]);

function* instructions(words: Uint32Array): Generator<Instruction> {
  if (words[0] !== 0x07230203) throw new TypeError("not SPIR-V: the magic number is missing");
  for (let at = 5; at < words.length;) {
    const head = words[at]!;
    const count = head >>> 16;
    if (count === 0 || at + count > words.length) throw new TypeError("SPIR-V is cut short");
    yield { op: head & 0xffff, words: words.subarray(at, at + count) };
    at += count;
  }
}

function text(words: Uint32Array): string {
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/**
 * Removes names and source text; the code stays the same.
 * @param words A SPIR-V module.
 * @returns The module without debug instructions.
 */
export function stripDebug(words: Uint32Array): Uint32Array<ArrayBuffer> {
  const kept: number[] = [...words.subarray(0, 5)];
  for (const instruction of instructions(words)) {
    if (!DEBUG_OPS.has(instruction.op)) kept.push(...instruction.words);
  }
  return new Uint32Array(kept);
}

/** Everything of a module that reflection needs, indexed by result id. */
class Module {
  readonly names: Map<number, string> = new Map();
  readonly members: Map<string, string> = new Map();
  readonly types: Map<number, Instruction> = new Map();
  readonly decorations: Map<string, number> = new Map();
  readonly memberDecorations: Map<string, number> = new Map();
  readonly constants: Map<number, number> = new Map();
  readonly specConstants: { id: number; type: number; value: number; op: number }[] = [];
  readonly composites: { id: number; parts: number[] }[] = [];
  readonly variables: { id: number; pointer: number; storage: number }[] = [];
  readonly capabilities: number[] = [];

  constructor(words: Uint32Array) {
    for (const { op, words: w } of instructions(words)) {
      if (op === OP.Name) this.names.set(w[1]!, text(w.subarray(2)));
      else if (op === OP.MemberName) this.members.set(`${w[1]}.${w[2]}`, text(w.subarray(3)));
      else if (op === OP.Capability) this.capabilities.push(w[1]!);
      else if (op === OP.Decorate) this.decorations.set(`${w[1]}.${w[2]}`, w[3] ?? 1);
      else if (op === OP.MemberDecorate) {
        this.memberDecorations.set(`${w[1]}.${w[2]}.${w[3]}`, w[4] ?? 1);
      } else if (op >= OP.TypeBool && op <= OP.TypePointer) this.types.set(w[1]!, { op, words: w });
      else if (op === OP.Constant) this.constants.set(w[2]!, w[3]!);
      else if (
        op === OP.SpecConstant || op === OP.SpecConstantTrue || op === OP.SpecConstantFalse
      ) {
        const value = op === OP.SpecConstant ? w[3]! : op === OP.SpecConstantTrue ? 1 : 0;
        this.specConstants.push({ id: w[2]!, type: w[1]!, value, op });
      } else if (op === OP.SpecConstantComposite) {
        this.composites.push({ id: w[2]!, parts: [...w.subarray(3)] });
      } else if (op === OP.Variable) {
        this.variables.push({ id: w[2]!, pointer: w[1]!, storage: w[3]! });
      }
    }
  }

  type(id: number): Instruction {
    const found = this.types.get(id);
    if (found === undefined) throw new TypeError(`SPIR-V type ${id} is not defined`);
    return found;
  }

  /** The type that a pointer type points to. */
  pointee(pointer: number): number {
    return this.type(pointer).words[3]!;
  }

  scalar(id: number): "u32" | "i32" | "f32" | "bool" {
    const { op, words } = this.type(id);
    if (op === OP.TypeBool) return "bool";
    if (op === OP.TypeInt && words[2] === 32) return words[3] === 1 ? "i32" : "u32";
    if (op === OP.TypeFloat && words[2] === 32) return "f32";
    throw new TypeError(`only 32-bit words and booleans may be specialized or pushed (type ${id})`);
  }

  access(variable: number, struct: number): ProgramBinding["access"] {
    const members = this.type(struct).words.length - 2;
    const all = (decoration: number): boolean => {
      if (this.decorations.has(`${variable}.${decoration}`)) return true;
      for (let member = 0; member < members; member++) {
        if (!this.memberDecorations.has(`${struct}.${member}.${decoration}`)) return false;
      }
      return true;
    };
    if (all(DECORATION.NonWritable)) return "read";
    return all(DECORATION.NonReadable) ? "write" : "readwrite";
  }
}

function reflectBindings(module: Module): ProgramBinding[] {
  const found: (ProgramBinding | undefined)[] = [];
  for (const { id, pointer, storage } of module.variables) {
    const slot = module.decorations.get(`${id}.${DECORATION.Binding}`);
    if (slot === undefined) continue;
    const pointee = module.pointee(pointer);
    const name = module.names.get(id) || module.names.get(pointee) || `binding_${slot}`;
    let binding: ProgramBinding;
    if (storage === STORAGE.StorageBuffer) {
      binding = { name, kind: "storage", access: module.access(id, pointee) };
    } else if (storage === STORAGE.UniformConstant) {
      const kind = name.endsWith("_texel1") ? "texel1" : "texel4";
      if (!name.endsWith(`_${kind}`)) {
        throw new TypeError(`texel buffer ${name} must end in _texel1 or _texel4`);
      }
      if (module.type(pointee).op !== OP.TypeImage) {
        throw new TypeError(`texel buffer ${name} must be an imageBuffer, not a samplerBuffer`);
      }
      binding = { name, kind, access: module.access(id, pointee) };
    } else {
      throw new TypeError(`binding ${name} has storage class ${storage}`);
    }
    // Two halves of a word are written in atomic steps, but what is there is not read.
    if (name.endsWith("_halves_block")) continue;
    // Two declarations of one binding (a buffer seen as words and as vectors) make one operand.
    const other = found[slot];
    if (other !== undefined && other.access !== binding.access) {
      binding = { ...binding, access: "readwrite" };
    }
    found[slot] = binding;
  }
  return Array.from(found, (binding, slot) => {
    if (binding === undefined) {
      throw new TypeError(`binding ${slot} is missing: number them without gaps`);
    }
    return binding;
  });
}

function reflectConstants(module: Module): Record<string, ProgramConstant> {
  const workgroup = module.composites.find(({ id }) =>
    module.decorations.get(`${id}.${DECORATION.BuiltIn}`) === BUILT_IN_WORKGROUP_SIZE
  );
  const named = new Map<number, [string, ProgramConstant]>();
  for (const { id, type, value } of module.specConstants) {
    const specId = module.decorations.get(`${id}.${DECORATION.SpecId}`);
    if (specId === undefined) continue;
    const axis = workgroup?.parts.indexOf(id) ?? -1;
    const given = module.names.get(id);
    if (axis < 0 && !given) throw new TypeError(`specialization constant ${specId} has no name`);
    const name = given ? given.replace(/^k_/, "") : `local_size_${"xyz"[axis]}`;
    const kind = module.scalar(type);
    const word = new DataView(Uint32Array.of(value).buffer);
    const number = kind === "f32"
      ? word.getFloat32(0, true)
      : kind === "i32"
      ? word.getInt32(0, true)
      : value;
    if (named.has(specId) && !given) continue; // local_size_x_id repeats a named constant
    named.set(specId, [name, { id: specId, type: kind, value: number }]);
  }
  return Object.fromEntries([...named].sort(([a], [b]) => a - b).map(([, entry]) => entry));
}

function reflectPush(
  module: Module,
): { push: Record<string, ProgramPushWord>; byteLength: number; addresses: ProgramBinding[] } {
  const push: Record<string, ProgramPushWord> = {};
  const addresses: ProgramBinding[] = [];
  const block = module.variables.find(({ storage }) => storage === STORAGE.PushConstant);
  let byteLength = 0;
  if (block === undefined) return { push, byteLength, addresses };
  const struct = module.pointee(block.pointer);
  const members = [...module.type(struct).words.subarray(2)];
  members.forEach((type, index) => {
    const name = module.members.get(`${struct}.${index}`) ?? "";
    const offset = module.memberDecorations.get(`${struct}.${index}.${DECORATION.Offset}`) ?? -1;
    const { op, words } = module.type(type);
    const pointer = op === OP.TypePointer && words[2] === STORAGE.PhysicalStorageBuffer;
    if (pointer || (op === OP.TypeInt && words[2] === 64)) {
      if (offset !== addresses.length * 8) {
        throw new TypeError(`address ${name} must come before all words`);
      }
      // A plain 64-bit word does not tell how it is used: build.ts asks the storage buffer build.
      const access = pointer ? module.access(type, module.pointee(type)) : "readwrite";
      addresses.push({ name: name.replace(/_address$/, ""), kind: "storage", access });
      byteLength = offset + 8;
      return;
    }
    const count = op === OP.TypeArray ? module.constants.get(words[3]!)! : 1;
    const kind = module.scalar(op === OP.TypeArray ? words[2]! : type);
    if (kind === "bool" || offset !== byteLength) {
      throw new TypeError(`push word ${name} leaves a gap`);
    }
    for (let at = 0; at < count; at++) {
      push[op === OP.TypeArray ? `${name}_${at}` : name] = { offset: byteLength, type: kind };
      byteLength += 4;
    }
  });
  return { push, byteLength, addresses };
}

/**
 * Reads the interface of a compute shader.
 * @param words A SPIR-V module with its names.
 * @returns Bindings in order, specialization constants and push words by name, needed device features.
 * @throws TypeError If the shader breaks a rule of this project: gaps in bindings or push words, unnamed constants.
 */
export function reflect(words: Uint32Array): Reflection {
  const module = new Module(words);
  const { push, byteLength, addresses } = reflectPush(module);
  const bindings = reflectBindings(module);
  if (addresses.length > 0 && bindings.length > 0) {
    throw new TypeError("a shader takes its operands either as descriptors or as addresses");
  }
  const requires = new Set<string>();
  for (const capability of module.capabilities) {
    const need = CAPABILITIES.get(capability);
    if (need === undefined) {
      throw new TypeError(`unknown SPIR-V capability ${capability}: add it to CAPABILITIES`);
    }
    if (need !== null) requires.add(need);
  }
  const constants = reflectConstants(module);
  const halves = new Map(Object.entries(constants).map(([name, { id }]) => [id, name]));
  return {
    bindings: (addresses.length > 0 ? addresses : bindings).map((binding, slot) => {
      const half = halves.get(FIRST_HALF_CONSTANT + slot);
      return half === undefined ? binding : { ...binding, half };
    }),
    addresses: addresses.length > 0,
    constants,
    push,
    pushByteLength: byteLength,
    requires: [...requires].sort(),
  };
}
