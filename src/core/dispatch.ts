// The plain data that planning hands to the device: programs and dispatches. No shapes, no Vulkan.

/** How a program reads or writes one operand. */
export interface ProgramBinding {
  /** Name in the shader, without the texel suffix. */
  readonly name: string;
  /** `texel1` and `texel4` are storage texel buffers viewed as r32f and rgba32f. */
  readonly kind: "storage" | "texel1" | "texel4";
  /** What the shader does with the operand; barriers follow from it. */
  readonly access: "read" | "write" | "readwrite";
  /** The constant that says that the operand is float16; absent where it is always what it is. */
  readonly half?: string;
}

/** A specialization constant of a program. */
export interface ProgramConstant {
  /** `constant_id` in the shader. */
  readonly id: number;
  /** Type in the shader. */
  readonly type: "u32" | "i32" | "f32" | "bool";
  /** Default. */
  readonly value: number;
}

/** A word of a program's push constant block, behind the addresses if there are any. */
export interface ProgramPushWord {
  /** Bytes from the start of the block. */
  readonly offset: number;
  /** Type in the shader. */
  readonly type: "u32" | "i32" | "f32";
}

/** One compiled shader: reflected interface and code. */
export interface Program {
  /** File path below `shaders/glsl` without suffix, and `.build` where there are several builds. */
  readonly id: string;
  /** Operands by binding number. */
  readonly bindings: readonly ProgramBinding[];
  /** True if operands come as 64-bit addresses at the head of the push block, not as descriptors. */
  readonly addresses: boolean;
  /** Specialization constants by name, without the prefix `k_`. */
  readonly constants: Readonly<Record<string, ProgramConstant>>;
  /** Words of the push block by name. */
  readonly push: Readonly<Record<string, ProgramPushWord>>;
  /** Bytes of the whole push block, addresses included. */
  readonly pushByteLength: number;
  /** Device features that the code needs, for example `subgroupShuffle`, `float16`. */
  readonly requires: readonly string[];
  /** Decodes the SPIR-V words; called once for each device. */
  spirv(): Uint8Array<ArrayBuffer>;
}

/** Where rows of bytes lie in a buffer. */
export interface RowPitch {
  /** Bytes from the beginning of a row to that of the next. */
  readonly row: number;
  /** Bytes from the first row of a plane to that of the next. */
  readonly plane: number;
}

/** A copy of rows from one buffer to another, as drivers can do it without a kernel. All numbers are multiples of 4. */
export interface RowCopy {
  /** Bytes of each row. */
  readonly rowBytes: number;
  /** Rows of each plane. */
  readonly rows: number;
  /** Planes of each box. */
  readonly planes: number;
  /** Where they are read. */
  readonly from: RowPitch;
  /** Where they are written. */
  readonly to: RowPitch;
  /** The boxes: first byte in the source and in the target. */
  readonly starts: readonly (readonly [from: number, to: number])[];
  /** The operand whose rows are those of a linear image, so that a box is one region; null where each row is one. */
  readonly image: "from" | "to" | null;
}

/** One kernel launch. `buffers` are slots of the plan that holds it. */
export interface Dispatch {
  /** The shader to launch. */
  readonly program: Program;
  /** Values of specialization constants by name; missing ones keep their defaults. */
  readonly constants: Readonly<Record<string, number>>;
  /** Identifies program and constants; equal keys share a pipeline. */
  readonly pipelineKey: string;
  /** The words of the push block without the addresses, packed as the shader expects them. */
  readonly push: Uint32Array<ArrayBuffer>;
  /** Slot index of each binding. */
  readonly slots: readonly number[];
  /** Workgroups on each axis. */
  readonly grid: readonly [number, number, number];
  /** The same work as a copy from the first slot to the second, which the device prefers where it can make it. */
  readonly copy?: RowCopy | undefined;
}
