// What every part of the app works on.
import { createContext, useContext, useSyncExternalStore } from "react";
import type { User } from "../api/auth";
import type { Snapshot } from "../data/snapshot";
import type { Store } from "../data/store";
import type { Status, Sync } from "../data/sync";

export type Workspace = {
  user: User;
  store: Store;
  sync: Sync;
  /** Says something for a few seconds; with a way to take the last action back. */
  say: (text: string, canUndo?: boolean) => void;
  undo: () => void;
};

export const WorkspaceContext = createContext<Workspace | null>(null);

export function useWorkspace(): Workspace {
  const workspace = useContext(WorkspaceContext);
  if (!workspace) throw new Error("there is no workspace");
  return workspace;
}

export function useSnapshot(): Snapshot {
  const { store } = useWorkspace();
  return useSyncExternalStore(store.subscribe, store.snapshot);
}

export function useStatus(): Status {
  const { sync } = useWorkspace();
  return useSyncExternalStore(sync.subscribe, () => sync.status);
}
