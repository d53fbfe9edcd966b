// What stands where there is no task.
import type { Page } from "../lib/route";

const TEXTS: Partial<Record<Page, [string, string]>> = {
  today: ["Nothing for today", "What is due or overdue appears here. Enjoy the quiet."],
  upcoming: ["Nothing ahead", "Give a task a due date, and it appears here on its day."],
  all: ["No tasks yet", "Write the first one above. It is kept on this device and sent when there is a network."],
  list: ["This list is empty", "Add its first task above."],
  label: ["No task has this label", "Add one above, or give the label to a task."],
};

type Props = { page: Page; isFiltered: boolean; isKnown: boolean; onClear: () => void };

export function Empty({ page, isFiltered, isKnown, onClear }: Props) {
  const [title, text] = !isKnown ? ["It is not here", "It was deleted, or has not arrived yet."]
    : isFiltered ? ["No task matches", "Try other words, or fewer filters."]
    : (TEXTS[page] ?? ["", ""]);
  return (
    <div className="empty">
      <svg width="72" height="72" viewBox="0 0 72 72" aria-hidden="true"><circle cx="36" cy="36" r="27" /><path d="M25 37l8 8 15-17" /></svg>
      <h2>{title}</h2>
      <p>{text}</p>
      {isFiltered && isKnown && <button type="button" onClick={onClear}>Clear filters</button>}
    </div>
  );
}
