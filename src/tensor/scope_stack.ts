// Which scope is open, and which scope owns what. Knows no tensors: members are objects with dispose(). Every tensor passes
// here, so members are linked through private fields: sets and weak maps cost more than a native call.

/** One open scope; its members are linked from the newest to the oldest. */
export interface Scope {
  readonly parent: Scope | null;
  newest: ScopeMember | null;
}

let current: Scope | null = null;

// Set by the class below: its private fields are nobody else's.
let scopeOfMember: (member: ScopeMember) => Scope | null;
let link: (member: ScopeMember, scope: Scope) => void;
let unlink: (member: ScopeMember) => void;
let readHolder: (member: object) => ScopeMember | null;
let setHolder: (member: ScopeMember, holder: ScopeMember | null) => void;

/** Base of {@linkcode Tensor}, not for programs: what a scope can own. */
export abstract class ScopeMember {
  #scope: Scope | null = null;
  #older: ScopeMember | null = null;
  #newer: ScopeMember | null = null;
  /** Another member that will free this one, such as the tensor of a gradient. */
  #holder: ScopeMember | null = null;

  static {
    scopeOfMember = (member) => member.#scope;
    link = (member, scope) => {
      const { newest } = scope;
      if (newest !== null) newest.#newer = member;
      member.#older = newest;
      member.#scope = scope;
      scope.newest = member;
    };
    unlink = (member) => {
      const scope = member.#scope;
      if (scope === null) return;
      const older = member.#older;
      const newer = member.#newer;
      if (newer === null) scope.newest = older;
      else newer.#older = older;
      if (older !== null) older.#newer = newer;
      member.#scope = member.#older = member.#newer = null;
    };
    readHolder = (member) => #holder in member ? member.#holder : null;
    setHolder = (member, holder) => {
      member.#holder = holder;
    };
  }

  /** Frees what the object holds; a second call does nothing. */
  abstract dispose(): void;
}

/**
 * Opens a scope inside the current one.
 *
 * @returns The scope, now the current one.
 */
export function openScope(): Scope {
  current = { parent: current, newest: null };
  return current;
}

/**
 * Makes the parent of a scope the current one again.
 *
 * @param scope The innermost open scope.
 */
export function leaveScope(scope: Scope): void {
  current = scope.parent;
}

/**
 * Gives a new object to the innermost open scope, if there is one.
 *
 * @param member The object.
 */
export function enterScope(member: ScopeMember): void {
  if (current !== null) link(member, current);
}

/**
 * Takes an object out of all scopes and binds it to another one, which will free it.
 *
 * @param member The object.
 * @param holder The other one.
 */
export function holdMember(member: ScopeMember, holder: ScopeMember): void {
  unlink(member);
  setHolder(member, holder);
}

/**
 * The object that will free another one.
 *
 * @param member The other one; anything else has none.
 * @returns Its holder; null if it has none, or was taken from it by keep() or as a scope's result.
 */
export function holderOf(member: object): ScopeMember | null {
  return readHolder(member);
}

/**
 * The scope that owns an object.
 *
 * @param member The object.
 * @returns The scope; null if none does.
 */
export function scopeOf(member: ScopeMember): Scope | null {
  return scopeOfMember(member);
}

/**
 * Takes an object out of the scope that owns it, and from its holder.
 *
 * @param member The object.
 */
export function forgetMember(member: ScopeMember): void {
  setHolder(member, null);
  unlink(member);
}

/**
 * Hands an object of a scope to the scope around it.
 *
 * @param member The object.
 * @param scope The scope that owns it.
 */
export function promoteMember(member: ScopeMember, scope: Scope): void {
  forgetMember(member);
  if (scope.parent !== null) link(member, scope.parent);
}

/**
 * Takes the newest object out of a scope.
 *
 * @param scope The scope.
 * @returns The object; null if the scope has none.
 */
export function takeNewest(scope: Scope): ScopeMember | null {
  const member = scope.newest;
  if (member !== null) unlink(member);
  return member;
}
