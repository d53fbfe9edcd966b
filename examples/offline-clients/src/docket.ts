// A Docket of the test's own, which can be killed and started again. Its binary is at DOCKET; its database is the one at
// DATABASE_URL, or a new SQLite file.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "docket-offline-"));
let server: ChildProcess | undefined, port = 0;

export const base = () => `http://127.0.0.1:${port}`;
export const url = () => `${base()}/graphql`;

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  return typeof address === "object" && address ? address.port : 0;
}

/** Starts Docket, on the same port and database as before, and waits until it is ready. */
export async function start(): Promise<void> {
  port ||= await freePort();
  const env = {
    ...process.env,
    PORT: String(port),
    BETTER_AUTH_SECRET: "a-secret-of-tests-0123456789-ABCDEFGHIJ",
    BETTER_AUTH_URL: base(),
    DATABASE_URL: process.env.DATABASE_URL ?? `sqlite://${folder}/docket.db?mode=rwc`,
    RATE_LIMIT: "off",
    RUST_LOG: "error",
  };
  server = spawn(process.env.DOCKET ?? "../../target/debug/docket", { env, cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  for (let tries = 0; tries < 100; tries++) {
    if (await fetch(`${base()}/health/ready`).then((answer) => answer.ok, () => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("Docket did not start");
}

/** Kills Docket in the middle of whatever it does. */
export async function kill(): Promise<void> {
  if (!server || server.exitCode !== null) return;
  server.kill("SIGKILL");
  await once(server, "exit");
}

export async function stop(): Promise<void> {
  await kill();
  rmSync(folder, { recursive: true, force: true });
}

/** Signs somebody new up; gives the header that shows who it is. */
export async function signUp(): Promise<{ authorization: string }> {
  const email = `offline-${Date.now()}-${Math.random()}@example.com`;
  const answer = await fetch(`${base()}/api/auth/sign-up/email`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: base() },
    body: JSON.stringify({ name: "Offline", email, password: "correct-horse-1" }),
  });
  const { token } = (await answer.json()) as { token: string };
  return { authorization: `Bearer ${token}` };
}

/** The data of a document, which must have no errors. */
export async function ask<T>(headers: { authorization: string }, query: string, variables = {}): Promise<T> {
  const answer = await fetch(url(), {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await answer.json()) as { data: T; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
