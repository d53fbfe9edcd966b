// The language as graphql-js has it: every document below, and thousands that are made up, are judged by graphql-js
// against schema.graphql, and by Docket. A document is refused when the answer has no data. Needs a running Docket at
// DOCKET_URL; SEED makes up other documents.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { GraphQLError, Kind, buildSchema, getOperationAST, parse, validate } from "graphql";
import { getVariableValues } from "graphql/execution/values.js";
import { requests } from "./made-up.js";
import { signUp } from "./people.js";

const base = process.env.DOCKET_URL ?? "http://localhost:8000";
const seed = Number(process.env.SEED ?? 1);
const MADE_UP = 2000;
const schema = buildSchema(readFileSync(new URL("../../schema.graphql", import.meta.url), "utf8"));

const isInstant = (text) => /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text);
/** Whether digits are a number of 64 bits. */
const isLong = (text) => /^-?\d+$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
/** What the schema's own scalars take, which graphql-js cannot know: a value, and a literal. */
const SCALARS = {
  BigInt: [
    (value) => (typeof value === "string" ? isLong(value) : Number.isInteger(value) && Math.abs(value) < 2 ** 63),
    (node) => [Kind.INT, Kind.STRING].includes(node.kind) && isLong(node.value),
  ],
  Date: [(value) => typeof value === "string" && isDay(value), (node) => node.kind === Kind.STRING && isDay(node.value)],
  DateTime: [(value) => typeof value === "string" && isInstant(value), (node) => node.kind === Kind.STRING && isInstant(node.value)],
};
for (const [name, [takes, takesLiteral]] of Object.entries(SCALARS)) {
  const checked = (isTaken) => (it) => {
    if (!isTaken(it)) throw new GraphQLError(`no ${name}`);
    return it;
  };
  Object.assign(schema.getType(name), { parseValue: checked(takes), parseLiteral: checked(takesLiteral) });
}

/** Why graphql-js refuses a request; undefined when it does not. */
function refusal({ query, variables = {}, operationName }) {
  let document, faults;
  try {
    document = parse(query);
    faults = validate(schema, document);
  } catch (error) {
    return error.message;
  }
  if (faults.length > 0) return faults[0].message;
  const operation = getOperationAST(document, operationName);
  if (!operation) return "no such operation";
  const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
  return errors?.[0]?.message;
}

const cases = [];
const add = (group, query, variables, operationName) => cases.push({ group, query, variables, operationName });

const LITERALS = [
  "1", "-1", "0", "-0", "2147483647", "2147483648", "-2147483649", "1.0", "1e3", "1.5e-3", "9007199254740993",
  '"a"', '""', '"1"', '"""block"""', "true", "false", "null", "LOW", "low", "[]", "[1]", '["a"]', '[["a"]]', "[null]",
  "{}", "{ a: 1 }", "$v",
];
const POSITIONS = {
  "Int = 100": (value) => `{ changes(first: ${value}) { syncToken } }`,
  Int: (value) => `{ tasks(first: ${value}) { totalCount } }`,
  "String!": (value) => `{ searchTasks(text: ${value}) { nodes { id } } }`,
  String: (value) => `{ tasks(after: ${value}) { totalCount } }`,
  "ID!": (value) => `{ task(id: ${value}) { id } }`,
  "[ID!]!": (value) => `{ nodes(ids: ${value}) { id } }`,
  Boolean: (value) => `{ taskLists(archived: ${value}) { id } }`,
  TaskFilter: (value) => `{ tasks(filter: ${value}) { totalCount } }`,
  "TaskFilter.completed": (value) => `{ tasks(filter: { completed: ${value} }) { totalCount } }`,
  "TaskFilter.priority.in": (value) => `{ tasks(filter: { priority: { in: ${value} } }) { totalCount } }`,
  "TaskFilter.ids": (value) => `{ tasks(filter: { ids: ${value} }) { totalCount } }`,
  "@include(if:)": (value) => `{ me @include(if: ${value}) { id } }`,
};
for (const [place, query] of Object.entries(POSITIONS)) for (const value of LITERALS) add(`literal at ${place}`, query(value));

