// Puts the built app into a folder for the binary, with a list for include!.
// usage: node embed.mjs DIST OUT
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { keepAll } from "../../src/embedded/keep.mjs";

const [dist, out] = process.argv.slice(2);
const paths = readdirSync(dist, { recursive: true, withFileTypes: true }).filter((it) => it.isFile()).map((it) => join(it.parentPath, it.name));
const files = paths.sort().map((path) => [relative(dist, path).replaceAll("\\", "/"), readFileSync(path)]);
if (!files.some(([name]) => name === "index.html")) throw new Error("the app has no page");
keepAll(files, join(out, "app-files"), join(out, "app.rs"));
