// Max, average, global and adaptive pooling and unpooling in all rows of a random table.

import { poolingLayerCases } from "../cases/layer_pooling.ts";
import { layerTable } from "./layer_table.ts";

layerTable("pooling", poolingLayerCases(16));