const TYPES = ["Int", "Int!", "[Int]", "[Int!]!", "String", "String!", "ID", "ID!", "[ID!]", "[ID!]!", "[ID]", "Boolean", "Boolean!", "TaskFilter", "TaskPriority", "Nothing", "Task"];
for (const [place, query] of Object.entries(POSITIONS))
  for (const type of TYPES) {
    add(`variable at ${place}`, `query($v: ${type}) ${query("$v")}`, { v: sample(type) });
    add(`default at ${place}`, `query($v: ${type} = null) ${query("$v")}`, {});
  }
function sample(type) {
  if (type.includes("Int")) return type.startsWith("[") ? [1] : 1;
  if (type.includes("Boolean")) return true;
  if (type.includes("TaskFilter")) return { completed: true };
  if (type.includes("TaskPriority")) return "LOW";
  return type.startsWith("[") ? ["a"] : "a";
}

const VALUES = [undefined, null, 0, 1, -1, 1.0, 1.5, 1e3, 2147483648, "1", "a", "", true, [], [1], ["a"], [null], [["a"]], {}, { completed: true }, { completed: null }, { completed: 1 }, { priority: { eq: "LOW" } }, { priority: { eq: "low" } }, { or: { completed: true } }, { or: [{ nothing: 1 }] }, { not: {} }, { nothing: 1 }, { ids: "a" }, { ids: [1] }];
for (const type of ["Int", "Int!", "String", "ID!", "Boolean!", "[ID!]!", "[Int]", "TaskFilter", "TaskFilter!", "TaskPriority", "TaskPriority!", "DueInput"])
  for (const value of VALUES) add(`value of ${type}`, `query($v: ${type}) { __typename ...F @include(if: false) } fragment F on Query { ${user(type)} }`, { v: value });
function user(type) {
  if (type.includes("TaskFilter")) return "tasks(filter: $v) { totalCount }";
  if (type.includes("TaskPriority")) return "tasks(filter: { priority: { eq: $v } }) { totalCount }";
  if (type === "DueInput") return "__typename"; // unused there, which is a fault of its own
  if (type.startsWith("[ID")) return "nodes(ids: $v) { id }";
  if (type.startsWith("ID")) return "task(id: $v) { id }";
  if (type.startsWith("Boolean")) return "taskLists(archived: $v) { id }";
  if (type === "String") return "tasks(after: $v) { totalCount }";
  return "tasks(first: $v) { totalCount }";
}

