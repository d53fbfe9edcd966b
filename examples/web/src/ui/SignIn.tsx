// Sign-in, sign-up and a new password instead of a forgotten one, by Better Auth's client.
import { type FormEvent, type ReactNode, useState } from "react";
import { auth, type User } from "../api/auth";
import { tooLong } from "../lib/limits";
import { forgetReset, resetPage, resetToken } from "../lib/reset";

type Props = {
  onDone: (user: User) => void;
  /** Whose session has ended, if the form is for that person. */
  email?: string;
};

const UNREACHABLE = "Docket cannot be reached. Try again when there is a network.";
const problemOf = (error: { status?: number; message?: string } | null) =>
  error?.status ? (error.message ?? "That did not work.") : UNREACHABLE;

export function SignIn({ onDone, onReset }: Props & { onReset: () => void }) {
  const [token, setToken] = useState(resetToken);
  const close = () => {
    forgetReset();
    setToken(null);
    onReset();
  };
  return (
    <main className="welcome">
      <div className="welcome-card">
        <p className="brand"><img src="./icon.svg" alt="" width="28" height="28" />Docket</p>
        <h1>Everything you have to do, wherever you are.</h1>
        {token === null ? <SignInForm onDone={onDone} /> : <NewPasswordForm token={token} onDone={close} />}
      </div>
    </main>
  );
}

export function SignInForm({ onDone, email }: Props) {
  const [does, setDoes] = useState<"sign in" | "sign up" | "ask">("sign in");
  const isNew = does === "sign up";

  const submit = async (given: Given) => {
    if (does === "ask") {
      const { error } = await auth.requestPasswordReset({ email: given.email, redirectTo: resetPage() });
      return error ? problemOf(error) : "If there is an account with this address, a link is on its way to it.";
    }
    const problem = isNew ? tooLong("name", given.name) : "";
    if (problem) return problem;
    const { data, error } = isNew ? await auth.signUp.email(given) : await auth.signIn.email(given);
    if (!data) return problemOf(error);
    if (!data.token) return "Follow the link in the mail that was sent to you, then sign in.";
    onDone(data.user);
    return "";
  };

  const links = !email && (
    <p className="row-links">
      <button type="button" className="link" onClick={() => setDoes(does === "sign in" ? "sign up" : "sign in")}>
        {does === "sign in" ? "New here? Create an account" : "I have an account"}
      </button>
      {does === "sign in" && <button type="button" className="link" onClick={() => setDoes("ask")}>Forgot your password?</button>}
    </p>
  );
  return (
    <Form submit={submit} links={links} label={{ "sign in": "Sign in", "sign up": "Create account", ask: "Send me a link" }[does]}>
      {isNew && (
        <label className="field">Name
          <input name="name" autoComplete="name" required />
        </label>
      )}
      <label className="field">Email
        <input name="email" type="email" autoComplete="username" required defaultValue={email} />
      </label>
      {does !== "ask" && <Password label="Password" isNew={isNew} />}
    </Form>
  );
}

/** Sets a password with the token of a mailed link, which is empty if the link does not hold. */
function NewPasswordForm({ token, onDone }: { token: string; onDone: () => void }) {
  const [isLost, setLost] = useState(token === "");
  if (isLost) {
    return (
      <div className="stack">
        <p role="alert">This link does not hold any more.</p>
        <button type="button" className="primary" onClick={onDone}>Go on</button>
      </div>
    );
  }
  const submit = async ({ password }: Given) => {
    const { error } = await auth.resetPassword({ newPassword: password, token });
    if (!error) onDone();
    else if (error.code === "INVALID_TOKEN") setLost(true);
    return error ? problemOf(error) : "";
  };
  return <Form submit={submit} label="Set password"><Password label="New password" isNew /></Form>;
}

const Password = ({ label, isNew }: { label: string; isNew: boolean }) => (
  <label className="field">{label}
    <input name="password" type="password" autoComplete={isNew ? "new-password" : "current-password"} required minLength={8} />
  </label>
);

type Given = Record<"name" | "email" | "password", string>;

type FormProps = { submit: (given: Given) => Promise<string>; label: string; links?: ReactNode; children: ReactNode };

/** A form whose answer is what to say below the fields. */
function Form({ submit, label, links, children }: FormProps) {
  const [said, setSaid] = useState("");
  const [isBusy, setBusy] = useState(false);
  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setBusy(true);
    setSaid(await submit(Object.fromEntries(new FormData(event.currentTarget)) as Given));
    setBusy(false);
  };
  return (
    <form className="stack" onSubmit={send}>
      {children}
      <p className="problem" role="alert">{said}</p>
      <button className="primary" disabled={isBusy}>{label}</button>
      {links}
    </form>
  );
}
