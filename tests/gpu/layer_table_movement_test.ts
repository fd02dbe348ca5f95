// Padding and pixel shuffle layers in all rows of a random table.

import { movementLayerCases } from "../cases/layer_movement.ts";
import { layerTable } from "./layer_table.ts";

layerTable("movement", movementLayerCases(12));
