// What people do in the app, and that the server has it then.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { add, day, device, faults, launch, live, openTask, person, press, shows, signIn, titles } from "./app.js";

let browser, mine, who, page;
before(async () => {
  browser = await launch();
  who = await person("Eve");
  mine = await device(browser);
  page = await mine.open("#/all");
  await signIn(page, who);
});
after(async () => {
  await mine?.close();
  await browser?.close();
});

const turn = async (to) => {
  await page.evaluate((it) => void (location.hash = `#/${it}`), to);
  await page.waitForFunction((it) => location.hash === `#/${it}`, {}, to);
};
const nodes = async (fields, filter = "") => (await who.ask(`{ tasks(first: 100, order: [{ by: POSITION }]${filter}) { nodes { ${fields} } } }`)).tasks.nodes;
const keys = async (...names) => {
  for (const name of names) await page.keyboard.press(name);
};
const clear = () => page.evaluate(() => document.activeElement.blur());

test("a list, labels, subtasks, a due date with a time and a priority reach the server as they are shown", async () => {
  await press(page, "New list");
  // By keys alone: the name has the focus, and no key of the page is heard below a dialog.
  await page.waitForSelector("dialog [name=name]:focus");
  await page.keyboard.type("Home n");
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Backspace");
  await press(page, "Save");
  await page.waitForFunction(() => document.querySelector("h1").textContent === "Home");
  await add(page, "Paint the kitchen");
  await openTask(page, "Paint the kitchen");
  await page.waitForSelector(".details");
  await page.type(".text-field", "White, twice.");
  await page.type(".chip-form input", "weekend");
  await keys("Enter");
  for (const title of ["Buy paint", "Cover the floor"]) {
    await page.type("[aria-label='New subtask']", title);
    await keys("Enter");
  }
  await page.select("aside select", "HIGH");
  const set = (type, value) => page.$eval(`aside input[type=${type}]`, (input, text) => {
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(input, text);
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }, value);
  await set("date", day(3));
  await set("time", "18:30");
  await press(page, "Close the task");
  await live(page);
  const [task] = await nodes("title description priority dueAt dueTimeZone list { name } labels { name } subtasks { nodes { title list { name } } }", ", filter: { parentId: { isNull: true } }");
  const zone = await page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
  assert.deepEqual(task, {
    title: "Paint the kitchen", description: "White, twice.", priority: "HIGH",
    dueAt: await page.evaluate((it) => new Date(`${it}T18:30`).toISOString().replace(".000", ""), day(3)), dueTimeZone: zone,
    list: { name: "Home" }, labels: [{ name: "weekend" }],
    subtasks: { nodes: [{ title: "Buy paint", list: { name: "Home" } }, { title: "Cover the floor", list: { name: "Home" } }] },
  });
  await shows(page, "Paint the kitchen", "Buy paint", "Cover the floor");
});

test("searching finds words by their beginnings, and filters and orders narrow and sort", async () => {
  await turn("all");
  for (const title of ["Äpfel kaufen", "Zebra", "Aardvark"]) await add(page, title);
  await page.type("#search", "apf KAU");
  await shows(page, "Äpfel kaufen");
  await page.click("#search", { count: 3 });
  await keys("Backspace");
  await page.click(".menu summary");
  const [priority, label, sort] = await page.$$(".menu-card select");
  await priority.select("HIGH");
  await shows(page, "Paint the kitchen");
  await priority.select("");
  await label.select(await label.evaluate((it) => it.options[1].value));
  await shows(page, "Paint the kitchen");
  await press(page, "Clear filters");
  await sort.select("title");
  await shows(page, "Aardvark", "Äpfel kaufen", "Buy paint", "Cover the floor", "Paint the kitchen", "Zebra");
  await press(page, "Clear filters");
  await page.click(".menu summary");
  await turn("upcoming");
  await shows(page, "Paint the kitchen");
});

