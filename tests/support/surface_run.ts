/**
 * Calls members of the public surface with valid arguments of which one is spoilt, and looks at what happens:
 * only errors of ours, nothing left on the device, no mode left changed.
 *
 * @module
 */
import {
  autograd,
  type Device,
  ops,
  type Sequential,
  setDefaultDevice,
  setMessageHandler,
} from "../../mod.ts";
import { faultOf, HOSTILE, type Hostile } from "./hostile_values.ts";
import type { AnyClass, Member } from "./surface.ts";
import { BASES, CLASSES, LAYERS } from "./surface_classes.ts";
import { type Arguments, FUNCTIONS } from "./surface_functions.ts";
import { Kit, type Surroundings } from "./surface_kit.ts";
import { DEVICE_METHODS } from "./surface_device.ts";
import { METHODS } from "./surface_methods.ts";

/** What derived classes or the module itself call; programs do not. Their declarations say so: see the test. */
export const NOT_FOR_PROGRAMS: ReadonlySet<string> = new Set([
  ...["adopt", "changed", "compute", "withHooks", "emptyCopy", "forward", "activate", "channelsOf"],
  ...["checkChannels", "checkSizes", "offsets", "convolve", "channelParameter", "measure"],
  ...["after", "curve", "correction", "reclaimBuffer", "quiesce", "planPrediction", "tune", "keep"],
]);

/** Arguments that are paths of files to be written: strings would become files of the folder at hand. */
const SINKS: Readonly<Record<string, readonly number[]>> = {
  "io:writeArrays": [0],
  "io:writeParameters": [0],
  "io:writeSymbol": [0],
  "HybridBlock#export": [0],
  "ParameterOwner#saveParameters": [0],
  "ParameterOwner#save": [0],
  "Trainer#saveStates": [0],
};

/** How to call a member. */
export interface Attack {
  readonly name: string;
  /** The instance, for members. */
  readonly self: ((kit: Kit) => object) | undefined;
  readonly args: Arguments;
  readonly call: Member["call"];
  /** Whether hostile arguments make no sense. */
  readonly onlyValid?: boolean;
}

type Path = readonly (string | number)[];

/** An instance of an exported class. */
function instanceOf(name: string, owner: AnyClass): ((kit: Kit) => object) | undefined {
  const base = BASES[name];
  if (base !== undefined) return base;
  const construct = LAYERS[name]?.[0] ?? CLASSES[name];
  return construct && ((kit) => kit.owned(Reflect.construct(owner, construct(kit))));
}

/**
 * How to call a member; undefined if the tables do not say, and null for what programs do not call.
 *
 * @param member The member.
 * @returns The calls: for the constructor of a layer also one of the layer.
 */
export function attacksOn(member: Member): readonly Attack[] | null | undefined {
  const { name, kind, owner, ownerName, key, call } = member;
  if (kind === "function") {
    const args = FUNCTIONS[name];
    return args && [{ name, self: undefined, args, call }];
  }
  if (kind === "constructor") return constructions(member);
  if (typeof key === "string" && NOT_FOR_PROGRAMS.has(key)) return null;
  const usual = instanceOf(ownerName, owner!);
  if (kind === "getter" || typeof key === "symbol" || key === "toString") {
    return usual && [{ name, self: usual, args: () => [], call }];
  }
  const method = METHODS[name] ?? DEVICE_METHODS[name];
  const self = kind === "static" ? undefined : method?.self ?? usual;
  return method && [{ name, self, args: method.args, call }];
}

function constructions({ name, owner, call }: Member): readonly Attack[] | null | undefined {
  if (owner!.prototype instanceof Error && CLASSES[name] === undefined) {
    // The language's own constructor, which takes anything that has a text.
    return [{ name, self: undefined, args: () => ["text"], call, onlyValid: true }];
  }
  if (BASES[name] !== undefined) return null;
  const layer = LAYERS[name];
  const construct = layer?.[0] ?? CLASSES[name];
  if (construct === undefined) return undefined;
  const attacks: Attack[] = [{ name, self: undefined, args: construct, call }];
  if (layer !== undefined) {
    attacks.push({
      name: `${name}#call`,
      self: (kit) => {
        const made = Reflect.construct(owner!, construct(kit));
        const children = layer[2]?.() ?? [];
        if (children.length > 0) (made as Sequential).add(...children);
        if ("initialize" in made) (made as Kit["net"]).initialize(null, { device: kit.device });
        return kit.owned(made);
      },
      args: layer[1],
      call: (self, args) => (self as { call(...all: unknown[]): unknown }).call(...args),
    });
  }
  return attacks;
}

