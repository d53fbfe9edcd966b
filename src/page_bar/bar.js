// Signs people in and out. The session is a cookie. Pages hear of it by the event `docket-session` of the document.
const root = new URL("../../", import.meta.url);
const bar = document.getElementById("bar");
const find = (selector) => bar.querySelector(selector);
const [details, form, account, status] = ["details", "form", "section", "[role=status]"].map(find);
const copyButton = find("[name=copy]");

/** The session: null if nobody is signed in, undefined until that is known. */
export let session;

/** Asks an account route; throws an error whose message is for people. */
async function call(path, body) {
  const options = body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(new URL(`api/auth/${path}`, root), options).catch(() => {
    throw new Error("The server does not answer.");
  });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error(answer?.message ?? answer?.detail ?? `The server answered ${response.status}.`);
  return answer;
}

function say(text, isError = false) {
  status.textContent = text;
  status.classList.toggle("error", isError);
  if (text) details.open = true;
}

/** Runs what a button does, with the button switched off, and says what went wrong. */
async function run(button, act) {
  button.disabled = true;
  say("");
  try {
    await act();
  } catch (error) {
    say(error.message, true);
  } finally {
    button.disabled = false;
  }
}

/** Shows who is signed in, and tells the page. */
async function update() {
  session = await call("get-session");
  form.hidden = Boolean(session);
  account.hidden = copyButton.hidden = !session;
  find(".token").hidden = true;
  const demo = find("[name=demo]");
  if (demo) demo.hidden = Boolean(session);
  find("summary").textContent = session ? session.user.name : "Sign in";
  if (session) {
    find(".name").textContent = session.user.name;
    find(".email").textContent = session.user.email;
  }
  document.dispatchEvent(new Event("docket-session"));
}

async function signIn(act) {
  const [email, password] = [form.elements.email.value, form.elements.password.value];
  const name = act === "sign-up/email" ? { name: email.split("@")[0] } : {};
  await call(act, { ...name, email, password });
  form.reset();
  await update();
  if (session) details.open = false;
  else say("Follow the link that was mailed to you.");
}

async function copyToken() {
  const { token } = await call("token");
  const field = find("textarea");
  field.value = token;
  find(".token").hidden = false;
  details.open = true;
  field.focus();
  field.select();
  // Pages without https may not write to the clipboard.
  const isCopied = await navigator.clipboard?.writeText(token).then(() => true, () => false);
  say(isCopied ? "Copied." : "Copy it from the field above.");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter ?? form.elements.act[0];
  run(button, () => signIn(button.value));
});
copyButton.addEventListener("click", () => run(copyButton, copyToken));
find("[name=sign-out]").addEventListener("click", ({ target }) =>
  run(target, async () => {
    await call("sign-out", {});
    find("textarea").value = "";
    await update();
    details.open = false;
  }),
);
find("[name=demo]")?.addEventListener("click", ({ target }) =>
  run(target, async () => {
    const { createDemoAccount } = await import("./demo.js");
    await createDemoAccount(call, new URL("graphql", root));
    await update();
  }),
);
document.addEventListener("click", ({ target }) => {
  if (!details.contains(target) && target !== copyButton) details.open = false;
});
bar.addEventListener("keydown", ({ key }) => {
  if (key !== "Escape" || !details.open) return;
  details.open = false;
  find("summary").focus();
});
update().catch((error) => {
  session = null;
  document.dispatchEvent(new Event("docket-session"));
  say(error.message, true);
});
