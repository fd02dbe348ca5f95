// Oracle of the operator family slice; it moves elements like the others of movement.ts.

export { slice } from "./movement.ts";
