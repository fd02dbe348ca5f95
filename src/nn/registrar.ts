// Sees every assignment to an attribute of an object, which is how `this.conv = new Conv2D(…)`
// registers a child. Knows no blocks. JavaScript's counterpart of Python's `__setattr__`.

/** What an object does when its own attributes change. */
export interface AttributeListener {
  /** Before `self[name] = value`; throwing prevents it. `previous` is the value held until now. */
  define(self: Registrar, name: string, value: unknown, previous: unknown): void;
  /** Before `delete self[name]`. */
  remove(self: Registrar, name: string): void;
}

const proxies = new WeakMap<object, Registrar>();

/**
 * Base of {@linkcode Block}, not for programs: a class whose constructor returns a proxy of the new object. Fields of derived classes,
 * assignments in constructors and later assignments all end in `[[DefineOwnProperty]]`, so two
 * traps see everything; reads go straight through. Private `#fields` of derived classes are
 * installed on the proxy, so methods work on it as usual; this class itself must not have any.
 */
export class Registrar {
  /**
   * Returns a proxy of the new object.
   *
   * @param listener Told of every change of an own attribute with a string name.
   */
  constructor(listener: AttributeListener) {
    const proxy: Registrar = new Proxy(this, {
      defineProperty(target, key, descriptor) {
        if (typeof key === "string" && "value" in descriptor) {
          const own = Object.getOwnPropertyDescriptor(target, key);
          listener.define(proxy, key, descriptor.value, own?.value);
        }
        return Reflect.defineProperty(target, key, descriptor);
      },
      deleteProperty(target, key) {
        if (typeof key === "string" && Object.hasOwn(target, key)) listener.remove(proxy, key);
        return Reflect.deleteProperty(target, key);
      },
    });
    proxies.set(this, proxy);
    return proxy;
  }
}

/**
 * The proxy of an object, for code that the runtime calls with the bare object (console printing).
 *
 * @param object The bare object or the proxy.
 * @returns The proxy; the object itself if it has none.
 */
export function proxyOf(object: object): object {
  return proxies.get(object) ?? object;
}
