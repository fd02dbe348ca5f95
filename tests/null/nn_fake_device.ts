/**
 * A device in host memory, which stores and copies but computes nothing: enough
 * to test who owns which values, without a GPU.
 *
 * @module
 */
import type { Device } from "../../src/tensor/mod.ts";

interface FakeBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  released: boolean;
}

/** The part of a device that tensors use without computing. */
export class FakeDevice {
  readonly adapter: {
    readonly name: string;
    readonly limits: { readonly maxBufferSize: number; readonly maxMemoryAllocationSize: number };
  };
  readonly capabilities: Record<string, unknown> = {};
  /** Memory of static graphs, of which none of these tests' blocks needs any. */
  readonly recordings: { readonly alignment: number; giveBack(): void } = {
    alignment: 16,
    giveBack: () => {},
  };
  readonly kernels: { readonly rehearsing: boolean } = { rehearsing: false };
  readonly disposed: boolean = false;
  readonly #live = new Set<FakeBuffer>();

  constructor(name: string) {
    this.adapter = { name, limits: { maxBufferSize: 2 ** 30, maxMemoryAllocationSize: 2 ** 30 } };
  }

  /** How many buffers are in use. */
  get liveBuffers(): number {
    return this.#live.size;
  }

  allocate(byteLength: number, label: string): unknown {
    const live = this.#live;
    const buffer = {
      bytes: new Uint8Array(Math.ceil(byteLength / 16) * 16),
      released: false,
      byteLength,
      label,
      release(): void {
        live.delete(buffer);
      },
    };
    live.add(buffer);
    return buffer;
  }

  upload(buffer: FakeBuffer, bytes: Uint8Array, byteOffset: number = 0): void {
    buffer.bytes.set(bytes, byteOffset);
  }

  downloadSync(buffer: FakeBuffer, offset: number, length: number): Uint8Array<ArrayBuffer> {
    return buffer.bytes.slice(offset, offset + length);
  }

  download(
    buffer: FakeBuffer,
    offset: number,
    length: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return Promise.resolve(this.downloadSync(buffer, offset, length));
  }

  copy(
    source: FakeBuffer,
    sourceOffset: number,
    target: FakeBuffer,
    targetOffset: number,
    length: number,
  ): void {
    target.bytes.set(source.bytes.subarray(sourceOffset, sourceOffset + length), targetOffset);
  }

  fill(buffer: FakeBuffer, word: number): void {
    new Uint32Array(buffer.bytes.buffer).fill(word);
  }

  dispatch(): never {
    throw new Error("a fake device computes nothing");
  }
}

/** A fake device in the type that the module takes. */
export function fakeDevice(name: string = "fake"): { device: Device; fake: FakeDevice } {
  const fake = new FakeDevice(name);
  return { device: fake as unknown as Device, fake };
}
