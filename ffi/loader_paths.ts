/**
 * Where systems install the Vulkan loader. Plain data: nothing here touches a file.
 *
 * @module
 */

import type { NativeArchitecture, NativeOperatingSystem } from "./native.ts";

const linuxMultiarch: Readonly<Record<NativeArchitecture, readonly string[]>> = {
  x86_64: ["x86_64-linux-gnu"],
  aarch64: ["aarch64-linux-gnu"],
  other: ["riscv64-linux-gnu", "loongarch64-linux-gnu", "powerpc64le-linux-gnu"],
};

/**
 * Paths to try, best first.
 *
 * @param os The operating system.
 * @param architecture The processor architecture.
 * @param bareName Whether the system's own search may be asked too. Only where that search never
 * looks in the current directory.
 * @returns Absolute paths, after the bare name where that is allowed.
 */
export function loaderCandidates(
  os: NativeOperatingSystem,
  architecture: NativeArchitecture,
  bareName: boolean,
): readonly string[] {
  switch (os) {
    case "darwin": {
      const folders = ["/usr/local/lib", "/opt/homebrew/lib"];
      if (architecture === "aarch64") folders.reverse();
      return ["libvulkan.1.dylib", "libMoltenVK.dylib"].flatMap((file) =>
        folders.map((folder) => `${folder}/${file}`)
      );
    }
    case "windows":
      return ["C:\\Windows\\System32\\vulkan-1.dll"];
    default: {
      const file = "libvulkan.so.1";
      const multiarch = linuxMultiarch[architecture];
      const folders = [
        ...multiarch.map((name) => `/usr/lib/${name}`),
        "/usr/lib64",
        "/usr/lib",
        ...multiarch.map((name) => `/lib/${name}`),
        "/lib64",
        "/lib",
        "/usr/local/lib64",
        "/usr/local/lib",
      ];
      const paths = folders.map((folder) => `${folder}/${file}`);
      return bareName ? [file, ...paths] : paths;
    }
  }
}

/**
 * The library with `memcpy`, `memmove` and `memset`, where the Vulkan loader's own handle does not
 * find them.
 *
 * @param os The operating system.
 * @returns A path, or `undefined` where the loader's handle serves.
 */
export function memoryLibrary(os: NativeOperatingSystem): string | undefined {
  // GetProcAddress does not look into dependencies; dlsym does.
  return os === "windows" ? "C:\\Windows\\System32\\ucrtbase.dll" : undefined;
}
