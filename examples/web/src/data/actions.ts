// What people do, in edits of rows. Everything that follows from an edit is edited with it, as the server will do too.
import { atTheEnd, between } from "./position";
import type { ShownTask, Snapshot } from "./snapshot";
import type { Store } from "./store";
import type { Due, Edit, Fields, Kind, Priority } from "./types";

/** A UUID; `crypto.randomUUID` is not there on pages without TLS. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const text = Array.from(bytes, (it) => it.toString(16).padStart(2, "0")).join("");
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const task = (id: string, fields: Fields): Edit => ({ id, kind: "TASK", fields });
const quoted = (title: string) => `“${title.length > 40 ? `${title.slice(0, 40)}…` : title}”`;
const some = (tasks: ShownTask[]) => (tasks.length === 1 ? quoted(tasks[0]!.title) : `${tasks.length} tasks`);

export type NewTask = { title: string; listId?: string | null; parentId?: string | null; due?: Due | null; labelIds?: string[]; priority?: Priority };

export function addTask(store: Store, { title, listId = null, parentId = null, due = null, labelIds = [], priority = "MEDIUM" }: NewTask): string {
  const id = newId();
  const fields: Fields = {
    title: title.trim(), description: null, completed: false, priority, due, listId, parentId, labelIds, deleted: false,
    position: atTheEnd(), createdAt: new Date().toISOString(),
  };
  store.act(`Added ${quoted(title)}`, [task(id, fields)]);
  return id;
}

export function changeTask(store: Store, { id, title }: ShownTask, fields: Fields): void {
  store.act(`Changed ${quoted(title)}`, [task(id, fields)]);
}

/** Tasks with their subtasks. */
const whole = (all: Snapshot, tasks: ShownTask[]) => [...new Set(tasks.flatMap((it) => [it, ...(all.subtasks.get(it.id) ?? [])]))];

/** A task is completed together with its subtasks, and reopened alone. */
export function setCompleted(store: Store, tasks: ShownTask[], completed: boolean): void {
  const changed = (completed ? whole(store.snapshot(), tasks) : tasks).filter((it) => it.completed !== completed);
  store.act(`${completed ? "Completed" : "Reopened"} ${some(tasks)}`, changed.map(({ id }) => task(id, { completed })));
}

export function deleteTasks(store: Store, tasks: ShownTask[]): void {
  store.act(`Deleted ${some(tasks)}`, whole(store.snapshot(), tasks).map(({ id }) => task(id, { deleted: true })));
}

/** Subtasks are where their task is. */
export function moveToList(store: Store, tasks: ShownTask[], listId: string | null): void {
  const changed = whole(store.snapshot(), tasks.filter((it) => !it.parentId)).filter((it) => it.listId !== listId);
  store.act(`Moved ${some(tasks)}`, changed.map(({ id }) => task(id, { listId })));
}

export function toggleLabel(store: Store, tasks: ShownTask[], labelId: string, isOn: boolean): void {
  const next = ({ labelIds }: ShownTask) => (isOn ? [...new Set([...labelIds, labelId])].slice(0, 10) : labelIds.filter((it) => it !== labelId));
  store.act(`Labelled ${some(tasks)}`, tasks.map((it) => task(it.id, { labelIds: next(it) })));
}

export function setEach(store: Store, tasks: ShownTask[], fields: Fields): void {
  store.act(`Changed ${some(tasks)}`, tasks.map(({ id }) => task(id, fields)));
}

type Placed = { id: string; position: string };

/** Puts one of some tasks or lists, which are in their order, before another one, or at the end. */
export function reorder(store: Store, kind: Kind, inOrder: Placed[], id: string, before: string | undefined): void {
  const rest = inOrder.filter((it) => it.id !== id);
  const was = inOrder.findIndex((it) => it.id === id);
  const at = before === undefined ? rest.length : rest.findIndex((it) => it.id === before);
  if (at < 0 || at === was || rest.length === 0) return;
  store.act("Moved", [edit(kind, rest, id, at)], [edit(kind, rest, id, was)]);
}

function edit(kind: Kind, rest: Placed[], id: string, at: number): Edit {
  const [low, high] = [rest[at - 1], rest[at]];
  const move = low ? { after: low.id } : { before: high!.id };
  return { id, kind, fields: { position: between(low?.position, high?.position) }, move };
}

// Lists and labels.

export function saveGroup(store: Store, kind: "TASK_LIST" | "LABEL", id: string | null, fields: Fields): string {
  const isNew = id === null;
  const blank = kind === "TASK_LIST" ? { archived: false, position: atTheEnd() } : {};
  const given = id ?? newId();
  store.act(`${isNew ? "Added" : "Changed"} ${quoted(fields.name ?? "")}`, [{ id: given, kind, fields: { ...(isNew && { ...blank, deleted: false }), ...fields } }]);
  return given;
}

/** The tasks of a list stay, without a list. */
export function deleteList(store: Store, id: string, name: string): void {
  const tasks = [...store.snapshot().byId.values()].filter((it) => it.listId === id);
  store.act(`Deleted ${quoted(name)}`, [{ id, kind: "TASK_LIST", fields: { deleted: true } }, ...tasks.map((it) => task(it.id, { listId: null }))]);
}

export function deleteLabel(store: Store, id: string, name: string): void {
  const tasks = [...store.snapshot().byId.values()].filter((it) => it.labelIds.includes(id));
  const without = (it: ShownTask) => task(it.id, { labelIds: it.labelIds.filter((label) => label !== id) });
  store.act(`Deleted ${quoted(name)}`, [{ id, kind: "LABEL", fields: { deleted: true } }, ...tasks.map(without)]);
}
