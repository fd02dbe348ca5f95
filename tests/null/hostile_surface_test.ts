/** Every public export with hostile arguments, on devices that compute nothing: errors of ours, and no leak. */
import { assertEquals } from "@std/assert";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { setDefaultDevice, setMessageHandler } from "../../mod.ts";
import { keepFiles } from "../support/surface_kit.ts";
import { publicMembers } from "../support/surface.ts";
import { attacksOn, NOT_FOR_PROGRAMS, SurfaceRun } from "../support/surface_run.ts";
import { test } from "../support/test.ts";
import { FakeDevice } from "./tensor_fake_device.ts";

/** What needs a device that exists: tests/gpu/hostile_surface_test.ts. */
const ON_DEVICES =
  /^(Device|Kernels|Tuning)\b|^inspect:(profile|memoryReport)$|^Block#prepare$|^(defaultDevice|devices|listAdapters)$/;

async function withRun(body: (run: SurfaceRun) => Promise<void>): Promise<void> {
  const folder = await mkdtemp("/tmp/vknn-");
  const fakes = [new FakeDevice(), new FakeDevice("another")] as const;
  const [{ device }, { device: other }] = fakes;
  const before = setDefaultDevice(device);
  const handler = setMessageHandler(() => {});
  await keepFiles(device, folder);
  const { log } = console;
  console.log = () => {}; // Tensor.print
  try {
    const surroundings = { device, other, folder };
    await body(new SurfaceRun(surroundings, () => fakes[0].live.size + fakes[1].live.size));
  } finally {
    console.log = log;
    setMessageHandler(handler);
    if (before !== undefined) setDefaultDevice(before);
    for (const fake of fakes) fake.disposed = true;
    await rm(folder, { recursive: true });
  }
}

/** Names that declarations in the sources keep from programs, beside those that comments do. */
const BY_COMMENT = ["forward", "reclaimBuffer", "quiesce", "planPrediction", "tune", "keep"];

async function sourceText(): Promise<string> {
  const root = new URL("../../src/", import.meta.url);
  const names = (await readdir(root, { recursive: true })).filter((name) => name.endsWith(".ts"));
  return (await Promise.all(names.map((name) => readFile(new URL(name, root), "utf8")))).join("");
}

test("members that are left out are protected, or comments tell programs not to call them", async () => {
  const source = await sourceText();
  const free = [...NOT_FOR_PROGRAMS].filter((name) =>
    !BY_COMMENT.includes(name) &&
    !new RegExp(`\\b(protected|abstract protected)( abstract| override)? ${name}\\(`).test(source)
  );
  assertEquals(free, []);
});

const members = publicMembers().filter(({ name }) => !ON_DEVICES.test(name));

test("every public export has a valid call that the hostile ones start from", async () => {
  const missing = members.filter((member) => attacksOn(member) === undefined);
  assertEquals(missing.map(({ name }) => name), []);
  await withRun(async (run) => {
    for (const member of members) for (const each of attacksOn(member) ?? []) await run.valid(each);
    assertEquals(run.outcome.faults, []);
  });
});

test("hostile arguments end in errors of ours, without a leak", async () => {
  await withRun(async (run) => {
    for (const member of members) {
      for (const each of attacksOn(member) ?? []) await run.spoilt(each, { whole: 3, inner: 9 });
    }
    assertEquals(run.outcome.faults, []);
  });
});
