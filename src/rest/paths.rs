//! The other paths of a route: those under which the family of original back-ends serves it.
//! See docs/contracts/legacy-rest.md#paths.

/// The names of signing up.
pub(super) const SIGN_UP: [&str; 3] = ["/register", "/signup", "/sign-up"];
/// The names of signing in.
pub(super) const SIGN_IN: [&str; 3] = ["/login", "/signin", "/sign-in"];
/// The names of signing out.
pub(super) const SIGN_OUT: [&str; 2] = ["/logout", "/signout"];

/// A part of a path, and what may stand in its place.
const ALTERNATIVES: [(&str, &[&str]); 7] = [
    (
        "/api/{user_id}/",
        &[
            "/api/{user_id}/",
            "/api/",
            "/api/users/{user_id}/",
            "/api/v1/{user_id}/",
            "/api/v1/",
            "/api/v1/users/{user_id}/",
        ],
    ),
    ("/tasks", &["/tasks", "/todos"]),
    ("/complete", &["/complete", "/status", "/toggle-status"]),
    ("/api/auth/", &["/api/auth/", "/api/v1/auth/", "/auth/"]),
    ("/register", &SIGN_UP),
    ("/login", &SIGN_IN),
    ("/logout", &SIGN_OUT),
];

/// All paths of a route, the one of the document first, each with and without a trailing slash.
pub fn served(path: &str) -> Vec<String> {
    let mut paths = vec![path.to_owned()];
    for (part, others) in ALTERNATIVES {
        paths = paths.into_iter().flat_map(|path| replaced(&path, part, others)).collect();
    }
    paths.into_iter().flat_map(|path| [path.clone(), format!("{path}/")]).collect()
}

/// The path of a task route at the root, which only installations have that ask for it.
pub fn at_root(path: &str) -> Option<&str> {
    path.strip_prefix("/api").filter(|it| is_root(it))
}

/// Whether it is such a path.
pub(crate) fn is_root(path: &str) -> bool {
    path.starts_with("/tasks") || path.starts_with("/todos")
}

fn replaced(path: &str, part: &str, others: &[&str]) -> Vec<String> {
    if !path.contains(part) {
        return vec![path.to_owned()];
    }
    others.iter().map(|other| path.replacen(part, other, 1)).collect()
}
