// Puts the files that page.html names into a folder, checked against its checksums, with a list for include!.
// usage: node bundle.mjs OUT, where OUT/node_modules has the packages of package-lock.json
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { keepAll } from "../../embedded/keep.mjs";

const out = process.argv[2];
const page = readFileSync(new URL("page.html", import.meta.url), "utf8");
const named = [...page.matchAll(/(?:src|href)="\{files\}([^"]+)"[^>]*integrity="(sha384-[^"]+)"/g)];
const files = new Map();

const licences = new Set();
for (const [, name, integrity] of named) {
  // react@18.3.1/umd/react.production.min.js
  const [, pack, version, path] = /^(.+?)@([^/]+)\/(.+)$/.exec(name);
  const home = join(out, "node_modules", pack);
  const found = JSON.parse(readFileSync(join(home, "package.json"), "utf8")).version;
  if (found !== version) throw new Error(`${pack} is ${found}, not ${version}`);
  const bytes = readFileSync(join(home, path));
  const sum = `sha384-${createHash("sha384").update(bytes).digest("base64")}`;
  if (sum !== integrity) throw new Error(`${name} is not what the page expects`);
  files.set(name, bytes);
  const licence = readdirSync(home).find((file) => /^licen[cs]e/i.test(file));
  if (licence && !licences.has(home)) files.set(`${pack}@${version}/${licence}`, readFileSync(join(home, licence)));
  licences.add(home);
}
if (named.length !== 5) throw new Error(`the page names ${named.length} files`);
keepAll(files, join(out, "files"), join(out, "playground.rs"));
