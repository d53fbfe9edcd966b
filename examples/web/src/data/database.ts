// The copy on this device: a database for each user, with the rows and the sync token.
import { type DBSchema, type IDBPDatabase, deleteDB, openDB } from "idb";
import { isDeleted, isUnsent } from "./row";
import type { Row } from "./types";

interface Schema extends DBSchema {
  rows: { key: string; value: Row };
  meta: { key: string; value: string | null };
}

export type Database = IDBPDatabase<Schema>;

const nameOf = (user: string) => `docket-${user}`;

export const openDatabase = (user: string): Promise<Database> =>
  openDB<Schema>(nameOf(user), 1, {
    upgrade(database) {
      database.createObjectStore("rows", { keyPath: "id" });
      database.createObjectStore("meta");
    },
    // Another tab has forgotten the copy.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });

export const forgetDatabase = (user: string) => deleteDB(nameOf(user));

/** Changes rows as they are stored now, and the token with them; gives the rows as they are then. */
export async function change(
  database: Database,
  updates: { before: Row; update: (row: Row) => Row }[],
  token?: string | null,
): Promise<Row[]> {
  const transaction = database.transaction(["rows", "meta"], "readwrite");
  const rows = transaction.objectStore("rows");
  const stored = await Promise.all(updates.map(({ before }) => rows.get(before.id)));
  // One object may be updated twice in one call.
  const latest = new Map(stored.flatMap((row) => (row ? [[row.id, row]] : [])));
  const after = updates.map(({ before, update }) => {
    const row = update(latest.get(before.id) ?? before);
    latest.set(row.id, row);
    return row;
  });
  for (const row of latest.values()) void (isDeleted(row) && !isUnsent(row) ? rows.delete(row.id) : rows.put(row));
  if (token !== undefined) void transaction.objectStore("meta").put(token, "token");
  await transaction.done;
  return after;
}
