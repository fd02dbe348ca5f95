/**
 * A device that keeps bytes in arrays and only counts dispatches: what tensors do with memory can be
 * tested without a GPU.
 *
 * @module
 */
import type { Dispatch } from "../../src/core/dispatch.ts";
import { LimitError } from "../../src/core/errors.ts";
import type { Device } from "../../src/device/device.ts";
import { FORGED } from "../reference/capabilities.ts";

interface FakeBuffer {
  readonly byteLength: number;
  readonly label: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  released: boolean;
  release(): void;
}

/** Which call should fail next. */
export type FailingCall = "allocate" | "upload" | "dispatch" | "fill";

/** Most bytes of one buffer. */
const MAX_BYTES = 2 ** 27;

/** The part of a device that tensors use. */
export class FakeDevice {
  readonly adapter: { name: string };
  readonly capabilities = FORGED.gpu;
  /** Set at the end of a test that made it the default device: the next use of the default opens a real one. */
  disposed = false;
  readonly lost = false;
  /** Buffers that were allocated and not released. */
  readonly live: Set<FakeBuffer> = new Set();
  /** Labels of dispatches in order. */
  readonly dispatched: string[] = [];
  /** The calls until this one succeed: the n-th call of that kind throws. */
  failing: { call: FailingCall; after: number } | null = null;

  constructor(name = "fake (no GPU)") {
    this.adapter = { name };
  }

  /** This device as the type that tensors expect. */
  get device(): Device {
    return this as unknown as Device;
  }

  #mayFail(call: FailingCall): void {
    if (this.failing?.call !== call || this.failing.after-- > 0) return;
    this.failing = null;
    throw new Error(`${call} failed`);
  }

  allocate(byteLength: number, label: string): FakeBuffer {
    this.#mayFail("allocate");
    if (byteLength > MAX_BYTES) {
      throw new LimitError(
        `Cannot allocate ${label}: ${byteLength} bytes, at most ${MAX_BYTES} are allowed`,
      );
    }
    const { live } = this;
    const buffer: FakeBuffer = {
      byteLength,
      label,
      bytes: new Uint8Array(Math.ceil(byteLength / 16) * 16),
      released: false,
      release() {
        if (!live.delete(this)) throw new Error(`released twice: ${label}`);
        this.released = true;
      },
    };
    live.add(buffer);
    return buffer;
  }

  upload(buffer: FakeBuffer, bytes: Uint8Array): void {
    this.#mayFail("upload");
    this.#use(buffer).set(bytes);
  }

  download(buffer: FakeBuffer, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return Promise.resolve(this.downloadSync(buffer, offset, length));
  }

  downloadSync(buffer: FakeBuffer, offset: number, length: number): Uint8Array<ArrayBuffer> {
    return this.#use(buffer).slice(offset, offset + length);
  }

  fill(buffer: FakeBuffer, word: number): void {
    this.#mayFail("fill");
    new Uint32Array(this.#use(buffer).buffer).fill(word);
  }

  copy(from: FakeBuffer, start: number, to: FakeBuffer, target: number, length: number): void {
    this.#use(to).set(this.#use(from).subarray(start, start + length), target);
  }

  dispatch(dispatch: Dispatch, buffers: readonly FakeBuffer[], label: string): void {
    this.#mayFail("dispatch");
    for (const buffer of buffers) this.#use(buffer);
    if (buffers.length !== dispatch.slots.length) throw new Error("wrong number of buffers");
    this.dispatched.push(label);
  }

  #use(buffer: FakeBuffer): Uint8Array<ArrayBuffer> {
    if (buffer.released) throw new Error(`used after release: ${buffer.label}`);
    return buffer.bytes;
  }
}
