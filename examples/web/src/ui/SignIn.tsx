// Sign-in and sign-up, by Better Auth's client.
import { type FormEvent, useState } from "react";
import { auth, type User } from "../api/auth";

type Props = {
  onDone: (user: User) => void;
  /** Whose session has ended, if the form is for that person. */
  email?: string;
};

export function SignIn({ onDone }: Props) {
  return (
    <main className="welcome">
      <div className="welcome-card">
        <p className="brand"><img src="./icon.svg" alt="" width="28" height="28" />Docket</p>
        <h1>Everything you have to do, wherever you are.</h1>
        <SignInForm onDone={onDone} />
      </div>
    </main>
  );
}

export function SignInForm({ onDone, email }: Props) {
  const [isNew, setNew] = useState(false);
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.currentTarget)) as Record<"name" | "email" | "password", string>;
    setBusy(true);
    const { data, error } = isNew ? await auth.signUp.email(given) : await auth.signIn.email(given);
    setBusy(false);
    if (data && !data.token) setProblem("Follow the link in the mail that was sent to you, then sign in.");
    else if (data) onDone(data.user);
    else setProblem(error?.status ? (error.message ?? "That did not work.") : "Docket cannot be reached. Try again when there is a network.");
  };

  return (
    <form className="stack" onSubmit={submit}>
      {isNew && (
        <label className="field">Name
          <input name="name" autoComplete="name" required maxLength={100} />
        </label>
      )}
      <label className="field">Email
        <input name="email" type="email" autoComplete="username" required defaultValue={email} />
      </label>
      <label className="field">Password
        <input name="password" type="password" autoComplete={isNew ? "new-password" : "current-password"} required minLength={8} />
      </label>
      <p className="problem" role="alert">{problem}</p>
      <button className="primary" disabled={isBusy}>{isNew ? "Create account" : "Sign in"}</button>
      {!email && (
        <button type="button" className="link center" onClick={() => setNew(!isNew)}>
          {isNew ? "I have an account" : "New here? Create an account"}
        </button>
      )}
    </form>
  );
}
