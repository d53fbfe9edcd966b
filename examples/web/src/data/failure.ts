// What went wrong on the way to the server, whichever library says so.

type Extensions = { code?: string; retryAfter?: number };

export class Failure extends Error {
  constructor(readonly code: string, message: string, readonly retryAfter?: number) {
    super(message);
  }

  /** Whether the session may have ended. */
  get isSession(): boolean {
    return this.code === "UNAUTHENTICATED";
  }
}

/** An error of urql, an entry of `errors`, or how a WebSocket was closed. */
export function fail(cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  if (typeof CloseEvent !== "undefined" && cause instanceof CloseEvent) {
    return new Failure(cause.code === 4401 || cause.code === 4403 ? "UNAUTHENTICATED" : "NETWORK", cause.reason);
  }
  const error = cause as { message?: string; extensions?: Extensions; graphQLErrors?: { message: string; extensions?: Extensions }[]; response?: Response } | undefined;
  const { code, retryAfter } = error?.graphQLErrors?.[0]?.extensions ?? error?.extensions ?? {};
  const message = error?.graphQLErrors?.[0]?.message ?? error?.message ?? "The connection was lost.";
  if (error?.response?.status === 401) return new Failure("UNAUTHENTICATED", message);
  return new Failure(code ?? "NETWORK", message, retryAfter && retryAfter * 1000);
}
