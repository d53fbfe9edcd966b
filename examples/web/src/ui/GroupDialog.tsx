// Making, changing and deleting a list or a label.
import { type FormEvent, useState } from "react";
import { deleteLabel, deleteList, reorder, saveGroup } from "../data/actions";
import { tooLong } from "../lib/limits";
import { go } from "../lib/route";
import { Dialog } from "./Dialog";
import { NewField } from "./NewField";
import { useSnapshot, useWorkspace } from "./context";

export type Group = { kind: "TASK_LIST" | "LABEL"; id: string | null };

const COLORS = ["#c2483f", "#c97b1f", "#a08a1b", "#3f8f4f", "#1f8a8a", "#3b74c4", "#7a5bc0", "#b0508f"];

export function GroupDialog({ group: { kind, id }, onClose }: { group: Group; onClose: () => void }) {
  const { store, say } = useWorkspace();
  const { lists, labels } = useSnapshot();
  const isList = kind === "TASK_LIST";
  const word = isList ? "list" : "label";
  const found = (isList ? lists : labels).find((it) => it.id === id);
  const list = lists.find((it) => it.id === id);
  const limit = isList ? "list" : "label";
  const [name, setName] = useState(found?.name ?? "");
  const [color, setColor] = useState<string | null>(found?.color ?? (id ? null : COLORS[(isList ? lists : labels).length % COLORS.length]!));

  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (!name.trim() || tooLong(limit, name)) return;
    const saved = saveGroup(store, kind, id, { name: name.trim(), color });
    if (!id) go({ page: isList ? "list" : "label", id: saved });
    onClose();
  };
  const remove = () => {
    if (!found) return;
    (isList ? deleteList : deleteLabel)(store, found.id, found.name);
    say(`Deleted “${found.name}”`, true);
    go({ page: "all" });
    onClose();
  };
  const archive = () => {
    if (!list) return;
    saveGroup(store, kind, list.id, { name: list.name, archived: !list.archived });
    onClose();
  };
  const moveUp = () => {
    const at = lists.findIndex((it) => it.id === id);
    if (at > 0) reorder(store, "TASK_LIST", lists, id!, lists[at - 1]!.id);
  };
  return (
    <Dialog title={id ? `Edit ${word}` : `New ${word}`} onClose={onClose}>
      <form className="stack" onSubmit={save}>
        <label className="field">Name
          <NewField what={limit} text={name} onText={setName} name="name" required autoFocus />
        </label>
        <fieldset className="swatches">
          <legend>Color</legend>
          {COLORS.map((it, index) => (
            <label key={it} className="swatch" style={{ "--dot": it } as React.CSSProperties}>
              <input type="radio" name="color" checked={color === it} onChange={() => setColor(it)} aria-label={`Color ${index + 1}`} />
            </label>
          ))}
        </fieldset>
        <div className="actions">
          <button className="primary">Save</button>
          {list && <button type="button" onClick={moveUp}>Move up</button>}
          {list && <button type="button" onClick={archive}>{list.archived ? "Unarchive" : "Archive"}</button>}
          {found && <button type="button" className="danger" onClick={remove}>Delete</button>}
        </div>
      </form>
    </Dialog>
  );
}
