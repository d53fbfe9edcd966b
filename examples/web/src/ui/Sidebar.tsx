// The pages, lists and labels, and how the sync is.
import { type ReactNode, useEffect, useRef } from "react";
import { dueDay, today } from "../lib/dates";
import { hrefOf, type Page, type Route } from "../lib/route";
import { Icon, type IconName } from "./icons";
import { useSnapshot, useStatus } from "./context";
import type { Group } from "./GroupDialog";

const PAGES: { page: Page; name: string; icon: IconName }[] = [
  { page: "today", name: "Today", icon: "sun" },
  { page: "upcoming", name: "Upcoming", icon: "calendar" },
  { page: "all", name: "All tasks", icon: "inbox" },
];

type Props = { route: Route; isOpen: boolean; onEdit: (group: Group) => void; onHelp: () => void; onClose: () => void };

export function Sidebar({ route, isOpen, onEdit, onHelp, onClose }: Props) {
  const close = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (isOpen) close.current?.focus();
  }, [isOpen]);
  const all = useSnapshot();
  const now = today();
  const counts = new Map<string, number>();
  const count = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
  for (const task of all.byId.values()) {
    if (task.completed) continue;
    if (task.due) count(dueDay(task.due) <= now ? "today" : "upcoming");
    if (!task.parentId) count("all");
    if (!task.parentId && task.listId) count(task.listId);
    for (const id of task.labelIds) count(id);
  }
  const link = (page: Page, id: string, name: string, icon: ReactNode) => (
    <li key={id || page}>
      <a className="nav-link" href={hrefOf({ page, id })} aria-current={route.page === page && route.id === id ? "page" : undefined}>
        {icon}
        <span className="nav-name">{name}</span>
        {(counts.get(id || page) ?? 0) > 0 && <span className="count"><span className="only-read">, open: </span>{counts.get(id || page)}</span>}
      </a>
    </li>
  );
  const archived = all.lists.filter((it) => it.archived);
  return (
    <nav className="sidebar" aria-label="Pages">
      <header className="sidebar-head">
        <p className="brand"><img src="./icon.svg" alt="" width="24" height="24" />Docket</p>
        <button type="button" className="icon-button only-small" aria-label="Close the menu" ref={close} onClick={onClose}><Icon name="close" /></button>
      </header>
      <ul>{PAGES.map(({ page, name, icon }) => link(page, "", name, <Icon name={icon} />))}</ul>
      <Heading text="Lists" action="New list" onAction={() => onEdit({ kind: "TASK_LIST", id: null })} />
      <ul>{all.lists.filter((it) => !it.archived).map((it) => link("list", it.id, it.name, <Dot color={it.color} />))}</ul>
      <Heading text="Labels" action="New label" onAction={() => onEdit({ kind: "LABEL", id: null })} />
      <ul>{all.labels.map((it) => link("label", it.id, it.name, <Dot color={it.color} isHollow />))}</ul>
      {archived.length > 0 && (
        <details className="archived">
          <summary>Archived</summary>
          <ul>{archived.map((it) => link("list", it.id, it.name, <Dot color={it.color} />))}</ul>
        </details>
      )}
      <footer className="sidebar-foot">
        <ul>
          {link("trash", "", "Trash", <Icon name="trash" />)}
          {link("settings", "", "Settings", <Icon name="settings" />)}
        </ul>
        <div className="status-line">
          <SyncStatus />
          <button type="button" className="icon-button" aria-label="Keyboard shortcuts" onClick={onHelp}>?</button>
        </div>
      </footer>
    </nav>
  );
}

function Heading({ text, action, onAction }: { text: string; action: string; onAction: () => void }) {
  return (
    <div className="nav-heading">
      <h2>{text}</h2>
      <button type="button" className="icon-button" aria-label={action} onClick={onAction}><Icon name="plus" size={16} /></button>
    </div>
  );
}

export const Dot = ({ color, isHollow = false }: { color: string | null; isHollow?: boolean }) => (
  <span className={isHollow ? "dot hollow" : "dot"} style={{ "--dot": color ?? "var(--faint)" } as React.CSSProperties} />
);

const WORDS = { live: "Up to date", connecting: "Connecting…", offline: "Offline", "signed-out": "Signed out" };

export function SyncStatus() {
  const status = useStatus();
  const { unsent, conflicts } = useSnapshot();
  const undecided = conflicts.length;
  const waiting = unsent > undecided ? ` · ${unsent - undecided} to send` : "";
  const text = status === "live" && waiting ? "Sending…"
    : status === "live" && undecided > 0 ? (undecided === 1 ? "1 needs a decision" : `${undecided} need a decision`)
    : `${WORDS[status]}${waiting}`;
  return <p className={`sync ${status}`} role="status" data-unsent={unsent}><span className="sync-dot" />{text}</p>;
}