const DOCUMENTS = {
  "what a lexer sees": [
    "{ __typename }", "\uFEFF{ __typename }", "{ __typename # comment\n }", "{ __typename, , }", "{__typename}", "", " ", "#", "{", "}", "{}", "{ }", "{ 1 }", "{ - }", "{ a.b }",
    '{ task(id: "\\u{1F600}") { id } }', '{ task(id: "\\uD83D\\uDE00") { id } }', '{ task(id: "\\uD83D") { id } }', '{ task(id: "\\uDE00\\uD83D") { id } }', '{ task(id: "\\u{110000}") { id } }',
    '{ task(id: "\\u{}") { id } }', '{ task(id: "\\u12") { id } }', '{ task(id: "\\x") { id } }', '{ task(id: "a\nb") { id } }', '{ task(id: "\t") { id } }', '{ task(id: "\\n\\t\\"\\\\\\/\\b\\f\\r") { id } }',
    '{ task(id: """a "" b \\""" c""") { id } }', '{ task(id: """unfinished") { id } }', '{ task(id: "unfinished) { id } }', "{ task(id: 'a') { id } }",
    "{ task(id: 01) { id } }", "{ task(id: 1.) { id } }", "{ task(id: .1) { id } }", "{ task(id: 1e) { id } }", "{ task(id: +1) { id } }", "{ task(id: 1a) { id } }", "{ task(id: 0x1) { id } }", "{ task(id: 1_000) { id } }", "{ task(id: --1) { id } }", "{ task(id: 1.2.3) { id } }", "{ task(id: 1 2) { id } }",
    "{ me { id\u00A0 } }", "{ mé { id } }", "{ me { id } } \u0000", "{ me { id } } ?", "{ me { id } }}", "{ me ( { id } }", "{ __typename @ }", "{ __typename & }", "{ task(id) { id } }", "{ task(id id: 1) { id } }", "{ task(id: 1 id) { id } }", "{ task(null id: 1) { id } }", "{ tasks(filter: { completed }) { totalCount } }", "{ tasks(filter: { completed contains: \"a\" }) { totalCount } }", "{ me @include(if) { id } }", "{ me @include(if: true unless) { id } }", "query($v: TaskFilter = { completed }) { tasks(filter: $v) { totalCount } }", "{ __typename | }", "{ .. __typename }", "{ ... }", "{ ...{ __typename } }",
  ],
  operations: [
    "query { __typename }", "query Q { __typename }", "query Q() { __typename }", "query ($v: Int) { tasks(first: $v) { totalCount } }", "query Q { __typename } query R { __typename }", "query Q { __typename } query Q { __typename }",
    "query Q { __typename } { __typename }", "{ __typename } { __typename }", "mutation { __typename }", "subscription { __typename }", "subscription { changes { nodeId } __typename }", "subscription { a: changes { nodeId } b: changes { nodeId } }",
    "subscription { ...F } fragment F on Subscription { a: changes { nodeId } b: changes { nodeId } }", "subscription($s: Boolean!) { changes @skip(if: $s) { nodeId } }",
    "QUERY { __typename }", "query query { __typename }", "query on { __typename }", "query true { __typename }", "query null { __typename }", "type A { b: Int }", "{ __typename } type A { b: Int }", "extend type Query { a: Int }", "schema { query: Query }", "fragment F on Query { __typename }", "query Q", "query Q { __typename } fragment",
    "query Q @skip(if: true) { __typename }", "query Q @nothing { __typename }", "query ($v: Int @deprecated) { tasks(first: $v) { totalCount } }", "query ($v: Int @nothing) { tasks(first: $v) { totalCount } }",
  ],
  fields: [
    "{ nothing }", "{ me }", "{ me { } }", "{ me { nothing } }", "{ me { id { a } } }", "{ __typename { a } }", "{ __typename(a: 1) }", "{ me(a: 1) { id } }", "{ task { id } }", "{ task(id: 1, id: 2) { id } }", "{ task(id: 1, nothing: 2) { id } }", "{ tasks() { totalCount } }", "{ a: b: me { id } }", "{ a:me{id} }", "{ node(id: 1) { id } }", "{ node(id: 1) { title } }", "{ node(id: 1) { ... on Task { title } } }", "{ node(id: 1) { ... on Query { me { id } } } }", "{ node(id: 1) { __typename } }",
    "{ changes { changes { node { id } } } }", "{ changes { changes { node { __typename ... on Label { name } } } } }", "{ __schema { queryType { name } } }", '{ __type(name: "Task") { name } }', "{ __type { name } }", "{ __type(name: 1) { name } }", '{ me { __schema { queryType { name } } } }', "{ __schema { types { fields(includeDeprecated: null) { name } } } }", "{ __schema { types { fields(includeDeprecated: true) { name } } } }", "mutation { __schema { queryType { name } } }",
    "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }", "{ __schema { types { fields { type { fields { name } } } } } }",
  ],
  "merging of fields": [
    "{ me { id } me { name } }", "{ a: me { id } a: tasks { totalCount } }", "{ tasks(first: 1) { totalCount } tasks(first: 2) { totalCount } }", "{ tasks(first: 1) { totalCount } tasks(first: 1) { totalCount } }", "{ tasks(first: 1) { totalCount } tasks { totalCount } }", "{ me { a: id a: name } }", "{ me { a: id } me { a: name } }", "{ me { a: id } ...F } fragment F on Query { me { a: name } }", "{ ...F ...G } fragment F on Query { me { a: id } } fragment G on Query { me { a: name } }",
    "{ node(id: 1) { ... on Task { a: title } ... on Label { a: name } } }", "{ node(id: 1) { ... on Task { a: title } ... on Label { a: color } } }", "{ node(id: 1) { ... on Task { a: title } ... on TaskList { a: archived } } }", "{ node(id: 1) { ... on Task { a: list { x: name } } ... on TaskList { a: tasks { x: title } } } }", "{ node(id: 1) { ... on Task { a: parent { x: title } } ... on Label { a: tasks { x: title } } } }",
    "query($a: Int, $b: Int) { tasks(first: $a) { totalCount } tasks(first: $b) { totalCount } }", "query($a: Int) { tasks(first: $a) { totalCount } tasks(first: $a) { totalCount } }", '{ task(id: "1") { id } task(id: 1) { id } }', "{ tasks(first: 1, last: 2) { totalCount } tasks(last: 2, first: 1) { totalCount } }", "{ tasks(filter: { completed: true }) { totalCount } tasks(filter: { completed: true }) { totalCount } }", "{ me { id @skip(if: true) id } }",
    "{ nodes(ids: []) { id } nodes(ids: [1]) { id } }", "{ nodes(ids: [1]) { id } nodes(ids: [1, 2]) { id } }", "{ nodes(ids: [1]) { id } nodes(ids: [1]) { __typename } }", "{ ...F nodes(ids: [1, 2]) { id } } fragment F on Query { nodes(ids: [1]) @skip(if: true) { id } }", "{ tasks(filter: { ids: [1] }) { totalCount } tasks(filter: { ids: [1, 2] }) { totalCount } }", "{ label(id: 1) { tasks { labels { id } } } label(id: 1) { tasks { labels { name } } } }",
  ],
  fragments: [
    "{ ...F } fragment F on Query { __typename }", "{ ...F }", "{ ...F } fragment F on Nothing { a }", "{ ...F } fragment F on ID { a }", "{ ...F } fragment F on TaskFilter { a }", "{ ...F } fragment F on Task { id }", "{ ...on }", "{ ...on } fragment on on Query { __typename }", "{ ... on Query { __typename } }", "{ ... on Task { id } }", "{ ... on Nothing { id } }", "{ ... on ID { id } }", "{ ...F ...F } fragment F on Query { __typename }", "{ __typename } fragment F on Query { __typename }", "{ ...F } fragment F on Query { ...F }", "{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }", "{ ...F } fragment F on Query { __typename } fragment F on Query { __typename }", "{ ...F } fragment F { __typename }", "{ ...F } fragment F on Query { ...G } fragment G on Query { __typename }", "{ ...F } fragment F on Node { id }", "{ node(id: 1) { ...F } } fragment F on Node { id }", "{ node(id: 1) { ...F } } fragment F on ChangedNode { __typename }", "{ task(id: 1) { ...F } } fragment F on Node { id }", "{ task(id: 1) { ...F } } fragment F on Label { id }", "{ ...F } fragment F($v: Int) on Query { __typename }", "{ ... @include(if: true) { __typename } }", "{ ... @nothing { __typename } }", "{ ...F @skip(if: false) } fragment F on Query { __typename }", "{ ...F } fragment F on Query @skip(if: true) { __typename }",
    "{ me { ...F } } fragment F on User { id ...G } fragment G on User { name ...H } fragment H on User { email ...F }",
  ],
  variables: [
    "query($v: Int) { __typename }", "{ tasks(first: $v) { totalCount } }", "query($v: Int, $v: Int) { tasks(first: $v) { totalCount } }", "query($v: Int = 1) { tasks(first: $v) { totalCount } }", 'query($v: Int = "a") { tasks(first: $v) { totalCount } }', "query($v: Int! = 1) { tasks(first: $v) { totalCount } }", "query($v: Int! = null) { tasks(first: $v) { totalCount } }", "query($v: Int = $v) { tasks(first: $v) { totalCount } }", "query($v: [Int) { tasks(first: $v) { totalCount } }", "query($v: Int!!) { tasks(first: $v) { totalCount } }", "query($v) { tasks(first: $v) { totalCount } }", "query(v: Int) { tasks(first: $v) { totalCount } }",
    "query($v: Boolean) { me @include(if: $v) { id } }", "query($v: Boolean = true) { me @include(if: $v) { id } }", "query($v: Int) { ...F } fragment F on Query { tasks(first: $v) { totalCount } }", "query A { ...F } query B($v: Int) { ...F } fragment F on Query { tasks(first: $v) { totalCount } }", "query($v: String = \"a\") { searchTasks(text: $v) { id } }", "query($v: String) { searchTasks(text: $v) { id } }", "query($v: ID!) { nodes(ids: [$v]) { id } }", "query($v: ID) { nodes(ids: [$v]) { id } }", "query($v: ID!) { nodes(ids: $v) { id } }", "query($v: [[ID!]!]!) { nodes(ids: $v) { id } }", "query($v: Boolean) { tasks(filter: { completed: $v }) { totalCount } }", "query($v: Boolean!) { tasks(filter: { completed: $v }) { totalCount } }", "query($v: TaskOrderBy) { tasks(order: { by: $v }) { totalCount } }", "query($__v: Int) { tasks(first: $__v) { totalCount } }",
  ],
  directives: [
    "{ me @skip(if: true) { id } }", "{ me @skip { id } }", "{ me @skip(if: 1) { id } }", "{ me @skip(if: true, if: true) { id } }", "{ me @skip(if: true) @skip(if: false) { id } }", "{ me @skip(if: false) @include(if: true) { id } }", "{ me @skip(unless: true) { id } }", "{ me @nothing { id } }", "{ me @deprecated { id } }", "{ __typename @nothing }", "{ __typename @skip }", "{ __typename @skip(if: true) @skip(if: true) }", "query($v: Boolean!) { __typename @skip(if: $v) }", "{ __typename @specifiedBy(url: \"a\") }", "{ me { id @include(if: \"true\") } }", "@skip(if: true) { __typename }", "{ me @oneOf { id } }", "{ me @defer { id } }", "{ ... @defer { __typename } }", "{ tasks @stream { totalCount } }",
  ],
  "input objects": [
    "{ tasks(filter: { nothing: 1 }) { totalCount } }", "{ tasks(filter: { completed: true, completed: true }) { totalCount } }", "{ tasks(filter: { search: null }) { totalCount } }", "{ tasks(filter: \"{}\") { totalCount } }", "{ tasks(order: {}) { totalCount } }", "{ tasks(order: { by: TITLE }) { totalCount } }", '{ tasks(order: { by: "TITLE" }) { totalCount } }', "{ tasks(order: { by: title }) { totalCount } }", "{ tasks(order: [{ by: TITLE }]) { totalCount } }",
    "mutation { createTask { task { id } } }", "mutation { createTask(input: {}) { task { id } } }", "mutation { createTask(input: { title: 1 }) { task { id } } }", "mutation { createTask(input: { title: null }) { task { id } } }", "mutation { createTask(input: [{ title: \"a\" }]) { task { id } } }", "mutation { createTask(input: null) { task { id } } }",
    'mutation { createTask(input: { title: "a", due: {} }) { task { id } } }', 'mutation { createTask(input: { title: "a", due: { date: "2030-01-01" } }) { task { id } } }', 'mutation { createTask(input: { title: "a", due: { date: null } }) { task { id } } }', 'mutation { createTask(input: { title: "a", due: { date: "2030-01-01", at: { instant: "2030-01-01T00:00:00Z" } } }) { task { id } } }', 'mutation { createTask(input: { title: "a", due: null }) { task { id } } }',
    'mutation { moveTask(input: { id: 1, position: { before: "a" } }) { task { id } } }', 'mutation { moveTask(input: { id: 1, position: { before: "a", after: "b" } }) { task { id } } }', "mutation { moveTask(input: { id: 1, place: {} }) { task { id } } }", "mutation { moveTask(input: { id: 1, position: { before: null } }) { task { id } } }",
  ],
};
for (const [group, documents] of Object.entries(DOCUMENTS)) for (const query of documents) add(group, query, {});
const POSITION = "mutation($v: PositionInput!) { moveTask(input: { id: 1, position: $v }) { task { id } } }";
for (const v of [{ before: "a" }, { after: "a" }, {}, { before: "a", after: "b" }, { before: null }, { before: "a", after: null }, "a", null]) add("oneOf by variable", POSITION, { v });
for (const type of ["ID", "ID!"]) for (const variables of [{}, { v: "a" }, { v: null }]) add("oneOf by field", `mutation($v: ${type}) { moveTask(input: { id: 1, position: { before: $v } }) { task { id } } }`, variables);
for (const name of [undefined, null, "A", "B", "C", ""]) {
  add("operationName", "query A { __typename } query B { __typename }", {}, name);
  add("operationName", "query A { __typename }", {}, name);
  add("operationName", "{ __typename }", {}, name);
}
const OPEN = new Set([
  // The editions of the specification differ about null for `includeDeprecated: Boolean! = false` (September 2025).
  "{ __schema { types { fields(includeDeprecated: null) { name } } } }",
  // A nullable variable for a field of a @oneOf object is refused by the specification (5.8.5); graphql-js does not
  // see it when the object's type is non-null.
  ...cases.filter(({ group, query }) => group === "oneOf by field" && query.includes("$v: ID)")).map(({ query }) => query),
  // Beyond the limit of cost.
  ...cases.filter(({ query }) => query.includes("first: 2147483647")).map(({ query }) => query),
]);

