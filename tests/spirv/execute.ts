// Runs dispatches on plain memory: the code that devices get, one invocation after another. Invocations of a subgroup go on
// together where they read each other's values, those of a workgroup at barriers.

import type { Dispatch } from "../../src/core/dispatch.ts";
import { atomic, bitsOf, floatOf, type Operand } from "./memory.ts";
import { Module, scalarsOf, type Type } from "./module.ts";
import { type Site, Translator } from "./translate.ts";

/** What an invocation knows. */
interface Invocation {
  readonly buffers: readonly Operand[];
  readonly push: Int32Array;
  readonly grid: readonly number[];
  readonly size: readonly number[];
  readonly subgroupSize: number;
  readonly subgroups: number;
  workgroup: readonly number[];
  shared: Readonly<Record<number, unknown[]>>;
  local: readonly number[];
  index: number;
  subgroup: number;
  lane: number;
  /** Its private variables. */
  own: Readonly<Record<number, unknown[]>>;
  /** What it offers to the others, whose value it asks for, and what it gets. */
  value: readonly unknown[];
  source: number;
  result: readonly unknown[];
}

/** Code that runs. */
interface Code {
  readonly run: (invocation: Invocation) => Generator<number, void> | undefined;
  /** Whether invocations wait for each other, and where. */
  readonly waits: boolean;
  readonly sites: readonly Site[];
  readonly size: readonly number[];
  readonly shared: readonly (readonly [id: number, scalars: readonly unknown[]])[];
  readonly own: readonly (readonly [id: number, scalars: readonly unknown[]])[];
}

const half = new Float16Array(2);
const halfBits = new Int32Array(half.buffer);
const half1 = new Float16Array(1);
const LOW = 0xffffffffn;

/** What translated code calls. */
const RUNTIME = {
  F: Math.fround,
  H: (value: number): number => {
    half1[0] = value;
    return half1[0]!;
  },
  floatOf,
  bitsOf,
  atomic,
  bound(index: number, count: number): number {
    if (index >>> 0 < count) return index;
    throw new RangeError(`element ${index} of ${count} of a variable`);
  },
  high: (a: number, b: number): number =>
    Number(BigInt.asIntN(32, BigInt(a >>> 0) * BigInt(b >>> 0) >> 32n)),
  pair: (low: number, high: number): bigint => BigInt(high >>> 0) << 32n | BigInt(low >>> 0),
  half: (value: bigint, at: number): number =>
    Number(BigInt.asIntN(32, at === 0 ? value & LOW : value >> 32n)),
  packHalf: (low: number, high: number): number => {
    half[0] = low;
    half[1] = high;
    return halfBits[0]!;
  },
  unpackHalf: (bits: number, at: number): number => {
    halfBits[0] = bits;
    return half[at]!;
  },
  even: (value: number): number => {
    const down = Math.floor(value);
    if (value - down !== 0.5) return Math.round(value);
    return down % 2 === 0 ? down : down + 1;
  },
};

/** What variables hold before they are written: nothing that could be mistaken for a result. */
function unwritten(type: Type): unknown[] {
  return scalarsOf(type).map(({ kind, width }) =>
    kind === "bool" ? false : kind === "float" ? NaN : width === 64 ? 0n : 0
  );
}

const parse = (text: string): unknown => new Function(`return ${text}`)();

function compile({ program, constants }: Dispatch): Code {
  const bytes = program.spirv();
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const specialized = new Map<number, number>();
  for (const [name, { id, value }] of Object.entries(program.constants)) {
    specialized.set(id, constants[name] ?? value);
  }
  const module = new Module(words, specialized);
  const waiting = new Set<number>();
  for (let before = -1; before < waiting.size;) {
    before = waiting.size;
    for (const { id, blocks } of module.routines.values()) {
      const waits = [...blocks.values()].some(({ body }) =>
        body.some(({ op, args }) =>
          op === 224 || op === 345 || (op === 57 && waiting.has(args[0]!))
        )
      );
      if (waits) waiting.add(id);
    }
  }
  const sites: Site[] = [];
  const addresses = program.addresses ? program.bindings.length * 8 : 0;
  const text = [...module.routines.values()].map((routine) =>
    new Translator(module, routine, waiting, sites, addresses).text()
  );
  const names = Object.keys(RUNTIME).join(",");
  const source = `"use strict";const {${names}}=R;\n${text.join("\n")}\nreturn f${module.entry};`;
  const variables = (storage: number): [number, readonly unknown[]][] =>
    module.variables.filter(({ args }) => args[0] === storage).map(({ id, type, args }) => {
      const own = module.type(type) as Type & { kind: "pointer" };
      const initial = args[1] === undefined ? undefined : module.constants.get(args[1])!.values;
      return [id, initial?.map(parse) ?? unwritten(own.target())];
    });
  return {
    run: new Function("R", source)(RUNTIME),
    waits: waiting.has(module.entry),
    sites,
    size: module.localSize,
    shared: variables(4),
    own: variables(6),
  };
}

