// From a built binary to two browsers in sync, in less than ten seconds, and what they look like then.
// usage: node tour.js FOLDER, with the binary at DOCKET and the browser at CHROMIUM; docs/images has what it stores.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const images = resolve(process.argv[2] ?? "../../docs/images");
const start = Date.now();
const seconds = () => ((Date.now() - start) / 1000).toFixed(1);

const probe = createServer().listen(0, "127.0.0.1");
await once(probe, "listening");
const { port } = probe.address();
probe.close();
const folder = mkdtempSync(join(tmpdir(), "docket-tour-"));
const base = `http://127.0.0.1:${port}`;
const server = spawn(resolve(process.env.DOCKET ?? "../../target/debug/docket"), {
  cwd: folder,
  env: { ...process.env, PORT: String(port), BETTER_AUTH_URL: base, DATABASE_URL: `sqlite://${folder}/docket.db?mode=rwc`, RUST_LOG: "error" },
  stdio: ["ignore", "ignore", "inherit"],
});
process.env.DOCKET_URL = base;
const { add, device, faults, launch, live, openTask, person, press, rename, sample, signIn } = await import("./app.js");

let browser;
try {
  while (!(await fetch(`${base}/health/ready`).then((it) => it.ok, () => false))) await new Promise((wait) => setTimeout(wait, 50));
  console.log(`${seconds()} s: Docket is ready`);
  browser = await launch();
  const eve = await person("Eve");
  await eve.load(sample());
  const [desk, phone] = [await device(browser, { width: 1280, height: 800 }), await device(browser, { width: 390, height: 760 })];
  const [large, small] = await Promise.all([desk.open("#/all"), phone.open("#/all")]);
  await signIn(large, eve);
  await signIn(small, eve);
  await add(large, "Seen on both");
  await small.waitForFunction(() => [...document.querySelectorAll(".row-title")].some((it) => it.textContent === "Seen on both"), { polling: 20 });
  console.log(`${seconds()} s: two browsers are in sync`);
  assert.ok(Number(seconds()) < 10, `${seconds()} s`);

  mkdirSync(images, { recursive: true });
  const dress = (page, theme) => page.evaluate((it) => localStorage.setItem("docket.theme", it), theme);
  // Once more, so that each page has its font from the start.
  const shot = async (page, name, theme, hash, prepare = async () => {}) => {
    await dress(page, theme);
    await page.evaluate((it) => void (location.hash = it), hash);
    await page.reload();
    await page.waitForSelector(".sync.live");
    await prepare();
    await page.evaluate(() => new Promise((wait) => setTimeout(wait, 300)));
    const path = join(images, `${name}.png`);
    await page.screenshot({ path, optimizeForSpeed: false });
    assert.ok(statSync(path).size <= 150_000, `${name} has ${statSync(path).size} bytes`);
  };
  await shot(large, "app", "light", "#/all", () => openTask(large, "Review the quarterly numbers with Priya"));
  await shot(large, "app-dark", "dark", "#/upcoming");
  await shot(small, "app-phone", "light", "#/today");
  await dress(small, "dark");
  phone.wire.cut();
  await small.waitForSelector(".sync.offline", { timeout: 10_000 });
  await small.evaluate(() => void (location.hash = "#/all"));
  await rename(small, "Call the dentist", "Call the dentist at nine");
  await large.evaluate(() => void (location.hash = "#/all"));
  await rename(large, "Call the dentist", "Write to the dentist");
  await live(large);
  phone.wire.plug();
  await shot(small, "app-conflict", "dark", "#/all", () => press(small, "Review"));
  assert.deepEqual(faults, []);
  console.log(`${seconds()} s: the pictures are in ${images}`);
} finally {
  await browser?.close();
  server.kill();
  await once(server, "exit");
  rmSync(folder, { recursive: true, force: true });
}
