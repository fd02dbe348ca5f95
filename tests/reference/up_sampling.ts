// Oracle of the operator family up_sampling; it moves elements like the others of movement.ts.

export { upSampling } from "./movement.ts";
