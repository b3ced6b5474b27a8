//! Credentials in cookies (RFC 6265 §5.4).

use dunlin_auth::Credentials;

/// The longest value that counts, in bytes. Longer ones could not stand in a CONNECT of usual length either.
const VALUE_LEN_MAX: usize = 4096;

/// The names of the cookies that hold credentials; `None`: there is none for that (nats: `user_cookie`, `pass_cookie`,
/// `token_cookie`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CookieNames {
    /// Holds the user's name.
    pub user: Option<String>,
    /// Holds the password.
    pub pass: Option<String>,
    /// Holds the token.
    pub token: Option<String>,
}

impl CookieNames {
    /// Picks the credentials from the values of a request's `Cookie` headers.
    ///
    /// As in nats-server: of two cookies with one name the last counts, values are taken as they are but for quotes around
    /// them, and a cookie whose value holds bytes that RFC 6265 does not allow is skipped (blanks and commas pass).
    pub(crate) fn credentials<'a>(&self, headers: impl Iterator<Item = &'a [u8]>) -> Credentials {
        let mut credentials = Credentials::default();
        if *self == CookieNames::default() {
            return credentials;
        }
        for pair in headers.flat_map(|header| header.split(|&byte| byte == b';')) {
            let Some(equals) = memchr::memchr(b'=', pair) else { continue };
            let (name, value) = (pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii_end());
            let is =
                |wanted: &Option<String>| wanted.as_ref().is_some_and(|wanted| wanted.as_bytes() == name);
            let field = if is(&self.user) {
                &mut credentials.user
            } else if is(&self.pass) {
                &mut credentials.pass
            } else if is(&self.token) {
                &mut credentials.token
            } else {
                continue;
            };
            if let Some(value) = value_text(value) {
                *field = value.to_owned();
            }
        }
        credentials
    }
}

/// A cookie's value without quotes around it; `None` where it is none.
fn value_text(value: &[u8]) -> Option<&str> {
    let inner = match value {
        [b'"', inner @ .., b'"'] => inner,
        _ => value,
    };
    let is_allowed = |&byte: &u8| (b' '..0x7f).contains(&byte) && !b"\";\\".contains(&byte);
    let is_value = inner.len() <= VALUE_LEN_MAX && inner.iter().all(is_allowed);
    is_value.then(|| core::str::from_utf8(inner).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::{CookieNames, VALUE_LEN_MAX};

    /// Checks what `headers`, a line each, give: user, password and token.
    fn check(headers: &str, expected: [&str; 3]) {
        let name = |name: &str| Some(name.to_owned());
        let names = CookieNames { user: name("u"), pass: name("p"), token: name("t") };
        let found = names.credentials(headers.lines().map(str::as_bytes));
        assert_eq!([&*found.user, &*found.pass, &*found.token], expected, "{headers:?}");
        let none = CookieNames::default().credentials(headers.lines().map(str::as_bytes));
        assert!(none.is_empty());
    }

    #[test]
    fn what_cookies_say() {
        for (headers, expected) in [
            ("", ["", "", ""]),
            ("u=a", ["a", "", ""]),
            ("u=a; p=b; t=c", ["a", "b", "c"]),
            ("u=a;p=b;t=c", ["a", "b", "c"]),
            ("u=a; ;; p=b;", ["a", "b", ""]),
            ("u=a\np=b", ["a", "b", ""]),
            ("x=1; u=a; y=2", ["a", "", ""]),
            // Of two, the last counts.
            ("u=x; u=a", ["a", "", ""]),
            ("u=x\nu=a", ["a", "", ""]),
            // Quotes go, and nothing else is decoded.
            ("u=\"a\"; p=%62; t=a+b", ["a", "%62", "a+b"]),
            ("u=\"\"; p=\"", ["", "", ""]),
            ("u=\"a; p=a\"b", ["", "", ""]),
            ("p=b=c; t==", ["", "b=c", "="]),
            ("p=b c; t=b,c", ["", "b c", "b,c"]),
            // Names are compared as they are.
            ("U=a; uu=b; u", ["", "", ""]),
            ("u = a", [" a", "", ""]),
            ("  u=a  ", ["a", "", ""]),
            ("u=a , p=b", ["a , p=b", "", ""]),
            // A value that is none is skipped: the one before it stays.
            ("u=a; u=b\\c", ["a", "", ""]),
            ("u=a; u=\u{e9}", ["a", "", ""]),
            ("u=a; u=b\tc", ["a", "", ""]),
        ] {
            check(headers, expected);
        }
    }

    #[test]
    fn values_have_a_limit() {
        let long = "x".repeat(VALUE_LEN_MAX);
        check(&format!("u={long}"), [&long, "", ""]);
        check(&format!("u=\"{long}\""), [&long, "", ""]);
        check(&format!("u={long}x; p=b"), ["", "b", ""]);
    }
}
