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
// Sent twice and done once, changed only as long as nobody else does, and refused with the place of each problem.
const once = { params: { path, header: { "Idempotency-Key": `key-${Date.now()}` } }, headers, body: { title: "feed" } };
const first = await client.POST("/api/{user_id}/tasks", once);
assert.deepEqual((await client.POST("/api/{user_id}/tasks", once)).data, first.data);
const taskPath = { ...path, task_id: first.data!.id };
const header = { "If-Match": first.response.headers.get("ETag")! };
const change = { params: { path: taskPath, header }, headers, body: { completed: true } };
assert.equal((await client.PUT("/api/{user_id}/tasks/{task_id}", change)).data!.completed, true);
assert.equal((await client.PUT("/api/{user_id}/tasks/{task_id}", change)).response.status, 412);
const invalid = await client.POST("/api/{user_id}/tasks", { params: { path }, headers, body: { title: "" } });
assert.ok(typeof invalid.error!.detail !== "string" && invalid.error!.detail[0]!.loc.includes("title"));
assert.equal((await client.DELETE("/api/{user_id}/tasks/{task_id}", { params: { path: taskPath }, headers })).response.status, 204);

const listed = await client.GET("/api/{user_id}/tasks", { params: { path, query: { status: "pending" } }, headers });
assert.deepEqual(listed.data, [task]);
const counted = await client.GET("/api/{user_id}/statistics", { params: { path }, headers });
assert.equal(counted.data!.by_priority.medium, 1);
const refused = await client.GET("/api/{user_id}/tasks", { params: { path } });
assert.deepEqual([refused.response.status, refused.error!.detail], [401, "Not authenticated"]);
console.log("a TypeScript client listed", task.title);
