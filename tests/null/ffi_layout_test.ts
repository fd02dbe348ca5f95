/** Sizes and offsets of every struct we write or read, against a C compiler's answer. */
import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import {
  type CompiledLayouts,
  compileLayouts,
  fixturePath,
  generatedLayouts,
} from "../../ffi/generator/layout_fixture.ts";
import { type Field, StructLayout } from "../../ffi/struct.ts";
import { test } from "../support/test.ts";

const SCALAR_BYTES = { u8: 1, text: 1, bytes: 1, i32: 4, u32: 4, f32: 4, bool32: 4, u64: 8 };

function fieldByteLength([, type, , count]: Field): number {
  const single = type instanceof StructLayout ? type.byteLength : SCALAR_BYTES[type];
  return single * (count ?? 1);
}

test("the layout fixture is what the C compiler here prints", () => {
  const text = compileLayouts();
  if (text === undefined) {
    console.log("no C compiler or no Vulkan headers here: the committed fixture stands");
    return;
  }
  assert(
    text === readFileSync(fixturePath, "utf8"),
    "the fixture is out of date: run `deno run -A ffi/generator/layout_fixture.ts`",
  );
});

test("every generated struct has the C compiler's size, alignment, type and offsets", () => {
  const compiled = JSON.parse(readFileSync(fixturePath, "utf8")) as CompiledLayouts;
  const layouts = generatedLayouts();
  assertEquals(Object.keys(compiled).sort(), layouts.map((layout) => layout.name).sort());
  for (const layout of layouts) {
    const expected = compiled[layout.name] as CompiledLayouts[string];
    assertEquals(
      {
        byteLength: layout.byteLength,
        alignment: layout.alignment,
        sType: layout.sType ?? null,
        fields: Object.fromEntries(
          layout.fields.map((field) => [field[0], [field[2], fieldByteLength(field)]]),
        ),
      },
      expected as unknown as ReturnType<typeof JSON.parse>,
      layout.name,
    );
    // Nothing but `sType` may be missing: the first field follows it or begins the struct.
    assertEquals(layout.fields[0]?.[2], layout.sType === undefined ? 0 : 8, layout.name);
  }
});
