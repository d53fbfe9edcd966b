// Somebody with an account, for the checks that need one.

/** Signs somebody new up; gives the user, a session token and an access token. */
export async function signUp(base) {
  const email = `ann-${Date.now()}-${Math.random()}@example.com`;
  const body = JSON.stringify({ name: "Ann", email, password: "correct-horse-1" });
  // What a browser would send by itself.
  const headers = { "content-type": "application/json", origin: base };
  const up = await fetch(`${base}/api/auth/sign-up/email`, { method: "POST", headers, body }).then((it) => it.json());
  const authorization = `Bearer ${up.token}`;
  const { token } = await fetch(`${base}/api/auth/token`, { headers: { authorization } }).then((it) => it.json());
  if (!token) throw new Error(`no account: ${JSON.stringify(up)}`);
  return { user: up.user, email, session: up.token, token };
}
