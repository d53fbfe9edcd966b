// What becomes of a row when somebody edits it, and when the server sends it. Pure functions: they run in memory and
// again inside a transaction of IndexedDB, where other tabs may have been faster.
//
// A patch holds only what was changed here, so that the edits of others show through everywhere else. A field is in
// conflict if others have changed it since, to something else: derived, and therefore never out of date.
import type { Edit, Fields, Received, Row } from "./types";

type Key = keyof Fields;

export const same = (one: unknown, other: unknown) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
const keys = (fields: Fields) => Object.keys(fields) as Key[];
const pick = (fields: Fields | null, names: Key[]): Fields => Object.fromEntries(names.map((it) => [it, fields?.[it]]));
const omit = (fields: Fields, isOmitted: (key: Key) => boolean): Fields => pick(fields, keys(fields).filter((it) => !isOmitted(it)));

export const blank = (id: string, kind: Row["kind"]): Row => ({ id, kind, server: null, revision: null, patch: {}, base: {} });

/** The row as people see it. */
export const shown = (row: Row): Fields => ({ ...row.server, ...row.patch });

/** A row that the server never had, and of which nothing is left here, is gone too. */
export const isDeleted = (row: Row) => shown(row).deleted === true || (row.server === null && keys(row.patch).length === 0);

/** Whether something waits to be sent. */
export const isUnsent = ({ patch, move }: Row) => keys(patch).length > 0 || move !== undefined;

export function edit(row: Row, { fields, move }: Edit): Row {
  const patch = { ...row.patch, ...fields };
  const base = { ...pick(row.server, keys(fields)), ...row.base };
  const isBack = (key: Key) => row.server !== null && same(patch[key], row.server[key]) && same(base[key], row.server[key]);
  const next = { ...row, patch: omit(patch, isBack), base: omit(base, isBack), ...(move && { move }) };
  delete next.problems;
  return next;
}

/** The server has this now. */
export function receive(row: Row, { revision, fields }: Received): Row {
  // The answer to a push may be overtaken by the feed.
  if (revision !== null && row.revision !== null && revision < row.revision) return row;
  const server = { ...row.server, ...fields };
  const merged = { ...row.patch };
  if (merged.labelIds && !same(row.base.labelIds, server.labelIds)) {
    merged.labelIds = mergeLabels(row.base.labelIds ?? [], merged.labelIds, server.labelIds ?? []);
  }
  const isOver = (key: Key) => same(merged[key], server[key]) || (key === "position" && !row.move);
  const patch = omit(merged, isOver);
  const base = omit(row.base, (key) => !(key in patch));
  if (patch.labelIds) base.labelIds = server.labelIds;
  const next = { ...row, server, revision, patch, base };
  // A move of what is gone is no change that anybody would miss.
  if (server.deleted && keys(patch).every((key) => key === "position")) return { ...next, patch: {}, base: {}, move: undefined };
  return next;
}

/** The server has taken this patch. What was changed meanwhile stays, on top of what the server has now. */
export function acknowledge(row: Row, sent: Fields, received: Received): Row {
  const isSent = (key: Key) => key in sent && same(row.patch[key], sent[key]);
  const rest = { ...row, patch: omit(row.patch, isSent), base: omit(row.base, isSent) };
  const next = receive(rest, received);
  return { ...next, base: { ...next.base, ...pick(next.server, keys(next.patch).filter((key) => key in sent)) } };
}

/** Labels that were added on either side, without those that were removed on either. */
function mergeLabels(base: string[], mine: string[], theirs: string[]): string[] {
  const added = mine.filter((it) => !base.includes(it) && !theirs.includes(it));
  return [...theirs.filter((it) => mine.includes(it) || !base.includes(it)), ...added].slice(0, 10);
}

/** The fields that were changed here and elsewhere; `deleted` if it was deleted elsewhere. */
export function conflicts({ server, patch, base }: Row): Key[] {
  if (!server) return [];
  if (server.deleted && keys(patch).length > 0 && !("deleted" in patch)) return ["deleted"];
  if (patch.deleted) return [];
  return keys(patch).filter((key) => key !== "position" && key !== "deleted" && !same(server[key], base[key]));
}

/** What was changed here is to stand. */
export function keepMine(row: Row): Row {
  const patch = row.server?.deleted ? { ...row.patch, deleted: false } : row.patch;
  return { ...row, patch, base: pick(row.server, keys(patch)) };
}

/** What the server has is to stand. */
export function takeTheirs(row: Row): Row {
  const lost = conflicts(row);
  const isLost = (key: Key) => lost.includes("deleted") || lost.includes(key);
  return { ...row, patch: omit(row.patch, isLost), base: omit(row.base, isLost) };
}

/** Another label has the name, and takes the place of one that was made here. */
export function replaceLabel(row: Row, mine: string, theirs: string): Row {
  const swap = (ids?: string[]) => ids && [...new Set(ids.map((it) => (it === mine ? theirs : it)))];
  const next = { ...row, patch: { ...row.patch, labelIds: swap(row.patch.labelIds) } };
  delete next.problems;
  return next;
}

/** As it was before anything was changed here. */
export const discard = (row: Row): Row => ({ ...row, patch: {}, base: {}, move: undefined, problems: undefined });
