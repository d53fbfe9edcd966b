// A page of tasks: its name, search and filters, the field for a new task, the list, and what can be done with several.
import { type ReactNode, useMemo, useState } from "react";
import { addTask } from "../data/actions";
import { entries, NO_FILTERS } from "../data/select";
import { today } from "../lib/dates";
import type { Route } from "../lib/route";
import { BulkBar } from "./BulkBar";
import { Empty } from "./Empty";
import { FilterBar } from "./FilterBar";
import { Icon } from "./icons";
import { NewField, useNewText } from "./NewField";
import { TaskList } from "./TaskList";
import { useSnapshot, useWorkspace } from "./context";
import type { Group } from "./GroupDialog";

const NAMES = { today: "Today", upcoming: "Upcoming", all: "All tasks" } as const;

type Props = { route: Route; menu: ReactNode; onEdit: (group: Group) => void };

export function TaskPage({ route, menu, onEdit }: Props) {
  const { store } = useWorkspace();
  const all = useSnapshot();
  const [filters, setFilters] = useState(NO_FILTERS);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [isSelecting, setSelecting] = useState(false);
  const now = today();
  const shown = useMemo(() => entries(all, route, filters, now), [all, route.page, route.id, filters, now]);
  const { page, id } = route;
  const group = page === "list" ? all.lists.find((it) => it.id === id) : page === "label" ? all.labels.find((it) => it.id === id) : undefined;
  const name = page in NAMES ? NAMES[page as keyof typeof NAMES] : (group?.name ?? "Not here");

  const add = (title: string) => {
    const due = page === "today" ? { date: now } : null;
    addTask(store, { title, due, listId: page === "list" ? id : null, labelIds: page === "label" ? [id] : [] });
  };
  const chosen = [...selected].flatMap((it) => all.byId.get(it) ?? []);
  const clear = () => {
    setSelected(new Set());
    setSelecting(false);
  };
  return (
    <>
      <header className="page-head">
        {menu}
        <h1>{name}</h1>
        {group && (
          <button type="button" className="icon-button" aria-label={`Edit ${page}`} onClick={() => onEdit({ kind: page === "list" ? "TASK_LIST" : "LABEL", id })}>
            <Icon name="edit" />
          </button>
        )}
        <FilterBar
          filters={filters} onChange={setFilters} hasLabels={page !== "label"} isSelecting={isSelecting || chosen.length > 0}
          onSelecting={(it) => (it ? setSelecting(true) : clear())}
        />
      </header>
      {(group || page !== "list" && page !== "label") && page !== "upcoming" && <NewTask name={name} onAdd={add} />}
      <TaskList
        entries={shown} route={route} selected={selected} onSelect={setSelected} isSelecting={isSelecting || chosen.length > 0}
        isFiltered={filters.show !== "all"}
        canMove={(page === "all" || page === "list") && filters.sort === "manual"}
        empty={<Empty page={page} isFiltered={filters !== NO_FILTERS} isKnown={Boolean(group) || (page !== "list" && page !== "label")} onClear={() => setFilters(NO_FILTERS)} />}
      />
      {chosen.length > 0 && <BulkBar tasks={chosen} onDone={clear} />}
    </>
  );
}

function NewTask({ name, onAdd }: { name: string; onAdd: (title: string) => void }) {
  const { text, setText, submit } = useNewText("title", onAdd);
  return (
    <form className="new-task" onSubmit={submit}>
      <Icon name="plus" />
      <NewField what="title" text={text} onText={setText} id="new-task" aria-label={`New task in ${name}`} placeholder="Add a task" enterKeyHint="done" autoComplete="off" onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()} />
      {text.trim() && <button className="small primary">Add</button>}
    </form>
  );
}
