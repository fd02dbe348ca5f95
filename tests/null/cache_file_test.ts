// The file of the pipeline cache: whatever is wrong with it, it is a miss.

import { assert, assertEquals } from "@std/assert";
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CacheFile,
  type CacheIdentity,
  MAX_CACHE_BYTES,
  packCache,
  unpackCache,
} from "../../src/device/cache_file.ts";
import { test } from "../support/test.ts";

const IDENTITY: CacheIdentity = {
  vendorId: 0x10de,
  deviceId: 0x2330,
  driverVersion: 580,
  cacheUuid: Uint8Array.from({ length: 16 }, (_, i) => i + 1),
  kernelHash: "0123456789abcdef".repeat(4),
};

/** What a driver gives: its header, then anything. */
function payload(identity: CacheIdentity = IDENTITY): Uint8Array {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i * 7);
  const view = new DataView(bytes.buffer);
  [32, 1, identity.vendorId, identity.deviceId].forEach((word, i) =>
    view.setUint32(i * 4, word, true)
  );
  bytes.set(identity.cacheUuid, 16);
  return bytes;
}

function inFolder(body: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "vknn-cache-"));
  try {
    body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("unpackCache() gives back what was packed, and nothing after any change of a byte", () => {
  const bytes = packCache(IDENTITY, payload());
  assertEquals(unpackCache(IDENTITY, bytes), payload());
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at]! ^= 1 << at % 8;
    assertEquals(unpackCache(IDENTITY, changed), undefined, `byte ${at}`);
    assertEquals(unpackCache(IDENTITY, bytes.subarray(0, at)), undefined, `${at} bytes`);
  }
  assertEquals(unpackCache(IDENTITY, new Uint8Array([...bytes, 0])), undefined);
});

test("unpackCache() refuses another device, driver or set of kernels", () => {
  const bytes = packCache(IDENTITY, payload());
  const others: Partial<CacheIdentity>[] = [
    { vendorId: 1 },
    { deviceId: 1 },
    { driverVersion: 581 },
    { cacheUuid: new Uint8Array(16) },
    { kernelHash: "f".repeat(64) },
  ];
  for (const other of others) {
    const identity = { ...IDENTITY, ...other };
    assertEquals(unpackCache(identity, bytes), undefined, Object.keys(other).join());
    // The driver's own header is compared too: here ours is right and the driver's is another device's.
    const driver = other.driverVersion === undefined && other.kernelHash === undefined;
    if (driver) assertEquals(unpackCache(identity, packCache(identity, payload())), undefined);
  }
});

test("CacheFile writes whole files only, one for each identity, and reads them back", () => {
  inFolder((folder) => {
    const directory = join(folder, "not", "there");
    const file = new CacheFile(directory, IDENTITY);
    assertEquals(file.read(), undefined);
    assertEquals(file.write(payload()), undefined);
    assertEquals(file.read(), payload());
    const other = { ...IDENTITY, driverVersion: 581 };
    const second = new CacheFile(directory, other);
    assertEquals([second.read(), second.path === file.path], [undefined, false]);
    assertEquals(second.write(payload(other)), undefined);
    assertEquals(readdirSync(directory).length, 2);
  });
});

test("CacheFile ignores files that are too large, and tells why nothing could be written", () => {
  inFolder((folder) => {
    const file = new CacheFile(folder, IDENTITY);
    assertEquals(file.write(payload()), undefined);
    truncateSync(file.path, MAX_CACHE_BYTES + 113); // sparse: takes no room
    assert(statSync(file.path).size > MAX_CACHE_BYTES);
    assertEquals(file.read(), undefined);
    writeFileSync(join(folder, "file"), "");
    const blocked = new CacheFile(join(folder, "file", "below"), IDENTITY);
    assert((blocked.write(payload()) ?? "").length > 0);
    assertEquals(blocked.read(), undefined);
  });
});
