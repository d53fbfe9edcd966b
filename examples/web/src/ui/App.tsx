// Whoever is signed in sees their workspace, from the copy on this device at once; everybody else may sign in.
import { useEffect, useMemo, useRef, useState } from "react";
import { Provider } from "urql";
import { auth, forgetUser, keepUser, lastUser, sessionUser, type User } from "../api/auth";
import { client } from "../api/client";
import { forgetDatabase } from "../data/database";
import { Store } from "../data/store";
import { Sync } from "../data/sync";
import { resetToken } from "../lib/reset";
import { type Workspace, WorkspaceContext } from "./context";
import { Shell } from "./Shell";
import { SignIn } from "./SignIn";
import { Toast, type Said } from "./Toast";

export function App() {
  // Whoever comes by the link of a forgotten password sets one, whoever was here last.
  const [user, setUser] = useState<User | null | undefined>(() => (resetToken() === null ? (lastUser() ?? undefined) : null));
  useEffect(() => {
    if (user === undefined) void sessionUser().then((found) => setUser(found ?? null));
    if (user) keepUser(user);
  }, [user]);
  useEffect(() => {
    // Somebody has signed in or out in another tab.
    const follow = ({ key }: StorageEvent) => key === "docket.user" && setUser((was) => (was?.id === lastUser()?.id ? was : lastUser()));
    addEventListener("storage", follow);
    return () => removeEventListener("storage", follow);
  }, []);
  if (user === undefined) return null;
  if (user === null) return <SignIn onDone={setUser} onReset={() => setUser(lastUser())} />;
  return <Opened key={user.id} user={user} onUser={setUser} />;
}

type Open = { store: Store; sync: Sync };

function Opened({ user, onUser }: { user: User; onUser: (user: User | null) => void }) {
  const [open, setOpen] = useState<Open | null>(null);
  const [said, setSaid] = useState<Said | null>(null);
  const number = useRef(0);
  useEffect(() => {
    let opened: Open | null = null;
    let isGone = false;
    void Store.open(user.id).then((store) => {
      if (isGone) return store.close();
      opened = { store, sync: new Sync(store) };
      setOpen(opened);
    });
    return () => {
      isGone = true;
      opened?.sync.stop();
      opened?.store.close();
    };
  }, [user.id]);

  const workspace = useMemo((): Workspace | null => {
    if (!open) return null;
    const say = (text: string, canUndo = false) => setSaid({ text, canUndo, number: number.current++ });
    const undo = () => {
      const action = open.store.undo();
      if (action) say(`Undone: ${action.text}`);
    };
    return { user, ...open, say, undo };
  }, [open, user]);
  if (!workspace) return null;

  const leave = async () => {
    await auth.signOut();
    workspace.sync.stop();
    workspace.store.close();
    await forgetDatabase(user.id);
    forgetUser();
    onUser(null);
  };
  return (
    <Provider value={client}>
      <WorkspaceContext value={workspace}>
        <Shell onLeave={leave} onUser={onUser} />
        <Toast said={said} onUndo={workspace.undo} onGone={() => setSaid(null)} />
      </WorkspaceContext>
    </Provider>
  );
}
