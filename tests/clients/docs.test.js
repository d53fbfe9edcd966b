// The page of the REST API in a browser: one signs in by e-mail and password, and tries a route. See browser.js.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { base, faults, foreign, launch, newcomer, overflow, proxy, serious, sign, signOut } from "./browser.js";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const line = (page, words) => page.waitForFunction((it) => document.getElementById("authorization").textContent.includes(it), {}, words);

/** Opens a route of the page, and sends its request as it stands. */
async function tryRoute(page, id) {
  await (await page.waitForSelector(`#operations-${id} .opblock-summary-control`)).click();
  await (await page.waitForSelector(`#operations-${id} .try-out__btn`)).click();
  await (await page.waitForSelector(`#operations-${id} .execute`)).click();
  const live = await page.waitForSelector(`#operations-${id} .live-responses-table`);
  return live.evaluate((it) => it.closest(".responses-wrapper").innerText);
}

async function signUp(page) {
  const name = `ann-${Math.random().toString(36).slice(2)}`;
  await line(page, "Sign in above");
  await sign(page, "sign-up", `${name}@example.com`, "correct-horse-1");
  await line(page, `sent as ${name}`);
  return name;
}

test("below a path too, who signs in sends requests with a token, and with the own id", async () => {
  const url = await proxy();
  const page = await newcomer(browser);
  await page.goto(`${url}/docs`);
  assert.equal(page.url(), `${url}/docs/`, "at the port of the proxy");
  await signUp(page);
  const sent = page.waitForRequest((request) => request.url().includes("/tasks") && request.headers().authorization);
  const shown = await tryRoute(page, "tasks-listTasks");
  const { user } = await page.evaluate(async () => (await fetch("../api/auth/get-session")).json());
  const request = await sent;
  assert.ok(new URL(request.url()).pathname.endsWith(`/api/${user.id}/tasks`), request.url());
  assert.match(request.headers().authorization, /^Bearer ey/);
  assert.ok(shown.includes("200"), shown);
  await page.setViewport({ width: 390, height: 844 });
  assert.equal(await overflow(page), 0, "the answer is not too wide on a phone");
  await signOut(page);
  await line(page, "Sign in above");
  assert.ok(await page.$(".btn.authorize.unlocked"), "the token is forgotten");
  assert.deepEqual([foreign, faults], [[], []]);
});

for (const theme of ["light", "dark"]) {
  test(`nothing is too wide on a phone, and axe finds nothing of ours, in the ${theme} theme`, async () => {
    const page = await newcomer(browser, { width: 390, height: 844, theme });
    await page.goto(`${base}/docs/`);
    await line(page, "Sign in above");
    await (await page.waitForSelector("#operations-tasks-createTask .opblock-summary-control")).click();
    await page.waitForSelector("#operations-tasks-createTask .opblock-body");
    assert.equal(await overflow(page), 0);
    await page.click("#bar summary");
    // A route of Swagger UI has a button in the one that opens it, and selections without a name.
    assert.deepEqual(await serious(page, "body", ["nested-interactive", "select-name"]), []);
    const isDark = await page.evaluate(() => document.documentElement.classList.contains("dark-mode"));
    assert.equal(isDark, theme === "dark");
  });
}
