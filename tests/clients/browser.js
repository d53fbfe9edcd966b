// A browser that reaches nothing but a Docket on this machine, for the pages that have the bar: the playground and the
// page of the REST API. Needs a running Docket at DOCKET_URL, built with npm, and the browser at CHROMIUM.
import { readFileSync } from "node:fs";
import { createServer, request as forward } from "node:http";
import { once } from "node:events";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

export const base = process.env.DOCKET_URL ?? "http://localhost:8000";
export const PREFIX = "/tools/docket";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const launch = () =>
  puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-prefers-reduced-motion"],
  });

/** What pages asked of others, and what went wrong in them. */
export const foreign = [], faults = [];

/** A page of a browser that has never been here, in that theme. */
export async function newcomer(browser, { width = 1280, height = 850, theme = "light" } = {}) {
  const page = await (await browser.createBrowserContext()).newPage();
  page.setDefaultTimeout(15_000);
  await page.setViewport({ width, height });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
  page.on("request", (request) => {
    const url = request.url();
    if (!/^(data|blob):/.test(url) && !["127.0.0.1", "localhost"].includes(new URL(url).hostname)) foreign.push(url);
  });
  page.on("pageerror", (error) => faults.push(error.message));
  // Chromium says so of every answer that is an error, which some are meant to be.
  const isExpected = (text) => text.startsWith("Failed to load resource");
  page.on("console", (message) => message.type() === "error" && !isExpected(message.text()) && faults.push(message.text()));
  return page;
}

/** Makes an account by the button of the bar. */
export async function tryDemo(page) {
  await (await page.waitForSelector("#bar [name=demo]:not([hidden])")).click();
  await page.waitForSelector("#bar [name=copy]:not([hidden])");
}

/** Opens the panel of the bar, and signs up or in. */
export async function sign(page, how, email, password) {
  await page.click("#bar summary");
  await page.type("#bar [name=email]", email);
  await page.type("#bar [name=password]", password);
  await page.click(`#bar [value='${how}/email']`);
}

export async function signOut(page) {
  await page.$eval("#bar details", (details) => (details.open = true));
  await page.click("#bar [name=sign-out]");
  await page.waitForSelector("#bar [name=copy]", { hidden: true });
}

export const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

/** The serious things that axe finds in an element, in a few words each, but for rules that what others have made breaks. */
export async function serious(page, selector, broken = []) {
  // The page allows no script of others: it comes as the debugger's.
  await page.evaluate(axe);
  const { violations } = await page.evaluate((it) => globalThis.axe.run(it, { resultTypes: ["violations"] }), selector);
  const found = violations.filter(({ id, impact }) => ["serious", "critical"].includes(impact) && !broken.includes(id));
  return found.flatMap(({ id, nodes }) => nodes.map((it) => `${id}: ${it.target} ${it.failureSummary}`));
}

/** A proxy of another port that has Docket below a path, which it takes off; the URL that Docket has there. */
export async function proxy() {
  const server = createServer((request, response) => {
    if (!request.url.startsWith(PREFIX)) return response.writeHead(502).end();
    const path = request.url.slice(PREFIX.length);
    const { method, headers } = request;
    const onward = forward(new URL(path, base), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  }).listen(0, "127.0.0.1");
  server.unref();
  await once(server, "listening");
  return `http://127.0.0.1:${server.address().port}${PREFIX}`;
}
