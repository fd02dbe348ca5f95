/** Files of a trainer's states: what is refused and why, and writing that is all or nothing. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import {
  decodeNpz,
  encodeNpz,
  encodeSafetensors,
  type FileArray,
  fileArray,
  FileError,
  FormatError,
  LimitError,
} from "../../io.ts";
import { type Device, DeviceError, Parameter, Trainer } from "../../mod.ts";
import { DeferredInitializationError } from "../../src/core/errors.ts";
import { MOD_URL, ROOT, runText, RUNTIME } from "../support/subprocess.ts";
import { test } from "../support/test.ts";
import { fakeDevice } from "./nn_fake_device.ts";

const { device, fake } = fakeDevice();

function parameters(where: Device | Device[] = device): Record<string, Parameter> {
  const bias = new Parameter("bias", { shape: [2] });
  const weight = new Parameter("weight", { shape: [3, 2] });
  for (const each of [bias, weight]) each.initialize("ones", { device: where });
  return { bias, weight };
}

function free(own: Record<string, Parameter>, ...trainers: Trainer[]): void {
  for (const parameter of Object.values(own)) parameter.dispose();
  for (const trainer of trainers) trainer.dispose();
}

/** What saveStates() of a trainer with SGD and momentum writes after three steps. */
const ARRAYS: readonly FileArray[] = [
  fileArray("format", new Int32Array([1]), []),
  fileArray("optimizer/sgd", new Float64Array([3, 0.125])),
  fileArray("bias:count", new Int32Array([3]), []),
  fileArray("bias:momentum", new Float32Array([1, 2])),
  fileArray("weight:count", new Int32Array([2]), []),
  fileArray("weight:momentum", new Float32Array([1, 2, 3, 4, 5, 6]), [3, 2]),
];
const BYTES = encodeNpz(ARRAYS);
const MOMENTUM = { momentum: 0.9 } as const;

/** The file with one array replaced, or left out. */
function without(name: string, ...instead: FileArray[]): Uint8Array<ArrayBuffer> {
  return encodeNpz([...ARRAYS.filter((array) => array.name !== name), ...instead]);
}

