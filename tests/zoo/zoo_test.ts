/** Every network of MXNet's model zoo, of both versions: minutes of work, `deno task zoo`. */
import { assertLess } from "@std/assert";
import { gpuTest } from "../support/test.ts";
import { readZoo, runZooNetwork } from "./networks.ts";

for (const version of ["mx1", "mx2"] as const) {
  for (const network of readZoo(version)) {
    gpuTest(`${network.name} as exported by ${version} computes what MXNet computed`, async () => {
      assertLess(await runZooNetwork(network), 1e-4);
    });
  }
}
