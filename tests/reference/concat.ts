// Oracle of the operator family concat; it moves elements like the others of movement.ts.

export { concat } from "./movement.ts";
