// The app in real browsers that reach nothing but this machine. Needs a running Docket at DOCKET_URL, built with npm, and
// the browser at CHROMIUM.
import { randomUUID } from "node:crypto";
import puppeteer from "puppeteer-core";
import { cable } from "./cable.js";

export const base = process.env.DOCKET_URL ?? "http://localhost:8000";

const password = "correct-horse-1";
const json = { "content-type": "application/json" };

export const launch = () =>
  puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en-GB", "--force-prefers-reduced-motion"],
    env: { ...process.env, LANGUAGE: "en_GB", TZ: "Europe/Berlin" },
  });

/** What went wrong in any page, but for answers that are errors, which the app shows. */
export const faults = [];
const EXPECTED = /Failed to load resource|WebSocket/;

/** A browser of its own: no cookie, copy or cache in common with another, and a cable that can be cut. */
export async function device(browser, { width = 1280, height = 800 } = {}) {
  const context = await browser.createBrowserContext();
  const wire = await cable(base);
  const open = async (hash = "") => {
    const page = await context.newPage();
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => message.type() === "error" && !EXPECTED.test(message.text()) && faults.push(message.text()));
    await page.setViewport({ width, height });
    await page.goto(`${wire.url}/app/${hash}`);
    return page;
  };
  const close = async () => {
    await context.close();
    await wire.close();
  };
  return { context, wire, open, close };
}

/** Somebody with an account, and a way to ask the API for them. */
export async function person(name = "Ann") {
  const email = `${name.toLowerCase()}-${randomUUID()}@example.com`;
  const answer = await fetch(`${base}/api/auth/sign-up/email`, {
    method: "POST", headers: { ...json, origin: base }, body: JSON.stringify({ name, email, password }),
  });
  const { user, token } = await answer.json();
  const headers = { ...json, authorization: `Bearer ${token}` };
  const ask = async (query, variables = {}) => {
    const response = await fetch(`${base}/graphql`, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
    const { data, errors } = await response.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  const load = (file) => fetch(`${base}/api/${user.id}/import`, { method: "POST", headers, body: JSON.stringify(file) }).then((it) => it.json());
  const post = (path, body = {}) => fetch(`${base}/api/auth/${path}`, { method: "POST", headers: { ...headers, origin: base }, body: JSON.stringify(body) });
  return { user, email, password, ask, load, post };
}

/** Signs somebody in through the form. */
export async function signIn(page, { email, password: secret }) {
  await page.waitForSelector("[name=email]");
  await page.type("[name=email]", email);
  await page.type("[name=password]", secret);
  await page.keyboard.press("Enter");
  await live(page);
}

/** Waits until everything here is sent, and everything elsewhere is here. */
export const live = (page) => page.waitForSelector(".sync.live[data-unsent='0']", { timeout: 10_000 });

export const titles = (page) => page.$$eval(".row-title", (all) => all.map((it) => it.textContent));

/** Waits until the page shows exactly these tasks, in any order unless it matters. */
export const shows = (page, ...expected) =>
  page.waitForFunction(
    (texts) => JSON.stringify([...document.querySelectorAll(".row-title")].map((it) => it.textContent)) === texts,
    { timeout: 10_000, polling: 20 },
    JSON.stringify(expected),
  ).catch(async () => { throw new Error(`${JSON.stringify(expected)} is not ${JSON.stringify(await titles(page))}; ${faults}`); });

export async function add(page, title) {
  await page.type("#new-task", title);
  await page.keyboard.press("Enter");
}

/** Writes another title, in the details of the task. */
export async function rename(page, from, to) {
  await openTask(page, from);
  const field = await page.waitForSelector(".title-field");
  await field.click({ count: 3 });
  await page.keyboard.type(to);
  await page.keyboard.press("Enter");
}

export const openTask = (page, title) =>
  page.evaluate((text) => [...document.querySelectorAll(".row-link")].find((it) => it.querySelector(".row-title").textContent === text).click(), title);

/** Presses a button by its words. */
export async function press(page, text) {
  const handle = await page.waitForFunction(
    (words) => [...document.querySelectorAll("button, a.button, label.button")].find((it) => it.textContent.trim() === words || it.getAttribute("aria-label") === words),
    { timeout: 5000 }, text,
  );
  await handle.asElement().click();
}

export const day = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

/** What somebody might have to do. */
export function sample() {
  const id = () => randomUUID();
  const lists = [["Home", "#3f8f4f"], ["Work", "#3b74c4"], ["Lisbon in May", "#c97b1f"]].map(([name, color]) => ({ id: id(), name, color }));
  const labels = [["errand", "#c2483f"], ["five minutes", "#1f8a8a"], ["waiting", "#7a5bc0"]].map(([name, color]) => ({ id: id(), name, color }));
  const task = (title, more = {}) => ({ id: id(), title, ...more });
  const [home, work, lisbon] = lists.map((it) => it.id);
  const [errand, quick, waiting] = labels.map((it) => it.id);
  const review = task("Review the quarterly numbers with Priya", { list_id: work, priority: "high", due_at: new Date(Date.now() + 7_200_000).toISOString().replace(/\.\d+/, ""), due_time_zone: "Europe/Berlin" });
  const flat = task("Find a flat near Graça", { list_id: lisbon, due_date: day(9), label_ids: [waiting] });
  const part = (parent, title, completed = false) => task(title, { parent_id: parent.id, list_id: parent.list_id, completed });
  return {
    docket: 1, lists, labels,
    tasks: [
      task("Renew the passport", { list_id: lisbon, priority: "urgent", due_date: day(-2), label_ids: [errand] }),
      review, part(review, "Export last quarter", true), part(review, "Write three questions"), part(review, "Book the small room"),
      task("Water the plants", { list_id: home, due_date: day(0), label_ids: [quick] }),
      task("Call the dentist", { list_id: home, due_date: day(0), label_ids: [quick, errand] }),
      task("Send the contract back to Noor", { list_id: work, due_date: day(1), priority: "high", label_ids: [waiting] }),
      task("Book the night train", { list_id: lisbon, due_date: day(2) }),
      flat, part(flat, "Ask Teresa about hers", true), part(flat, "Compare three offers"),
      task("Read the second chapter", { due_date: day(4), priority: "low" }),
      task("Plan the team day", { list_id: work, due_date: day(6) }),
      task("Fix the bathroom lamp", { list_id: home, label_ids: [errand] }),
      task("Learn to bake pastéis de nata", { list_id: lisbon, priority: "low" }),
      task("Back up the photos", { list_id: home, description: "Both discs, then one to the office." }),
    ],
  };
}
