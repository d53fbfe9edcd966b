// What somebody has to decide: to sign in again, or which of two edits stands.
import { useState } from "react";
import type { User } from "../api/auth";
import { Conflicts } from "./Conflicts";
import { Dialog } from "./Dialog";
import { Icon } from "./icons";
import { SignInForm } from "./SignIn";
import { useSnapshot, useStatus, useWorkspace } from "./context";

const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? "" : "s"}`;

export function Banner({ onUser }: { onUser: (user: User) => void }) {
  const { user, sync } = useWorkspace();
  const { conflicts, unsent } = useSnapshot();
  const status = useStatus();
  const [isOpen, setOpen] = useState<"sign-in" | "conflicts" | null>(null);
  const close = () => setOpen(null);

  const signedIn = (who: User) => {
    close();
    if (who.id === user.id) sync.retry();
    else onUser(who);
  };
  return (
    <>
      {status === "signed-out" && (
        <div className="banner" role="alert">
          <Icon name="alert" />
          <p>Your session has ended.{unsent > 0 && ` ${plural(unsent, "change")} stay${unsent === 1 ? "s" : ""} on this device until you sign in again.`}</p>
          <button type="button" className="small primary" onClick={() => setOpen("sign-in")}>Sign in</button>
        </div>
      )}
      {conflicts.length > 0 && (
        <div className="banner" role="alert">
          <Icon name="alert" />
          <p>{plural(conflicts.length, "change")} need{conflicts.length === 1 ? "s" : ""} a decision.</p>
          <button type="button" className="small" onClick={() => setOpen("conflicts")}>Review</button>
        </div>
      )}
      {isOpen === "sign-in" && (
        <Dialog title="Sign in again" onClose={close}><SignInForm onDone={signedIn} email={user.email} /></Dialog>
      )}
      {isOpen === "conflicts" && conflicts.length > 0 && (
        <Dialog title="Changed here and elsewhere" onClose={close}><Conflicts rows={conflicts} /></Dialog>
      )}
    </>
  );
}
