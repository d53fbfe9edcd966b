// The playground in a browser: every example runs as it says, and the bar signs in and out. See browser.js.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { base, faults, foreign, launch, newcomer, overflow, proxy, serious, sign, signOut, tryDemo } from "./browser.js";

const TABS = ["FirstLook", "CreateTasks", "EditWithConflict", "Pages", "Filters", "Search", "WatchChanges", "PullChanges", "PushChanges", "Errors"];
let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

async function open(page, url = `${base}/graphiql`) {
  const answer = await page.goto(url);
  await page.waitForSelector(".graphiql-execute-button");
  await page.waitForFunction(() => globalThis.__MONACO?.editor.getModels().length >= 3);
  return answer;
}

/** The text of an editor: operation.graphql, variables.json or response.json. */
const read = (page, name) =>
  page.evaluate((it) => globalThis.__MONACO.editor.getModels().find(({ uri }) => uri.path.endsWith(it)).getValue(), name);
const write = (page, name, text) =>
  page.evaluate((it, value) => globalThis.__MONACO.editor.getModels().find(({ uri }) => uri.path.endsWith(it)).setValue(value), name, text);

/** Changes variables of the document that is shown. */
async function set(page, changes) {
  const variables = JSON.parse(await read(page, "variables.json"));
  await write(page, "variables.json", JSON.stringify({ ...variables, ...changes }));
}

const titles = (page) => page.$$eval(".graphiql-tab-button", (all) => all.map((it) => it.textContent));

async function turnTo(page, title) {
  await page.evaluate((it) => [...document.querySelectorAll(".graphiql-tab-button")].find((tab) => tab.textContent === it).click(), title);
  await page.waitForFunction((it) => document.querySelector(".graphiql-tab-active")?.textContent.includes(it), {}, title);
}

/** The answer, once it fits. */
async function answer(page, fits) {
  for (let left = 100; left > 0; left--) {
    const text = await read(page, "response.json");
    const found = text && JSON.parse(text);
    if (found && fits(found)) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`${await read(page, "operation.graphql")}\nis answered\n${await read(page, "response.json")}\n${faults}`);
}

async function run(page, fits = ({ data, errors }) => data && !errors) {
  await write(page, "response.json", "");
  await page.click(".graphiql-execute-button");
  return answer(page, fits);
}

/** Runs one of several operations, which has errors. */
async function choose(page, operation) {
  await write(page, "response.json", "");
  await (await page.waitForSelector(".graphiql-execute-button[aria-haspopup=menu]")).click();
  await page.locator(`[role=menuitem]::-p-text(${operation})`).click();
  return answer(page, ({ errors }) => errors);
}

