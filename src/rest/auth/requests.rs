//! The fields of bodies in the document, as `fields` reads them.

use crate::rest::openapi::BodyField;

/// An address.
pub(in crate::rest) const EMAIL: BodyField = BodyField::required("email", "ann@example.com", "E-mail address.");
/// A password.
pub(in crate::rest) const PASSWORD: BodyField =
    BodyField::required("password", "correct-horse-1", "Password, 8 to 128 characters.");
const NEW_PASSWORD: BodyField = BodyField::required("newPassword", "another-horse-1", "Password, 8 to 128 characters.");
const CALLBACK: BodyField =
    BodyField::optional("callbackURL", "/welcome", "Where a mailed link leads on to: a trusted origin or a path.");
const REMEMBER: BodyField = BodyField::switch("rememberMe", true, "False for a session that ends with the browser.");
/// A picture.
pub(in crate::rest) const IMAGE: BodyField =
    BodyField::optional("image", "https://example.com/ann.png", "URL of the profile picture.");

/// The fields of a sign-up.
pub(super) const SIGN_UP: &[BodyField] =
    &[BodyField::required("name", "Ann", "Display name."), EMAIL, PASSWORD, IMAGE, CALLBACK, REMEMBER];
/// The fields of a sign-in.
pub(super) const SIGN_IN: &[BodyField] = &[EMAIL, PASSWORD, CALLBACK, REMEMBER];
/// What names a provider.
pub(super) const SOCIAL: &[BodyField] = &[BodyField::required("provider", "github", "Name of the provider.")];
/// What a user changes of a profile.
pub(super) const UPDATE_USER: &[BodyField] = &[BodyField::optional("name", "Ann", "Display name."), IMAGE];
/// A body that may have any fields.
pub(super) const ANY: &[BodyField] = &[];
/// What changes an address.
pub(super) const CHANGE_EMAIL: &[BodyField] =
    &[BodyField::required("newEmail", "ann@example.org", "The new address."), CALLBACK];
/// What changes a password.
pub(super) const CHANGE_PASSWORD: &[BodyField] = &[
    BodyField::required("currentPassword", "correct-horse-1", "The password until now."),
    NEW_PASSWORD,
    BodyField::switch("revokeOtherSessions", true, "Whether all other sessions end."),
];
/// What proves who somebody is.
pub(super) const VERIFY_PASSWORD: &[BodyField] = &[PASSWORD];
/// What names a way to sign in.
pub(super) const UNLINK: &[BodyField] =
    &[BodyField::required("accountId", "yI5EnU3Wb8Qk0aZr7LxT2vPcGdMhJfSo", "The `accountId` of the way to sign in.")];
/// What names a session.
pub(super) const REVOKE: &[BodyField] =
    &[BodyField::required("token", "Q3vN8rB1xJ6mT0wZk5hLsDf2YcPa9GeU", "The token of the session.")];
/// Who wants to set a new password.
pub(super) const REQUEST_RESET: &[BodyField] =
    &[EMAIL, BodyField::optional("redirectTo", "/reset-password", "The page that asks for the new password.")];
/// What sets a new password.
pub(super) const RESET: &[BodyField] = &[
    NEW_PASSWORD,
    BodyField::optional("token", "Q3vN8rB1xJ6mT0wZk5hLsDf2", "The token of the mailed link; it may be in the query."),
];
/// Who wants to verify an address.
pub(super) const SEND_VERIFICATION: &[BodyField] = &[EMAIL, CALLBACK];
/// What confirms a deletion.
pub(super) const DELETE_USER: &[BodyField] = &[
    BodyField::optional("password", "correct-horse-1", "The password of the user."),
    BodyField::optional("token", "Q3vN8rB1xJ6mT0wZk5hLsDf2YcPa9GeU", "The token of a mailed link."),
    CALLBACK,
];
