// The sync: one loop, in one tab of each browser. It reads what it has missed, sends what waits, then follows the feed;
// when anything breaks it starts again. The feed alone says what the server has, so that no answer needs a second rule.
import type { Client } from "graphql-ws";
import { sessionUser } from "../api/auth";
import { client, openSocket } from "../api/client";
import { MOVE_LIST, MOVE_TASK, PULL, PUSH, STREAM } from "../api/documents";
import type { PushMutation, StreamSubscription } from "../api/documents.types";
import { fail, Failure } from "./failure";
import { acknowledge, blank, conflicts, discard, receive, replaceLabel } from "./row";
import type { Store } from "./store";
import type { Fields, Received, Row } from "./types";
import { pushed, received } from "./wire";

export type Status = "offline" | "connecting" | "live" | "signed-out";
type Change = StreamSubscription["changes"];
type Result = NonNullable<PushMutation["pushChanges"]>["results"][number];

/** How many rows one push takes: 500 are allowed, and 1 MB. */
const BATCH = 200;

export class Sync {
  status: Status = "connecting";
  private readonly listeners = new Set<() => void>();
  private readonly stopped = new AbortController();
  private isLeader = false;
  private wake: () => void = () => {};
  private socket: Client | undefined;
  private pushing: Promise<void> | undefined;

  constructor(private readonly store: Store) {
    store.onWrite = () => this.isLeader && this.status === "live" && this.pushSoon();
    store.onMessage = (message) => {
      if ("hello" in message && this.isLeader) store.tell({ status: this.status });
      if ("retry" in message && this.isLeader) this.retry();
      if ("status" in message && !this.isLeader) this.show(message.status as Status);
    };
    addEventListener("online", this.retry, { signal: this.stopped.signal });
    addEventListener("offline", this.disconnect, { signal: this.stopped.signal });
    void this.lead();
  }

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  /** Tries again now: there is a network, or somebody has signed in. */
  readonly retry = () => {
    if (!this.isLeader) return this.store.tell({ retry: true });
    if (this.status === "signed-out") this.show("connecting");
    this.wake();
  };

  stop(): void {
    this.stopped.abort();
    this.disconnect();
  }

  private readonly disconnect = () => {
    void this.socket?.dispose();
    this.wake();
  };

  /** Waits until no other tab syncs, and does it then. */
  private async lead(): Promise<void> {
    this.store.tell({ hello: true });
    const { signal } = this.stopped;
    // Pages without TLS have no locks; there each tab syncs, which does no harm.
    if (!navigator.locks) return this.loop();
    await navigator.locks.request(`docket-${this.store.user}`, { signal }, () => this.loop()).catch(() => {});
  }

  private async loop(): Promise<void> {
    this.isLeader = true;
    let wait = 1000;
    while (!this.stopped.signal.aborted) {
      try {
        if (!navigator.onLine) throw new Failure("NETWORK", "no network");
        if (this.status === "offline") this.show("connecting");
        await this.pull();
        await this.push();
        await this.follow(() => (wait = 1000));
      } catch (cause) {
        const failure = fail(cause);
        if (this.stopped.signal.aborted) return;
        if (failure.code === "RESYNC_REQUIRED") await this.store.reset();
        else if (failure.isSession && (await this.isSignedOut())) this.show("signed-out");
        else if (this.status !== "signed-out") this.show("offline");
        if (failure.code !== "RESYNC_REQUIRED") await this.pause(failure.retryAfter ?? wait);
        wait = Math.min(wait * 2, 30_000);
      }
    }
  }

  private async pull(): Promise<void> {
    for (let hasMore = true; hasMore; ) {
      const result = await client.query(PULL, { after: await this.store.token() }).toPromise();
      const { me, changes: page } = result.data ?? {};
      // Somebody else has signed in: nothing of theirs is to come here, and nothing from here is to go there.
      if (me && me.id !== this.store.user) throw new Failure("UNAUTHENTICATED", "another user has signed in");
      if (!page) throw fail(result.error);
      await this.take(page.changes.map((it) => received(it.nodeId, it)), page.syncToken);
      hasMore = page.hasMore;
    }
  }

  private async take(changes: Received[], token?: string): Promise<void> {
    const updates = changes.map((change) => ({
      before: this.store.row(change.id) ?? blank(change.id, change.kind),
      update: (row: Row) => receive(row, change),
    }));
    await this.store.update(updates, token);
  }

