/**
 * What one call of the public surface needs: tensors on the device under test, a folder, and an end at which
 * everything is given back.
 *
 * @module
 */
import {
  Conv2D,
  type Device,
  type DeviceBuffer,
  HybridSequential,
  Tensor,
  Trainer,
  zeros,
} from "../../mod.ts";
import type { TensorSource } from "./hostile_values.ts";

/** The devices and the folder of a run. */
export interface Surroundings {
  readonly device: Device;
  /** A second device; tensors of it do not belong to the first. */
  readonly other: Device;
  /** Folder for files. */
  readonly folder: string;
}

interface Disposable {
  dispose(): unknown;
}

function isReleasable(value: object): value is { release(): void } {
  return typeof (value as { release?: unknown }).release === "function";
}

function isDisposable(value: object): value is Disposable {
  return typeof (value as Partial<Disposable>).dispose === "function";
}

/** Tensors and blocks for one call. */
export class Kit implements TensorSource {
  readonly device: Device;
  readonly other: Device;
  readonly folder: string;
  readonly #made = new Set<object>();

  constructor({ device, other, folder }: Surroundings) {
    this.device = device;
    this.other = other;
    this.folder = folder;
  }

  zeros(shape: readonly number[], dtype: Tensor["dtype"] = "float32"): Tensor {
    return this.own(zeros(shape, { dtype, device: this.device }));
  }

  foreign(shape: readonly number[]): Tensor {
    return this.own(zeros(shape, { device: this.other }));
  }

  gone(): Tensor {
    const tensor = this.zeros([2, 3]);
    tensor.dispose();
    return tensor;
  }

  /** (2, 3). */
  get matrix(): Tensor {
    return this.zeros([2, 3]);
  }

  /** (1, 4, 6, 6). */
  get image(): Tensor {
    return this.zeros([1, 4, 6, 6]);
  }

  /** Four numbers. */
  get four(): Tensor {
    return this.zeros([4]);
  }

  /** A convolution whose parameters have values on the device. */
  get conv(): Conv2D {
    return this.ready(new Conv2D(2, 3, { inChannels: 4 }));
  }

  /** A network with one convolution. */
  get net(): HybridSequential {
    return this.ready(new HybridSequential().add(new Conv2D(2, 3, { inChannels: 4 })));
  }

  /** 64 bytes of the device. */
  get buffer(): DeviceBuffer {
    const buffer = this.device.allocate(64, "hostile");
    this.own({ dispose: () => buffer.release() });
    return buffer;
  }

  /** Initializes a block on the device; it is disposed of at the end. */
  ready<B extends Conv2D | HybridSequential>(block: B): B {
    block.initialize(undefined, { device: this.device });
    return this.own(block);
  }

  /** Disposes of something at the end. */
  own<T extends object>(value: T): T {
    this.#made.add(value);
    return value;
  }

  /** Disposes of an object at the end, if it can be disposed of. */
  owned<T extends object>(value: T): T {
    return isDisposable(value) ? this.own(value) : value;
  }

  /** Disposes of what a call gave back: tensors and other disposables, also in lists, maps and objects. */
  ownAll(value: unknown, depth = 0): void {
    if (typeof value !== "object" || value === null || depth > 3) return;
    if (value === this.device || value === this.other || ArrayBuffer.isView(value)) return;
    if (isDisposable(value)) this.own(value);
    else if (isReleasable(value)) this.own({ dispose: () => value.release() });
    else if (Array.isArray(value)) {
      value.slice(0, 100).forEach((each) => this.ownAll(each, depth + 1));
    } else if (Object.getPrototypeOf(value) === Object.prototype) {
      Object.values(value).forEach((each) => this.ownAll(each, depth + 1));
    } else if (value instanceof Map) value.forEach((each) => this.ownAll(each, depth + 1));
  }

  /** Gives everything back. */
  dispose(): void {
    // Blocks before tensors, and each only once; nothing here may throw.
    for (const each of this.#made) if (!(each instanceof Tensor)) (each as Disposable).dispose();
    for (const each of this.#made) if (each instanceof Tensor) each.dispose();
    this.#made.clear();
  }
}

/** Writes the files that methods read: parameters of {@linkcode Kit.net}, a model and states of {@linkcode Kit.conv}. */
export async function keepFiles(device: Device, folder: string): Promise<void> {
  const kit = new Kit({ device, other: device, folder });
  const { net, conv } = kit;
  await net.saveParameters(`${folder}/kept.params`);
  await conv.save(`${folder}/kept`);
  await new Trainer(conv.collectParams(), "adam").saveStates(`${folder}/kept.states`);
  kit.dispose();
}
