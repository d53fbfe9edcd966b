// Between rows and what is sent: what the feed calls `node` becomes fields, and a row becomes what `pushChanges` takes.
import type { PushedChange, RowFragment } from "../api/documents.types";
import { isDeleted, shown } from "./row";
import type { Store } from "./store";
import type { Due, Fields, Kind, Received, Row } from "./types";

/** What the feed or an answer says about an object. */
type Told = { kind: Kind; revision: number | null; deleted: boolean; node: RowFragment | null };

export function received(id: string, { kind, revision, deleted, node }: Told): Received {
  if (!node) return { id, kind, revision, fields: { deleted } };
  if (!("title" in node)) {
    const { id: _, revision: __, ...fields } = node;
    return { id, kind, revision: node.revision, fields: { ...fields, deleted: false } };
  }
  const { id: _, revision: __, dueDate, dueAt, dueTimeZone, labelIds, ...fields } = node;
  return { id, kind, revision: node.revision, fields: { ...fields, labelIds: labelIds ?? [], due: due(dueDate, dueAt, dueTimeZone), deleted: false } };
}

function due(date: string | null, instant: string | null, timeZone: string | null): Due | null {
  if (date) return { date };
  return instant ? { at: { instant, timeZone: timeZone ?? "UTC" } } : null;
}

export function pushed(row: Row, store: Store): PushedChange {
  const about = { id: row.id, expectedRevision: row.revision };
  const fields = shown(row);
  if (fields.deleted) {
    const deletion = { ...about, deleted: true };
    return row.kind === "TASK" ? { task: deletion } : row.kind === "LABEL" ? { label: deletion } : { taskList: deletion };
  }
  const { name = "", color = null, archived = false } = fields;
  if (row.kind === "LABEL") return { label: { ...about, state: { name, color } } };
  if (row.kind === "TASK_LIST") return { taskList: { ...about, state: { name, color, archived } } };
  return { task: { ...about, state: taskState(fields, store) } };
}

/** A list or label that was deleted elsewhere meanwhile is left out: the server would refuse the whole task. */
function taskState({ title = "", description = null, completed = false, priority = "MEDIUM", due = null, ...ids }: Fields, store: Store) {
  const isThere = (id: string) => {
    const row = store.row(id);
    return row !== undefined && !isDeleted(row);
  };
  const parentId = ids.parentId && isThere(ids.parentId) ? ids.parentId : null;
  const listId = !parentId && ids.listId && isThere(ids.listId) ? ids.listId : null;
  return { title, description, completed, priority, due, listId, parentId, labelIds: (ids.labelIds ?? []).filter(isThere) };
}
