/** Profiles and memory reports of a real device. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { memoryReport, profile } from "../../inspect.ts";
import { Conv2D, HybridSequential, MaxPool2D, relu, tensor, zeros } from "../../mod.ts";
import { StateError } from "../../src/core/errors.ts";
import { gpuTest } from "../support/test.ts";

gpuTest("profile() measures each operator that a function applies", async (device) => {
  const net = new HybridSequential().add(new Conv2D(8, 3, { useBias: false }), new MaxPool2D(2));
  net.initialize();
  using x = zeros([1, 3, 34, 34]);
  net.call(x).dispose(); // makes values and pipelines
  const measured = await profile(() => {
    for (let i = 0; i < 3; i++) net.call(x).dispose();
    return "done";
  });
  assertEquals(measured.result, "done");
  assertEquals(measured.deviceName, device.adapter.name);
  const rows = new Map(measured.operatorRows.map((row) => [row.label, row]));
  assertEquals([...rows.keys()].sort(), ["Convolution", "Pooling"]);
  const conv = rows.get("Convolution")!;
  assertEquals([conv.calls, conv.flops], [3, 3 * 2 * 8 * 27 * 32 * 32]);
  assertEquals(conv.bytes, 3 * 4 * (3 * 34 * 34 + 8 * 27 + 8 * 32 * 32));
  assertEquals(rows.get("Pooling")!.calls, 3);
  assertEquals(
    measured.kernelRows.reduce((sum, { calls }) => sum + calls, 0),
    measured.kernels.length,
  );
  assert(measured.wallMilliseconds > 0);
  if (measured.nanoseconds !== null) {
    assert(measured.hasTimes && conv.nanoseconds! > 0);
    assertAlmostEquals(
      measured.operatorRows.reduce((sum, { share }) => sum + share!, 0),
      1,
      1e-9,
    );
    assertAlmostEquals(conv.gigaflopsPerSecond!, conv.flops! / conv.nanoseconds!, 1e-9);
    // One after the other, on one clock.
    const starts = measured.kernels.map(({ start }) => start!);
    assertEquals(starts[0], 0);
    assertEquals(starts.toSorted((a, b) => a - b), starts);
    assert(measured.nanoseconds <= measured.wallMilliseconds * 1e6);
    assertEquals(measured.trace().traceEvents.length, 2 + measured.kernels.length);
  }
  net.dispose();
});

gpuTest("profile() waits for asynchronous functions and passes errors on", async () => {
  using x = tensor([-1, 2]);
  const measured = await profile(async () => {
    using y = relu(x);
    return await y.data();
  });
  assertEquals([...measured.result], [0, 2]);
  assertEquals(measured.operatorRows.map(({ label }) => label), ["Activation"]);
  await assertRejects(
    () =>
      profile(() => {
        throw new Error("inside");
      }),
    Error,
    "inside",
  );
  // Nothing is left running, and no two run at once.
  await profile(async () => {
    await assertRejects(() => profile(() => {}), StateError, "already");
    relu(x).dispose();
  });
  assertEquals((await profile(() => {})).kernels, []);
});

gpuTest("memoryReport() accounts for every live byte by label", (device) => {
  const before = memoryReport(device);
  using x = zeros([64, 64], { label: "picture" });
  using y = zeros([16], { label: "picture" });
  using z = relu(x);
  const report = memoryReport();
  const picture = report.labels.find(({ label }) => label === "picture");
  assertEquals(picture, { label: "picture", liveBytes: 4 * (64 * 64 + 16), liveBuffers: 2 });
  assertEquals(
    report.labels.reduce((sum, row) => sum + row.liveBytes, 0),
    report.statistics.liveBytes,
  );
  assertEquals(
    report.statistics.liveBuffers - before.statistics.liveBuffers,
    3,
    `${y.label} ${z.label}`,
  );
  const bytes = report.labels.map(({ liveBytes }) => liveBytes);
  assertEquals(bytes.toSorted((a, b) => b - a), bytes);
  assert(`${report}`.includes("picture"));
});
