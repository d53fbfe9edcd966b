import assert from "node:assert/strict";
import { test } from "node:test";
import { tooLong } from "./limits";

test("characters are counted as the server counts them, without white space around", () => {
  for (const text of ["", "é".repeat(200), "😀".repeat(200), ` ${"a".repeat(200)}\n`]) assert.equal(tooLong("title", text), "");
  assert.match(tooLong("title", "😀".repeat(201)), /^The title is too long to be saved: it has 201 characters, and may have 200\.$/);
  assert.match(tooLong("label", "a".repeat(31)), /^The name .* may have 30\.$/);
});
