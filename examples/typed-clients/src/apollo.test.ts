// Apollo Client: queries and mutations over HTTP, subscriptions over WebSocket.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { OperationTypeNode } from "graphql";
import { Changes, CreateTask, ListTasks, UpdateTask } from "./documents";
import { open, signUp, titles, url } from "./session";

let client: ApolloClient, close: () => void;

before(async () => {
  const headers = await signUp();
  const socket = open(headers);
  const isSubscription = ({ operationType }: ApolloLink.Operation) => operationType === OperationTypeNode.SUBSCRIPTION;
  client = new ApolloClient({
    link: ApolloLink.split(isSubscription, new GraphQLWsLink(socket), new HttpLink({ uri: url, headers })),
    cache: new InMemoryCache(),
  });
  close = () => socket.dispose();
});

test("Apollo Client creates, lists, pages, updates and subscribes", async () => {
  for (const title of titles) {
    const { data } = await client.mutate({ mutation: CreateTask, variables: { input: { title, priority: "HIGH" } } });
    assert.equal(data?.createTask?.task.title, title);
  }

  const list = (after: string | null) =>
    client.query({ query: ListTasks, variables: { first: 3, after, filter: { completed: false } }, fetchPolicy: "network-only" });
  const { data } = await list(null);
  const first = data?.tasks;
  assert.deepEqual([first?.totalCount, first?.edges.length, first?.pageInfo.hasNextPage], [5, 3, true]);
  const second = (await list(first?.pageInfo.endCursor ?? null)).data?.tasks;
  assert.deepEqual(second?.edges.map(({ node }) => node.title), titles.slice(0, 2).reverse());

  const id = second?.edges[0]?.node.id ?? "";
  const updated = await client.mutate({ mutation: UpdateTask, variables: { input: { id, description: "more" } } });
  const { task } = updated.data!.updateTask!;
  assert.equal(task.description, "more");

  const seen = await new Promise((resolve, reject) => {
    const changes = client.subscribe({ query: Changes, variables: { after: data?.syncToken } }).subscribe({
      next: ({ data }) => {
        changes.unsubscribe();
        resolve(data?.changes.node?.__typename === "Task" && data.changes.node.id);
      },
      error: reject,
    });
  });
  assert.equal(seen, id);
  close();
});
