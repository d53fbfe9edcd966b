// What the keyboard does.
import { Dialog } from "./Dialog";

const KEYS: [string, string][] = [
  ["N", "New task"],
  ["/", "Search"],
  ["↓ ↑ or J K", "Next and previous task"],
  ["Enter", "Open the task"],
  ["C", "Complete or reopen it"],
  ["X", "Select it"],
  ["Shift ↓ ↑", "Select several"],
  ["Ctrl A or ⌘ A", "Select all"],
  ["Alt ↓ ↑", "Move it in the manual order"],
  ["Delete", "Delete it"],
  ["Ctrl Z or ⌘ Z", "Undo"],
  ["Esc", "Close, or clear the selection"],
  ["?", "This list"],
];

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl className="keys">
        {KEYS.map(([key, text]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{text}</dd></div>)}
      </dl>
    </Dialog>
  );
}
