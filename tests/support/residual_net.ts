/**
 * The second net of behaviour.json, whose residual block occurs twice.
 *
 * @module
 */
import {
  add,
  Conv2D,
  GlobalAvgPool2D,
  HybridBlock,
  HybridSequential,
  Sequential,
  type Tensor,
} from "../../mod.ts";

/** Two convolutions, another one behind them, and their input added. Its name is in the texts that MXNet prints. */
export class Res extends HybridBlock {
  readonly body: HybridSequential = new HybridSequential().add(
    new Conv2D(4, 3, { padding: 1 }),
    new Conv2D(4, 3, { padding: 1, useBias: false }),
  );
  readonly tail: Conv2D = new Conv2D(4, 1);

  override forward(x: Tensor): Tensor {
    return add(x, this.tail.call(this.body.call(x)));
  }
}

/** The net. */
export function residualNet(): Sequential {
  const block = new Res();
  return new Sequential().add(new Conv2D(4, 3), block, block, new GlobalAvgPool2D());
}