  /** Resolves or fails when the stream ends. */
  private async follow(onLive: () => void): Promise<void> {
    this.socket = openSocket();
    this.socket.on("connected", () => {
      this.show("live");
      onLive();
      // What was written while the socket was opened.
      this.pushSoon();
    });
    let waiting: Change[] = [];
    const flush = async () => {
      const changes = waiting;
      waiting = [];
      if (changes.length > 0) await this.take(changes.map((it) => received(it.nodeId, it)), changes.at(-1)!.syncToken);
      // A change of others may end a conflict.
      if (this.sendable().length > 0) this.pushSoon();
    };
    try {
      const stream = this.socket.iterate<StreamSubscription>({ query: STREAM, variables: { after: await this.store.token() } });
      for await (const { data, errors } of stream) {
        if (!data) throw fail(errors?.[0]);
        // What arrives together is drawn together.
        if (waiting.push(data.changes) === 1) setTimeout(() => void flush(), 8);
      }
    } finally {
      await flush();
      void this.socket.dispose();
    }
  }

  private pushSoon(): void {
    const push = async () => {
      await this.pushing;
      await this.push();
    };
    // The loop finds out why, and tries again.
    this.pushing = push().catch(this.disconnect).finally(() => (this.pushing = undefined));
  }

  private async push(): Promise<void> {
    const { store } = this;
    const neverSent = store.unsent().filter((row) => row.server === null && row.patch.deleted);
    await store.update(neverSent.map((before) => ({ before, update: (row) => receive(row, gone(row)) })));
    for (let rows = this.sendable(); rows.length > 0; rows = this.sendable()) {
      const batch = rows.slice(0, BATCH);
      const changes = batch.map((row) => pushed(row, store));
      const result = await client.mutation(PUSH, { changes }).toPromise();
      const results = result.data?.pushChanges?.results;
      if (!results) throw fail(result.error);
      await store.update(results.map((it, index) => ({ before: batch[index]!, update: answer(it, batch[index]!.patch) })));
      await this.useOthersLabels(results);
    }
    for (const row of store.unsent().filter((it) => it.move && it.revision !== null)) await this.move(row);
  }

  /** A label that was made here and whose name another one has by now is that one. */
  private async useOthersLabels(results: Result[]): Promise<void> {
    const { store } = this;
    for (const { id, nameTakenBy } of results) {
      const label = nameTakenBy && store.row(id);
      if (!label || label.server !== null || label.kind !== "LABEL") continue;
      const labelled = store.unsent().filter((row) => row.patch.labelIds?.includes(id));
      const swaps = labelled.map((before) => ({ before, update: (row: Row) => replaceLabel(row, id, nameTakenBy) }));
      await store.update([...swaps, { before: label, update: discard }]);
    }
  }

  private sendable(): Row[] {
    const rank = ({ kind, patch, server }: Row) => (kind === "TASK_LIST" ? 0 : kind === "LABEL" ? 1 : (patch.parentId ?? server?.parentId) ? 3 : 2);
    const isSendable = (row: Row) =>
      Object.keys(row.patch).some((key) => key !== "position" || row.revision === null) && !row.problems && conflicts(row).length === 0;
    return this.store.unsent().filter(isSendable).sort((one, other) => rank(one) - rank(other));
  }

  private async move(row: Row): Promise<void> {
    const variables = { id: row.id, position: row.move! };
    const result = await (row.kind === "TASK" ? client.mutation(MOVE_TASK, variables) : client.mutation(MOVE_LIST, variables)).toPromise();
    const failure = result.error && fail(result.error);
    // What it was moved next to is gone.
    if (failure && !["NOT_FOUND", "BAD_USER_INPUT"].includes(failure.code)) throw failure;
    const data = result.data;
    const node = data && ("moveTask" in data ? data.moveTask?.task : data.moveTaskList?.taskList);
    const update = (now: Row) => {
      const isLast = JSON.stringify(now.move) === JSON.stringify(row.move);
      const rest = isLast ? { ...now, move: undefined } : now;
      const { revision, server } = now;
      return receive(rest, node ? received(row.id, { ...node, kind: row.kind, deleted: false, node }) : { id: row.id, kind: row.kind, revision, fields: server ?? {} });
    };
    await this.store.update([{ before: row, update }]);
  }

  private async isSignedOut(): Promise<boolean> {
    const user = await sessionUser();
    return user !== undefined && user?.id !== this.store.user;
  }

  private show(status: Status): void {
    if (status === this.status) return;
    this.status = status;
    if (this.isLeader) this.store.tell({ status });
    for (const listener of this.listeners) listener();
  }

  /** Waits, or until there is a reason to try again. Whoever is signed out waits for that alone. */
  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.status === "signed-out" ? undefined : setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const gone = ({ id, kind, revision }: Row): Received => ({ id, kind, revision, fields: { deleted: true } });

/** What an answer to a push does to its row. */
const answer = (result: Result, sent: Fields) => (row: Row): Row => {
  if (result.status === "INVALID") return { ...row, problems: result.problems };
  const change = received(row.id, { ...result, kind: row.kind, node: result.current });
  return result.status === "APPLIED" ? acknowledge(row, sent, change) : receive(row, change);
};
