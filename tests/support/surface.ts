/**
 * Everything that the module's three entry points export and that can be called: functions, constructors,
 * static and instance methods, accessors. Found by walking the exports, so that nothing new is overlooked.
 *
 * @module
 */
import * as core from "../../mod.ts";
import * as inspect from "../../inspect.ts";
import * as io from "../../io.ts";

/** A class, as far as walking goes. */
export type AnyClass = new (...args: unknown[]) => object;

/** One thing that can be called. */
export interface Member {
  /** `add`, `autograd.grad`, `io:decodeNpy`, `Conv2D`, `Device.open`, `Tensor#slice`. */
  readonly name: string;
  readonly kind: "function" | "constructor" | "static" | "method" | "getter" | "setter";
  /** The class of a constructor or member. */
  readonly owner: AnyClass | undefined;
  /** Name of that class, as exported. */
  readonly ownerName: string;
  /** Key of a member in its class. */
  readonly key: string | symbol;
  /** Calls it; members on an instance. */
  call(instance: object | undefined, args: readonly unknown[]): unknown;
}

type AnyFunction = (...args: unknown[]) => unknown;

function isClass(value: AnyFunction): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}

function keyText(key: string | symbol): string {
  return typeof key === "string" ? key : `[${key.description}]`;
}

function* membersOf(ownerName: string, owner: AnyClass): Generator<Member> {
  const common = { owner, ownerName };
  yield {
    ...common,
    name: ownerName,
    kind: "constructor",
    key: "constructor",
    call: (_, args) => Reflect.construct(owner, args),
  };
  for (const key of Reflect.ownKeys(owner)) {
    const { value } = Object.getOwnPropertyDescriptor(owner, key)!;
    if (typeof value !== "function" || key === "prototype") continue;
    const name = `${ownerName}.${keyText(key)}`;
    const call: Member["call"] = (_, args) => Reflect.apply(value, owner, args);
    yield { ...common, name, kind: "static", key, call };
  }
  for (const key of Reflect.ownKeys(owner.prototype)) {
    if (key === "constructor") continue;
    const { value, get, set } = Object.getOwnPropertyDescriptor(owner.prototype, key)!;
    const name = `${ownerName}#${keyText(key)}`;
    // By key, not by function: a derived class may have its own.
    if (typeof value === "function") {
      const call: Member["call"] = (self, args) =>
        (self as Record<string | symbol, AnyFunction>)[key]!(...args);
      yield { ...common, name, kind: "method", key, call };
    }
    if (get !== undefined) {
      const call: Member["call"] = (self) => (self as Record<string | symbol, unknown>)[key];
      yield { ...common, name, kind: "getter", key, call };
    }
    if (set !== undefined) {
      const call: Member["call"] = (self, [to]) => Reflect.set(self!, key, to);
      yield { ...common, name: `${name}=`, kind: "setter", key, call };
    }
  }
}

function* walk(prefix: string, exported: object, seen: Set<unknown>): Generator<Member> {
  const namespaces: [string, object][] = [];
  for (const [key, value] of Object.entries(exported)) {
    if (Object.prototype.toString.call(value) === "[object Module]") {
      namespaces.push([`${prefix}${key}.`, value]);
    }
    if (typeof value !== "function" || seen.has(value)) continue;
    seen.add(value);
    const name = prefix + key;
    if (isClass(value)) yield* membersOf(name, value as AnyClass);
    else {
      const call: Member["call"] = (_, args) => value(...args);
      yield { name, kind: "function", owner: undefined, ownerName: "", key, call };
    }
  }
  // After this level: what is exported twice has the shorter name.
  for (const [name, namespace] of namespaces) yield* walk(name, namespace, seen);
}

/** All members of the public surface; a function that is exported twice appears once. */
export function publicMembers(): readonly Member[] {
  const seen = new Set<unknown>();
  return [...walk("", core, seen), ...walk("io:", io, seen), ...walk("inspect:", inspect, seen)];
}
