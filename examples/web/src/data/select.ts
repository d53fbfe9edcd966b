// Which tasks a page shows, in which order.
import { addDays, dueDay, formatDay } from "../lib/dates";
import type { Route } from "../lib/route";
import type { ShownTask, Snapshot } from "./snapshot";
import { PRIORITIES, type Priority } from "./types";

export type Sort = "manual" | "due" | "priority" | "title" | "newest";
export type Filters = { text: string; show: "open" | "completed" | "all"; priority: Priority | ""; labelId: string; sort: Sort };
export const NO_FILTERS: Filters = { text: "", show: "open", priority: "", labelId: "", sort: "manual" };

export type Entry = { id: string; heading: string } | { id: string; task: ShownTask; isSubtask: boolean; parts: number; done: number };
type TaskEntry = Extract<Entry, { task: ShownTask }>;

const words = (text: string) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);
const wordsOf = new WeakMap<ShownTask, string[]>();

/** Whether for each word of the text the task has one that begins with it, as Docket's own search has it. */
function matches(task: ShownTask, sought: string[]): boolean {
  if (sought.length === 0) return true;
  let own = wordsOf.get(task);
  if (!own) wordsOf.set(task, (own = words(`${task.title} ${task.description ?? ""}`)));
  return sought.every((word) => own.some((it) => it.startsWith(word)));
}

const dueKey = ({ due }: ShownTask) => (!due ? "9999-99" : "date" in due ? due.date : new Date(due.at.instant).toISOString());
const compare: Record<Exclude<Sort, "manual">, (one: ShownTask, other: ShownTask) => number> = {
  due: (one, other) => dueKey(one).localeCompare(dueKey(other)),
  priority: (one, other) => PRIORITIES.indexOf(other.priority) - PRIORITIES.indexOf(one.priority),
  title: (one, other) => collator.compare(one.title, other.title),
  newest: (one, other) => other.createdAt.localeCompare(one.createdAt),
};
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** Whether a task that is no subtask belongs to a page. */
function isOn(task: ShownTask, { page, id }: Route, now: string): boolean {
  if (page === "list") return task.listId === id;
  if (page === "label") return task.labelIds.includes(id);
  if (page === "all") return true;
  if (!task.due) return false;
  return page === "today" ? dueDay(task.due) <= now : dueDay(task.due) > now;
}

export function entries(all: Snapshot, route: Route, filters: Filters, now: string): Entry[] {
  const sought = words(filters.text);
  const isShown = (task: ShownTask) =>
    (filters.show === "all" || task.completed === (filters.show === "completed")) &&
    (!filters.priority || task.priority === filters.priority) &&
    (!filters.labelId || task.labelIds.includes(filters.labelId)) &&
    matches(task, sought);
  // Days and labels are of each task; lists are of whole tasks with their subtasks below.
  const isFlat = route.page === "today" || route.page === "upcoming" || route.page === "label" || filters.sort !== "manual";
  const candidates = isFlat ? [...all.byId.values()] : all.tasks;
  const found = candidates.filter((task) => isOn(task, route, now) && (isShown(task) || (!isFlat && all.subtasks.get(task.id)?.some(isShown))));
  const sort = filters.sort === "manual" && isFlat ? (route.page === "label" ? null : "due") : filters.sort;
  if (sort && sort !== "manual") found.sort((one, other) => compare[sort](one, other) || compare.priority(one, other));
  const entry = (task: ShownTask, isSubtask: boolean): TaskEntry => {
    const parts = all.subtasks.get(task.id) ?? [];
    return { id: task.id, task, isSubtask, parts: parts.length, done: parts.filter((it) => it.completed).length };
  };
  if (!isFlat) {
    return found.flatMap((task) => [entry(task, false), ...(all.subtasks.get(task.id) ?? []).filter(isShown).map((it) => entry(it, true))]);
  }
  const flat = found.map((task) => entry(task, false));
  return sort === "due" && route.page !== "label" ? byDay(flat, now) : flat;
}

/** A heading before the tasks of each day; all that is overdue is one. */
function byDay(flat: TaskEntry[], now: string): Entry[] {
  const groups = new Map<string, Entry[]>();
  const soon = addDays(now, 7);
  for (const it of flat) {
    const day = it.task.due && dueDay(it.task.due);
    const heading = !day ? "No date" : day < now ? "Overdue" : day < soon ? formatDay(day, now) : "Later";
    if (groups.has(heading)) groups.get(heading)!.push(it);
    else groups.set(heading, [it]);
  }
  return [...groups].flatMap(([heading, some]) => [{ id: `heading-${heading}`, heading }, ...some]);
}
