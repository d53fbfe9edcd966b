// Everything that is drawn, made once for each change: tasks with their subtasks, lists and labels in their order.
import { conflicts, isDeleted, isUnsent, shown } from "./row";
import type { Fields, Label, Row, Task, TaskList } from "./types";

type Shown<T> = T & { id: string; row: Row; isUnsent: boolean; hasConflict: boolean };
export type ShownTask = Shown<Task>;
export type ShownList = Shown<TaskList>;
export type ShownLabel = Shown<Label>;

export type Snapshot = {
  /** Tasks that are no subtasks, in manual order. */
  tasks: ShownTask[];
  /** Subtasks by their parent, in manual order. */
  subtasks: Map<string, ShownTask[]>;
  lists: ShownList[];
  labels: ShownLabel[];
  byId: Map<string, ShownTask>;
  conflicts: Row[];
  unsent: number;
};

const TASK: Task = {
  title: "", description: null, completed: false, completedAt: null, priority: "MEDIUM", due: null, listId: null,
  parentId: null, labelIds: [], position: "", createdAt: "",
};

/** A row is never changed but replaced, so that what is drawn of it can be kept. */
const drawn = new WeakMap<Row, Shown<Fields>>();

function draw(row: Row): Shown<Fields> {
  let it = drawn.get(row);
  if (!it) {
    const hasConflict = conflicts(row).length > 0 || row.problems !== undefined;
    it = { ...(row.kind === "TASK" ? TASK : {}), ...shown(row), id: row.id, row, isUnsent: isUnsent(row), hasConflict };
    drawn.set(row, it);
  }
  return it;
}

const byPosition = (one: { position: string }, other: { position: string }) =>
  one.position < other.position ? -1 : one.position > other.position ? 1 : 0;

export function snapshot(rows: Iterable<Row>): Snapshot {
  const kinds: Record<Row["kind"], Shown<Fields>[]> = { TASK: [], TASK_LIST: [], LABEL: [] };
  const withConflict: Row[] = [];
  let unsent = 0;
  for (const row of rows) {
    const it = draw(row);
    if (it.isUnsent) unsent++;
    if (it.hasConflict) withConflict.push(row);
    if (!isDeleted(row)) kinds[row.kind].push(it);
  }
  const byId = new Map<string, ShownTask>();
  for (const it of kinds.TASK) byId.set(it.id, it as ShownTask);
  const all = (kinds.TASK as ShownTask[]).sort(byPosition);
  const tasks: ShownTask[] = [];
  const subtasks = new Map<string, ShownTask[]>();
  for (const task of all) {
    if (!task.parentId || !byId.has(task.parentId)) tasks.push(task);
    else if (subtasks.has(task.parentId)) subtasks.get(task.parentId)!.push(task);
    else subtasks.set(task.parentId, [task]);
  }
  const lists = (kinds.TASK_LIST as ShownList[]).sort(byPosition);
  const labels = (kinds.LABEL as ShownLabel[]).sort((one, other) => one.name.localeCompare(other.name));
  return { tasks, subtasks, lists, labels, byId, conflicts: withConflict, unsent };
}