let token;
before(async () => ({ token } = await signUp(base)));

/** What Docket says: the errors of a request that is refused, or undefined. */
async function answered(request) {
  // A subscription does not end: whether it starts is enough.
  const isStream = /^\s*subscription/.test(request.query);
  const stop = new AbortController();
  const answer = await fetch(`${base}/graphql`, {
    method: "POST",
    signal: stop.signal,
    headers: { "content-type": "application/json", authorization: `Bearer ${token}`, accept: isStream ? "text/event-stream" : "application/json" },
    body: JSON.stringify(request),
  });
  if (isStream) {
    const first = await Promise.race([answer.body.getReader().read(), new Promise((done) => setTimeout(done, 100, {}))]);
    stop.abort();
    return first.value !== undefined && !Buffer.from(first.value).toString().includes('"data"') ? [] : undefined;
  }
  const body = await answer.json();
  assert.ok(answer.status < 500, `${answer.status} for ${request.query}`);
  assert.ok("data" in body || body.errors.length > 0);
  return "data" in body ? undefined : body.errors;
}

test("documents are refused exactly when graphql-js refuses them", async () => {
  const different = [];
  for (const { group, query, variables, operationName } of cases) {
    if (OPEN.has(query)) continue;
    const expected = refusal({ query, variables: JSON.parse(JSON.stringify(variables ?? {})), operationName });
    const isRefused = (await answered({ query, variables, operationName })) !== undefined;
    if (isRefused !== (expected !== undefined)) different.push(`${group}: ${query} ${JSON.stringify(variables)} (${expected ?? "accepted"})`);
  }
  assert.ok(cases.length > 800, String(cases.length));
  assert.deepEqual(different, [], `${different.length} of ${cases.length}`);
});

/** Whether the difference is one of those that OPEN tells of, or of a variable that has a default, which is enough for
 * a field of a @oneOf object by the specification (5.8.5), and not by graphql-js. */
function isOpen(expected, errors) {
  if (errors === undefined) return /be used for OneOf Input Object/.test(expected);
  return errors[0].extensions.code === "QUERY_TOO_EXPENSIVE" || / cannot be used for argument /.test(errors[0].message);
}

test("documents that are made up are judged as graphql-js judges them", async () => {
  const [different, found] = [[], { accepted: 0, refused: 0 }];
  for (const request of requests(schema, seed, MADE_UP)) {
    const [expected, errors] = [refusal(request), await answered(request)];
    found[errors === undefined ? "accepted" : "refused"] += 1;
    if ((errors === undefined) === (expected === undefined) || isOpen(expected, errors)) continue;
    different.push(`${JSON.stringify(request)} (${expected ?? "accepted"}, Docket: ${errors?.[0].message ?? "accepted"})`);
  }
  assert.ok(Math.min(found.accepted, found.refused) > MADE_UP / 10, JSON.stringify(found));
  assert.deepEqual(different, [], `${different.length} of ${MADE_UP} with SEED=${seed}`);
});
