// A text that is saved while it is written. What comes from elsewhere is shown unless somebody is writing.
import { type KeyboardEvent, useEffect, useRef, useState } from "react";

type Props = { label: string; value: string; onSave: (value: string) => void; className: string; placeholder?: string; isRequired?: boolean; isLine?: boolean; maxLength: number };

export function TextField({ label, value, onSave, className, placeholder, isRequired, isLine, maxLength }: Props) {
  const [draft, setDraft] = useState<string | null>(null);
  const latest = useRef({ draft, value, onSave });
  latest.current = { draft, value, onSave };
  const save = () => {
    const { draft: written, value: was, onSave: keep } = latest.current;
    if (written === null || written.trim() === was || (isRequired && !written.trim())) return;
    keep(written.trim());
  };
  useEffect(() => {
    const timer = setTimeout(save, 500);
    return () => clearTimeout(timer);
  }, [draft]);
  useEffect(() => save, []);
  const press = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === "Escape" || (isLine && event.key === "Enter")) event.currentTarget.blur();
    if (isLine && event.key === "Enter") event.preventDefault();
  };
  return (
    <textarea
      className={className} aria-label={label} placeholder={placeholder} maxLength={maxLength} rows={1} value={draft ?? value}
      onChange={(event) => setDraft(isLine ? event.target.value.replace(/\n/g, " ") : event.target.value)}
      onBlur={() => { save(); setDraft(null); }}
      onKeyDown={press}
    />
  );
}
