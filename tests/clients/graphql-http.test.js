// GraphQL over HTTP, WebSocket and Server-Sent Events as the official audit and the protocols' own clients have it.
// Needs a running Docket at DOCKET_URL.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { serverAudits } from "graphql-http";
import { createClient as createEvents } from "graphql-sse";
import { createClient as createSocket } from "graphql-ws";
import WebSocket from "ws";
import { signUp } from "./people.js";

const url = `${process.env.DOCKET_URL ?? "http://localhost:8000"}/graphql`;
let headers;
before(async () => {
  const { token } = await signUp(new URL(url).origin);
  headers = { authorization: `Bearer ${token}` };
  const { data } = await create("{ syncToken }");
  CHANGES.query = `subscription { changes(after: "${data.syncToken}") { nodeId } }`;
});

test("the official audit passes in full, signed in or not", async () => {
  const signedIn = (input, init) => fetch(input, { ...init, headers: { ...init?.headers, ...headers } });
  for (const fetchFn of [fetch, signedIn]) {
    const audits = serverAudits({ url, fetchFn });
    const results = await Promise.all(audits.map((audit) => audit.fn()));
    assert.equal(results.length, 61);
    assert.deepEqual(results.filter(({ status }) => status !== "ok").map(({ id, name, reason }) => `${id} ${name}: ${reason}`), []);
  }
});

const CHANGES = {};
const create = (query = "mutation { createTask(input: { title: \"x\" }) { task { id } } }") =>
  fetch(url, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify({ query }) }).then((answer) => answer.json());

/** The first answer that a client gets to an operation; with `stop`, it is left after that. */
const first = (client, operation, stop) =>
  new Promise((resolve, reject) => {
    let answer;
    const leave = client.subscribe(operation, {
      next: (it) => {
        answer ??= it;
        if (stop) leave();
      },
      error: reject,
      complete: () => resolve(answer),
    });
  });

for (const [name, open] of [
  ["graphql-ws", () => createSocket({ url: url.replace("http", "ws"), webSocketImpl: WebSocket, connectionParams: headers, retryAttempts: 0 })],
  ["graphql-sse", () => createEvents({ url, headers, retryAttempts: 0 })],
])
  test(`the real ${name} client asks, listens, leaves, and hears of faults`, async () => {
    const client = open();
    const made = await create();
    assert.deepEqual(await first(client, { query: "{ __typename }" }), { data: { __typename: "Query" } });
    const change = await first(client, CHANGES, true);
    assert.ok(change.data.changes.nodeId && made.data.createTask.task.id);
    const refused = await first(client, { query: "subscription { nothing }" }).then((it) => it.errors, (errors) => errors);
    assert.equal(refused[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
    client.dispose();
  });

test("a client of graphql-ws comes back by itself", async () => {
  let socket, connections = 0;
  const client = createSocket({
    url: url.replace("http", "ws"), webSocketImpl: WebSocket, connectionParams: headers, retryAttempts: 3, retryWait: async () => {},
    on: { connected: (it) => ((socket = it), connections++) },
  });
  let events = 0;
  await new Promise((resolve, reject) => {
    client.subscribe(CHANGES, {
      next: () => {
        events++;
        if (connections === 1) socket.terminate();
        else resolve();
      },
      error: reject, complete: reject,
    });
    create();
  });
  assert.ok(connections === 2 && events >= 2);
  client.dispose();
});

test("a client of graphql-ws does not come back when its session has ended", async () => {
  const { session } = await signUp(new URL(url).origin);
  const authorization = `Bearer ${session}`;
  let connections = 0;
  const client = createSocket({
    url: url.replace("http", "ws"), webSocketImpl: WebSocket, retryAttempts: 3, retryWait: async () => {},
    connectionParams: { headers: { authorization } }, on: { connected: () => connections++ },
  });
  const closed = await new Promise((resolve, reject) => {
    const own = { query: "subscription { changes { nodeId } }" };
    client.subscribe(own, { next: () => {}, error: resolve, complete: reject });
    client.on("connected", () => fetch(new URL("/api/auth/sign-out", url), { method: "POST", headers: { authorization } }));
  });
  assert.deepEqual([closed.code, connections], [4401, 1]);
});

test("Apollo's multipart protocol has its parts", async () => {
  await create();
  const stop = new AbortController();
  const answer = await fetch(url, {
    method: "POST", signal: stop.signal, body: JSON.stringify(CHANGES),
    headers: { ...headers, "content-type": "application/json", accept: 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0",application/json' },
  });
  assert.match(answer.headers.get("content-type"), /^multipart\/mixed; ?boundary="graphql"/);
  let text = "";
  for await (const chunk of answer.body) {
    text += Buffer.from(chunk).toString();
    if (text.split("--graphql").length > 2) break;
  }
  stop.abort();
  const [, part] = text.split("--graphql");
  assert.deepEqual(Object.keys(JSON.parse(part.split("\r\n\r\n")[1])), ["payload"]);
});
