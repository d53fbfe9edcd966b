// Errors as clients see them.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { type CombinedError, Client, fetchExchange, gql } from "@urql/core";
import type { ErrorExtensions } from "./errors";
import { signUp, url } from "./session";

let client: Client;

before(async () => {
  client = new Client({ url, preferGetMethod: false, fetchOptions: { headers: await signUp() }, exchanges: [fetchExchange] });
});

const extensions = (error: CombinedError | undefined) => error?.graphQLErrors[0]?.extensions as ErrorExtensions;

test("a value that breaks a rule is named, and a conflict shows what is there", async () => {
  const create = gql`mutation ($title: String!) { createTask(input: { title: $title }) { task { id revision } } }`;
  const refused = extensions((await client.mutation(create, { title: "" })).error);
  assert.deepEqual([refused.code, refused.field, refused.problems?.length], ["BAD_USER_INPUT", "title", 1]);

  const { data } = await client.mutation(create, { title: "milk" });
  const update = gql`mutation ($id: ID!) { updateTask(input: { id: $id, expectedRevision: 0, title: "bread" }) { task { id } } }`;
  const conflict = extensions((await client.mutation(update, { id: data.createTask.task.id })).error);
  assert.deepEqual([conflict.code, conflict.current?.title, conflict.current?.deleted], ["CONFLICT", "milk", false]);
});
