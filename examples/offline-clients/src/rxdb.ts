// Tasks in RxDB, replicated with Docket by the text of three documents and their modifiers.
import { createRxDatabase, type RxCollection, type RxConflictHandler } from "rxdb";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { replicateGraphQL } from "rxdb/plugins/replication-graphql";

export type TaskDocument = {
  id: string;
  revision?: number | null;
  title?: string;
  description?: string | null;
  completed?: boolean;
  priority?: string;
  dueDate?: string | null;
  labelIds?: string[];
};

const text = { type: "string" };
const optionalText = { type: ["string", "null"] };
const schema = {
  version: 0,
  primaryKey: "id",
  type: "object",
  properties: {
    id: { type: "string", maxLength: 36 },
    revision: { type: ["number", "null"] },
    title: text,
    description: optionalText,
    completed: { type: "boolean" },
    priority: text,
    dueDate: optionalText,
    labelIds: { type: "array", items: { type: "string" } },
  },
  required: ["id"],
} as const;

const TASK = "id revision title description completed priority dueDate labelIds";

const PULL = `query Pull($after: String, $first: Int) {
  changes(after: $after, kinds: [TASK], first: $first) {
    changes { nodeId deleted revision node { ... on Task { ${TASK} } } }
    syncToken
  }
}`;

const PUSH = `mutation Push($changes: [PushedChange!]!) {
  pushChanges(input: { changes: $changes }) {
    results { id status revision deleted current { ... on Task { ${TASK} } } }
  }
}`;

const STREAM = `subscription Stream { changes(kinds: [TASK]) { nodeId deleted revision syncToken node { ... on Task { ${TASK} } } } }`;

type Change = { nodeId: string; deleted: boolean; revision: number; node: TaskDocument | null; syncToken?: string };
type Result = { id: string; status: string; revision: number | null; current: TaskDocument | null };
type Checkpoint = { token: string };
type Document = TaskDocument & { _deleted: boolean };

const document = (id: string, revision: number | null, node: TaskDocument | null): Document =>
  node ? { ...node, _deleted: false } : { id, revision, _deleted: true };

const pulled = (changes: Change[]) => changes.map((it) => document(it.nodeId, it.revision, it.node));

const FIELDS = ["title", "description", "completed", "priority", "dueDate", "labelIds", "_deleted"] as const;

const same = (one: Document, other: Document) =>
  FIELDS.every((field) => JSON.stringify(one[field] ?? null) === JSON.stringify(other[field] ?? null));

/** What this client has changed is kept on top of what the server has; a deletion wins over an edit. */
const conflictHandler: RxConflictHandler<TaskDocument> = {
  isEqual: (one, other) => same(one as Document, other as Document) && one.revision === other.revision,
  async resolve({ assumedMasterState, newDocumentState, realMasterState }) {
    const [before, mine, theirs] = [assumedMasterState, newDocumentState, realMasterState] as (Document | undefined)[];
    if (!mine || !theirs || theirs._deleted) return theirs as never;
    const merged: Record<string, unknown> = { ...theirs };
    for (const field of FIELDS) {
      const isMine = JSON.stringify(mine[field] ?? null) !== JSON.stringify(before?.[field] ?? null);
      if (isMine) merged[field] = mine[field];
    }
    return merged as never;
  },
};

/** A copy of one user's tasks, which can go offline. */
export class Client {
  private constructor(
    readonly name: string,
    readonly tasks: RxCollection<TaskDocument>,
    private readonly url: string,
    private readonly headers: { authorization: string },
  ) {}

  static async open(name: string, url: string, headers: { authorization: string }): Promise<Client> {
    const database = await createRxDatabase({ name, storage: getRxStorageMemory(), multiInstance: false });
    const { tasks } = await database.addCollections({ tasks: { schema, conflictHandler } });
    return new Client(name, tasks as unknown as RxCollection<TaskDocument>, url, headers);
  }

  replicate(live: boolean) {
    return replicateGraphQL<TaskDocument, Checkpoint>({
      collection: this.tasks,
      replicationIdentifier: this.name,
      url: { http: this.url, ws: live ? this.url.replace(/^http/, "ws") : undefined },
      headers: this.headers,
      live,
      retryTime: 200,
      waitForLeadership: false,
      pull: {
        batchSize: 100,
        queryBuilder: (checkpoint, first) => ({ query: PULL, variables: { after: checkpoint?.token ?? null, first } }),
        streamQueryBuilder: () => ({ query: STREAM, variables: {} }),
        includeWsHeaders: true,
        responseModifier: (data: { changes: Change[]; syncToken: string } & Change, source) =>
          source === "stream"
            ? { documents: pulled([data]), checkpoint: { token: data.syncToken } }
            : { documents: pulled(data.changes), checkpoint: { token: data.syncToken } },
      },
      push: {
        batchSize: 50,
        queryBuilder: (rows) => ({
          query: PUSH,
          variables: {
            changes: rows.map(({ assumedMasterState, newDocumentState }) => {
              const { id, title, description, completed, priority, dueDate, labelIds, _deleted } = newDocumentState as Document;
              const expectedRevision = assumedMasterState?.revision ?? null;
              if (_deleted) return { task: { id, expectedRevision, deleted: true } };
              const due = dueDate ? { date: dueDate } : null;
              const state = { title, description: description ?? null, completed: completed ?? false, priority: priority ?? "MEDIUM", due, labelIds: labelIds ?? [] };
              return { task: { id, expectedRevision, state } };
            }),
          },
        }),
        // RxDB takes what comes back for conflicts. A row that was applied comes back too: so the copy has its revision.
        responseModifier: ({ results }: { results: Result[] }) => {
          const invalid = results.find(({ status }) => status === "INVALID");
          if (invalid) throw new Error(JSON.stringify(invalid));
          return results.map((it) => document(it.id, it.revision, it.current));
        },
      },
    });
  }

  /** Exchanges everything once. */
  async sync(): Promise<void> {
    const replication = this.replicate(false);
    let failed: unknown;
    replication.error$.subscribe((error) => (failed = error));
    await replication.awaitInitialReplication();
    await replication.cancel();
    if (failed) throw failed;
  }

  async all(): Promise<TaskDocument[]> {
    const rows = (await this.tasks.find().exec()).map((it) => it.toJSON() as TaskDocument);
    return rows.sort((one, other) => one.id.localeCompare(other.id));
  }

  async close(): Promise<void> {
    await this.tasks.database.close();
  }
}
