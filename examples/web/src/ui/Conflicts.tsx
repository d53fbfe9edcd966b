// What was changed here and elsewhere, side by side; and what the server did not take.
import { conflicts, discard, keepMine, shown, takeTheirs } from "../data/row";
import type { Snapshot } from "../data/snapshot";
import type { Due, Fields, Row } from "../data/types";
import { formatDue } from "../lib/dates";
import { useSnapshot, useWorkspace } from "./context";

/** What the server calls a field, as people do. */
const NAMES: Partial<Record<string, string>> = {
  title: "Title", description: "Description", completed: "Completed", priority: "Priority", due: "Due", listId: "List", labelIds: "Labels",
  parentId: "Parent", name: "Name", color: "Color", archived: "Archived",
};

function text(key: keyof Fields, value: unknown, all: Snapshot): string {
  if (value === null || value === undefined || value === "") return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (key === "due") return formatDue(value as Due);
  if (key === "listId") return all.lists.find((it) => it.id === value)?.name ?? "another list";
  if (key === "parentId") return all.byId.get(value as string)?.title ?? "another task";
  return key === "priority" ? String(value).toLowerCase() : String(value);
}

export function Conflicts({ rows }: { rows: Row[] }) {
  return <div className="stack">{rows.map((row) => <Conflict key={row.id} row={row} />)}</div>;
}

function Conflict({ row }: { row: Row }) {
  const { store, sync } = useWorkspace();
  const all = useSnapshot();
  const resolve = (update: (row: Row) => Row) => void store.update([{ before: row, update }]).then(() => store.onWrite(), sync.retry);
  const keys = conflicts(row);
  const { title, name } = { ...row.server, ...shown(row) };
  return (
    <section className="conflict" aria-label={title ?? name}>
      <h3>{title ?? name}</h3>
      {row.problems ? <ul className="problem">{row.problems.map((it) => <li key={it.field}>{NAMES[it.field] ?? it.field} {it.message}</li>)}</ul>
        : keys.includes("deleted") ? <p>It was deleted elsewhere. Keep your version, or let it go?</p>
        : (
          <table>
            <thead><tr><th scope="col"><span className="only-read">Field</span></th><th scope="col">Here</th><th scope="col">Elsewhere</th></tr></thead>
            <tbody>
              {keys.map((key) => (
                <tr key={key}><th scope="row">{NAMES[key] ?? key}</th><td>{text(key, row.patch[key], all)}</td><td>{text(key, row.server?.[key], all)}</td></tr>
              ))}
            </tbody>
          </table>
        )}
      <div className="actions">
        {row.problems
          ? <button type="button" onClick={() => resolve(discard)}>Discard my change</button>
          : <>
              <button type="button" className="primary" onClick={() => resolve(keepMine)}>Keep mine</button>
              <button type="button" onClick={() => resolve(takeTheirs)}>Take theirs</button>
            </>}
      </div>
    </section>
  );
}