test("the keyboard makes, opens, completes, selects, moves, deletes and takes back", async () => {
  await turn("all");
  await clear();
  await keys("n");
  await page.keyboard.type("Moved by keys");
  await keys("Enter");
  await live(page);
  await clear();
  const parents = async () => (await nodes("title", ", filter: { parentId: { isNull: true } }")).map((it) => it.title);
  assert.deepEqual(await parents(), ["Paint the kitchen", "Äpfel kaufen", "Zebra", "Aardvark", "Moved by keys"]);
  await page.focus(".row[data-id] a");
  await keys("j", "j", "j", "ArrowDown", "ArrowDown", "ArrowDown");
  const current = () => page.evaluate(() => document.activeElement.querySelector(".row-title")?.textContent);
  assert.equal(await current(), "Moved by keys");
  await page.keyboard.down("Alt");
  await keys("ArrowUp", "ArrowUp");
  await page.keyboard.up("Alt");
  await live(page);
  await page.waitForFunction(() => document.activeElement.querySelector(".row-title")?.textContent === "Moved by keys");
  assert.deepEqual(await parents(), ["Paint the kitchen", "Äpfel kaufen", "Moved by keys", "Zebra", "Aardvark"]);

  await keys("c");
  await live(page);
  assert.equal((await nodes("title", ", filter: { completed: true }"))[0].title, "Moved by keys");
  await page.keyboard.down("Control");
  await keys("z");
  await page.keyboard.up("Control");
  await live(page);
  assert.equal((await nodes("title", ", filter: { completed: true }")).length, 0);

  await page.focus(".row[data-id] a");
  await keys("Enter");
  await page.waitForSelector(".details");
  await keys("Escape");
  await page.waitForFunction(() => !document.querySelector(".details") && document.activeElement.textContent.startsWith("Paint"));
  await keys("?");
  await page.waitForSelector("dialog[open]");
  await keys("Escape");
  await page.waitForFunction(() => !document.querySelector("dialog"));
});

test("a row is dragged to another place", async () => {
  const box = async (title) => {
    const row = await page.evaluateHandle((text) => [...document.querySelectorAll(".row")].find((it) => it.textContent.startsWith(text)), title);
    return row.asElement().boundingBox();
  };
  const [from, to] = [await box("Aardvark"), await box("Paint the kitchen")];
  const grip = await page.evaluate(() => {
    const { x, width } = [...document.querySelectorAll(".row")].at(-1).querySelector(".grip").getBoundingClientRect();
    return x + width / 2;
  });
  await page.mouse.move(grip, from.y + from.height / 2);
  await page.mouse.down();
  await page.mouse.move(grip, to.y + from.height / 2, { steps: 8 });
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 60)));
  await page.mouse.up();
  await page.waitForFunction(() => document.querySelector(".row-title").textContent === "Aardvark");
  await live(page);
  assert.equal((await nodes("title"))[0].title, "Aardvark");
  assert.equal((await titles(page))[0], "Aardvark");
});

test("several tasks are moved, labelled and deleted together, taken back, and restored from the trash", async () => {
  const choose = (title) => page.evaluate((text) => document.querySelector(`[aria-label="Select ${text}"]`).click(), title);
  await choose("Zebra");
  await choose("Aardvark");
  const menus = await page.$$(".bulk select");
  await menus[0].select(await menus[0].evaluate((it) => [...it.options].find(({ text }) => text === "Home").value));
  await live(page);
  const inHome = await nodes("title", ", filter: { title: { in: [\"Zebra\", \"Aardvark\"] }, listId: { isNull: false } }");
  assert.deepEqual(inHome.map((it) => it.title), ["Aardvark", "Zebra"]);

  await choose("Zebra");
  await choose("Paint the kitchen");
  await press(page, "Delete");
  await shows(page, "Aardvark", "Äpfel kaufen", "Moved by keys");
  await live(page);
  assert.equal((await nodes("id")).length, 3);
  await press(page, "Undo");
  await live(page);
  await shows(page, "Aardvark", "Paint the kitchen", "Buy paint", "Cover the floor", "Äpfel kaufen", "Moved by keys", "Zebra");
  assert.equal((await nodes("id")).length, 7);

  await openTask(page, "Zebra");
  await press(page, "Delete the task");
  await live(page);
  await turn("trash");
  await press(page, "Restore Zebra");
  await turn("all");
  await page.waitForFunction(() => [...document.querySelectorAll(".row-title")].some((it) => it.textContent === "Zebra"));
});

test("a list is renamed, deleted without its tasks, and taken back with them", async () => {
  await page.evaluate(() => [...document.querySelectorAll(".nav-link")].find((it) => it.textContent.startsWith("Home")).click());
  await press(page, "Edit list");
  await page.waitForSelector("dialog [name=name]");
  await page.click("dialog [name=name]", { count: 3 });
  await page.keyboard.type("House");
  await press(page, "Save");
  await page.waitForFunction(() => document.querySelector("h1").textContent === "House");
  await press(page, "Edit list");
  await page.evaluate(() => document.querySelector("dialog .danger").click());
  await live(page);
  assert.deepEqual([(await who.ask("{ taskLists { name } }")).taskLists, (await nodes("id")).length], [[], 7]);
  await press(page, "Undo");
  await live(page);
  assert.deepEqual((await who.ask("{ taskLists { name tasks { totalCount } } }")).taskLists, [{ name: "House", tasks: { totalCount: 5 } }]);
});

