// The list: only rows in sight are in the page, however many there are. Keys and dragging are handled here, for all rows.
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { deleteTasks, reorder, setCompleted } from "../data/actions";
import type { Entry } from "../data/select";
import type { Route } from "../lib/route";
import { useDrag } from "../lib/useDrag";
import { useWindow } from "../lib/useWindow";
import { type RowHandlers, TaskRow } from "./TaskRow";
import { useWorkspace } from "./context";

/** The height of every row, in pixels at the font size of the page. */
const HEIGHT = () => 3.5 * parseFloat(getComputedStyle(document.documentElement).fontSize);

type Props = {
  entries: Entry[];
  route: Route;
  selected: ReadonlySet<string>;
  onSelect: (selected: ReadonlySet<string>) => void;
  isSelecting: boolean;
  canMove: boolean;
  /** Whether a task that is completed, or open again, leaves the list. */
  isFiltered: boolean;
  empty: ReactNode;
};

const taskOf = (entry: Entry | undefined) => (entry && "task" in entry ? entry.task : undefined);

export function TaskList({ entries, route, selected, onSelect, isSelecting, canMove, isFiltered, empty }: Props) {
  const { store, say } = useWorkspace();
  const scroller = useRef<HTMLDivElement>(null);
  const [height] = useState(HEIGHT);
  const { start, end } = useWindow(scroller, entries.length, height);
  const [current, setCurrent] = useState("");
  const at = useMemo(() => Math.max(entries.findIndex((it) => it.id === current), entries.findIndex((it) => "task" in it)), [entries, current]);
  const wantsFocus = useRef(false);

  useEffect(() => {
    if (!wantsFocus.current) return;
    const link = scroller.current?.querySelector<HTMLElement>(`[data-id="${current}"] a`);
    if (!link) return;
    wantsFocus.current = false;
    link.focus();
  });

  /** The tasks among which one is ordered: those beside it with the same parent. */
  const siblings = (index: number) => {
    const parentId = taskOf(entries[index])?.parentId ?? null;
    return entries.flatMap((it) => ("task" in it && (it.task.parentId ?? null) === parentId ? it.task : []));
  };
  const put = (from: number, to: number) => {
    const task = taskOf(entries[from]);
    if (!task) return;
    const beside = siblings(from);
    const rest = entries.slice(to > from ? to + 1 : to).flatMap((it) => ("task" in it && beside.includes(it.task) ? it.task : []));
    const next = rest.find((it) => it.id !== task.id);
    const all = store.snapshot();
    reorder(store, "TASK", task.parentId ? (all.subtasks.get(task.parentId) ?? []) : all.tasks, task.id, next?.id);
  };
  const { drag, onPointerDown } = useDrag({ scroller, height, onDrop: put, fit: (_from, to) => Math.min(Math.max(0, to), entries.length - 1) });

  const focus = (index: number) => {
    const entry = entries[index];
    if (!entry) return;
    setCurrent(entry.id);
    wantsFocus.current = true;
    const element = scroller.current!;
    if (index * height < element.scrollTop) element.scrollTop = index * height - 8;
    else if ((index + 1) * height > element.scrollTop + element.clientHeight) element.scrollTop = (index + 1) * height - element.clientHeight + 8;
  };
  const step = (by: number) => {
    let next = at + by;
    while (entries[next] && !("task" in entries[next]!)) next += by;
    focus(next);
    return entries[next]?.id;
  };
  const toggle = (...ids: string[]) => {
    const next = new Set(selected);
    for (const id of ids) if (ids.length > 1 || !next.delete(id)) next.add(id);
    onSelect(next);
  };

  const handlers = useRef<RowHandlers>(null!);
  handlers.current = { grip: onPointerDown, toggle, focus: setCurrent };

  const press = (event: KeyboardEvent) => {
    if (!(event.target instanceof HTMLElement)) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "a") {
      onSelect(new Set(entries.flatMap((it) => ("task" in it ? it.id : []))));
      return event.preventDefault();
    }
    if (event.ctrlKey || event.metaKey) return;
    const task = taskOf(entries[at]);
    const by = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    if (by && event.altKey) {
      if (!task || !canMove) return;
      const beside = siblings(at);
      const index = beside.findIndex((it) => it.id === task.id) + by;
      if (index < 0 || index >= beside.length) return;
      put(at, entries.findIndex((it) => it.id === beside[index]!.id));
      wantsFocus.current = true;
    } else if (by && event.shiftKey) {
      const next = step(by);
      if (task && next) toggle(task.id, next);
    } else if (by) step(by);
    else if (event.key === "x" && task) toggle(task.id);
    else if (event.key === "c" && task) {
      if (isFiltered) step(1);
      setCompleted(store, [task], !task.completed);
    }
    else if ((event.key === "Delete" || event.key === "Backspace") && task) {
      step(1);
      deleteTasks(store, [task]);
      say(store.lastAction()!.text, true);
    } else if (event.key === "Escape" && selected.size > 0) onSelect(new Set());
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className="scroller" ref={scroller} data-selecting={isSelecting}>
      {entries.length === 0 ? empty : (
        <ul className="tasks" style={{ height: entries.length * height }} onKeyDown={press} aria-label="Tasks">
          {entries.slice(start, end).map((entry, index) => (
            <TaskRow
              key={entry.id} entry={entry} index={start + index} count={entries.length} height={height} route={route}
              isCurrent={start + index === at} isSelected={selected.has(entry.id)} isSelecting={isSelecting}
              canMove={canMove} drag={drag} on={handlers}
            />
          ))}
          {drag && drag.to !== drag.from && (
            <li className="drop" aria-hidden="true" style={{ transform: `translateY(${(drag.to + (drag.to > drag.from ? 1 : 0)) * height}px)` }} />
          )}
        </ul>
      )}
    </div>
  );
}
