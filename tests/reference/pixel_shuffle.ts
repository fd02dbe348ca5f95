// Oracle of the operator family pixel_shuffle; it moves elements like the others of movement.ts.

export { pixelShuffle, pixelUnshuffle } from "./movement.ts";
