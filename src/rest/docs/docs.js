// Shows the OpenAPI document, and authorizes its requests by the session of the bar: an access token for it, which is
// renewed, and the id of its user in the paths that have one. URLs are relative: a proxy may have the page below a path.
import { session } from "./bar/bar.js";

const RENEW_AFTER_MS = 10 * 60 * 1000;
const BEARER = "bearer";
const LOOK = {
  dom_id: "#swagger-ui",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
};
const line = document.getElementById("authorization");

const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const followTheme = () => document.documentElement.classList.toggle("dark-mode", prefersDark.matches);
prefersDark.addEventListener("change", followTheme);
followTheme();

const documentAsServed = fetch("../openapi.json").then((response) => response.json());
let ui, timer;
let isAuthorized = false;

/** The document, with the user in place of `{user_id}` wherever a path has it. */
async function documentOf(user) {
  const copy = structuredClone(await documentAsServed);
  const operations = Object.values(copy.paths).flatMap((path) => Object.values(path));
  for (const parameter of operations.flatMap(({ parameters }) => parameters ?? [])) {
    if (user && parameter.in === "path" && parameter.name === "user_id") parameter.schema.default = user.id;
  }
  return copy;
}

async function authorize() {
  const response = await fetch("../api/auth/token");
  if (!response.ok) return;
  ui.preauthorizeApiKey(BEARER, (await response.json()).token);
  isAuthorized = true;
}

/** Shows the document as whoever is signed in sees it. */
async function follow() {
  clearInterval(timer);
  const spec = await documentOf(session?.user);
  if (ui) ui.specActions.updateSpec(JSON.stringify(spec));
  else ui = SwaggerUIBundle({ ...LOOK, spec });
  if (session) {
    await authorize();
    timer = setInterval(authorize, RENEW_AFTER_MS);
    line.textContent = `Requests are sent as ${session.user.name}, with an access token.`;
  } else {
    if (isAuthorized) ui.authActions.logout([BEARER]);
    isAuthorized = false;
    line.textContent = "Sign in above, by e-mail and password, and requests are sent with an access token.";
  }
}

document.addEventListener("docket-session", follow);
// It may be known already.
if (session !== undefined) follow();
