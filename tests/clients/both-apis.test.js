// A front-end of the original: Better Auth's own client signs up, GraphQL makes a task, REST lists, toggles and
// deletes it. Needs a running Docket at DOCKET_URL.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAuthClient } from "better-auth/client";
import { jwtClient } from "better-auth/client/plugins";

const base = process.env.DOCKET_URL ?? "http://localhost:8000";

test("an account of the real client owns the same task behind both APIs", async () => {
  let session;
  const auth = createAuthClient({
    baseURL: base,
    plugins: [jwtClient()],
    fetchOptions: {
      // What a browser would send by itself.
      headers: { origin: base },
      auth: { type: "Bearer", token: () => session ?? "" },
      onSuccess: ({ response }) => (session = response.headers.get("set-auth-token") ?? session),
    },
  });

  const email = `ann-${Date.now()}@example.com`;
  const up = await auth.signUp.email({ name: "Ann", email, password: "correct-horse-1" });
  assert.equal(up.error, null);
  assert.equal(up.data.user.email, email);
  const again = await auth.signUp.email({ name: "Eve", email, password: "correct-horse-2" });
  assert.equal(again.error.code, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");

  const shown = await auth.getSession();
  assert.equal(shown.data.user.id, up.data.user.id);
  assert.ok(shown.data.session.expiresAt instanceof Date);
  const { token } = (await auth.token()).data;
  const authorization = `Bearer ${token}`;

  const made = await fetch(`${base}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization },
    body: JSON.stringify({
      query: "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { number title } } }",
      variables: { input: { title: "water the plants" } },
    }),
  }).then((answer) => answer.json());
  assert.equal(made.errors, undefined);
  const { task } = made.data.createTask;

  const tasks = `${base}/api/${up.data.user.id}/tasks`;
  const headers = { "Content-Type": "application/json", Authorization: authorization };
  const listed = await fetch(tasks, { headers }).then((answer) => answer.json());
  assert.deepEqual(listed.map(({ id, title, completed }) => ({ id, title, completed })), [
    { id: task.number, title: "water the plants", completed: false },
  ]);
  const toggled = await fetch(`${tasks}/${task.number}/complete`, { method: "PATCH", headers });
  assert.equal((await toggled.json()).completed, true);
  const deleted = await fetch(`${tasks}/${task.number}`, { method: "DELETE", headers });
  assert.equal(deleted.status, 204);
  assert.deepEqual(await fetch(tasks, { headers }).then((answer) => answer.json()), []);

  assert.equal((await auth.signOut()).data.success, true);
  assert.equal((await auth.getSession()).data, null);
  const back = await auth.signIn.email({ email, password: "correct-horse-1" });
  assert.equal(back.data.user.id, up.data.user.id);
  const wrong = await auth.signIn.email({ email, password: "wrong-horse-1" });
  assert.deepEqual([wrong.error.status, wrong.error.code], [401, "INVALID_EMAIL_OR_PASSWORD"]);
});
