// Device memory behind tensors: counted references, a version that grows with every write in place,
// and the buffers prepared from its contents (weight repacks). Knows no shapes.

import { StateError } from "../core/errors.ts";
import type { DeviceBuffer } from "../device/buffers.ts";
import type { Device } from "../device/device.ts";

interface Prepared {
  readonly buffer: DeviceBuffer;
  readonly version: number;
}

/** The memory that one tensor owns or several views share. */
export class Storage {
  /** The device that holds the memory. */
  readonly device: Device;
  /** Bytes of the elements; the buffer may be longer. */
  readonly byteLength: number;
  #buffer: DeviceBuffer | null;
  #references = 1;
  #version = 0;
  #prepared: Map<string, Prepared> | undefined;
  readonly #hollow: boolean;

  private constructor(
    device: Device,
    byteLength: number,
    buffer: DeviceBuffer | null,
    hollow: boolean = false,
  ) {
    this.device = device;
    this.byteLength = byteLength;
    this.#buffer = buffer;
    this.#hollow = hollow;
  }

  /**
   * A storage that never gets memory, for tensors that stand for values computed later.
   *
   * @param device The device that will compute them.
   * @returns The storage; whoever wants to read or write it is told that it cannot.
   */
  static hollow(device: Device): Storage {
    return new Storage(device, 0, null, true);
  }

  /**
   * Allocates memory with one reference and undefined contents.
   *
   * @param device The device.
   * @param byteLength Bytes; 0 takes no buffer at all.
   * @param label Named in errors and memory reports.
   * @param forHostWrite Whether the host will write it at once.
   * @returns The storage.
   */
  static allocate(
    device: Device,
    byteLength: number,
    label: string,
    forHostWrite: boolean = false,
  ): Storage {
    const buffer = byteLength === 0 ? null : device.allocate(byteLength, label, forHostWrite);
    return new Storage(device, byteLength, buffer);
  }

  /** The buffer; null if there are no elements, or no references any more. */
  get buffer(): DeviceBuffer | null {
    if (this.#hollow) {
      throw new StateError(
        "Cannot use the values of a tensor while a block is traced: they do not exist yet, expected " +
          "operators only; call hybridize(false) on blocks whose forward reads values",
      );
    }
    return this.#buffer;
  }

  /** True if there is no memory behind it and never will be. */
  get hollow(): boolean {
    return this.#hollow;
  }

  /** Grows with every write in place; what was prepared from older contents is void. */
  get version(): number {
    return this.#version;
  }

  /** Adds a reference, for one more view. */
  retain(): void {
    this.#references++;
  }

  /** Drops a reference; the last one returns all memory to the device. */
  release(): void {
    if (this.#references === 0 || --this.#references > 0) return;
    this.#dropPrepared();
    this.#buffer?.release();
    this.#buffer = null;
  }

  /** Notes a write in place. */
  touch(): void {
    this.#version++;
    this.#dropPrepared();
  }

  /**
   * The buffer prepared from the current contents under a key.
   *
   * @param key Names the preparation, with all that it depends on.
   * @param byteLength Bytes of the prepared buffer.
   * @param prepare Fills a new buffer; called only if there is none of this version.
   * @returns The buffer; it belongs to the storage and lives until the contents change.
   */
  prepared(
    key: string,
    byteLength: number,
    prepare: (buffer: DeviceBuffer) => void,
  ): DeviceBuffer {
    const found = this.#prepared?.get(key);
    if (found !== undefined && found.version === this.#version) return found.buffer;
    const buffer = this.device.allocate(byteLength, `prepared ${key}`);
    try {
      prepare(buffer);
    } catch (error) {
      buffer.release();
      throw error;
    }
    // Planning tests have devices without kernels.
    if (this.device.kernels?.rehearsing) {
      buffer.release(); // nothing was written, so nothing may be kept
      return buffer;
    }
    this.#prepared ??= new Map();
    this.#prepared.set(key, { buffer, version: this.#version });
    return buffer;
  }

  #dropPrepared(): void {
    if (this.#prepared === undefined) return;
    for (const { buffer } of this.#prepared.values()) buffer.release();
    this.#prepared = undefined;
  }
}

// Storages whose tensor was forgotten. The collector's callback only notes them here: freeing in the
// callback would touch the device at a moment that nobody chose, even while the process exits.
const forgotten: Releasable[] = [];

const registry = new FinalizationRegistry<Releasable>((held) => {
  forgotten.push(held);
});

// Most tensors live shorter than the run of code that makes them, during which nothing is collected anyway: they wait here
// and reach the registry, which costs more than a native call, only if they outlive it.
const owners: object[] = [];
const holdings: Releasable[] = [];
let scheduled = false;

/** Owners that wait at most: those of a long loop are collected like all others. */
const WAITING = 64;

/** Something that counts its references. */
export interface Releasable {
  /** Drops a reference. */
  release(): void;
}

/**
 * Watches an owner of a reference: if it is collected, the reference is dropped at the next
 * {@linkcode reclaimForgotten}.
 *
 * @param owner The object that holds the reference.
 * @param held What it refers to; must not refer to the owner, or that would live forever.
 */
export function watchOwner(owner: object, held: Releasable): void {
  if (owners.length >= WAITING) registerOwners();
  owners.push(owner);
  holdings.push(held);
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(endOfRun);
}

function endOfRun(): void {
  scheduled = false;
  registerOwners();
}

function registerOwners(): void {
  for (let i = 0; i < owners.length; i++) registry.register(owners[i]!, holdings[i]!, owners[i]);
  owners.length = holdings.length = 0;
}

/**
 * Stops watching an owner which dropped its references itself.
 *
 * @param owner The object given to {@linkcode watchOwner}.
 */
export function unwatchOwner(owner: object): void {
  let all = false;
  for (let i = owners.length - 1; i >= 0; i--) {
    if (owners[i] !== owner) continue;
    // Its memory is what every owner is watched for first.
    if (holdings[i] instanceof Storage) all = true;
    const lastOwner = owners.pop()!;
    const lastHeld = holdings.pop()!;
    if (i === owners.length) continue;
    owners[i] = lastOwner;
    holdings[i] = lastHeld;
  }
  if (!all) registry.unregister(owner);
}

/** Frees what forgotten tensors held; called before memory is taken for new ones. */
export function reclaimForgotten(): void {
  while (forgotten.length > 0) forgotten.pop()!.release();
}
