// What becomes of a row that is edited on two sides.
import assert from "node:assert/strict";
import { test } from "node:test";
import { between } from "./position";
import { acknowledge, blank, conflicts, discard, edit, isDeleted, isUnsent, keepMine, receive, replaceLabel, shown, takeTheirs } from "./row";
import type { Fields, Row } from "./types";

const received = (revision: number, fields: Fields) => ({ id: "1", kind: "TASK" as const, revision, fields });
const change = (row: Row, fields: Fields) => edit(row, { id: "1", kind: "TASK", fields });
const synced = receive(blank("1", "TASK"), received(1, { title: "Milk", completed: false, labelIds: ["a", "b"], deleted: false }));

test("edits of different fields are both there", () => {
  const row = receive(change(synced, { title: "Oat milk" }), received(2, { completed: true }));
  assert.deepEqual([shown(row).title, shown(row).completed, conflicts(row), row.revision], ["Oat milk", true, [], 2]);
});

test("two edits of one field are a conflict until somebody chooses", () => {
  const row = receive(change(synced, { title: "Oat milk" }), received(2, { title: "Soy milk" }));
  assert.deepEqual([conflicts(row), shown(row).title], [["title"], "Oat milk"]);
  assert.deepEqual([conflicts(keepMine(row)), shown(keepMine(row)).title], [[], "Oat milk"]);
  assert.deepEqual([isUnsent(takeTheirs(row)), shown(takeTheirs(row)).title], [false, "Soy milk"]);
  // A third value is a conflict again.
  assert.deepEqual(conflicts(receive(keepMine(row), received(3, { title: "Rice milk" }))), ["title"]);
});

test("the same edit on both sides is no conflict", () => {
  const row = receive(change(synced, { title: "Oat milk" }), received(2, { title: "Oat milk" }));
  assert.deepEqual([conflicts(row), isUnsent(row)], [[], false]);
});

test("an edit that is taken back has nothing to send", () => {
  assert.equal(isUnsent(change(change(synced, { title: "Oat milk" }), { title: "Milk" })), false);
});

test("labels merge one by one", () => {
  const row = receive(change(synced, { labelIds: ["b", "c"] }), received(2, { labelIds: ["a", "b", "d"] }));
  assert.deepEqual([shown(row).labelIds, conflicts(row)], [["b", "d", "c"], []]);
});

test("what was deleted elsewhere is not edited silently, and comes back only if somebody wants it", () => {
  const row = receive(change(synced, { title: "Oat milk" }), received(2, { deleted: true }));
  assert.deepEqual(conflicts(row), ["deleted"]);
  assert.deepEqual([shown(keepMine(row)).deleted, conflicts(keepMine(row))], [false, []]);
  assert.deepEqual([shown(takeTheirs(row)).deleted, isUnsent(takeTheirs(row))], [true, false]);
});

test("what is written while an answer is on its way stays, on top of the answer", () => {
  const sent = change(synced, { title: "Oat milk" });
  const meanwhile = change(sent, { title: "Oat milk, two" });
  const row = acknowledge(meanwhile, sent.patch, received(2, { title: "Oat milk" }));
  assert.deepEqual([shown(row).title, conflicts(row), isUnsent(row)], ["Oat milk, two", [], true]);
  assert.equal(isUnsent(acknowledge(sent, sent.patch, received(2, { title: "oat milk" }))), false);
});

test("an answer that the feed has overtaken changes nothing", () => {
  const row = receive(synced, received(3, { title: "Newest" }));
  assert.equal(shown(receive(row, received(2, { title: "Older" }))).title, "Newest");
});

test("there is a place between any two, at the start and at the end", () => {
  const places = ["000000000000ai", "000000000000bi"];
  for (let index = 0; index < 300; index++) {
    const at = (index * 7) % (places.length + 1);
    places.splice(at, 0, between(places[at - 1], places[at]));
  }
  assert.deepEqual(places, [...places].sort());
  assert.equal(new Set(places).size, places.length);
});

test("what was made here and is discarded is gone", () => {
  const made = change(blank("1", "TASK"), { title: "Milk" });
  assert.deepEqual([isDeleted(made), isDeleted(discard(made)), isUnsent(discard(made))], [false, true, false]);
});

test("a label whose name another one has is that one, and its task can be sent", () => {
  const task = { ...change(blank("1", "TASK"), { title: "Milk", labelIds: ["x", "mine"] }), problems: [{ field: "labelIds", message: "label not found" }] };
  const row = replaceLabel(task, "mine", "theirs");
  assert.deepEqual([shown(row).labelIds, row.problems, shown(row).title], [["x", "theirs"], undefined, "Milk"]);
  assert.deepEqual(shown(replaceLabel(change(task, { labelIds: ["theirs", "mine"] }), "mine", "theirs")).labelIds, ["theirs"]);
});