test("a newcomer gets an account and runs all examples, which build on each other", async () => {
  const page = await newcomer(browser);
  const response = await open(page);
  assert.ok(!response.headers()["content-security-policy"].includes("http"), "a page of its own files alone");
  assert.deepEqual(await titles(page), TABS);
  assert.equal((await run(page, ({ errors }) => errors)).errors[0].extensions.code, "UNAUTHENTICATED");
  await tryDemo(page);

  const first = (await run(page)).data;
  assert.ok(first.me.email.startsWith("demo-") && first.taskLists.length === 3 && first.tasks.totalCount > 10);
  assert.ok(first.tasks.nodes.filter(({ dueDate, dueAt }) => dueDate || dueAt).length >= 8, "tasks are due");

  await turnTo(page, "CreateTasks");
  const { createTasks } = (await run(page)).data;
  assert.ok(createTasks.tasks.some(({ dueAt }) => dueAt) && createTasks.tasks.some(({ dueDate }) => dueDate));
  assert.deepEqual((await run(page)).data.createTasks.tasks, createTasks.tasks, "nothing is made twice");

  await turnTo(page, "EditWithConflict");
  const [conflict] = (await run(page, ({ errors }) => errors)).errors;
  assert.deepEqual([conflict.extensions.code, conflict.extensions.current.priority], ["CONFLICT", "URGENT"]);
  await set(page, { seen: conflict.extensions.current.revision, elsewhere: false });
  assert.equal((await run(page)).data.here.task.title, "Renew the passport at the town hall");

  await turnTo(page, "Pages");
  const { pageInfo, nodes } = (await run(page)).data.tasks;
  assert.ok(pageInfo.hasNextPage && nodes.length === 3);
  await set(page, { after: pageInfo.endCursor });
  assert.notDeepEqual((await run(page, ({ data }) => data)).data.tasks.nodes, nodes);

  await turnTo(page, "Filters");
  assert.ok((await run(page)).data.tasks.totalCount >= 5);
  await turnTo(page, "Search");
  const { best, exact } = (await run(page)).data;
  assert.ok(best.totalCount >= 2 && exact.totalCount >= best.totalCount, JSON.stringify({ best, exact }));

  await turnTo(page, "PullChanges");
  const { changes } = (await run(page)).data;
  assert.ok(changes.hasMore && changes.changes.length === 20);
  await set(page, { after: changes.syncToken });
  assert.notEqual((await run(page)).data.changes.syncToken, changes.syncToken);
  await turnTo(page, "PushChanges");
  const { results } = (await run(page)).data.pushChanges;
  assert.deepEqual(results.map(({ status }) => status), ["APPLIED", "CONFLICT"]);
  assert.equal(results[1].current.title, "Renew the passport at the town hall");

  await turnTo(page, "Errors");
  const { data, errors } = await choose(page, "Errors");
  assert.deepEqual(errors.map(({ extensions }) => extensions.code), ["BAD_USER_INPUT", "NOT_FOUND", "CONFLICT", "NAME_TAKEN"]);
  assert.equal(data.right.label.name, "example");
  assert.equal((await choose(page, "TooExpensive")).errors[0].extensions.code, "QUERY_TOO_EXPENSIVE");
  assert.deepEqual([foreign, faults], [[], []]);
});

test("a subscription lists all events, the newest first, and begins again when it is run again", async () => {
  const page = await newcomer(browser);
  await open(page);
  await tryDemo(page);
  await turnTo(page, "WatchChanges");
  await run(page, ({ subscription }) => subscription?.startsWith("open"));
  for (const count of [1, 2, 3]) {
    await page.click("[aria-label^='Make a change']");
    const { events } = await answer(page, ({ received }) => received === count);
    assert.equal(events.length, count);
  }
  const { events } = await answer(page, () => true);
  const revisions = events.map(({ data }) => data.changes.node.revision);
  assert.deepEqual(revisions, revisions.toSorted((one, other) => other - one));
  assert.ok(events.every(({ at, data }) => /^\d\d:\d\d:\d\d\.\d{3}$/.test(at) && data.changes.node.title.startsWith("Made at")));
  await page.click(".graphiql-execute-button");
  const again = await run(page, ({ subscription }) => subscription);
  assert.deepEqual([again.received, again.events], [0, []]);
  // It ends with the session of its user.
  await signOut(page);
  await answer(page, ({ subscription }) => !subscription.startsWith("open"));
  assert.deepEqual(faults, []);
});

test("tabs that somebody has already stay, and the examples are beside them", async () => {
  const page = await newcomer(browser);
  await page.evaluateOnNewDocument(() => {
    const tab = { id: "a", hash: null, title: "Mine", query: "query Mine { me { id } }", variables: null, headers: null, operationName: "Mine", response: null };
    localStorage.setItem("graphiql:tabState", JSON.stringify({ activeTabIndex: 0, tabs: [tab] }));
  });
  await open(page);
  assert.equal(await read(page, "operation.graphql"), "query Mine { me { id } }");
  await page.click("[aria-label='Show Examples']");
  await page.locator(".examples ::-p-text(Search for words)").click();
  await page.waitForFunction(() => document.querySelectorAll(".graphiql-tab-button").length === 2);
  assert.ok((await read(page, "variables.json")).includes("words"));
  await page.waitForFunction(() => document.querySelector(".graphiql-tab-active").textContent.includes("Search"));
  assert.deepEqual(await titles(page), ["Mine", "Search"]);
  await page.click("[aria-label='Show Explorer']");
  await page.waitForFunction(() => document.querySelector(".graphiql-plugin").textContent.includes("searchTasks"));
  const guide = await page.$eval("#bar nav a:last-child", (link) => link.href);
  assert.ok((await (await fetch(guide)).text()).includes("Who asks"), guide);
});

