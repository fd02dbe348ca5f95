// Barriers: enough of them and no more, on random streams of commands.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type HazardState, HazardTracker, READ, WRITE } from "../../src/device/hazards.ts";
import { test } from "../support/test.ts";

interface Access {
  readonly buffer: number;
  readonly access: number;
}

type Recorded = { readonly barrier: true } | { readonly command: readonly Access[] };

/** What the recorder does for each command, without Vulkan. */
function record(commands: readonly (readonly Access[])[]): Recorded[] {
  const hazards = new HazardTracker();
  const states = Array.from({ length: 8 }, (): HazardState => ({ readEpoch: 0, writeEpoch: 0 }));
  const stream: Recorded[] = [];
  for (const command of commands) {
    const state = ({ buffer }: Access) => states[buffer] as HazardState;
    if (command.some((each) => hazards.conflicts(state(each), each.access))) {
      stream.push({ barrier: true });
      hazards.advance();
    }
    for (const each of command) hazards.touch(state(each), each.access);
    stream.push({ command });
  }
  return stream;
}

function conflict(before: readonly Access[], after: readonly Access[]): boolean {
  return before.some((a) =>
    after.some((b) => a.buffer === b.buffer && ((a.access | b.access) & WRITE) !== 0)
  );
}

const command = fc.array(
  fc.record({
    buffer: fc.integer({ min: 0, max: 7 }),
    access: fc.constantFrom(READ, READ, WRITE, READ | WRITE),
  }),
  { minLength: 1, maxLength: 4 },
);

test("a barrier stands between any two commands that conflict", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
      const stream = record(commands);
      let since: (readonly Access[])[] = [];
      for (const each of stream) {
        if ("barrier" in each) {
          since = [];
          continue;
        }
        for (const before of since) assert(!conflict(before, each.command));
        since.push(each.command);
      }
    }),
    { numRuns: 1000 },
  );
});

test("a barrier stands only where the next command conflicts with one since the last barrier", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
      const stream = record(commands);
      let since: (readonly Access[])[] = [];
      stream.forEach((each, index) => {
        if ("command" in each) {
          since.push(each.command);
          return;
        }
        const next = stream[index + 1];
        assert(next !== undefined && "command" in next);
        assert(since.some((before) => conflict(before, next.command)), "no barrier for nothing");
        since = [];
      });
    }),
    { numRuns: 1000 },
  );
});

test("a chain of dependent commands has a barrier in front of each but the first", () => {
  const stream = record(
    [0, 1, 2].map((i) => [{ buffer: i, access: READ }, { buffer: i + 1, access: WRITE }]),
  );
  assertEquals(stream.map((each) => "barrier" in each), [false, true, false, true, false]);
});

test("readers of one buffer, and writers of different ones, have no barrier", () => {
  const stream = record(
    [1, 2, 3].map((i) => [{ buffer: 0, access: READ }, { buffer: i, access: WRITE }]),
  );
  assertEquals(stream.some((each) => "barrier" in each), false);
});
