// Searching, filtering and sorting what a page shows.
import { useRef } from "react";
import { NO_FILTERS, type Filters, type Sort } from "../data/select";
import { PRIORITIES, type Priority } from "../data/types";
import { Icon } from "./icons";
import { useSnapshot } from "./context";

const SORTS: Record<Sort, string> = { manual: "Usual order", due: "Due date", priority: "Priority", title: "Title", newest: "Newest first" };
export const PRIORITY_NAMES: Record<Priority, string> = { LOW: "Low", MEDIUM: "Medium", HIGH: "High", URGENT: "Urgent" };

type Props = { filters: Filters; onChange: (filters: Filters) => void; hasLabels: boolean; isSelecting: boolean; onSelecting: (isSelecting: boolean) => void };

export function FilterBar({ filters, onChange, hasLabels, isSelecting, onSelecting }: Props) {
  const { labels } = useSnapshot();
  const menu = useRef<HTMLDetailsElement>(null);
  const set = (part: Partial<Filters>) => {
    const next = { ...filters, ...part };
    onChange(JSON.stringify(next) === JSON.stringify(NO_FILTERS) ? NO_FILTERS : next);
  };
  const isFiltered = filters.show !== "open" || filters.priority !== "" || filters.labelId !== "" || filters.sort !== "manual";
  return (
    <div className="filter-bar">
      <label className="search">
        <Icon name="search" size={16} />
        <input id="search" type="search" aria-label="Search" placeholder="Search" value={filters.text} onChange={(event) => set({ text: event.target.value })} />
      </label>
      <button type="button" className="icon-button" aria-label="Select tasks" aria-pressed={isSelecting} data-active={isSelecting} onClick={() => onSelecting(!isSelecting)}><Icon name="select" /></button>
      <details className="menu" ref={menu} onBlur={(event) => !event.currentTarget.contains(event.relatedTarget) && event.relatedTarget && menu.current!.removeAttribute("open")}>
        <summary className="icon-button" aria-label={isFiltered ? "Filters, in use" : "Filters"} data-active={isFiltered}><Icon name="filter" /></summary>
        <div className="menu-card stack">
          <fieldset className="segments">
            <legend>Show</legend>
            {(["open", "completed", "all"] as const).map((it) => (
              <label key={it}><input type="radio" name="show" checked={filters.show === it} onChange={() => set({ show: it })} /><span>{it === "open" ? "Open" : it === "completed" ? "Done" : "All"}</span></label>
            ))}
          </fieldset>
          <label className="field">Priority
            <select value={filters.priority} onChange={(event) => set({ priority: event.target.value as Priority | "" })}>
              <option value="">Any</option>
              {PRIORITIES.map((it) => <option key={it} value={it}>{PRIORITY_NAMES[it]}</option>)}
            </select>
          </label>
          {hasLabels && (
            <label className="field">Label
              <select value={filters.labelId} onChange={(event) => set({ labelId: event.target.value })}>
                <option value="">Any</option>
                {labels.map((it) => <option key={it.id} value={it.id}>{it.name}</option>)}
              </select>
            </label>
          )}
          <label className="field">Sort by
            <select value={filters.sort} onChange={(event) => set({ sort: event.target.value as Sort })}>
              {Object.entries(SORTS).map(([it, name]) => <option key={it} value={it}>{name}</option>)}
            </select>
          </label>
          {isFiltered && <button type="button" onClick={() => onChange({ ...NO_FILTERS, text: filters.text })}>Clear filters</button>}
        </div>
      </details>
    </div>
  );
}
