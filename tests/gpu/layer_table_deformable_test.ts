// Both deformable layers in all rows of a random table.

import { deformableLayerCases } from "../cases/layer_deformable.ts";
import { layerTable } from "./layer_table.ts";

layerTable("deformable", deformableLayerCases(24));
