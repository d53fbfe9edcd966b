// Two devices of one person: live, offline, in conflict, signed out; two tabs of one browser.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { add, device, faults, launch, live, openTask, person, press, rename, shows, signIn } from "./app.js";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

/** Two devices on which somebody is signed in and sees all tasks. */
async function two() {
  const who = await person();
  const [one, other] = [await device(browser), await device(browser)];
  const [here, there] = [await one.open("#/all"), await other.open("#/all")];
  await signIn(here, who);
  await signIn(there, who);
  const close = () => Promise.all([one.close(), other.close()]);
  return { who, one, other, here, there, close };
}

/** Whether the copy on the disk has a task or, if that is expected, does not have it, in the page. */
const isStored = (user, title, expected = true) =>
  new Promise((resolve) => {
    indexedDB.open(`docket-${user}`).onsuccess = ({ target: { result: database } }) => {
      database.transaction("rows").objectStore("rows").getAll().onsuccess = ({ target: { result: rows } }) => {
        database.close();
        resolve(rows.some((it) => it.patch.title === title) === expected);
      };
    };
  });

const offline = (page) => page.waitForSelector(".sync.offline", { timeout: 10_000 });

test("what one device does, the other shows within a second", async () => {
  const { here, there, close } = await two();
  await add(here, "Water the plants");
  await shows(there, "Water the plants");
  const start = Date.now();
  await here.click(".done-box");
  await shows(there);
  assert.ok(Date.now() - start < 1000, `${Date.now() - start} ms`);
  await press(here, "Undo");
  await shows(there, "Water the plants");
  await rename(here, "Water the plants", "Water all plants");
  await shows(there, "Water all plants");
  await close();
});

test("a label that two devices have made without a network is one, and no task is lost over it", async () => {
  const { who, one, other, here, there, close } = await two();
  await add(here, "Bread");
  await shows(there, "Bread");
  await live(here);
  one.wire.cut();
  other.wire.cut();
  await Promise.all([offline(here), offline(there)]);
  const label = async (page, title, name) => {
    await openTask(page, title);
    await page.type(".chip-form input", name);
    await page.keyboard.press("Enter");
    await press(page, "Close the task");
  };
  await label(here, "Bread", "shared");
  await add(there, "Milk");
  await label(there, "Milk", "Shared");
  one.wire.plug();
  await live(here);
  other.wire.plug();
  await live(there);
  await shows(here, "Bread", "Milk");
  const { labels, tasks } = await who.ask("{ labels { name } tasks { nodes { title labels { name } } } }");
  assert.deepEqual(labels, [{ name: "shared" }]);
  assert.ok(tasks.nodes.every((it) => it.labels[0].name === "shared"), JSON.stringify(tasks));
  await close();
});

