// Starts GraphiQL, and signs its user in and out. The session is a cookie; a token in the Headers tab goes before it.
// URLs are relative: a proxy may have the page below a path of its own.
const account = document.getElementById("account");
const place = document.getElementById("graphiql");

const call = (path, body) =>
  fetch(`api/auth/${path}`, {
    method: body ? "POST" : "GET",
    headers: body ? { "content-type": "application/json" } : {},
    body: body && JSON.stringify(body),
  }).then((answer) => answer.json());

async function show(error) {
  const session = await call("get-session");
  document.getElementById("fields").hidden = Boolean(session);
  account.elements["sign-out"].hidden = !session;
  const state = document.getElementById("state");
  state.value = error ?? (session ? `Signed in as ${session.user.name}` : "Not signed in. Or put {\"Authorization\": \"Bearer …\"} into the Headers tab.");
}

account.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [email, password] = [account.elements.email.value, account.elements.password.value];
  const act = event.submitter?.name ?? "sign-in";
  const answer =
    act === "sign-out" ? await call("sign-out", {})
    : act === "sign-up" ? await call("sign-up/email", { name: email.split("@")[0], email, password })
    : await call("sign-in/email", { email, password });
  if (!answer.code) account.reset();
  socket?.terminate();
  await show(answer.code && answer.message);
});
show();

let socket;
if (window.GraphiQL) {
  let headers = {};
  socket = graphqlWs.createClient({
    url: new URL("graphql", location.href.replace(/^http/, "ws")).href,
    connectionParams: () => headers,
  });
  const overHttp = GraphiQL.createFetcher({ url: "graphql", enableIncrementalDelivery: false });
  const overSocket = (request) => ({
    subscribe: (sink) => {
      const error = (it) => sink.error(it instanceof CloseEvent ? new Error(`closed: ${it.code} ${it.reason}`) : it);
      return { unsubscribe: socket.subscribe(request, { next: sink.next, complete: sink.complete, error }) };
    },
  });
  const isSubscription = ({ query, operationName }) => {
    const code = query.replace(/"""[^]*?"""|"(?:\\.|[^"\\])*"|#.*/g, "");
    return new RegExp(operationName ? `\\bsubscription\\s+${operationName}\\b` : "\\bsubscription\\b").test(code);
  };
  const example = [
    "# Sign in above, then run this. More to try:",
    "#   mutation { createTask(input: { title: \"water the plants\" }) { task { id } } }",
    "#   subscription { changes { syncToken kind deleted node { ... on Task { title } } } }",
    "",
    "{",
    "  me { id name }",
    "  tasks(first: 10, order: { by: POSITION, direction: ASC }) {",
    "    totalCount",
    "    nodes { id number title completed priority dueDate list { name } labels { name } }",
    "  }",
    "}",
  ].join("\n");
  ReactDOM.createRoot(place).render(
    React.createElement(GraphiQL, {
      fetcher: (request, options) => {
        const given = Object.fromEntries(Object.entries(options?.headers ?? {}).filter(([, value]) => value !== ""));
        if (JSON.stringify(given) !== JSON.stringify(headers)) socket.terminate();
        headers = given;
        return isSubscription(request) ? overSocket(request) : overHttp(request, { headers });
      },
      defaultQuery: example,
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: false,
    }),
  );
} else {
  place.textContent = "GraphiQL could not be loaded. The endpoint itself, /graphql, works without it.";
}
