// The copy in memory that everything is drawn from. A write changes it at once, then the database, then other tabs; the
// sync sends it. Nothing that is drawn waits for any of these.
import { type Database, change, openDatabase } from "./database";
import { blank, edit, isDeleted, isUnsent, shown } from "./row";
import { type Snapshot, snapshot } from "./snapshot";
import type { Edit, Fields, Row } from "./types";

type Update = { before: Row; update: (row: Row) => Row };
/** What one tab tells the others. */
type Message = { changed: string[] } | { status: unknown } | { hello: true } | { retry: true };

/** What somebody did, and how to take it back. */
export type Action = { text: string; undo: Edit[] };

export class Store {
  private rows = new Map<string, Row>();
  private readonly listeners = new Set<() => void>();
  private readonly tabs: BroadcastChannel;
  /** How many writes of a row are on their way to the database. */
  private readonly writing = new Map<string, number>();
  private readonly done: Action[] = [];
  private current: Snapshot | undefined;
  /** Called after a write, here or in another tab. */
  onWrite: () => void = () => {};
  onMessage: (message: Message) => void = () => {};

  private constructor(private readonly database: Database, readonly user: string) {
    this.tabs = new BroadcastChannel(`docket-${user}`);
    this.tabs.onmessage = ({ data }: MessageEvent<Message>) => {
      if ("changed" in data) void this.reload(data.changed).then(() => this.onWrite());
      else this.onMessage(data);
    };
  }

  static async open(user: string): Promise<Store> {
    const store = new Store(await openDatabase(user), user);
    for (const row of await store.database.getAll("rows")) store.rows.set(row.id, row);
    return store;
  }

  close(): void {
    this.tabs.close();
    this.database.close();
  }

  // What is there.

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  /** Everything as it is drawn; the same object until something changes. */
  readonly snapshot = (): Snapshot => (this.current ??= snapshot(this.rows.values()));

  row = (id: string): Row | undefined => this.rows.get(id);
  unsent = (): Row[] => [...this.rows.values()].filter(isUnsent);
  token = async (): Promise<string | null> => (await this.database.get("meta", "token")) ?? null;

  // Writing.

  /** Does what somebody wants, at once. `undo` defaults to the fields as they were. */
  act(text: string, edits: Edit[], undo?: Edit[]): void {
    if (edits.length === 0) return;
    this.done.push({ text, undo: undo ?? edits.map((it) => this.inverse(it)) });
    if (this.done.length > 50) this.done.shift();
    void this.edit(edits);
  }

  lastAction = (): Action | undefined => this.done.at(-1);

  undo(): Action | undefined {
    const action = this.done.pop();
    if (action) void this.edit(action.undo);
    return action;
  }

  /** Changes rows by functions that run here and, on what other tabs have written, in the database. */
  async update(updates: Update[], token?: string | null): Promise<void> {
    for (const { before, update } of updates) {
      this.rows.set(before.id, update(this.rows.get(before.id) ?? before));
      this.writing.set(before.id, (this.writing.get(before.id) ?? 0) + 1);
    }
    if (updates.length > 0) this.changed();
    const stored = await change(this.database, updates, token);
    let isNews = false;
    for (const row of stored) {
      const left = (this.writing.get(row.id) ?? 1) - 1;
      if (left > 0) this.writing.set(row.id, left);
      else this.writing.delete(row.id);
      if (left > 0 || JSON.stringify(this.rows.get(row.id)) === JSON.stringify(row)) continue;
      this.rows.set(row.id, row);
      isNews = true;
    }
    if (isNews) this.changed();
    this.tell({ changed: updates.map(({ before }) => before.id) });
  }

  /** Forgets what the server has, because the copy is too old; what is not sent stays. */
  async reset(): Promise<void> {
    const synced = [...this.rows.values()].filter((row) => !isUnsent(row));
    const transaction = this.database.transaction(["rows", "meta"], "readwrite");
    for (const { id } of synced) {
      this.rows.delete(id);
      void transaction.objectStore("rows").delete(id);
    }
    void transaction.objectStore("meta").delete("token");
    await transaction.done;
    this.changed();
  }

  tell = (message: Message) => this.tabs.postMessage(message);

  private async edit(edits: Edit[]): Promise<void> {
    await this.update(edits.map((it) => ({ before: this.rows.get(it.id) ?? blank(it.id, it.kind), update: (row) => edit(row, it) })));
    this.onWrite();
  }

  /** The edit that takes another one back. */
  private inverse({ id, kind, fields }: Edit): Edit {
    const row = this.rows.get(id);
    if (!row) return { id, kind, fields: { deleted: true } };
    const before = { deleted: false, ...shown(row) };
    const names = Object.keys(fields).filter((it) => it !== "position") as (keyof Fields)[];
    return { id, kind, fields: Object.fromEntries(names.map((it) => [it, before[it] ?? null])) };
  }

  /** Another tab has changed these. */
  private async reload(ids: string[]): Promise<void> {
    const transaction = this.database.transaction("rows");
    const rows = await Promise.all(ids.map((id) => transaction.store.get(id)));
    ids.forEach((id, index) => {
      const row = rows[index];
      if (this.writing.has(id)) return;
      if (row) this.rows.set(id, row);
      else if (!this.rows.has(id) || isDeleted(this.rows.get(id)!)) return;
      else this.rows.set(id, { ...this.rows.get(id)!, patch: {}, base: {}, server: { ...this.rows.get(id)!.server, deleted: true } });
    });
    this.changed();
  }

  private changed(): void {
    this.current = undefined;
    for (const listener of this.listeners) listener();
  }
}
