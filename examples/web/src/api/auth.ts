// Accounts, by Better Auth's own client. Who was here last is kept, so that the app opens without a network.
import { createAuthClient } from "better-auth/react";
import { docketUrl } from "./client";

export type User = { id: string; name: string; email: string };

export const auth = createAuthClient({ baseURL: docketUrl("api/auth") });

const KEY = "docket.user";

export function lastUser(): User | null {
  const text = localStorage.getItem(KEY);
  return text ? (JSON.parse(text) as User) : null;
}

export function keepUser({ id, name, email }: User): void {
  localStorage.setItem(KEY, JSON.stringify({ id, name, email }));
}

export const forgetUser = () => localStorage.removeItem(KEY);

/** Who the session is of: null if it has ended, undefined if nobody could be asked. */
export async function sessionUser(): Promise<User | null | undefined> {
  const { data, error } = await auth.getSession().catch((cause: unknown) => ({ data: null, error: cause }));
  return error ? undefined : (data?.user ?? null);
}
