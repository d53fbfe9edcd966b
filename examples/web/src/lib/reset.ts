// The way back from a mailed link: Docket puts the token, or an error, behind the page that the app has named.

/** The page to which the mailed link leads. */
export const resetPage = () => new URL("./", location.href).href;

/** The token of the link that led here, empty if it does not hold; null if no link did. */
export function resetToken(): string | null {
  const query = new URLSearchParams(location.search);
  return query.has("error") ? "" : query.get("token");
}

/** Takes the token out of the address, and so out of the history. */
export const forgetReset = () => history.replaceState(null, "", resetPage());
