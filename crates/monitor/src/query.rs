//! The query of a request.

use core::num::IntErrorKind;

use crate::error::{BadParameter, Parameter};

/// The most parameters that are looked at.
const PARAMETERS_MAX: usize = 64;

/// The parameters after the `?`, read as Go does: of two with one name the first counts, and those that are malformed count as
/// absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    parameters: Vec<(String, String)>,
}

impl Query {
    /// Reads `a=1&b=2`.
    pub fn parse(text: &str) -> Self {
        let pairs =
            text.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')).take(PARAMETERS_MAX);
        let parameters = pairs
            .filter_map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((decode(name)?, decode(value)?))
            })
            .collect();
        Self { parameters }
    }

    /// The value of a parameter; empty where it is absent.
    pub fn text(&self, name: &str) -> &str {
        self.parameters.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// A whole number, 0 where absent.
    ///
    /// # Errors
    /// It is not one.
    pub fn integer(&self, name: &'static str) -> Result<i64, BadParameter> {
        self.number(name, Parameter::Integer, Parameter::IntegerRange)
    }

    /// A whole number of zero or more, 0 where absent.
    ///
    /// # Errors
    /// It is not one.
    pub fn unsigned(&self, name: &'static str) -> Result<u64, BadParameter> {
        if self.text(name).starts_with('+') {
            return Err(self.bad(Parameter::Unsigned, name));
        }
        self.number(name, Parameter::Unsigned, Parameter::UnsignedRange)
    }

    /// A boolean, false where absent.
    ///
    /// # Errors
    /// It is not one.
    pub fn boolean(&self, name: &'static str) -> Result<bool, BadParameter> {
        match self.text(name) {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
            "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
            _ => Err(self.bad(Parameter::Boolean, name)),
        }
    }

    fn number<T>(&self, name: &'static str, syntax: Parameter, range: Parameter) -> Result<T, BadParameter>
    where
        T: core::str::FromStr<Err = core::num::ParseIntError> + Default,
    {
        match self.text(name) {
            "" => Ok(T::default()),
            text => text.parse().map_err(|error: core::num::ParseIntError| match error.kind() {
                IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => self.bad(range, name),
                _ => self.bad(syntax, name),
            }),
        }
    }

    pub(crate) fn bad(&self, kind: Parameter, name: &'static str) -> BadParameter {
        BadParameter { kind, name, value: self.text(name).to_owned() }
    }
}

/// Percent-decoding, `+` for a blank.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::Query;

    #[test]
    fn as_go_reads_them() {
        let query = Query::parse("a=1&a=2&b=%31+x&c=%zz&d=2;3&&e&%61b=5&f=-7");
        for (name, value) in
            [("a", "1"), ("b", "1 x"), ("c", ""), ("d", ""), ("e", ""), ("ab", "5"), ("x", "")]
        {
            assert_eq!(query.text(name), value, "{name}");
        }
        assert_eq!(query.integer("f"), Ok(-7));
        assert_eq!(query.integer("x"), Ok(0));
        assert_eq!(query.unsigned("a"), Ok(1));
        assert_eq!(query.boolean("a"), Ok(true));
    }

    #[test]
    fn texts() {
        let text = |query: &str| {
            let query = Query::parse(query);
            let refusal = query
                .integer("limit")
                .map(|_| ())
                .and(query.unsigned("cid").map(|_| ()))
                .and(query.boolean("auth").map(|_| ()));
            refusal.unwrap_err().to_string()
        };
        for (query, expected) in [
            ("limit=abc", "Error decoding int for 'limit': strconv.Atoi: parsing \"abc\": invalid syntax"),
            ("limit=+5", "Error decoding int for 'limit': strconv.Atoi: parsing \" 5\": invalid syntax"),
            (
                "limit=1_000",
                "Error decoding int for 'limit': strconv.Atoi: parsing \"1_000\": invalid syntax",
            ),
            (
                "limit=99999999999999999999",
                "Error decoding int for 'limit': strconv.Atoi: parsing \"99999999999999999999\": value out of range",
            ),
            ("cid=-1", "Error decoding uint64 for 'cid': strconv.ParseUint: parsing \"-1\": invalid syntax"),
            (
                "cid=%2b1",
                "Error decoding uint64 for 'cid': strconv.ParseUint: parsing \"+1\": invalid syntax",
            ),
            (
                "cid=99999999999999999999",
                "Error decoding uint64 for 'cid': strconv.ParseUint: parsing \"99999999999999999999\": value out of range",
            ),
            (
                "auth=zzz",
                "Error decoding boolean for 'auth': strconv.ParseBool: parsing \"zzz\": invalid syntax",
            ),
        ] {
            assert_eq!(text(query), expected);
        }
    }
}
