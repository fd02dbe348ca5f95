// scope() and keep(): who frees tensors that nobody names any more.

import { StateError } from "../core/errors.ts";
import { describe } from "../core/shape.ts";
import {
  forgetMember,
  holderOf,
  leaveScope,
  openScope,
  promoteMember,
  type Scope,
  ScopeMember,
  scopeOf,
  takeNewest,
} from "./scope_stack.ts";
import { Tensor } from "./tensor.ts";

/**
 * Runs a function and frees every tensor made inside, except those in its result.
 *
 * A result may be a tensor, or arrays, plain objects, Maps and Sets that hold tensors at any depth;
 * these tensors then belong to the scope around, or to the caller if there is none. Tensors made
 * outside are never touched. If the function throws, everything made inside is freed.
 *
 * @param fn A function that returns at once. An async function is refused: other code would run
 *   between its steps, and its tensors would end up in this scope.
 * @returns What the function returns.
 * @throws {TypeError} If `fn` is not a function.
 * @throws {StateError} If the function returns a promise.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { add, mul, scope, tensor } from "@vknn/vknn";
 *
 * const x = tensor([1, 2, 3]);
 * const y = scope(() => add(mul(x, x), 1)); // x * x is freed here
 * assert((await y.data()).join() === "2,5,10");
 * y.dispose();
 * x.dispose();
 * ```
 */
export function scope<T>(fn: () => T): T {
  if (typeof fn !== "function") {
    throw new TypeError(`Cannot open a scope: fn is ${describe(fn)}, expected a function`);
  }
  const inner = openScope();
  let done = false;
  try {
    const result = fn();
    if (isThenable(result)) {
      // Its tensors are about to be freed, so it may well fail: that is reported below already.
      Promise.resolve(result).catch(() => {});
      throw new StateError(
        "Cannot close a scope: the function returned a promise, expected a finished result; " +
          "await outside of the scope, or use a scope for each step between two awaits",
      );
    }
    if (result instanceof Tensor && scopeOf(result) === inner) promoteMember(result, inner);
    else for (const member of membersIn(result, inner)) promoteMember(member, inner);
    done = true;
    return result;
  } finally {
    leaveScope(inner);
    disposeMembers(inner, done);
  }
}

/**
 * Takes a tensor out of all scopes: it lives until `dispose()` is called or nobody refers to it.
 *
 * @param tensor The tensor, for example one kept in a cache.
 * @returns The same tensor.
 * @throws {TypeError} If it is not a tensor.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { keep, scope, Tensor, tensor } from "@vknn/vknn";
 *
 * let cached: Tensor | undefined;
 * scope(() => {
 *   cached = keep(tensor([1, 2, 3]));
 * });
 * assert(cached?.disposed === false);
 * cached?.dispose();
 * ```
 */
export function keep(tensor: Tensor): Tensor {
  if (!(tensor instanceof Tensor)) {
    throw new TypeError(`Cannot keep ${describe(tensor)}: expected a Tensor`);
  }
  forgetMember(tensor);
  return tensor;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (typeof value === "object" || typeof value === "function") && value !== null &&
    !(value instanceof Tensor) && typeof (value as { then?: unknown }).then === "function";
}

/** The members of a scope that can be reached from a result. */
function membersIn(result: unknown, scope: Scope): Set<ScopeMember> {
  const found = new Set<ScopeMember>();
  if (scope.newest === null) return found;
  const held = new Map<object, ScopeMember>();
  const seen = new Set<object>();
  const open: unknown[] = [result];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== "object" || value === null || seen.has(value)) continue;
    seen.add(value);
    const holder = holderOf(value);
    if (value instanceof ScopeMember && scopeOf(value) === scope) found.add(value);
    else if (holder !== null && scopeOf(holder) === scope) held.set(value, holder);
    else for (const item of itemsOf(value)) open.push(item); // not spread: a result may be long
  }
  // A gradient returned without its tensor outlives it.
  for (const [member, holder] of held) if (!found.has(holder)) found.add(member as ScopeMember);
  return found;
}

function itemsOf(value: object): Iterable<unknown> {
  if (Array.isArray(value) || value instanceof Set || value instanceof Map) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? Object.values(value) : [];
}

/** Frees newest first, all of them even if one fails. */
function disposeMembers(scope: Scope, report: boolean): void {
  const errors: unknown[] = [];
  for (let member = takeNewest(scope); member !== null; member = takeNewest(scope)) {
    try {
      member.dispose();
    } catch (error) {
      errors.push(error);
    }
  }
  // An error of the function itself says more than one of the cleanup.
  if (report && errors.length > 0) throw errors[0];
}
