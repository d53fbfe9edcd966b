// urql: queries and mutations over HTTP, subscriptions over WebSocket.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { Changes, CreateTask, ListTasks, UpdateTask } from "./documents";
import { open, signUp, titles, url } from "./session";

let client: Client, close: () => void;

before(async () => {
  const headers = await signUp();
  const socket = open(headers);
  client = new Client({
    url,
    preferGetMethod: false,
    fetchOptions: { headers },
    exchanges: [
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: query ?? "", variables }, sink) }),
        }),
      }),
      fetchExchange,
    ],
  });
  close = () => socket.dispose();
});

test("urql creates, lists, pages, updates and subscribes", async () => {
  for (const title of titles) {
    const { data, error } = await client.mutation(CreateTask, { input: { title } });
    assert.equal(error, undefined);
    assert.equal(data?.createTask?.task.title, title);
  }

  const list = async (after: string | null) => (await client.query(ListTasks, { first: 3, after }).toPromise()).data;
  const answer = await list(null);
  const first = answer?.tasks;
  assert.deepEqual([first?.totalCount, first?.edges.length, first?.pageInfo.hasNextPage], [5, 3, true]);
  const second = (await list(first?.pageInfo.endCursor ?? null))?.tasks;
  assert.deepEqual(second?.edges.map(({ node }) => node.title), titles.slice(0, 2).reverse());

  const id = second?.edges[0]?.node.id ?? "";
  const updated = await client.mutation(UpdateTask, { input: { id, title: "renamed" } });
  const task = updated.data!.updateTask!.task;
  assert.equal(task.title, "renamed");

  const seen = await new Promise((resolve, reject) => {
    const { unsubscribe } = client.subscription(Changes, { after: answer?.syncToken }).subscribe(({ data, error }) => {
      setImmediate(() => unsubscribe());
      if (error) reject(error);
      else resolve(data?.changes.node?.__typename === "Task" && data.changes.node.title);
    });
  });
  assert.equal(seen, "renamed");
  close();
});
