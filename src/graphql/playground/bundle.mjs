// Puts the files that page.html names into a folder, checked against its checksums, with a list for include!.
// usage: node bundle.mjs OUT, where OUT/node_modules has the packages of package-lock.json
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const out = process.argv[2];
const page = readFileSync(new URL("page.html", import.meta.url), "utf8");
const files = [...page.matchAll(/(?:src|href)="\{files\}([^"]+)"[^>]*integrity="(sha384-[^"]+)"/g)];
const folder = join(out, "files");
mkdirSync(folder, { recursive: true });
const list = [];

/** Keeps a file, as it is and compressed, under the name that the page calls it by. */
function keep(name, bytes) {
  const path = join(folder, String(list.length));
  writeFileSync(path, bytes);
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  list.push(`    (${JSON.stringify(name)}, include_bytes!(${JSON.stringify(path)}), include_bytes!(${JSON.stringify(`${path}.gz`)})),\n`);
}

const licences = new Set();
for (const [, name, integrity] of files) {
  // react@18.3.1/umd/react.production.min.js
  const [, pack, version, path] = /^(.+?)@([^/]+)\/(.+)$/.exec(name);
  const home = join(out, "node_modules", pack);
  const found = JSON.parse(readFileSync(join(home, "package.json"), "utf8")).version;
  if (found !== version) throw new Error(`${pack} is ${found}, not ${version}`);
  const bytes = readFileSync(join(home, path));
  const sum = `sha384-${createHash("sha384").update(bytes).digest("base64")}`;
  if (sum !== integrity) throw new Error(`${name} is not what the page expects`);
  keep(name, bytes);
  const licence = readdirSync(home).find((file) => /^licen[cs]e/i.test(file));
  if (licence && !licences.has(home)) keep(`${pack}@${version}/${licence}`, readFileSync(join(home, licence)));
  licences.add(home);
}
if (files.length !== 5) throw new Error(`the page names ${files.length} files`);
writeFileSync(join(out, "playground.rs"), `&[\n${list.join("")}]\n`);
