// Relay without React: its runtime, its store, and a network of fetch and graphql-ws.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import {
  commitMutation,
  Environment,
  fetchQuery,
  type GraphQLResponse,
  type MutationParameters,
  Network,
  Observable,
  RecordSource,
  requestSubscription,
  Store,
} from "relay-runtime";
import ChangesSubscription, { type documentsChangesSubscription } from "./relay/__generated__/documentsChangesSubscription.graphql";
import CreateMutation, { type documentsCreateMutation } from "./relay/__generated__/documentsCreateMutation.graphql";
import ListQuery, { type documentsListQuery } from "./relay/__generated__/documentsListQuery.graphql";
import NodeQuery, { type documentsNodeQuery } from "./relay/__generated__/documentsNodeQuery.graphql";
import UpdateMutation, { type documentsUpdateMutation } from "./relay/__generated__/documentsUpdateMutation.graphql";
import { open, signUp, titles, url } from "./session";

let environment: Environment, close: () => void;

before(async () => {
  const headers = await signUp();
  const socket = open(headers);
  const network = Network.create(
    async ({ text: query }, variables) => {
      const body = JSON.stringify({ query, variables });
      const answer = await fetch(url, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body });
      return (await answer.json()) as GraphQLResponse;
    },
    ({ text }, variables) =>
      Observable.create((sink) =>
        socket.subscribe<Record<string, unknown>>({ query: text ?? "", variables }, { ...sink, next: (it) => sink.next(it as GraphQLResponse) }),
      ),
  );
  environment = new Environment({ network, store: new Store(new RecordSource()) });
  close = () => socket.dispose();
});

const mutate = <T extends MutationParameters>(mutation: Parameters<typeof commitMutation<T>>[1]["mutation"], variables: T["variables"]) =>
  new Promise<T["response"]>((onCompleted, onError) => commitMutation<T>(environment, { mutation, variables, onCompleted, onError }));

test("Relay creates, lists, pages, updates, refetches a node and subscribes", async () => {
  for (const title of titles) {
    const { createTask } = await mutate<documentsCreateMutation>(CreateMutation, { input: { title } });
    assert.equal(createTask?.task.title, title);
  }

  const list = (after: string | null) =>
    fetchQuery<documentsListQuery>(environment, ListQuery, { first: 3, after }, { fetchPolicy: "network-only" }).toPromise();
  const answer = (await list(null))!;
  const first = answer.tasks!;
  assert.deepEqual([first.totalCount, first.edges.length, first.pageInfo.hasNextPage], [5, 3, true]);
  const second = (await list(first.pageInfo.endCursor ?? null))!.tasks!;
  assert.deepEqual(second.edges.map(({ node }) => node.title), titles.slice(0, 2).reverse());

  const id = second.edges[0]!.node.id;
  await mutate<documentsUpdateMutation>(UpdateMutation, { input: { id, title: "renamed" } });
  const again = await fetchQuery<documentsNodeQuery>(environment, NodeQuery, { id }).toPromise();
  assert.deepEqual(again?.node, { __typename: "Task", id, title: "renamed" });

  const seen = await new Promise((resolve, reject) => {
    const subscription = requestSubscription<documentsChangesSubscription>(environment, {
      subscription: ChangesSubscription,
      variables: { after: answer.syncToken },
      onNext: (data) => {
        setImmediate(() => subscription.dispose());
        resolve(data?.changes.node?.__typename === "Task" && data.changes.node.title);
      },
      onError: reject,
    });
  });
  assert.equal(seen, "renamed");
  close();
});
