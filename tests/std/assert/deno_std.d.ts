// The repacked module has no types; mod.ts gives them. For TypeScript's own compiler: Deno needs no declaration.
declare module "deno-std/assert/mod.js";
