// Starts GraphiQL. The header editor holds the token; headers are not kept in the browser.
const place = document.getElementById("graphiql");
if (window.GraphiQL) {
  const example = [
    "# Sign in first: POST /api/auth/sign-up/email with name, email and password,",
    "# then put its token into the Headers tab: {\"Authorization\": \"Bearer …\"}",
    "{ me { id name } tasks(first: 10) { totalCount nodes { id number title completed dueAt } } }",
  ].join("\n");
  ReactDOM.createRoot(place).render(
    React.createElement(GraphiQL, {
      fetcher: GraphiQL.createFetcher({ url: "/graphql" }),
      defaultQuery: example,
      defaultHeaders: '{"Authorization": "Bearer "}',
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: false,
    }),
  );
} else {
  place.textContent = "GraphiQL could not be loaded from unpkg.com. The endpoint itself, /graphql, works without it.";
}