test("a new task that the server refuses can be let go of while it is open", async () => {
  const { who, here, close } = await two();
  await here.focus("#new-task");
  await here.evaluate(() => {
    const field = document.querySelector("#new-task");
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, "no\u0000pe");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await here.keyboard.press("Enter");
  await here.waitForFunction(() => document.querySelector(".sync")?.textContent.includes("decision"));
  await here.evaluate(() => document.querySelector(".row-link").click());
  await here.waitForSelector(".details");
  await press(here, "Review");
  await press(here, "Discard my change");
  await shows(here);
  // What is shown goes to the disk a moment later.
  await here.waitForFunction(isStored, {}, who.user.id, "no\u0000pe", false);
  await here.reload();
  await live(here);
  await shows(here);
  await close();
  assert.deepEqual(faults, []);
});

test("what two devices do without a network is the same on both afterwards", async () => {
  const { who, one, other, here, there, close } = await two();
  for (const title of ["Bread", "Milk", "Eggs"]) await add(here, title);
  await shows(there, "Bread", "Milk", "Eggs");
  await live(here);
  one.wire.cut();
  other.wire.cut();
  await Promise.all([offline(here), offline(there)]);

  // Different fields of one task, a deletion, and a new task on each side.
  await rename(here, "Bread", "Dark bread");
  await here.keyboard.press("Escape");
  await add(here, "Salt");
  await openTask(there, "Bread");
  await there.select("aside select", "URGENT");
  await press(there, "Close the task");
  await openTask(there, "Milk");
  await press(there, "Delete the task");
  await add(there, "Pepper");
  await shows(here, "Dark bread", "Milk", "Eggs", "Salt");
  await shows(there, "Bread", "Eggs", "Pepper");

  one.wire.plug();
  await live(here);
  other.wire.plug();
  await live(there);
  await shows(here, "Dark bread", "Eggs", "Salt", "Pepper");
  await shows(there, "Dark bread", "Eggs", "Salt", "Pepper");
  const { tasks } = await who.ask("{ tasks(filter: { title: { eq: \"Dark bread\" } }) { nodes { priority } } }");
  assert.equal(tasks.nodes[0].priority, "URGENT");
  await close();
});

test("a field that both sides changed is shown with both, and somebody chooses", async () => {
  const { one, here, there, close } = await two();
  await add(here, "Call Ann");
  await add(here, "Call Ben");
  await shows(there, "Call Ann", "Call Ben");
  await live(here);
  one.wire.cut();
  await offline(here);
  await rename(here, "Call Ann", "Call Anna");
  await here.keyboard.press("Escape");
  await rename(here, "Call Ben", "Call Benjamin");
  await here.keyboard.press("Escape");
  await rename(there, "Call Ann", "Write to Ann");
  await there.keyboard.press("Escape");
  await openTask(there, "Call Ben");
  await press(there, "Delete the task");
  await live(there);

  one.wire.plug();
  await here.waitForFunction(() => document.querySelector(".banner")?.textContent.includes("2 changes need a decision"));
  await shows(there, "Write to Ann");
  await press(here, "Review");
  const words = await here.$eval(".dialog", (it) => it.innerText);
  assert.match(words, /Call Anna\s+Write to Ann/);
  assert.match(words, /deleted elsewhere/);
  const choose = (name, button) =>
    here.evaluate((label, text) => {
      const section = document.querySelector(`.conflict[aria-label="${label}"]`);
      [...section.querySelectorAll("button")].find((it) => it.textContent === text).click();
    }, name, button);
  await choose("Call Anna", "Take theirs");
  await here.waitForFunction(() => document.querySelectorAll(".conflict").length === 1);
  await choose("Call Benjamin", "Keep mine");
  await live(here);
  await shows(here, "Write to Ann", "Call Benjamin");
  await shows(there, "Write to Ann", "Call Benjamin");
  await close();
});

test("a session that ends elsewhere is said, and what is not sent waits for its owner", async () => {
  const { who, one, here, there, close } = await two();
  await add(here, "Before");
  await shows(there, "Before");
  assert.equal((await who.post("revoke-sessions")).status, 200);
  await here.waitForSelector(".sync.signed-out");
  await there.waitForSelector(".sync.signed-out");
  await add(here, "While signed out");
  await here.waitForFunction(isStored, {}, who.user.id, "While signed out");
  await here.reload();
  await shows(here, "Before", "While signed out");
  await here.waitForFunction(() => document.querySelector(".banner")?.textContent.includes("1 change stays on this device"));
  // A second tab of this browser, which leaves the sync to the first.
  const second = await one.open("#/all");
  await press(second, "Sign in");
  await second.waitForSelector("dialog [name=password]");
  assert.equal(await second.$eval("dialog [name=email]", (it) => it.value), who.email);
  await second.type("dialog [name=password]", who.password);
  await second.keyboard.press("Enter");
  await live(second);
  await live(here);
  await press(there, "Sign in");
  await there.waitForSelector("dialog [name=password]");
  await there.type("dialog [name=password]", who.password);
  await there.keyboard.press("Enter");
  await shows(there, "Before", "While signed out");
  await close();
});

test("the app opens without a network, and in a second tab when the first is closed", async () => {
  const who = await person();
  const mine = await device(browser);
  const first = await mine.open("#/all");
  await signIn(first, who);
  await add(first, "Kept");
  await live(first);
  await first.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  mine.wire.cut();
  await first.reload();
  await shows(first, "Kept");
  await offline(first);
  await add(first, "Written offline");

  const second = await mine.open("#/all");
  await shows(second, "Kept", "Written offline");
  await add(second, "In the second tab");
  await shows(first, "Kept", "Written offline", "In the second tab");
  await first.close();
  mine.wire.plug();
  await live(second);
  const { tasks } = await who.ask("{ tasks { totalCount } }");
  assert.equal(tasks.totalCount, 3);
  await mine.close();
});

test("whoever signs in after somebody else sees nothing of theirs, and sends nothing of theirs", async () => {
  const [ann, bob] = [await person("Ann"), await person("Bob")];
  const mine = await device(browser);
  const page = await mine.open("#/all");
  await signIn(page, ann);
  await add(page, "A secret of Ann");
  await live(page);
  assert.equal((await ann.post("revoke-sessions")).status, 200);
  await page.waitForSelector(".sync.signed-out");
  await add(page, "Not sent");
  await press(page, "Sign in");
  await page.waitForSelector("dialog [name=email]");
  await page.click("dialog [name=email]", { count: 3 });
  await page.type("dialog [name=email]", bob.email);
  await page.type("dialog [name=password]", bob.password);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll(".row-title").length === 0 && document.querySelector(".sync.live"));
  await add(page, "Of Bob");
  await live(page);
  const { tasks } = await bob.ask("{ tasks { nodes { title } } }");
  assert.deepEqual(tasks.nodes.map((it) => it.title), ["Of Bob"]);
  assert.deepEqual(faults, []);
  await mine.close();
});
