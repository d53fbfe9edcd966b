//! The other paths of a route: those under which the family of original back-ends serves it.
//! See docs/contracts/legacy-rest.md#routes.

/// A part of a path, and what may stand in its place.
const ALTERNATIVES: [(&str, &[&str]); 4] = [
    ("/api/auth/", &["/api/auth/", "/api/v1/auth/", "/auth/"]),
    ("/register", &["/register", "/signup", "/sign-up"]),
    ("/login", &["/login", "/signin", "/sign-in"]),
    ("/logout", &["/logout", "/signout"]),
];

/// All paths of a route, the one of the document first, each with and without a trailing slash.
pub fn served(path: &str) -> Vec<String> {
    let mut paths = vec![path.to_owned()];
    for (part, others) in ALTERNATIVES {
        paths = paths.into_iter().flat_map(|path| replaced(&path, part, others)).collect();
    }
    paths.into_iter().flat_map(|path| [format!("{path}/"), path]).rev().collect()
}

fn replaced(path: &str, part: &str, others: &[&str]) -> Vec<String> {
    if !path.contains(part) {
        return vec![path.to_owned()];
    }
    others.iter().map(|other| path.replacen(part, other, 1)).collect()
}