/** Places of an argument list that can be spoilt: arguments, keys of options, first entries of lists. */
function pathsOf(args: readonly unknown[]): Path[] {
  const paths: Path[] = args.map((_, index) => [index]);
  for (const [index, value] of args.entries()) {
    if (typeof value !== "object" || value === null) continue;
    if (Array.isArray(value)) {
      if (value.length > 0) paths.push([index, 0]);
    } else if (Object.getPrototypeOf(value) === Object.prototype) {
      paths.push(...Object.keys(value).map((key) => [index, key]));
    }
  }
  return [...paths, [args.length]];
}

function spoil(args: readonly unknown[], [index, key]: Path, value: unknown): unknown[] {
  const spoilt = [...args];
  if (key === undefined) spoilt[index as number] = value;
  else if (Array.isArray(spoilt[index as number])) {
    spoilt[index as number] = [value, ...(spoilt[index as number] as unknown[]).slice(1)];
  } else spoilt[index as number] = { ...spoilt[index as number] as object, [key]: value };
  return spoilt;
}

/** The state of the module between calls. */
function settle(device: Device): void {
  setDefaultDevice(device);
  setMessageHandler(() => {});
  ops.setRecorder(null);
  autograd.setRecording(false);
  autograd.setTraining(false);
}

/** Of how many values one takes its place in turn: 1 for all, 0 for none. */
export interface Shares {
  /** In place of a whole argument. */
  readonly whole: number;
  /** In place of an option or of the first entry of a list. */
  readonly inner: number;
}

/** What a run found and did. */
export interface Outcome {
  calls: number;
  readonly faults: string[];
}

/** Calls members with hostile arguments. */
export class SurfaceRun {
  readonly #surroundings: Surroundings;
  readonly #liveBuffers: () => number;
  readonly outcome: Outcome = { calls: 0, faults: [] };
  #turn = 0;

  /**
   * @param surroundings Devices and a folder.
   * @param liveBuffers How many buffers both devices hold.
   */
  constructor(surroundings: Surroundings, liveBuffers: () => number) {
    this.#surroundings = surroundings;
    this.#liveBuffers = liveBuffers;
  }

  /** Makes the valid call, which has to succeed. */
  async valid(attack: Attack): Promise<void> {
    await this.#once(attack, "valid call", (args) => args, true);
  }

  /** Makes the call with each place of its arguments replaced by each value, or by its share of them. */
  async spoilt(attack: Attack, { whole, inner }: Shares): Promise<void> {
    if (attack.onlyValid) return;
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0; // nobody reads them, and they take half of the time
    const sample = new Kit(this.#surroundings);
    const paths = pathsOf(attack.args(sample));
    sample.dispose();
    for (const path of paths) {
      const sink = SINKS[attack.name]?.includes(path[0] as number) && path.length === 1;
      for (const [name, make] of this.#next(path.length === 1 ? whole : inner)) {
        if (sink && name.includes('"')) continue;
        // As many values as a tensor may have: allowed, and 8 GiB of them.
        if (name === "2^31 - 1" && attack.name.endsWith("#values")) continue;
        const what = `argument ${path.join(".")} is ${name}`;
        await this.#once(attack, what, (args, kit) => spoil(args, path, make(kit)), false);
      }
    }
    Error.stackTraceLimit = stackTraceLimit;
  }

  /** Every n-th value, and at the next place those behind them. */
  #next(share: number): readonly Hostile[] {
    const start = share === 0 ? HOSTILE.length : this.#turn++ % share;
    return HOSTILE.filter((_, index) => index >= start && (index - start) % share === 0);
  }

  async #once(
    { name, self, args, call }: Attack,
    what: string,
    change: (args: readonly unknown[], kit: Kit) => readonly unknown[],
    mustSucceed: boolean,
  ): Promise<void> {
    const before = this.#liveBuffers();
    const kit = new Kit(this.#surroundings);
    this.outcome.calls++;
    try {
      const instance = self?.(kit);
      const given = change(args(kit), kit);
      const result = call(instance, given);
      kit.ownAll(result instanceof Promise ? await result : result);
    } catch (error) {
      const fault = mustSucceed ? String((error as Error).stack) : faultOf(error);
      if (fault !== undefined) this.outcome.faults.push(`${name}, ${what}: ${fault}`);
    }
    kit.dispose();
    const left = this.#liveBuffers() - before;
    if (left > 0) this.outcome.faults.push(`${name}, ${what}: ${left} buffers are left`);
    settle(this.#surroundings.device);
  }
}
