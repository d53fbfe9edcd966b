// Tasks, lists and labels as the app has them.
import type { ChangeKind, TaskPriority } from "../api/documents.types";

export type Kind = ChangeKind;
export type Priority = TaskPriority;

/** A calendar date, or an instant with the time zone in which it was chosen. */
export type Due = { date: string } | { at: { instant: string; timeZone: string } };

export type Task = {
  title: string;
  description: string | null;
  completed: boolean;
  completedAt: string | null;
  priority: Priority;
  due: Due | null;
  listId: string | null;
  parentId: string | null;
  labelIds: string[];
  position: string;
  createdAt: string;
};

export type TaskList = { name: string; color: string | null; archived: boolean; position: string };
export type Label = { name: string; color: string | null };

/** Fields of any of them, and whether it is deleted. */
export type Fields = Partial<Task & TaskList & Label & { deleted: boolean }>;

/** Next to which task or list something was moved. */
export type Move = { before: string } | { after: string };

/** A task, list or label: what the server has of it, and what was changed here since. */
export type Row = {
  id: string;
  kind: Kind;
  /** Null if the server has never had it. */
  server: Fields | null;
  /** Revision of that; null if the server has none. */
  revision: number | null;
  /** What was changed here and is not sent. */
  patch: Fields;
  /** What these fields were on the server when they were changed. */
  base: Fields;
  /** The last move that is not sent. */
  move?: Move;
  /** Why the server did not take the patch. */
  problems?: { field: string; message: string }[];
};

/** A change of the feed, or the answer to a push. */
export type Received = { id: string; kind: Kind; revision: number | null; fields: Fields };

/** What somebody does to a row. */
export type Edit = { id: string; kind: Kind; fields: Fields; move?: Move };

export const PRIORITIES: Priority[] = ["LOW", "MEDIUM", "HIGH", "URGENT"];
