// An account for an example, and where Docket is.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

export const base = process.env.DOCKET_URL ?? "http://localhost:8000";
export const url = `${base}/graphql`;

/** A socket that says who it is; a browser has a WebSocket of its own, Node 20 has not. */
export const open = (headers: { authorization: string }) =>
  createClient({ url: url.replace(/^http/, "ws"), connectionParams: async () => headers, webSocketImpl: WebSocket });

/** Signs somebody new up; gives the header that shows who it is. */
export async function signUp(): Promise<{ authorization: string }> {
  const email = `typed-${Date.now()}-${Math.random()}@example.com`;
  const answer = await fetch(`${base}/api/auth/sign-up/email`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: base },
    body: JSON.stringify({ name: "Typed", email, password: "correct-horse-1" }),
  });
  const { token } = (await answer.json()) as { token: string };
  return { authorization: `Bearer ${token}` };
}

export const titles = Array.from({ length: 5 }, (_, number) => `task ${number + 1}`);
