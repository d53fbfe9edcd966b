// One row of a list: a heading, or a task with what is worth knowing at a glance.
import { memo, type PointerEvent, type RefObject } from "react";
import { setCompleted } from "../data/actions";
import type { Entry } from "../data/select";
import { PRIORITIES } from "../data/types";
import { formatDue, isOverdue } from "../lib/dates";
import { hrefOf, type Route } from "../lib/route";
import type { Drag } from "../lib/useDrag";
import { Dot } from "./Sidebar";
import { PRIORITY_NAMES } from "./FilterBar";
import { Icon, PriorityIcon } from "./icons";
import { useSnapshot, useWorkspace } from "./context";

/** What is done about rows: one object for all of them, so that a row is drawn again only if something of it has changed. */
export type RowHandlers = {
  grip: (event: PointerEvent<HTMLElement>, index: number) => void;
  toggle: (id: string) => void;
  focus: (id: string) => void;
};

type Props = {
  entry: Entry;
  index: number;
  count: number;
  height: number;
  route: Route;
  isCurrent: boolean;
  isSelected: boolean;
  isSelecting: boolean;
  canMove: boolean;
  drag: Drag | null;
  on: RefObject<RowHandlers>;
};

export const TaskRow = memo(function TaskRow(props: Props) {
  const { entry, index, count, height, drag, on } = props;
  const isDragged = drag?.from === index;
  const place = { transform: `translateY(${index * height + (isDragged ? drag.offset : 0)}px)`, height };
  if (!("task" in entry)) {
    return <li className="row heading" style={place} aria-setsize={count} aria-posinset={index + 1}><h2>{entry.heading}</h2></li>;
  }
  const { route, isCurrent, isSelected, isSelecting, canMove } = props;
  const { task, isSubtask } = entry;
  const state = ["row", task.completed && "done", isSubtask && "subtask", isSelected && "selected", isDragged && "dragged", route.task === task.id && "open"];
  return (
    <li className={state.filter(Boolean).join(" ")} style={place} data-id={task.id} aria-setsize={count} aria-posinset={index + 1}>
      {canMove && (
        <span className="grip" aria-hidden="true" onPointerDown={(event) => on.current.grip(event, index)}><Icon name="grip" size={16} /></span>
      )}
      <Done task={task} />
      <a
        className="row-link" href={hrefOf({ ...route, task: task.id })} tabIndex={isCurrent ? 0 : -1} onFocus={() => on.current.focus(task.id)} draggable={false}
        onClick={(event) => {
          if (!event.ctrlKey && !event.metaKey && !isSelecting) return;
          event.preventDefault();
          on.current.toggle(task.id);
        }}
      >
        <span className="row-title">{task.title}</span>
        <Meta entry={entry} route={route} />
      </a>
      {task.hasConflict && <span className="badge">Review</span>}
      <input
        type="checkbox" className="select-box" aria-label={`Select ${task.title}`} checked={isSelected} tabIndex={-1}
        onChange={() => on.current.toggle(task.id)}
      />
    </li>
  );
});

function Done({ task }: { task: Extract<Entry, { task: object }>["task"] }) {
  const { store, say } = useWorkspace();
  const toggle = () => {
    setCompleted(store, [task], !task.completed);
    say(store.lastAction()!.text, true);
  };
  return <input type="checkbox" className="done-box" aria-label={`Complete ${task.title}`} checked={task.completed} tabIndex={-1} onChange={toggle} />;
}

function Meta({ entry: { task, parts, done, isSubtask }, route }: { entry: Extract<Entry, { task: object }>; route: Route }) {
  const { lists, labels, byId } = useSnapshot();
  const list = route.page === "list" || isSubtask ? undefined : lists.find((it) => it.id === task.listId);
  const parent = isSubtask || !task.parentId ? undefined : byId.get(task.parentId);
  const own = labels.filter((it) => task.labelIds.includes(it.id));
  const level = PRIORITIES.indexOf(task.priority);
  const hasMeta = task.due || list || parent || own.length > 0 || parts > 0 || level !== 1;
  if (!hasMeta) return null;
  return (
    <span className="meta">
      {level !== 1 && <span className={`meta-part priority-${level}`}><PriorityIcon level={level} /><span className="only-read">Priority </span>{PRIORITY_NAMES[task.priority]}</span>}
      {task.due && <span className={isOverdue(task.due) && !task.completed ? "meta-part overdue" : "meta-part"}><Icon name="calendar" size={13} />{formatDue(task.due)}</span>}
      {parts > 0 && <span className="meta-part"><Icon name="parts" size={13} />{done}/{parts}<span className="only-read"> subtasks</span></span>}
      {parent && <span className="meta-part">in {parent.title}</span>}
      {list && <span className="meta-part"><Dot color={list.color} />{list.name}</span>}
      {own.map((it) => <span key={it.id} className="meta-part"><Dot color={it.color} isHollow />{it.name}</span>)}
    </span>
  );
}
