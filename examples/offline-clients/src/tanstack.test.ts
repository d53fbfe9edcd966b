// TanStack DB: optimistic writes are dropped when the feed has the revision of their payload, so that nothing flickers.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { createCollection } from "@tanstack/db";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { ask, signUp, start, stop, url } from "./docket";

type Task = { id: string; title: string; completed: boolean };
type Change = { nodeId: string; deleted: boolean; revision: number; node: Task | null };
type Payload = { revision: number };

before(start);
after(stop);

const TASK = "... on Task { id title completed }";
const STREAM = `subscription { changes(kinds: [TASK]) { nodeId deleted revision node { ${TASK} } } }`;

/** The revision that the copy has, and who waits for a later one. */
class Seen {
  private revision = 0;
  private waiting: { revision: number; resolve: () => void }[] = [];

  advance(revision: number): void {
    this.revision = Math.max(this.revision, revision);
    const { waiting } = this;
    this.waiting = waiting.filter((it) => it.revision > this.revision);
    for (const it of waiting) if (it.revision <= this.revision) it.resolve();
  }

  reached(revision: number): Promise<void> {
    if (revision <= this.revision) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ revision, resolve }));
  }
}

function tasksOf(headers: { authorization: string }) {
  const seen = new Seen();
  const socket = createClient({ url: url().replace(/^http/, "ws"), connectionParams: headers, webSocketImpl: WebSocket });
  const mutate = async (name: string, input: object) => {
    const type = `${name[0]!.toUpperCase()}${name.slice(1)}Input!`;
    const data = await ask<Record<string, Payload>>(headers, `mutation($input: ${type}) { ${name}(input: $input) { revision } }`, { input });
    await seen.reached(data[name]!.revision);
  };
  const tasks = createCollection<Task, string>({
    id: `tasks-${randomUUID()}`,
    getKey: ({ id }) => id,
    startSync: true,
    sync: {
      sync({ begin, write, commit, markReady }) {
        const isStored = new Set<string>();
        const unsubscribe = socket.subscribe<{ changes: Change }>(
          { query: STREAM },
          {
            next({ data }) {
              const { nodeId, deleted, revision, node } = data!.changes;
              begin();
              if (node) write({ type: isStored.has(nodeId) ? "update" : "insert", value: node });
              else if (deleted && isStored.has(nodeId)) write({ type: "delete", value: { id: nodeId, title: "", completed: false } });
              if (node) isStored.add(nodeId);
              else isStored.delete(nodeId);
              commit();
              seen.advance(revision);
            },
            error: (cause) => assert.fail(String(cause)),
            complete() {},
          },
        );
        // The account is new, so that there is nothing to read before the stream.
        markReady();
        return unsubscribe;
      },
    },
    onInsert: async ({ transaction }) => {
      for (const { modified } of transaction.mutations) await mutate("createTask", modified);
    },
    onUpdate: async ({ transaction }) => {
      for (const { key, changes } of transaction.mutations) await mutate("updateTask", { id: key, ...changes });
    },
    onDelete: async ({ transaction }) => {
      for (const { key } of transaction.mutations) await mutate("deleteTask", { id: key });
    },
  });
  return { tasks, close: () => socket.dispose() };
}

test("optimistic writes are dropped at the payload's revision", async () => {
  const headers = await signUp();
  const { tasks, close } = tasksOf(headers);
  // What is on the screen at each moment.
  const shown: (Task[] | undefined)[] = [];
  tasks.subscribeChanges(() => shown.push(tasks.toArray.map((it) => ({ ...it }))));
  await new Promise((resolve) => setTimeout(resolve, 200));

  const id = randomUUID();
  const inserted = tasks.insert({ id, title: " milk ", completed: false });
  assert.equal(tasks.get(id)?.title, " milk ", "at once");
  await inserted.isPersisted.promise;
  assert.equal(tasks.get(id)?.title, "milk", "as the server has it");

  const updated = tasks.update(id, (draft) => void (draft.completed = true));
  assert.equal(tasks.get(id)?.completed, true);
  await updated.isPersisted.promise;
  assert.ok(shown.every((rows) => rows!.length === 1), "the task was never away");
  assert.ok(shown.slice(-1)[0]!.every(({ completed }) => completed), JSON.stringify(shown));

  // Somebody else's change comes by the same stream.
  await ask(headers, "mutation($id: ID!) { updateTask(input: { id: $id, title: \"bread\" }) { revision } }", { id });
  while (tasks.get(id)?.title !== "bread") await new Promise((resolve) => setTimeout(resolve, 10));

  const refused = tasks.update(id, (draft) => void (draft.title = ""));
  assert.equal(tasks.get(id)?.title, "");
  await assert.rejects(refused.isPersisted.promise);
  assert.equal(tasks.get(id)?.title, "bread", "what is refused is taken back");

  await tasks.delete(id).isPersisted.promise;
  assert.equal(tasks.size, 0);
  close();
});
