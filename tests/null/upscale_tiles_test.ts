/** The tiles of the upscale example: pure geometry. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { cutRegion, overlap, planTiles, smallestTile } from "../../examples/upscale/tiles.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";

/** Everything that must hold for any plan. */
function checkPlan(width: number, height: number, limit: number): number {
  const { tiles, width: w, height: h } = planTiles(width, height, limit);
  const label = `${width}x${height} by ${limit}`;
  assert(w <= Math.max(limit, 1) && h <= limit, label);
  const covered = new Uint8Array(width * height);
  for (const { x, y, left, right, top, bottom } of tiles) {
    assert(x >= 0 && y >= 0 && x + w <= width && y + h <= height, `${label}: outside`);
    assert(left < right && top < bottom, `${label}: empty core`);
    // A core keeps its distance from every cut, and may touch the image's own border.
    assert(x === 0 ? left === 0 : left - x >= overlap, `${label}: left`);
    assert(y === 0 ? top === 0 : top - y >= overlap, `${label}: top`);
    assert(x + w === width ? right <= width : x + w - right >= overlap, `${label}: right`);
    assert(y + h === height ? bottom <= height : y + h - bottom >= overlap, `${label}: bottom`);
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) covered[row * width + column]!++;
    }
  }
  assert(covered.every((count) => count === 1), `${label}: not covered exactly once`);
  return tiles.length;
}

test("tiles: a small image is one tile", () => {
  assertEquals(planTiles(40, 30, 64), {
    width: 40,
    height: 30,
    tiles: [{ x: 0, y: 0, left: 0, right: 40, top: 0, bottom: 30 }],
  });
  assertEquals(checkPlan(64, 64, 64), 1);
  assertEquals(checkPlan(1, 1, smallestTile), 1);
});

test("tiles: one pixel more than the limit makes two", () => {
  const { width, tiles } = planTiles(65, 10, 64);
  assertEquals(tiles.length, 2);
  // Two equal regions that share at least twice the reach of the network.
  assert(2 * width - 65 >= 2 * overlap);
});

test("tiles: cores cover any image exactly once and keep their distance from cuts", () => {
  const random = new Random(1);
  for (let i = 0; i < 300; i++) {
    checkPlan(random.integer(1, 400), random.integer(1, 300), random.integer(smallestTile, 150));
  }
});

test("tiles: long thin images", () => {
  checkPlan(5000, 1, 64);
  checkPlan(1, 5000, smallestTile);
  checkPlan(3, 999, 41);
});

test("tiles: no more of them than needed", () => {
  for (const [size, limit] of [[512, 256], [1000, 128], [4000, 512], [300, 40]] as const) {
    const { tiles } = planTiles(size, 20, limit);
    assertEquals(tiles.length, Math.ceil((size - 2 * overlap) / (limit - 2 * overlap)));
  }
});

test("tiles: a plan for nothing or with too small a limit is refused", () => {
  assertThrows(() => planTiles(0, 5, 64), RangeError, "width");
  assertThrows(() => planTiles(5, 1.5, 64), RangeError, "height");
  assertThrows(() => planTiles(5, 5, smallestTile - 1), RangeError, "limit");
  assertThrows(() => planTiles(5, 5, NaN), RangeError, "limit");
});

test("tiles: a region is cut out of all three planes", () => {
  const width = 70;
  const height = 50;
  const planes = Float32Array.from({ length: 3 * width * height }, (_, i) => i);
  const tiling = planTiles(width, height, 45);
  const tile = tiling.tiles.at(-1)!;
  const region = cutRegion(planes, width, height, tiling, tile);
  assertEquals(region.length, 3 * tiling.width * tiling.height);
  for (const [channel, row, column] of [[0, 0, 0], [1, 3, 7], [2, tiling.height - 1, 44 - 10]]) {
    const at = (channel! * tiling.height + row!) * tiling.width + column!;
    assertEquals(
      region[at],
      planes[(channel! * height + tile.y + row!) * width + tile.x + column!],
    );
  }
  // Nothing to cut, nothing to copy.
  assert(cutRegion(planes, width, height, planTiles(width, height, 70), tile) === planes);
});
