// Which scope is open, and which scope owns what. Knows no tensors: members are objects with dispose().

/** What a scope can own. */
export interface ScopeMember {
  dispose(): void;
}

/** One open scope; members keep their order of creation. */
export interface Scope {
  readonly parent: Scope | null;
  readonly members: Set<ScopeMember>;
}

let current: Scope | null = null;
const owners = new WeakMap<ScopeMember, Scope>();
/** Objects that live as long as another one, such as the gradient of a tensor. */
const holders = new WeakMap<ScopeMember, ScopeMember>();

/**
 * Opens a scope inside the current one.
 *
 * @returns The scope, now the current one.
 */
export function openScope(): Scope {
  current = { parent: current, members: new Set() };
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
  if (current !== null) own(member, current);
}

/**
 * Takes an object out of all scopes and binds it to another one, which will free it.
 *
 * @param member The object.
 * @param holder The other one.
 */
export function holdMember(member: ScopeMember, holder: ScopeMember): void {
  forgetMember(member);
  holders.set(member, holder);
}

/**
 * The object that will free another one.
 *
 * @param member The other one.
 * @returns Its holder; undefined if it has none, or was taken from it by keep() or as a scope's result.
 */
export function holderOf(member: ScopeMember): ScopeMember | undefined {
  return holders.get(member);
}

/**
 * Takes an object out of the scope that owns it, and from its holder.
 *
 * @param member The object.
 */
export function forgetMember(member: ScopeMember): void {
  holders.delete(member);
  const owner = owners.get(member);
  if (owner === undefined) return;
  owner.members.delete(member);
  owners.delete(member);
}

/**
 * Hands an object of a scope to the scope around it.
 *
 * @param member The object.
 * @param scope The scope that owns it.
 */
export function promoteMember(member: ScopeMember, scope: Scope): void {
  forgetMember(member);
  if (scope.parent !== null) own(member, scope.parent);
}

function own(member: ScopeMember, scope: Scope): void {
  scope.members.add(member);
  owners.set(member, scope);
}
