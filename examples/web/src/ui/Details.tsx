// All of one task.
import { useEffect, useRef } from "react";
import { addTask, changeTask, deleteTasks, moveToList, saveGroup, setCompleted, toggleLabel } from "../data/actions";
import type { ShownTask } from "../data/snapshot";
import { PRIORITIES, type Priority } from "../data/types";
import { dueDay, dueTime, formatInstant, makeDue } from "../lib/dates";
import { PRIORITY_NAMES } from "./FilterBar";
import { Icon } from "./icons";
import { NewField, useNewText } from "./NewField";
import { Dot } from "./Sidebar";
import { TextField } from "./TextField";
import { useSnapshot, useWorkspace } from "./context";

export function Details({ task, onClose }: { task: ShownTask; onClose: () => void }) {
  const { store, say } = useWorkspace();
  const { lists, byId } = useSnapshot();
  const panel = useRef<HTMLElement>(null);
  // Whoever opens a task by the keyboard goes on in it, and comes back to its row.
  useEffect(() => {
    panel.current?.focus();
    return () => document.querySelector<HTMLElement>(`[data-id="${task.id}"] a`)?.focus();
  }, [task.id]);
  const change = (fields: Parameters<typeof changeTask>[2]) => changeTask(store, task, fields);
  const parent = task.parentId ? byId.get(task.parentId) : undefined;
  const day = task.due ? dueDay(task.due) : "";
  const time = task.due ? (dueTime(task.due) ?? "") : "";
  const remove = () => {
    deleteTasks(store, [task]);
    say(store.lastAction()!.text, true);
    onClose();
  };
  return (
    <aside className="details" aria-label="Task" ref={panel} tabIndex={-1}>
      <header className="details-head">
        <label className="done-line">
          <input type="checkbox" className="done-box" checked={task.completed} onChange={() => setCompleted(store, [task], !task.completed)} />
          {task.completed ? "Completed" : "Open"}
        </label>
        <button type="button" className="icon-button" aria-label="Delete the task" onClick={remove}><Icon name="trash" /></button>
        <button type="button" className="icon-button" aria-label="Close the task" onClick={onClose}><Icon name="close" /></button>
      </header>
      <div className="details-body">
        {parent && <p className="faint">Part of {parent.title}</p>}
        <TextField place={`${task.id} title`} what="title" className="title-field" label="Title" value={task.title} isRequired isLine onSave={(title) => change({ title })} />
        <TextField place={`${task.id} description`} what="description" className="text-field" label="Description" placeholder="Add a description" value={task.description ?? ""} onSave={(text) => change({ description: text || null })} />
        <div className="pair">
          <label className="field">Due date
            <input type="date" value={day} max="9999-12-31" onChange={(event) => change({ due: makeDue(event.target.value, time) })} />
          </label>
          <label className="field">Time
            <input type="time" value={time} disabled={!day} onChange={(event) => change({ due: makeDue(day, event.target.value) })} />
          </label>
        </div>
        <div className="pair">
          <label className="field">Priority
            <select value={task.priority} onChange={(event) => change({ priority: event.target.value as Priority })}>
              {PRIORITIES.map((it) => <option key={it} value={it}>{PRIORITY_NAMES[it]}</option>)}
            </select>
          </label>
          {!task.parentId && (
            <label className="field">List
              <select value={task.listId ?? ""} onChange={(event) => moveToList(store, [task], event.target.value || null)}>
                <option value="">No list</option>
                {lists.filter((it) => !it.archived || it.id === task.listId).map((it) => <option key={it.id} value={it.id}>{it.name}</option>)}
              </select>
            </label>
          )}
        </div>
        <Labels task={task} />
        {!task.parentId && <Subtasks task={task} />}
        <p className="faint">{task.createdAt && `Created ${formatInstant(task.createdAt)}`}{task.completedAt && ` · completed ${formatInstant(task.completedAt)}`}</p>
      </div>
    </aside>
  );
}

function Labels({ task }: { task: ShownTask }) {
  const { store } = useWorkspace();
  const { labels } = useSnapshot();
  const { text, setText, submit } = useNewText("label", (name) => {
    const known = labels.find((it) => it.name.toLowerCase() === name.toLowerCase());
    toggleLabel(store, [task], known?.id ?? saveGroup(store, "LABEL", null, { name, color: null }), true);
  });
  return (
    <fieldset className="labels">
      <legend>Labels</legend>
      {labels.map((it) => (
        <label key={it.id} className="chip">
          <input type="checkbox" checked={task.labelIds.includes(it.id)} onChange={(event) => toggleLabel(store, [task], it.id, event.target.checked)} />
          <span><Dot color={it.color} isHollow />{it.name}</span>
        </label>
      ))}
      <form className="chip-form" onSubmit={submit}>
        <NewField what="label" text={text} onText={setText} aria-label="New label" placeholder="New label" />
      </form>
    </fieldset>
  );
}

function Subtasks({ task }: { task: ShownTask }) {
  const { store } = useWorkspace();
  const parts = useSnapshot().subtasks.get(task.id) ?? [];
  const { text, setText, submit } = useNewText("title", (title) => addTask(store, { title, parentId: task.id, listId: task.listId }));
  return (
    <section className="subtasks" aria-label="Subtasks">
      <h2>Subtasks</h2>
      <ul>
        {parts.map((it) => (
          <li key={it.id} className={it.completed ? "done" : ""}>
            <input type="checkbox" className="done-box" aria-label={`Complete ${it.title}`} checked={it.completed} onChange={() => setCompleted(store, [it], !it.completed)} />
            <TextField place={`${it.id} title`} what="title" className="part-field" label={`Title of ${it.title}`} value={it.title} isRequired isLine onSave={(text) => changeTask(store, it, { title: text })} />
            <button type="button" className="icon-button" aria-label={`Delete ${it.title}`} onClick={() => deleteTasks(store, [it])}><Icon name="close" size={14} /></button>
          </li>
        ))}
      </ul>
      <form className="new-part" onSubmit={submit}>
        <Icon name="plus" size={16} />
        <NewField what="title" text={text} onText={setText} aria-label="New subtask" placeholder="Add a subtask" />
      </form>
    </section>
  );
}
