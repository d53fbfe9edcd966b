// How GraphiQL asks: queries and mutations by HTTP, subscriptions by WebSocket, with all of their events in the answer.
// URLs are relative: a proxy may have the page below a path of its own.
import type { Fetcher, FetcherOpts, FetcherParams } from "@graphiql/toolkit";
import { type OperationDefinitionNode, OperationTypeNode, parse } from "graphql";
import { createClient, type ExecutionResult } from "graphql-ws";
import { listEvents } from "./events";

type Headers = Record<string, string>;

let headers: Headers = {};
const socket = createClient({
  url: new URL("graphql", location.href.replace(/^http/, "ws")).href,
  connectionParams: () => headers,
  // What came in between would be missing in the list: it says that it has ended.
  retryAttempts: 0,
});
// Whoever signs in or out is another user on the next connection.
document.addEventListener("docket-session", () => socket.terminate());

export const fetcher: Fetcher = ({ query, variables, operationName }, options) => {
  useHeaders(options);
  const operations = operationsOf(query);
  const named = operations.find(({ name }) => name && name.value === operationName);
  // GraphiQL looks at a document a moment after it is shown, and may still have the name of another one.
  const request = { query, variables, operationName: named && operationName };
  const { operation } = named ?? operations[0] ?? {};
  return operation === OperationTypeNode.SUBSCRIPTION ? listEvents((sink) => socket.subscribe(request, sink)) : ask(request);
};

/** A token in the Headers tab goes before the cookie, on the WebSocket too. */
function useHeaders(options?: FetcherOpts): void {
  const given = Object.entries(options?.headers ?? {}).filter(([, value]) => value !== "");
  const next = Object.fromEntries(given) as Headers;
  if (JSON.stringify(next) !== JSON.stringify(headers)) socket.terminate();
  headers = next;
}

/** The operations of a document; none if it is not GraphQL, which the server says better. */
function operationsOf(query: string): OperationDefinitionNode[] {
  try {
    return parse(query, { noLocation: true }).definitions.filter((it) => it.kind === "OperationDefinition");
  } catch {
    return [];
  }
}

/** Sends an operation by HTTP. */
export async function ask(request: FetcherParams): Promise<ExecutionResult> {
  const response = await fetch("graphql", {
    method: "POST",
    headers: { accept: "application/graphql-response+json, application/json", "content-type": "application/json", ...headers },
    body: JSON.stringify(request),
  });
  return response.json();
}
