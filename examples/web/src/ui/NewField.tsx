// A field for the title or name of something new. What is too long is said, and stays to be shortened.
import { type FormEvent, type InputHTMLAttributes, useId, useState } from "react";
import { type Limited, tooLong } from "../lib/limits";

/** The text of such a field, and what a form does with it. */
export function useNewText(what: Limited, onAdd: (text: string) => void) {
  const [text, setText] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (tooLong(what, text)) return;
    if (text.trim()) onAdd(text.trim());
    setText("");
  };
  return { text, setText, submit };
}

type Props = InputHTMLAttributes<HTMLInputElement> & { what: Limited; text: string; onText: (text: string) => void };

export function NewField({ what, text, onText, ...input }: Props) {
  const id = useId();
  const problem = tooLong(what, text);
  return (
    <>
      <input {...input} value={text} aria-invalid={Boolean(problem)} aria-describedby={id} onChange={(event) => onText(event.target.value)} />
      <span className="problem" role="alert" id={id}>{problem}</span>
    </>
  );
}
