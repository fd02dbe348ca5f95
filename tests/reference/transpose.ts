// Oracle of the operator family transpose; it moves elements like the others of movement.ts.

export { transpose } from "./movement.ts";
