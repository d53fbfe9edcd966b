// urql with graphcache and its offlineExchange: what was changed offline is shown at once and sent later.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { Client, fetchExchange, gql } from "@urql/core";
import { offlineExchange, type SerializedEntries, type SerializedRequest } from "@urql/exchange-graphcache";
import { buildSchema, introspectionFromSchema } from "graphql";
import { ask, signUp, start, stop, url } from "./docket";

before(start);
after(stop);

const schema = introspectionFromSchema(buildSchema(readFileSync("../../schema.graphql", "utf8")));
const LIST = gql`query { tasks(first: 50) { nodes { id title completed revision } } }`;
const COMPLETE = gql`mutation ($input: SetTaskCompletedInput!) { setTaskCompleted(input: $input) { task { id completed revision } } }`;

type Tasks = { tasks: { nodes: { id: string; title: string; completed: boolean }[] } };

/** A storage that lives as long as the page. */
function memory() {
  let online: () => void = () => {}, requests: SerializedRequest[] = [];
  const data: SerializedEntries = {};
  return {
    storage: {
      async readData() { return { ...data }; },
      async writeData(delta: SerializedEntries) { Object.assign(data, delta); },
      async readMetadata() { return requests; },
      writeMetadata(written: SerializedRequest[]) { requests = written; },
      onOnline(callback: () => void) { online = callback; },
    },
    online: () => online(),
    waiting: () => requests.length,
  };
}

test("a task that is completed offline is completed on the server later", async () => {
  const headers = await signUp();
  for (const title of ["milk", "bread"]) {
    await ask(headers, "mutation($title: String!) { createTask(input: { title: $title }) { revision } }", { title });
  }
  let isOnline = true;
  const { storage, online, waiting } = memory();
  const client = new Client({
    url: url(),
    preferGetMethod: false,
    fetchOptions: { headers },
    fetch: (input, init) => (isOnline ? fetch(input, init) : Promise.reject(new TypeError("Failed to fetch"))),
    exchanges: [
      offlineExchange({
        schema,
        storage,
        isOfflineError: (error) => !!error?.networkError,
        optimistic: {
          setTaskCompleted: ({ input }) => ({
            __typename: "SetTaskCompletedPayload",
            revision: 0,
            task: { __typename: "Task", revision: 0, ...(input as { id: string; completed: boolean }) },
          }),
        },
      }),
      fetchExchange,
    ],
  });
  const shown = async () => (await client.query<Tasks>(LIST, {}, { requestPolicy: "cache-first" }).toPromise()).data!.tasks.nodes;
  const [bread] = await shown();
  assert.equal(bread?.title, "bread");

  isOnline = false;
  void client.mutation(COMPLETE, { input: { id: bread!.id, completed: true } }).toPromise();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal((await shown())[0]?.completed, true, "shown at once");
  assert.equal(waiting(), 1, "kept for later");
  const stored = () => ask<{ task: { completed: boolean } }>(headers, "query($id: ID!) { task(id: $id) { completed } }", { id: bread!.id });
  assert.equal((await stored()).task.completed, false);

  isOnline = true;
  online();
  while (!(await stored()).task.completed) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal((await shown())[0]?.completed, true);
});