async function inFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "vknn-states-"));
  try {
    await fn(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("states go from a file into a trainer and back, bit by bit, from every source", () =>
  inFolder(async (folder) => {
    const own = parameters();
    const path = join(folder, "net.states");
    const trainer = new Trainer(own, "sgd", MOMENTUM);
    await trainer.loadStates(BYTES);
    assertEquals([trainer.learningRate, trainer.optimizer.numUpdate], [0.125, 3]);
    assertEquals(await trainer.saveStates(), BYTES);
    assertEquals(await trainer.saveStates(path), undefined);
    assertEquals(new Uint8Array(readFileSync(path)), BYTES);
    for (const source of [path, pathToFileURL(path), BYTES.buffer, new Blob([BYTES]).stream()]) {
      const other = new Trainer(own, "sgd", MOMENTUM);
      await other.loadStates(source);
      assertEquals(await other.saveStates(), BYTES);
      other.dispose();
    }
    await trainer.saveStates(pathToFileURL(path)); // over the file that is there
    assertEquals(readdirSync(folder), ["net.states"], "no temporary file is left");
    free(own, trainer);
    assertEquals(fake.liveBuffers, 0);
  }));

test("what is no file of states for the trainer is told from what is, and changes nothing", async () => {
  const own = parameters();
  const trainer = new Trainer(own, "sgd", MOMENTUM);
  await trainer.loadStates(BYTES);
  const before = fake.liveBuffers;
  const one = new Float32Array(1);
  const pickle = Uint8Array.from([0x80, 4, 0x95, 8, 0, 0, 0, 0, 0, 0, 0, 0x7d, 0x94, 0x2e]);
  const npz = "expected the .npz file of a Trainer's saveStates()";
  const files: readonly [Uint8Array, ...string[]][] = [
    [new Uint8Array(0), "found 0 bytes", npz],
    [new TextEncoder().encode("{}"), "found 2 bytes", npz],
    [pickle, "found a Python pickle of 14 bytes", npz],
    [encodeSafetensors([fileArray("weight", one)]), npz],
    [encodeNpz([]), "found no arrays", npz],
    [encodeNpz([fileArray("weight", one), fileArray("bias", one)]), '"weight", "bias"', npz],
    [without("format", fileArray("format", new Int32Array([2]), [])), "format is 2, expected 1"],
    [without("optimizer/sgd"), 'no array "optimizer/sgd", expected float64 (2,)'],
    [
      without("optimizer/sgd", fileArray("optimizer/adam", new Float64Array([3, 1]))),
      "they are of optimizer/adam, expected optimizer/sgd",
    ],
    [
      without("optimizer/sgd", fileArray("optimizer/sgd", new Float64Array([1.5, 1]))),
      "is 1.5, expected a number of steps from 0",
    ],
    [
      without("optimizer/sgd", fileArray("optimizer/sgd", new Float64Array([1, NaN]))),
      "the learning rate is NaN, expected a number from 0",
    ],
    [
      without("bias:count", fileArray("bias:count", new Int32Array([-1]), [])),
      '"bias:count" is -1, expected a number of steps from 0',
    ],
    [without("weight:momentum"), 'no array "weight:momentum", expected float32 (3, 2)'],
    [
      without("weight:momentum", fileArray("weight:momentum", new Float32Array(6))),
      '"weight:momentum" is float32 (6,), expected float32 (3, 2)',
    ],
    [
      without("weight:momentum", fileArray("weight:momentum", new Float64Array(6), [3, 2])),
      "is float64 (3, 2), expected float32 (3, 2)",
    ],
    [
      without("", fileArray("gamma:count", new Int32Array(1), [])),
      'the trainer has nothing for "gamma:count", expected "bias", "weight"',
    ],
  ];
  for (const [bytes, ...parts] of files) {
    const error = await assertRejects(() => trainer.loadStates(bytes), FormatError);
    for (const part of ["Cannot load states of Trainer from 'the bytes': ", ...parts]) {
      assert(error.message.includes(part), `${error.message}\n  has no ${part}`);
    }
    assertEquals(fake.liveBuffers, before);
  }
  // Wherever it is cut off.
  for (let length = 0; length < BYTES.length; length += 7) {
    await assertRejects(() => trainer.loadStates(BYTES.subarray(0, length)), FormatError);
  }
  assertEquals(await trainer.saveStates(), BYTES, "what was there is still there");
  for (const wrong of [undefined, null, 3, {}, ["x"], ""]) {
    await assertRejects(() => trainer.loadStates(wrong as unknown as string), TypeError, "states");
  }
  // The limit is 4 GiB; a length that is claimed is enough, so that no test fills the memory.
  const huge = Object.defineProperty(new Uint8Array(1), "length", { value: 2 ** 33 });
  await assertRejects(() => trainer.loadStates(huge), LimitError, "at most 4294967296");
  free(own, trainer);
});

test("states of another number of states, of plain SGD and of parameters never updated", async () => {
  const own = parameters();
  const plain = new Trainer(own, "sgd");
  await assertRejects(
    () => plain.loadStates(BYTES),
    FormatError,
    'the trainer has nothing for "bias:momentum", "weight:momentum", expected "bias", "weight"',
  );
  const few = encodeNpz(ARRAYS.slice(0, 4));
  const trainer = new Trainer(own, "sgd", MOMENTUM);
  await trainer.loadStates(few);
  assertEquals(await trainer.saveStates(), few);
  // A parameter whose name begins like the entry of an optimizer is a parameter.
  const odd = new Trainer({ "optimizer/adam": own["bias"]! }, "sgd", MOMENTUM);
  await odd.loadStates(encodeNpz([
    ...ARRAYS.slice(0, 2),
    fileArray("optimizer/adam:count", new Int32Array([1]), []),
    fileArray("optimizer/adam:momentum", new Float32Array(2)),
  ]));
  assertEquals(decodeNpz(await odd.saveStates()).length, 4);
  free(own, plain, trainer, odd);
  const later = new Parameter("weight", { shape: [3, -1], allowDeferredInit: true });
  later.initialize("ones", { device });
  const early = new Trainer({ weight: later }, "sgd", MOMENTUM);
  const forWeight = encodeNpz([...ARRAYS.slice(0, 2), ...ARRAYS.slice(4)]);
  await assertRejects(() => early.loadStates(forWeight), DeferredInitializationError, "'weight'");
  later.dispose();
  assertEquals(fake.liveBuffers, 0);
});

test("where states cannot be written or read, the error names the path and what is missing", () =>
  inFolder(async (folder) => {
    const own = parameters();
    const trainer = new Trainer(own, "sgd", MOMENTUM);
    const path = join(folder, "no", "net.states");
    const save = await assertRejects(() => trainer.saveStates(path), FileError);
    assertEquals(
      save.message,
      `Cannot save states of Trainer: there is no folder "${join(folder, "no")}", ` +
        `expected one that exists (ENOENT)`,
    );
    assertEquals([save.code, save.path], ["ENOENT", path]);
    assert((save.cause as Error).message.includes("ENOENT"));
    const load = await assertRejects(() => trainer.loadStates(path), FileError);
    assertEquals(
      load.message,
      `Cannot load states of Trainer: there is no file "${path}", expected one that exists (ENOENT)`,
    );
    mkdirSync(join(folder, "taken"));
    const taken = join(folder, "taken");
    await assertRejects(() => trainer.saveStates(taken), FileError, "is a folder, expected a file");
    await assertRejects(() => trainer.loadStates(taken), FileError, "is a folder, expected a file");
    writeFileSync(join(folder, "file"), "x");
    const below = join(folder, "file", "net.states");
    await assertRejects(() => trainer.saveStates(below), FileError, "there is no folder");
    const long = join(folder, "x".repeat(300));
    await assertRejects(() => trainer.saveStates(long), FileError, "longer than the system allows");
    for (const wrong of [null, 3, {}, ["x"], "", "a\0b", new URL("https://example.com/x")]) {
      await assertRejects(() => trainer.saveStates(wrong as string), TypeError, "save states");
    }
    assertEquals(readdirSync(folder).sort(), ["file", "taken"], "no temporary file is left");
    // The superuser may write everywhere.
    if (process.getuid?.() !== 0) {
      chmodSync(taken, 0o500);
      const inside = join(taken, "net.states");
      await assertRejects(() => trainer.saveStates(inside), FileError, "(EACCES)");
    }
    free(own, trainer);
  }));

test("Deno's permissions: the error names the flags, and a refused write leaves nothing behind", () =>
  inFolder(async (folder) => {
    const path = join(folder, "net.states");
    const text = `
      import { Trainer } from ${JSON.stringify(MOD_URL)};
      const trainer = new Trainer([], "sgd");
      const tell = (error) => console.log(error.name, error.code, error.message);
      await trainer.loadStates(await trainer.saveStates()); // memory needs no permission
      await trainer.saveStates(${JSON.stringify(path)}).catch(tell);
      await trainer.loadStates(${JSON.stringify(path)}).catch(tell);`;
    const runtimeFlags = RUNTIME === "deno" ? ["--config", join(ROOT, "deno.json")] : [];
    const run = async (...permissions: string[]) => {
      const result = await runText(text, { runtimeFlags, permissions });
      assertEquals([result.code, result.stderr], [0, ""]);
      return result.stdout.trim().split("\n");
    };
    if (RUNTIME === "deno") {
      const begin = "FileError ERR_ACCESS_DENIED Cannot";
      const both = `--allow-read=${folder} --allow-write=${folder}`;
      for (const permissions of [[], [`--allow-write=${folder}`], [`--allow-write=${path}`]]) {
        const [save, load] = await run(...permissions);
        assert(
          save!.startsWith(`${begin} save states of Trainer: the program may not write`),
          save,
        );
        assert(save!.includes(`expected to be run with ${both}`), save);
        assert(load!.startsWith(`${begin} load states of Trainer: the program may not read`), load);
        assert(load!.includes(`expected to be run with --allow-read=${path}`), load);
        assertEquals(readdirSync(folder), [], permissions.join());
      }
    }
    assertEquals(await run(`--allow-read=${folder}`, `--allow-write=${folder}`), [""]);
    assertEquals(readdirSync(folder), ["net.states"]);
  }));

test("states of parameters on several devices: one in the file, put on each of them", async () => {
  const two = [fakeDevice("first"), fakeDevice("second")];
  const devices = two.map((each) => each.device);
  const own = parameters(devices);
  const trainer = new Trainer(own, "sgd", MOMENTUM);
  await trainer.loadStates(BYTES);
  // Values, and a state for each of the two parameters, on each device.
  assertEquals(two.map((each) => each.fake.liveBuffers), [4, 4]);
  assertEquals(await trainer.saveStates(), BYTES);
  // They go on where the parameters are, not where they came from.
  const moved = parameters();
  const later = new Trainer(moved, "sgd", MOMENTUM);
  await later.loadStates(await trainer.saveStates());
  assertEquals(await later.saveStates(), BYTES);
  free(own, trainer);
  free(moved, later);
  assertEquals([...two.map((each) => each.fake), fake].map((each) => each.liveBuffers), [0, 0, 0]);
});

test("a trainer refuses parameters on different devices", () => {
  const other = fakeDevice("other").device;
  const own = parameters();
  const mixed = { ...own, away: new Parameter("away", { shape: [1] }) };
  mixed.away.initialize("ones", { device: other });
  assertThrows(
    () => new Trainer(mixed, "sgd"),
    DeviceError,
    "Parameter 'bias' lives on fake, expected the devices of Parameter 'away', other; resetDevice()",
  );
  mixed.away.resetDevice([other, device]);
  assertThrows(() => new Trainer(mixed, "sgd"), DeviceError, "'away', other, fake");
  mixed.away.resetDevice(device);
  new Trainer(mixed, "sgd");
  free(mixed);
});