const compiled = new Map<string, Code>();

function fresh(
  variables: readonly (readonly [number, readonly unknown[]])[],
): Record<number, unknown[]> {
  return Object.fromEntries(variables.map(([id, scalars]) => [id, [...scalars]]));
}

/** Lets the invocations of a subgroup run until all wait at a barrier or are done; true if they wait. */
function advance(
  lanes: readonly Invocation[],
  runs: readonly Generator<number, void>[],
  at: number[],
  sites: readonly Site[],
): boolean {
  for (let lane = 0; lane < lanes.length; lane++) if (at[lane]! >= 0) resume(runs, at, lane);
  for (;;) {
    // Invocations that took another way come to the first of the places; those ahead wait there.
    let first = Infinity;
    for (const each of at) if (each >= 0 && each < first) first = each;
    if (first === Infinity) return false;
    if (sites[first - 1] === "barrier") {
      if (at.every((each) => each === first)) return true;
      throw new Error("a barrier is not reached by all invocations of a subgroup");
    }
    for (let lane = 0; lane < lanes.length; lane++) {
      if (at[lane] !== first) continue;
      const own = lanes[lane]!;
      const source = own.source >>> 0;
      const other = lanes[source];
      // What an invocation that is elsewhere would say is undefined.
      own.result = other !== undefined && at[source] === first
        ? other.value
        : own.value.map((each) => typeof each === "number" ? NaN : each);
    }
    const going = at.map((each) => each === first);
    for (let lane = 0; lane < lanes.length; lane++) if (going[lane]) resume(runs, at, lane);
  }
}

function resume(runs: readonly Generator<number, void>[], at: number[], lane: number): void {
  const { value, done } = runs[lane]!.next();
  at[lane] = done ? -1 : value as number;
}

/**
 * Runs a dispatch.
 *
 * @param dispatch What is launched.
 * @param buffers The operands by binding.
 * @param subgroupSize Invocations that the device runs in lockstep.
 * @throws RangeError If something outside of an operand is read or written.
 */
export function execute(
  dispatch: Dispatch,
  buffers: readonly Operand[],
  subgroupSize: number,
): void {
  const key = dispatch.pipelineKey;
  let code = compiled.get(key);
  if (code === undefined) compiled.set(key, code = compile(dispatch));
  const { run, waits: together, sites, size, shared, own } = code;
  const count = size.reduce((product, each) => product * each, 1);
  const place = (index: number): number[] => [
    index % size[0]!,
    Math.floor(index / size[0]!) % size[1]!,
    Math.floor(index / size[0]! / size[1]!),
  ];
  const invocation = (): Invocation => ({
    buffers,
    push: new Int32Array(dispatch.push.buffer),
    grid: dispatch.grid,
    size,
    subgroupSize,
    subgroups: Math.ceil(count / subgroupSize),
    workgroup: [0, 0, 0],
    shared: {},
    local: [0, 0, 0],
    index: 0,
    subgroup: 0,
    lane: 0,
    own: {},
    value: [],
    source: 0,
    result: [],
  });
  const all = Array.from({ length: count }, (_, index) => {
    const each = invocation();
    each.index = index;
    each.local = place(index);
    each.subgroup = Math.floor(index / subgroupSize);
    each.lane = index % subgroupSize;
    return each;
  });
  const [gridX, gridY, gridZ] = dispatch.grid;
  for (let at = 0; at < gridX * gridY * gridZ; at++) {
    const workgroup = [at % gridX, Math.floor(at / gridX) % gridY, Math.floor(at / gridX / gridY)];
    const common = fresh(shared);
    for (const each of all) {
      each.workgroup = workgroup;
      each.shared = common;
      each.own = fresh(own);
    }
    if (!together) {
      for (const each of all) run(each);
      continue;
    }
    const groups = Array.from({ length: Math.ceil(count / subgroupSize) }, (_, subgroup) => {
      const lanes = all.slice(subgroup * subgroupSize, (subgroup + 1) * subgroupSize);
      return { lanes, runs: lanes.map((each) => run(each)!), at: lanes.map(() => 0) };
    });
    let waits = true;
    while (waits) {
      const waiting = groups.map(({ lanes, runs, at }) => advance(lanes, runs, at, sites));
      waits = waiting.some((each) => each);
      if (waits && waiting.some((each) => !each)) {
        throw new Error("a barrier is not reached by all subgroups");
      }
      const places = new Set(groups.map(({ at }) => at[0]));
      if (waits && places.size > 1) throw new Error("subgroups wait at different barriers");
    }
  }
}
