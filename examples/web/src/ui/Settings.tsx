// Appearance, data as files, and the account.
import { type ChangeEvent, type ReactNode, useState } from "react";
import { exportUrl, type Imported, importFile } from "../api/files";
import { applyTheme, theme, type Theme } from "../lib/theme";
import { Dialog } from "./Dialog";
import { useSnapshot, useStatus, useWorkspace } from "./context";

const THEMES: [Theme, string][] = [["system", "System"], ["light", "Light"], ["dark", "Dark"]];
const counted = ({ tasks, lists, labels }: Imported) => `${tasks} tasks, ${lists} lists and ${labels} labels`;

export function Settings({ menu, onLeave }: { menu: ReactNode; onLeave: () => Promise<void> }) {
  const { user } = useWorkspace();
  const { unsent } = useSnapshot();
  const [chosen, setChosen] = useState(theme);
  const [isAsking, setAsking] = useState(false);
  const choose = (next: Theme) => {
    applyTheme(next);
    setChosen(next);
  };
  return (
    <>
      <header className="page-head">{menu}<h1>Settings</h1></header>
      <div className="scroller pad settings">
        <section>
          <h2>Appearance</h2>
          <fieldset className="segments">
            <legend className="only-read">Theme</legend>
            {THEMES.map(([it, name]) => (
              <label key={it}><input type="radio" name="theme" checked={chosen === it} onChange={() => choose(it)} /><span>{name}</span></label>
            ))}
          </fieldset>
        </section>
        <section>
          <h2>Your data</h2>
          <p>Everything as a file that another Docket reads, or your tasks as a calendar.</p>
          <div className="actions">
            <a className="button" href={exportUrl(user.id, "export")} download>Export JSON</a>
            <a className="button" href={exportUrl(user.id, "export.ics")} download>Export calendar</a>
          </div>
          <Import />
        </section>
        <section>
          <h2>Account</h2>
          <p>{user.name} · {user.email}</p>
          <button type="button" onClick={() => (unsent > 0 ? setAsking(true) : void onLeave())}>Sign out</button>
          <p className="faint">The copy on this device is deleted when you sign out.</p>
        </section>
        <p className="faint"><a href="./licences.txt">Licences</a> of what this app is made of.</p>
      </div>
      {isAsking && (
        <Dialog title="Sign out and lose changes?" onClose={() => setAsking(false)}>
          <p>{unsent === 1 ? "1 change was not sent yet. It is" : `${unsent} changes were not sent yet. They are`} lost when you sign out now.</p>
          <div className="actions">
            <button type="button" className="danger" onClick={() => void onLeave()}>Sign out</button>
            <button type="button" onClick={() => setAsking(false)}>Stay</button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function Import() {
  const { user, say } = useWorkspace();
  const status = useStatus();
  const [file, setFile] = useState<File | null>(null);
  const [found, setFound] = useState<Imported | string | null>(null);
  const look = async ({ target }: ChangeEvent<HTMLInputElement>) => {
    const [given] = target.files ?? [];
    target.value = "";
    if (!given) return;
    setFile(given);
    setFound(await importFile(user.id, given, true).catch(() => "Docket cannot be reached."));
  };
  const run = async () => {
    const done = await importFile(user.id, file!, false).catch(() => "Docket cannot be reached.");
    setFound(typeof done === "string" ? done : null);
    if (typeof done !== "string") say(`Imported ${counted(done)}`);
  };
  return (
    <div className="stack">
      <label className="button file" data-disabled={status !== "live"}>Import JSON, CSV or a calendar
        <input type="file" accept=".json,.csv,.ics" disabled={status !== "live"} onChange={(event) => void look(event)} />
      </label>
      {typeof found === "string" && <p className="problem" role="alert">The file cannot be imported: {found}</p>}
      {found && typeof found !== "string" && (
        <div className="actions" role="status">
          <span>{file?.name} has {counted(found)} that are new.</span>
          <button type="button" className="primary" onClick={() => void run()}>Import</button>
        </div>
      )}
    </div>
  );
}
