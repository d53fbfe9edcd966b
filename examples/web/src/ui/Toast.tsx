// What was just done, and a way to take it back.
import { useEffect } from "react";

export type Said = { text: string; canUndo: boolean; number: number };

export function Toast({ said, onUndo, onGone }: { said: Said | null; onUndo: () => void; onGone: () => void }) {
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(onGone, 7000);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <div className="toast" role="status">
      {said && (
        <div className="toast-card" key={said.number}>
          <span>{said.text}</span>
          {said.canUndo && <button type="button" className="link" onClick={onUndo}>Undo</button>}
        </div>
      )}
    </div>
  );
}
