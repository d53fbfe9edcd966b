// What was deleted in the last 30 days. It is the server's, and the one page that urql's hook reads.
import { type ReactNode, useEffect, useState } from "react";
import { useMutation, useQuery } from "urql";
import { RESTORE_LIST, RESTORE_TASK, TRASH } from "../api/documents";
import { formatInstant } from "../lib/dates";
import { useSnapshot, useStatus, useWorkspace } from "./context";

export function Trash({ menu }: { menu: ReactNode }) {
  const { say } = useWorkspace();
  const status = useStatus();
  const all = useSnapshot();
  const [after, setAfter] = useState<string | null>(null);
  const [{ data, fetching, error }, reload] = useQuery({ query: TRASH, variables: { after }, pause: status !== "live" });
  const [, restoreTask] = useMutation(RESTORE_TASK);
  const [, restoreList] = useMutation(RESTORE_LIST);
  // Something has changed, here or elsewhere; perhaps what is deleted.
  useEffect(() => {
    const timer = setTimeout(() => status === "live" && reload(), 150);
    return () => clearTimeout(timer);
  }, [all, status]);

  const restore = async (id: string, name: string, run: typeof restoreTask | typeof restoreList) => {
    const result = await run({ id });
    say(result.error ? `“${name}” could not be restored.` : `Restored “${name}”`);
  };
  const rows = [
    ...(after ? [] : (data?.deletedTaskLists ?? []).map((it) => ({ ...it, run: restoreList }))),
    ...(data?.deletedTasks?.nodes ?? []).map((it) => ({ ...it, name: it.title, run: restoreTask })),
  ];
  const page = data?.deletedTasks?.pageInfo;
  return (
    <>
      <header className="page-head">{menu}<h1>Trash</h1></header>
      <div className="scroller pad">
        {status !== "live" && <p className="faint">The trash is on the server. It opens when there is a connection.</p>}
        {error && <p className="problem" role="alert">The trash could not be read.</p>}
        {status === "live" && !fetching && !error && rows.length === 0 && <div className="empty"><h2>The trash is empty</h2><p>What you delete stays here for 30 days.</p></div>}
        <ul className="plain">
          {rows.map(({ id, name, deletedAt, run }) => (
            <li key={id}>
              <span className="grow"><span className="row-title">{name}</span><span className="faint">Deleted {deletedAt && formatInstant(deletedAt)}</span></span>
              <button type="button" aria-label={`Restore ${name}`} onClick={() => void restore(id, name, run)}>Restore</button>
            </li>
          ))}
        </ul>
        <div className="actions">
          {after && <button type="button" onClick={() => setAfter(null)}>First page</button>}
          {page?.hasNextPage && <button type="button" onClick={() => setAfter(page.endCursor)}>Next page</button>}
        </div>
      </div>
    </>
  );
}
