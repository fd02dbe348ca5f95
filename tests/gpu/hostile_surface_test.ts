/** Every public export with hostile arguments on real devices; and devices themselves, which the tests without a GPU lack. */
import { assert, assertEquals } from "@std/assert";
import { mkdtemp, rm } from "node:fs/promises";
import { Device, DisposedError, setDefaultDevice, setMessageHandler, tensor } from "../../mod.ts";
import { faultOf } from "../support/hostile_values.ts";
import { publicMembers } from "../support/surface.ts";
import { attacksOn, SurfaceRun } from "../support/surface_run.ts";
import { keepFiles } from "../support/surface_kit.ts";
import { gpuTest } from "../support/test.ts";

/** What only a real device has, or opens. */
const OF_DEVICES =
  /^(Device|Kernels|Tuning)\b|^inspect:(profile|memoryReport)$|^Block#prepare$|^(defaultDevice|devices|listAdapters)$/;

/** Takes the code of programs as it is given, which Vulkan leaves to the caller: drivers of GPUs crash where it is wrong. */
const OF_PROGRAMS = /^(Device#(dispatch|prepare)|Kernels#.*)$/;

/** Ends the device: not in the middle. */
const LAST = ["Device", "Device#dispose", "Device#[Symbol.dispose]"];

gpuTest("hostile arguments end in errors of ours on a device, which works on", async (usual) => {
  const folder = await mkdtemp("/tmp/vknn-");
  const device = Device.open({ tune: "saved" });
  const other = Device.open();
  setDefaultDevice(device);
  const handler = setMessageHandler(() => {});
  const { log } = console;
  console.log = () => {}; // Tensor.print
  const live = () => device.memory().liveBuffers + other.memory().liveBuffers;
  const run = new SurfaceRun({ device, other, folder }, live);
  try {
    await keepFiles(device, folder);
    for (const member of publicMembers()) {
      const ofDevices = OF_DEVICES.test(member.name);
      const attacks = attacksOn(member);
      assert(
        attacks !== undefined || LAST.includes(member.name),
        `${member.name} has no valid call`,
      );
      for (const each of attacks ?? []) {
        if (LAST.includes(each.name)) continue;
        if (!device.adapter.software && OF_PROGRAMS.test(each.name)) continue;
        if (ofDevices) await run.valid(each);
        // Arguments that are allowed after all compile kernels: a few of them suffice here.
        await run.spoilt(each, ofDevices ? { whole: 1, inner: 1 } : { whole: 16, inner: 90 });
      }
    }
    assertEquals(run.outcome.faults, []);
    using x = tensor([1, 2, 3], [3], { device });
    using y = x.mul(2);
    assertEquals([...await y.data()], [2, 4, 6]);
    device.dispose();
    assertEquals(faultOf(errorOf(() => device.allocate(4, "late"))), undefined);
    assert(errorOf(() => x.mul(2)) instanceof DisposedError);
  } finally {
    console.log = log;
    setMessageHandler(handler);
    setDefaultDevice(usual);
    device.dispose();
    other.dispose();
    await rm(folder, { recursive: true });
  }
});

function errorOf(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  return undefined;
}
