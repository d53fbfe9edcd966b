// What the last release has promised is kept: a document that was valid against its schema.graphql is valid and means the
// same, and a client whose types were made from its openapi.json may send what it sent and understands what it gets.
// `released/` has both files; CONTRIBUTING.md says when they are replaced.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildSchema } from "graphql";

const here = import.meta.dirname;
const read = (file) => readFileSync(path.join(here, file), "utf8");
const bin = (name) => path.join(here, "node_modules/.bin", name);

/** What breaks a document that was written for the one schema. */
async function brokenByGraphql(before, after) {
  const changes = await diff(buildSchema(before), buildSchema(after));
  return changes.filter((it) => it.criticality.level === CriticalityLevel.Breaking).map((it) => it.message);
}

/** The names of an operation: those of its parameters, of the fields of its body, and the statuses of what succeeds. */
function names(document, operation) {
  const resolve = (it) => (it?.$ref ? resolve(it.$ref.slice(2).split("/").reduce((at, key) => at[key], document)) : it);
  const parameters = (operation.parameters ?? []).map(resolve).map((it) => `${it.in} ${it.name}`);
  const bodies = Object.entries(resolve(operation.requestBody)?.content ?? {});
  const fields = bodies.flatMap(([type, { schema }]) => Object.keys(resolve(schema)?.properties ?? {}).map((it) => `${type} ${it}`));
  const statuses = Object.keys(operation.responses).filter((it) => it < "400").map((it) => `status ${it}`);
  return [...parameters, ...fields, ...bodies.map(([type]) => type), ...statuses];
}

/** Operations and names that are gone. */
function gone(before, after) {
  const missing = [];
  for (const [at, methods] of Object.entries(before.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const now = after.paths[at]?.[method];
      const known = new Set(now ? names(after, now) : []);
      if (now?.operationId !== operation.operationId) missing.push(`${method} ${at}`);
      else missing.push(...names(before, operation).filter((it) => !known.has(it)).map((it) => `${method} ${at}: ${it}`));
    }
  }
  return missing;
}

// Requests of before fit the operations of now; responses of now fit the clients of before.
const CHECK = `
import type { operations as Before } from "./before.d.ts";
import type { operations as After } from "./after.d.ts";
type Request<O> = Pick<O, Extract<keyof O, "parameters" | "requestBody">>;
type Statuses<O> = O extends { responses: infer R } ? R : never;
type Content<R> = R extends { content: infer C } ? C : undefined;
declare function sent<K extends keyof Before & keyof After>(operation: K, request: Request<After[K]>): void;
declare function understood<K extends keyof Before, S extends keyof Statuses<Before[K]>>(
  operation: K, status: S, content: Content<Statuses<Before[K]>[S]>): void;
declare function before<K extends keyof Before>(operation: K): Request<Before[K]>;
declare function after<K extends keyof After, S extends keyof Statuses<After[K]>>(operation: K, status: S): Content<Statuses<After[K]>[S]>;
`;

/** What breaks a client whose types were made from the one document, by the compiler of TypeScript. */
function brokenByRest(before, after) {
  const missing = gone(before, after);
  if (missing.length > 0) return missing;
  const folder = mkdtempSync(path.join(here, "generated/compared-"));
  try {
    for (const [name, document] of Object.entries({ before, after })) {
      writeFileSync(path.join(folder, `${name}.json`), JSON.stringify(document));
      execFileSync(bin("openapi-typescript"), [path.join(folder, `${name}.json`), "--output", path.join(folder, `${name}.d.ts`)], { stdio: "ignore" });
    }
    const lines = Object.values(before.paths).flatMap((it) => Object.values(it)).flatMap(({ operationId, responses }) => [
      `sent("${operationId}", before("${operationId}"));`,
      ...Object.keys(responses).map((it) => `understood("${operationId}", ${it}, after("${operationId}", ${it}));`),
    ]);
    writeFileSync(path.join(folder, "check.ts"), CHECK + lines.join("\n"));
    const options = ["--noEmit", "--strict", "--skipLibCheck", "--allowImportingTsExtensions", "--module", "nodenext", "--target", "es2022"];
    const compiled = spawnSync(bin("tsc"), [...options, path.join(folder, "check.ts")], { encoding: "utf8" });
    const source = readFileSync(path.join(folder, "check.ts"), "utf8").split("\n");
    return compiled.stdout.split("\n").flatMap((it) => {
      const place = it.match(/check\.ts\((\d+),/);
      return place ? [`${source[place[1] - 1]} ${it.slice(it.indexOf("error"))}`] : it.includes("error") ? [it] : [];
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("the schema keeps what the last release has promised", async () => {
  assert.deepEqual(await brokenByGraphql(read("released/schema.graphql"), read("../../schema.graphql")), []);
});

test("the REST API keeps what the last release has promised", () => {
  assert.deepEqual(brokenByRest(JSON.parse(read("released/openapi.json")), JSON.parse(read("../../openapi.json"))), []);
});

test("what would break clients is found", async () => {
  const schema = read("released/schema.graphql");
  for (const [from, to] of [
    [/(?<=type Task [^}]*\n)\ttitle: String!\n/, "\t_: Int\n"],
    ["input CreateTaskInput {", "input CreateTaskInput {\n\treason: String!\n"],
    [/(?<=enum TaskPriority [^}]*\n)\tLOW\n/, "\tLEAST\n"],
  ]) {
    const broken = schema.replace(from, to);
    assert.notEqual(broken, schema, String(from));
    assert.notDeepEqual(await brokenByGraphql(schema, broken), [], String(from));
  }
  const document = read("released/openapi.json");
  const tasks = "/api/{user_id}/tasks";
  const changed = (change) => {
    const after = JSON.parse(document);
    change(after);
    return brokenByRest(JSON.parse(document), after);
  };
  assert.deepEqual(changed((it) => delete it.paths[tasks].post), [`post ${tasks}`]);
  assert.equal(changed((it) => it.paths[tasks].get.parameters.pop()).length, 1);
  assert.deepEqual(changed((it) => delete it.paths["/health"].get.responses["200"]), ["get /health: status 200"]);
  const found = changed((it) => {
    it.components.schemas.Task.properties.title.type = "integer";
    it.paths[tasks].get.parameters.push({ name: "reason", in: "query", required: true, schema: { type: "string" } });
  });
  for (const start of ['understood("createTask", 201', 'sent("listTasks"']) {
    assert.ok(found.some((it) => it.startsWith(start)), `${start} is not found`);
  }
});