test("people sign up, copy a token that programs can use, sign out and in, and are told what is wrong", async () => {
  const page = await newcomer(browser);
  await open(page);
  const email = `eve-${Date.now()}@example.com`;
  await sign(page, "sign-up", email, "correct-horse-1");
  await page.waitForFunction(() => document.querySelector("#bar summary").textContent.startsWith("eve-"));
  await page.click("#bar [name=copy]");
  await page.waitForFunction(() => document.querySelector("#bar textarea").value);
  const token = await page.$eval("#bar textarea", (field) => field.value);
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  const asked = await fetch(`${base}/graphql`, { method: "POST", headers, body: JSON.stringify({ query: "{ me { email } }" }) });
  assert.equal((await asked.json()).data.me.email, email);
  await signOut(page);
  assert.equal(await page.$eval("#bar textarea", (field) => field.value), "");
  await page.keyboard.press("Escape");
  await sign(page, "sign-in", email, "wrong-horse-1");
  await page.waitForFunction(() => document.querySelector("#bar [role=status]").textContent.includes("Invalid"));
  await page.$eval("#bar [name=password]", (field) => (field.value = "correct-horse-1"));
  await page.click("#bar [value='sign-in/email']");
  await page.waitForSelector("#bar [name=copy]:not([hidden])");
  await run(page, ({ data }) => data.me.email === email);
  assert.deepEqual([foreign, faults], [[], []]);
});

for (const theme of ["light", "dark"]) {
  test(`on a phone the panes are one above the other, in the ${theme} theme`, async () => {
    const page = await newcomer(browser, { width: 390, height: 844, theme });
    await open(page);
    assert.equal(await overflow(page), 0);
    const boxes = await page.evaluate(() =>
      [".graphiql-query-editor", ".graphiql-response", ".graphiql-sidebar"].map((it) => document.querySelector(it).getBoundingClientRect().toJSON()));
    const [editor, response, icons] = boxes;
    assert.ok(editor.bottom <= response.top && response.bottom <= icons.top && icons.bottom <= 844, JSON.stringify(boxes));
    assert.ok(boxes.every(({ left, right, height }) => left >= 0 && right <= 390 && height >= 40), JSON.stringify(boxes));
    const background = await page.evaluate(() => getComputedStyle(document.getElementById("bar")).backgroundColor);
    assert.equal(background, theme === "dark" ? "rgb(28, 31, 32)" : "rgb(255, 254, 252)");
    await page.click("#bar summary");
    // A tab of GraphiQL has the button in it that closes it.
    assert.deepEqual(await serious(page, "body", ["nested-interactive"]), []);
    await page.keyboard.press("Escape");
    assert.equal(await page.$eval("#bar details", (details) => details.open), false);
    await page.click("[aria-label='Show Examples']");
    await page.waitForSelector(".examples button");
    assert.deepEqual(await serious(page, ".graphiql-plugin"), []);
    assert.equal(await overflow(page), 0);
  });
}

test("the editors follow the theme of the system while the page is open", async () => {
  const page = await newcomer(browser, {});
  const has = (theme) => page.waitForSelector(`.graphiql-query-editor .monaco-editor.${theme}`, { timeout: 5000 });
  await page.goto(`${base}/graphiql`);
  await has("vs");
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  await has("vs-dark");
  await page.close();
});

test("the bar has the theme that is chosen in GraphiQL", async () => {
  const page = await newcomer(browser);
  await open(page);
  await page.click("[data-value=settings]");
  await page.locator(".graphiql-dialog button[data-theme=dark]").click();
  await page.waitForFunction(() => getComputedStyle(document.getElementById("bar")).backgroundColor === "rgb(28, 31, 32)");
});

test("it works below a path of a proxy", async () => {
  const page = await newcomer(browser);
  await open(page, `${await proxy()}/graphiql`);
  await tryDemo(page);
  assert.equal((await run(page)).data.me.name, "Demo");
  assert.deepEqual([foreign, faults], [[], []]);
});
