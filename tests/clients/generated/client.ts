// A client whose types openapi-typescript makes from openapi.json: it signs up, makes a task and lists it. Needs a running
// Docket at DOCKET_URL.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.d.ts";

type Task = components["schemas"]["Task"];

const baseUrl = process.env.DOCKET_URL ?? "http://localhost:8000";
const email = `generated-${Date.now()}-${Math.random()}@example.com`;
const client = createClient<paths>({ baseUrl });

const account = { name: "Ann", email, password: "correct-horse-1" };
const up = await client.POST("/api/auth/register", { body: account });
const { access_token: token, user } = up.data!;
const headers = { authorization: `Bearer ${token}` };
const path = { user_id: user.id };

const made = await client.POST("/api/{user_id}/tasks", { params: { path }, headers, body: { title: "water", tags: ["home"] } });
const task: Task = made.data!;
const listed = await client.GET("/api/{user_id}/tasks", { params: { path, query: { status: "pending" } }, headers });
assert.deepEqual(listed.data, [task]);
const counted = await client.GET("/api/{user_id}/statistics", { params: { path }, headers });
assert.equal(counted.data!.by_priority.medium, 1);
const refused = await client.GET("/api/{user_id}/tasks", { params: { path } });
assert.deepEqual([refused.response.status, refused.error!.detail], [401, "Not authenticated"]);
console.log("a TypeScript client listed", task.title);
