// The playground in a real browser that reaches nothing but this machine: sign up, ask, listen, see a change arrive.
// Needs a running Docket at DOCKET_URL, built with npm, and the browser at CHROMIUM.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import puppeteer from "puppeteer-core";

const base = process.env.DOCKET_URL ?? "http://localhost:8000";
let browser, page;
const foreign = [], faults = [];

before(async () => {
  browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  page = await browser.newPage();
  await page.setRequestInterception(true);
  page.on("request", (request) => {
    const url = request.url();
    if (/^(data|blob):/.test(url) || new URL(url).origin === base) return request.continue();
    foreign.push(url);
    request.abort();
  });
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
});
after(() => browser?.close());

/** Puts a document into the editor, runs it, and waits until the result shows the words. */
async function run(document, ...words) {
  await page.evaluate((text) => globalThis.document.querySelector(".graphiql-query-editor .CodeMirror").CodeMirror.setValue(text), document);
  await page.click(".graphiql-execute-button");
  await shows(...words);
}

function shows(...words) {
  const has = (all) => {
    const shown = globalThis.document.querySelector(".result-window .CodeMirror")?.CodeMirror.getValue() ?? "";
    return all.every((word) => shown.includes(word));
  };
  return page.waitForFunction(has, { timeout: 10_000 }, words).catch(async () => {
    const shown = await page.evaluate(() => globalThis.document.querySelector(".result-window")?.innerText);
    assert.fail(`${words} not in ${shown}; ${faults}`);
  });
}

test("a newcomer signs up, asks, listens, and sees a change arrive", async () => {
  const answer = await page.goto(`${base}/graphiql`, { waitUntil: "networkidle0" });
  assert.ok(!answer.headers()["content-security-policy"].includes("http"), "a page of its own files alone");
  await page.waitForSelector(".graphiql-execute-button");
  await run("{ me { id } }", "UNAUTHENTICATED");

  await page.type("#account [name=email]", `eve-${Date.now()}@example.com`);
  await page.type("#account [name=password]", "correct-horse-1");
  await page.click("#account [name=sign-up]");
  await page.waitForFunction(() => document.getElementById("state").value.startsWith("Signed in as eve"));
  const token = await page.evaluate(async () => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch("/graphql", { method: "POST", headers, body: JSON.stringify({ query: "{ syncToken }" }) });
    return (await answer.json()).data.syncToken;
  });
  await run('mutation { createTask(input: { title: "the first" }) { task { title } } }', "the first");
  await run("{ tasks { totalCount } }", '"totalCount": 1');

  await run(`subscription { changes(after: "${token}") { node { ... on Task { title } } } }`, "the first");
  const status = await page.evaluate(async () => {
    const query = 'mutation { createTask(input: { title: "the second" }) { task { id } } }';
    const headers = { "content-type": "application/json" };
    return (await fetch("/graphql", { method: "POST", headers, body: JSON.stringify({ query }) })).status;
  });
  assert.equal(status, 200);
  await shows("the second");
  await page.click(".graphiql-execute-button");

  await page.click("#account [name=sign-out]");
  await page.waitForFunction(() => document.getElementById("state").value.startsWith("Not signed in"));
  assert.deepEqual([foreign, faults], [[], []]);
});
