// RxDB: two clients that were offline converge to what the server has.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { ask, kill, signUp, start, stop, url } from "./docket";
import { Client, type TaskDocument } from "./rxdb";

type Headers = { authorization: string };
const HISTORIES = 50;
const EXCHANGES = 5;

before(start);
after(stop);

const task = (title: string): TaskDocument => ({ id: randomUUID(), title, completed: false, priority: "MEDIUM", labelIds: [] });

async function clients(): Promise<[Client, Client, Headers]> {
  const headers = await signUp();
  return [await Client.open(`a${randomUUID()}`, url(), headers), await Client.open(`b${randomUUID()}`, url(), headers), headers];
}

/** All tasks of the server. */
async function stored(headers: Headers): Promise<TaskDocument[]> {
  const all: TaskDocument[] = [];
  let after: string | null = null;
  do {
    const query = `query($after: String) { tasks(first: 100, after: $after) {
      nodes { id revision title description completed priority dueDate labelIds } pageInfo { endCursor hasNextPage } } }`;
    type Page = { tasks: { nodes: TaskDocument[]; pageInfo: { endCursor: string; hasNextPage: boolean } } };
    const { tasks }: Page = await ask<Page>(headers, query, { after });
    all.push(...tasks.nodes);
    after = tasks.pageInfo.hasNextPage ? tasks.pageInfo.endCursor : null;
  } while (after);
  return all.sort((one, other) => one.id.localeCompare(other.id));
}

/**
 * Both push and pull until they have what the server has. A conflict takes more than one exchange: what RxDB makes of it
 * is pushed by the next, and its revision comes with the one after that.
 */
async function converge(one: Client, other: Client, headers: Headers): Promise<TaskDocument[]> {
  for (let exchange = 1; ; exchange++) {
    for (const client of [one, other]) await client.sync();
    const server = await stored(headers);
    const copies = [await one.all(), await other.all()];
    if (exchange < EXCHANGES && !copies.every((copy) => isDeepStrictEqual(copy, server))) continue;
    for (const copy of copies) assert.deepEqual(copy, server);
    return server;
  }
}

async function change(client: Client, id: string, patch: Partial<TaskDocument>): Promise<void> {
  await (await client.tasks.findOne(id).exec())?.incrementalPatch(patch);
}

test("two offline clients change one task, each another field", async () => {
  const [one, other, headers] = await clients();
  const { id } = await one.tasks.insert(task("milk"));
  await converge(one, other, headers);
  await change(one, id, { title: "oat milk" });
  await change(other, id, { priority: "URGENT" });
  const [merged] = await converge(one, other, headers);
  assert.deepEqual([merged?.title, merged?.priority], ["oat milk", "URGENT"]);
  await Promise.all([one.close(), other.close()]);
});

test("a deletion wins over an edit", async () => {
  const [one, other, headers] = await clients();
  const { id } = await one.tasks.insert(task("milk"));
  await converge(one, other, headers);
  await (await one.tasks.findOne(id).exec())?.remove();
  await change(other, id, { title: "edited" });
  assert.deepEqual(await converge(one, other, headers), []);
  await Promise.all([one.close(), other.close()]);
});

test("a task behind thirty labels is found", async () => {
  const [one, other, headers] = await clients();
  for (let number = 0; number < 30; number++) {
    await ask(headers, "mutation($name: String!) { createLabel(input: { name: $name }) { label { id } } }", { name: `label ${number}` });
  }
  await ask(headers, 'mutation { createTask(input: { title: "behind" }) { task { id } } }');
  assert.equal((await converge(one, other, headers))[0]?.title, "behind");
  await Promise.all([one.close(), other.close()]);
});

test("a thousand documents go through a server that is killed", async () => {
  const [one, other, headers] = await clients();
  await one.tasks.bulkInsert(Array.from({ length: 1000 }, (_, number) => task(`task ${number}`)));
  const replication = one.replicate(true);
  replication.error$.subscribe(() => {});
  for (let died = 0; died < 2; died++) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await kill();
    await start();
  }
  await replication.awaitInSync();
  await replication.cancel();
  assert.equal((await converge(one, other, headers)).length, 1000);
  await Promise.all([one.close(), other.close()]);
});

test("what one client does is seen by another at once", async () => {
  const [one, other] = await clients();
  const replications = [one.replicate(true), other.replicate(true)];
  await Promise.all(replications.map((it) => it.awaitInitialReplication()));
  const { id } = await one.tasks.insert(task("live"));
  const found = await new Promise((resolve) => other.tasks.findOne(id).$.subscribe((it) => it && resolve(it.title)));
  assert.equal(found, "live");
  await Promise.all(replications.map((it) => it.cancel()));
  await Promise.all([one.close(), other.close()]);
});

/** Numbers that are the same in each run. */
function random(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return state % below;
  };
}

test(`${HISTORIES} made-up histories converge`, async () => {
  for (let seed = 0; seed < HISTORIES; seed++) {
    const [one, other, headers] = await clients();
    const next = random(seed);
    for (let step = 0; step < 25; step++) {
      const client = [one, other][next(2)]!;
      const known = await client.all();
      const some = known[next(Math.max(known.length, 1))];
      const kind = next(10);
      if (kind < 3 || !some) await client.tasks.insert(task(`task ${step}`));
      else if (kind < 5) await change(client, some.id, { title: `title ${step}` });
      else if (kind < 6) await change(client, some.id, { completed: !some.completed, dueDate: "2030-01-31" });
      else if (kind < 7) await (await client.tasks.findOne(some.id).exec())?.remove();
      else if (kind < 8) await client.sync();
      else if (kind < 9) await ask(headers, "mutation($id: ID!) { deleteTask(input: { id: $id }) { revision } }", { id: some.id }).catch(() => {});
      else await ask(headers, "mutation($id: ID!) { updateTask(input: { id: $id, description: \"by the server\" }) { revision } }", { id: some.id }).catch(() => {});
    }
    await converge(one, other, headers);
    await Promise.all([one.close(), other.close()]);
  }
});
