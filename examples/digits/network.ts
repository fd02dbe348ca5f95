// The network: two convolutions with pooling, one dense layer; 13 thousand parameters.

import { Conv2D, Dense, Flatten, HybridSequential, MaxPool2D } from "../../mod.ts";
import { CLASSES } from "./data.ts";

/** Makes the network; images are `[N, 1, 28, 28]`, the result is one score for each digit. */
export function makeNetwork(): HybridSequential {
  return new HybridSequential().add(
    new Conv2D(8, 5, { padding: 2, activation: "relu", inChannels: 1 }),
    new MaxPool2D(2),
    new Conv2D(16, 5, { activation: "relu", inChannels: 8 }),
    new MaxPool2D(2),
    new Flatten(),
    new Dense(CLASSES, { inUnits: 400 }),
  );
}
