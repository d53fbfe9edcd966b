// A text that is saved while it is written. What comes from elsewhere is shown unless somebody is writing. What is too
// long stays as it was written, and is not saved.
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { type Limited, tooLong } from "../lib/limits";
import { useWorkspace } from "./context";

type Props = { place: string; what: Limited; label: string; value: string; onSave: (value: string) => void; className: string; placeholder?: string; isRequired?: boolean; isLine?: boolean };

/** What was too long when its field was closed, by its place. */
const unsaved = new Map<string, string>();

export function TextField({ place, what, label, value, onSave, className, placeholder, isRequired, isLine }: Props) {
  const { say } = useWorkspace();
  const id = useId();
  const [draft, setDraft] = useState<string | null>(unsaved.get(place) ?? null);
  const latest = useRef({ draft, value, onSave });
  latest.current = { draft, value, onSave };
  const problem = tooLong(what, draft ?? "");
  const save = () => {
    const { draft: written, value: was, onSave: keep } = latest.current;
    if (written === null || written.trim() === was || (isRequired && !written.trim()) || tooLong(what, written)) return;
    keep(written.trim());
  };
  useEffect(() => {
    if (problem) unsaved.set(place, draft!);
    else unsaved.delete(place);
    const timer = setTimeout(save, 500);
    return () => clearTimeout(timer);
  }, [draft]);
  const close = () => {
    save();
    if (unsaved.has(place)) say(`${tooLong(what, unsaved.get(place)!)} It is still in its field.`);
  };
  useEffect(() => close, []);
  const press = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === "Escape" || (isLine && event.key === "Enter")) event.currentTarget.blur();
    if (isLine && event.key === "Enter") event.preventDefault();
  };
  return (
    <>
      <textarea
        className={className} aria-label={label} aria-invalid={Boolean(problem)} aria-describedby={id} placeholder={placeholder} rows={1} value={draft ?? value}
        onChange={(event) => setDraft(isLine ? event.target.value.replace(/\n/g, " ") : event.target.value)}
        onBlur={() => { save(); if (!problem) setDraft(null); }}
        onKeyDown={press}
      />
      <p className="problem" role="alert" id={id}>{problem}</p>
    </>
  );
}