test("everything is exported, and a file is looked at before it is imported", async () => {
  const folder = mkdtempSync(join(tmpdir(), "docket-web-"));
  await turn("settings");
  const devtools = await browser.target().createCDPSession();
  await devtools.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder, browserContextId: mine.context.id });
  await press(page, "Export JSON");
  for (let tries = 0; tries < 100 && !readdirSync(folder).includes("docket.json"); tries++) await new Promise((resolve) => setTimeout(resolve, 50));
  const file = JSON.parse(readFileSync(join(folder, "docket.json"), "utf8"));
  assert.equal(file.tasks.length, 7);

  const load = async (name, content) => {
    writeFileSync(join(folder, name), content);
    await (await page.$("input[type=file]")).uploadFile(join(folder, name));
  };
  await load("wrong.json", "{ \"tasks\": [{ \"title\": \"\" }] }");
  await page.waitForFunction(() => document.querySelector(".settings .problem")?.textContent.includes("cannot be imported"));
  await load("right.json", JSON.stringify({ docket: 1, tasks: [{ id: crypto.randomUUID(), title: "From a file" }] }));
  await page.waitForFunction(() => document.body.textContent.includes("1 tasks, 0 lists"));
  await press(page, "Import");
  await turn("all");
  await page.waitForFunction(() => [...document.querySelectorAll(".row-title")].some((it) => it.textContent === "From a file"));
  assert.deepEqual(faults, []);
});

test("a title that is too long is said, stays as it was written, and is saved when it is shorter", async () => {
  const long = `${"😀".repeat(120)}${"a".repeat(100)}`;
  const said = "The title is too long to be saved: it has 220 characters, and may have 200.";
  const says = (place) => page.waitForFunction((it, text) => document.querySelector(`${it} .problem`)?.textContent === text, {}, place, said);
  const written = (field) => page.$eval(field, (it) => it.value);
  const toTheEnd = () => page.$eval(".title-field", (it) => {
    it.focus();
    it.setSelectionRange(it.value.length, it.value.length);
  });
  const shorten = async (by) => {
    for (let left = by; left > 0; left--) await page.keyboard.press("Backspace");
  };
  await turn("all");
  const before = (await titles(page)).length;
  await page.click("#new-task");
  await page.keyboard.sendCharacter(long);
  await says(".new-task");
  await keys("Enter");
  assert.deepEqual([await written("#new-task"), (await titles(page)).length], [long, before]);
  await shorten(20);
  await keys("Enter");
  const title = long.slice(0, -20);
  await page.waitForFunction((it) => [...document.querySelectorAll(".row-title")].some((row) => row.textContent === it), {}, title);
  await live(page);
  assert.equal((await nodes("title")).filter((it) => it.title === title).length, 1);

  await openTask(page, title);
  await page.click("[aria-label='New subtask']");
  await page.keyboard.sendCharacter(long);
  await keys("Enter");
  await says(".new-part");
  assert.equal(await written("[aria-label='New subtask']"), long);
  await toTheEnd();
  await page.keyboard.sendCharacter("b".repeat(20));
  await says(".details-body");
  await press(page, "Close the task");
  await page.waitForFunction(() => document.querySelector(".toast").textContent.includes("is still in its field"));
  await openTask(page, title);
  assert.equal(await written(".title-field"), `${title}${"b".repeat(20)}`);
  await says(".details-body");
  await toTheEnd();
  await shorten(21);
  await press(page, "Close the task");
  await live(page);
  assert.equal((await nodes("title")).filter((it) => it.title === title.slice(0, -1)).length, 1);
  assert.deepEqual(faults, []);
});

test("who has forgotten the password gets a mailed link, and sets another one by it, once", async () => {
  const other = await device(browser);
  const forgetful = await person("Flo");
  const tab = await other.open();
  await press(tab, "Forgot your password?");
  await tab.type("[name=email]", forgetful.email);
  await press(tab, "Send me a link");
  const link = await mailed(forgetful.email);
  await tab.goto(link);
  await tab.type("[name=password]", "another-horse-2");
  await press(tab, "Set password");
  await tab.waitForSelector("[name=email]");
  assert.ok(!tab.url().includes("token"), "no token stays in the address");
  await signIn(tab, { ...forgetful, password: "another-horse-2" });
  await tab.goto(link);
  await press(tab, "Go on");
  await live(tab);
  await other.close();
  assert.deepEqual(faults, []);
});

/** The link of the mail to that address, which Docket writes into a folder. */
async function mailed(address) {
  for (let tries = 0; tries < 100; tries++) {
    // The folder is made with the first mail.
    const names = existsSync(process.env.MAIL_FOLDER) ? readdirSync(process.env.MAIL_FOLDER) : [];
    const mails = names.map((it) => readFileSync(join(process.env.MAIL_FOLDER, it), "utf8"));
    const mail = mails.find((it) => it.includes(`To: ${address}`));
    // Quoted-printable: a line that ends in = goes on.
    const text = mail?.replace(/=\r?\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
    const link = /http\S+reset-password\S+/.exec(text ?? "");
    if (link) return link[0];
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("no mail has come");
}
