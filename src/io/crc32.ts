// The checksum of zip entries: CRC-32 with the reflected polynomial 0xEDB88320.

/** Four tables of 256: bytes are taken four at a time. */
const TABLES: readonly Uint32Array[] = makeTables();

function makeTables(): Uint32Array[] {
  const tables = Array.from({ length: 4 }, () => new Uint32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? value >>> 1 ^ 0xedb88320 : value >>> 1;
    tables[0]![byte] = value;
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let table = 1; table < 4; table++) {
      const previous = tables[table - 1]![byte]!;
      tables[table]![byte] = previous >>> 8 ^ tables[0]![previous & 255]!;
    }
  }
  return tables;
}

/**
 * Computes the checksum of bytes.
 *
 * @param bytes The bytes.
 * @param start Checksum of the bytes before them; 0 at the beginning.
 * @returns An unsigned 32-bit integer.
 */
export function crc32(bytes: Uint8Array, start = 0): number {
  const [one, two, three, four] = TABLES as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  let crc = ~start;
  let at = 0;
  for (const whole = bytes.length - 3; at < whole; at += 4) {
    crc ^= bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24;
    crc = four[crc & 255]! ^ three[crc >>> 8 & 255]! ^ two[crc >>> 16 & 255]! ^ one[crc >>> 24]!;
  }
  for (; at < bytes.length; at++) crc = crc >>> 8 ^ one[(crc ^ bytes[at]!) & 255]!;
  return ~crc >>> 0;
}
