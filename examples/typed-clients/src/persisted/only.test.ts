// A Docket that executes nothing but the documents of a file, which graphql-codegen or Apollo's generator wrote.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { signUp, url } from "../session";

type Manifest = { format: string; operations: { id: string; body: string }[] };

const file = JSON.parse(await readFile(process.env.DOCUMENTS ?? "", "utf8")) as Manifest | Record<string, string>;
const entries: [string, string][] = "operations" in file ? (file as Manifest).operations.map(({ id, body }) => [id, body]) : Object.entries(file);
const [id, text] = entries.find(([, text]) => text.startsWith("query ListTasks")) ?? ["", ""];
const digits = id.replace("sha256:", "");
const authorization = await signUp();
const variables = { first: 1 };

type Answer = { data?: { tasks?: { totalCount: number } }; errors?: { extensions: { code: string } }[] };
const post = async (body: object) => {
  const headers = { ...authorization, "content-type": "application/json" };
  return (await fetch(url, { method: "POST", headers, body: JSON.stringify({ variables, ...body }) })).json() as Promise<Answer>;
};
const get = async (parameters: Record<string, string>) => {
  const query = new URLSearchParams({ variables: JSON.stringify(variables), ...parameters });
  return (await fetch(`${url}?${query}`, { headers: authorization })).json() as Promise<Answer>;
};
const byHash = (sha256Hash: string) => ({ persistedQuery: { version: 1, sha256Hash } });

test("a document of the file is executed however it is named", async () => {
  assert.ok(entries.length === 4 && text);
  for (const name of [id, digits, `sha256:${digits}`]) {
    for (const answer of [
      await post({ documentId: name }),
      await get({ documentId: name }),
      await post({ extensions: byHash(name) }),
      await get({ extensions: JSON.stringify(byHash(name)) }),
      await post({ query: text }),
      await post({ query: text, extensions: byHash(name) }),
    ])
      assert.equal(answer.data?.tasks?.totalCount, 0, JSON.stringify(answer));
  }
});

test("no other document is executed", async () => {
  const code = async (answer: Promise<Answer>) => (await answer).errors?.[0]?.extensions.code;
  assert.equal(await code(post({ query: `${text} ` })), "PERSISTED_DOCUMENT_REQUIRED");
  assert.equal(await code(post({ documentId: "sha256:00" })), "PERSISTED_DOCUMENT_NOT_FOUND");
});
