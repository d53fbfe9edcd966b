//! What the settings of accounts, mail and access tokens mean.

use super::{SettingEntry, entry, secret_entry};

pub(super) const ACCOUNTS: &[SettingEntry] = &[
    entry("EMAIL_VERIFICATION", "`off`", "`on`: nobody signs in before following a mailed link", ""),
    entry("DELETE_CONFIRMATION", "`off`", "`on`: deleting an account takes a mailed link", ""),
    entry(
        "CHANGE_EMAIL_CONFIRMATION",
        "`on`",
        "`on`: a verified address must confirm its change by a link",
        " before the new address gets one; `off`: only the new address gets one",
    ),
    entry(
        "PASSWORD_RESET_SESSIONS",
        "`end`",
        "`end` or `keep`: sessions after a new password",
        ": `end`: a password set by a mailed link ends all sessions, and a changed one all others unless the client says so; `keep`: they stay, as in Better Auth",
    ),
    entry(
        "PASSWORD_HASH",
        "`argon2id`",
        "`argon2id`, or `scrypt` to run beside a Better Auth",
        " on the same database",
    ),
    entry(
        "PASSWORD_CHECK",
        "`off`",
        "`on`: a new password may not be common or easy to guess",
        " (`PASSWORD_COMPROMISED`)",
    ),
    entry(
        "PASSWORD_WAIT_MS",
        "`1000`",
        "milliseconds that a password waits at most to be hashed",
        " before the answer is 503, at most 60,000",
    ),
    entry(
        "SESSION_FRESH_AGE",
        "`86400`",
        "seconds for which a session is fresh",
        " and may list sessions and unlink accounts, at most 31,536,000; 0 means always",
    ),
];

pub(super) const MAIL: &[SettingEntry] = &[
    secret_entry(
        "SMTP_URL",
        "none",
        "the mail server, such as `smtps://user:password@host`",
        "; without it only development has mail, in `MAIL_FOLDER`, and nobody resets a password elsewhere",
    ),
    entry("MAIL_FROM", "`Docket <docket@localhost>`", "the sender of mail", ""),
    entry(
        "MAIL_FOLDER",
        "`.docket-mail`",
        "where development writes mail without `SMTP_URL`",
        "; the log shows it too",
    ),
];

pub(super) const TOKENS: &[SettingEntry] = &[
    entry("JWT_ALG", "`EdDSA`", "the algorithm of access tokens", ": `EdDSA`, or `HS256` with the secret"),
    entry(
        "JWT_KEY_DAYS",
        "`0`",
        "days after which a new key signs access tokens",
        "; it is published an hour before; at most 3,650, and 0 means never",
    ),
    entry(
        "JWKS_URL",
        "none",
        "the JWKS of other issuers of access tokens",
        " (EdDSA, ES256, RS256), whose users may own tasks here; several have commas between and [`issuer=`](contracts/legacy-rest.md#tokens) behind each",
    ),
    entry("JWT_ISSUER", "not checked", "the `iss` that tokens of other issuers must have", " by `JWKS_URL` or `HS256`"),
    entry(
        "JWT_AUDIENCE",
        "not checked",
        "an `aud` that tokens of other issuers must have",
        " by `JWKS_URL` or `HS256`",
    ),
    entry(
        "JWT_USER_CLAIM",
        "the first of them; two that differ are refused",
        "the claim with the user's id in such tokens",
        ": `sub`, `id`, `userId` or `user_id`",
    ),
    entry(
        "JWT_COOKIE_CACHE",
        "`off`",
        "`on`: the JWT of a Better Auth's cookie cache is an access token",
        ", if it has the same secret",
    ),
];
