// The events of a subscription as one answer that grows: the newest first, each with its time, the last ones only.
import type { Observable } from "@graphiql/toolkit";
import type { ExecutionResult, Sink } from "graphql-ws";

/** How many events are listed. */
const MAX_EVENTS = 200;

interface Listed {
  subscription: string;
  received: number;
  events: ({ at: string } & ExecutionResult)[];
}

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 } as const;
const clock = () => new Date().toLocaleTimeString("en-GB", CLOCK);

/** Lists what a subscription sends. It begins with a list without events, so that one sees that it is open. */
export function listEvents(subscribe: (sink: Sink<ExecutionResult>) => () => void): Observable<ExecutionResult> {
  return {
    subscribe(observer) {
      // GraphiQL shows what it gets, whatever that is.
      const { next: show, complete } = observer as unknown as { next: (listed: Listed) => void; complete: () => void };
      const listed: Listed = { subscription: `open since ${clock()}`, received: 0, events: [] };
      const update = (change: Partial<Listed>) => show(Object.assign(listed, change));
      const end = (why: string) => {
        update({ subscription: `${why} at ${clock()}` });
        complete();
      };
      // After GraphiQL has stored what it can unsubscribe by.
      queueMicrotask(() => update({}));
      const unsubscribe = subscribe({
        next: (result) => {
          const events = [{ at: clock(), ...result }, ...listed.events].slice(0, MAX_EVENTS);
          update({ received: listed.received + 1, events });
        },
        error: (cause) => end(explain(cause)),
        complete: () => end("ended"),
      });
      return { unsubscribe };
    },
  };
}

/** Why a subscription ended: errors of its document, or a WebSocket that was closed. */
function explain(cause: unknown): string {
  if (cause instanceof CloseEvent) return `closed (${cause.code} ${cause.reason})`;
  if (Array.isArray(cause)) return `refused: ${cause.map((error: Error) => error.message).join("; ")}`;
  return cause instanceof Error ? `failed: ${cause.message}` : "failed";
}
