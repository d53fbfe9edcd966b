// Puts files into a folder, as they are and compressed, with a list of them that Rust includes.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** Keeps files under the names that their page calls them by, and writes the list. */
export function keepAll(files, folder, list) {
  mkdirSync(folder, { recursive: true });
  const include = (path, bytes) => {
    writeFileSync(path, bytes);
    return `include_bytes!(${JSON.stringify(path)})`;
  };
  const entries = [...files].map(([name, bytes], index) => {
    const path = join(folder, String(index));
    const compressed = gzipSync(bytes, { level: 9 });
    const gzip = compressed.length < bytes.length * 0.95 ? `Some(${include(`${path}.gz`, compressed)})` : "None";
    return `    File { name: ${JSON.stringify(name)}, plain: ${include(path, bytes)}, gzip: ${gzip} },\n`;
  });
  writeFileSync(list, `&[\n${entries.join("")}]\n`);
}
