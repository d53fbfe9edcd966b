// What can be done with the tasks that are selected.
import { deleteTasks, moveToList, setCompleted, setEach, toggleLabel } from "../data/actions";
import type { ShownTask } from "../data/snapshot";
import { PRIORITIES, type Priority } from "../data/types";
import { makeDue, today } from "../lib/dates";
import { PRIORITY_NAMES } from "./FilterBar";
import { Icon } from "./icons";
import { useSnapshot, useWorkspace } from "./context";

export function BulkBar({ tasks, onDone }: { tasks: ShownTask[]; onDone: () => void }) {
  const { store, say } = useWorkspace();
  const { lists, labels } = useSnapshot();
  const count = tasks.length === 1 ? "1 task" : `${tasks.length} tasks`;
  const isAllDone = tasks.every((it) => it.completed);
  const done = (act: () => void) => {
    act();
    say(store.lastAction()?.text ?? "Done", true);
    onDone();
  };
  const choose = (name: string, options: [string, string][], act: (value: string) => void) => (
    <select aria-label={`${name} of ${count}`} value="" onChange={(event) => done(() => act(event.target.value))}>
      <option value="" disabled>{name}</option>
      {options.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
    </select>
  );
  return (
    <div className="bulk" role="toolbar" aria-label="Selected tasks">
      <p className="bulk-count">{count}</p>
      <button type="button" onClick={() => done(() => setCompleted(store, tasks, !isAllDone))}>{isAllDone ? "Reopen" : "Complete"}</button>
      {choose("List", [["-", "No list"], ...lists.map((it): [string, string] => [it.id, it.name])], (id) => moveToList(store, tasks, id === "-" ? null : id))}
      {labels.length > 0 && choose("Label", labels.map((it) => [it.id, it.name]), (id) => toggleLabel(store, tasks, id, !tasks.every((it) => it.labelIds.includes(id))))}
      {choose("Priority", PRIORITIES.map((it) => [it, PRIORITY_NAMES[it]]), (it) => setEach(store, tasks, { priority: it as Priority }))}
      {choose("Due", [["today", "Today"], ["-", "No date"]], (it) => setEach(store, tasks, { due: it === "-" ? null : makeDue(today(), "") }))}
      <button type="button" className="danger" onClick={() => done(() => deleteTasks(store, tasks))}>Delete</button>
      <button type="button" className="icon-button" aria-label="Clear the selection" onClick={onDone}><Icon name="close" /></button>
    </div>
  );
}
