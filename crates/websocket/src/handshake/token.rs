//! Header values that are comma lists, over one line or several (RFC 9110 §5.3, §5.6.1).

use alloc::borrow::Cow;
use alloc::string::String;

/// The values of all header lines with this name, whose case does not matter, without white space around them.
pub fn values<'a, H>(headers: &H, name: &str) -> impl Iterator<Item = &'a [u8]>
where
    H: Iterator<Item = (&'a str, &'a [u8])> + Clone,
{
    headers
        .clone()
        .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim_ascii())
}

/// The elements of the comma list that the header lines with this name make up together. Empty ones are left out.
pub fn tokens<'a, H>(headers: &H, name: &str) -> impl Iterator<Item = &'a [u8]>
where
    H: Iterator<Item = (&'a str, &'a [u8])> + Clone,
{
    values(headers, name)
        .flat_map(|value| value.split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|token| !token.is_empty())
}

/// Whether the comma list has this element, in any case.
pub fn has_token<'a, H>(headers: &H, name: &str, token: &str) -> bool
where
    H: Iterator<Item = (&'a str, &'a [u8])> + Clone,
{
    tokens(headers, name).any(|other| other.eq_ignore_ascii_case(token.as_bytes()))
}

/// All values of a header as one text, joined with commas if there are several lines: what is to be given to the parser
/// of an extension for `Sec-WebSocket-Extensions` (§9.1). `None` if there is no such line; lines that are not UTF-8 do not
/// count.
pub fn joined<'a, H>(headers: &H, name: &str) -> Option<Cow<'a, str>>
where
    H: Iterator<Item = (&'a str, &'a [u8])> + Clone,
{
    let mut lines = values(headers, name).filter_map(|value| core::str::from_utf8(value).ok());
    let mut text = Cow::Borrowed(lines.next()?);
    for line in lines {
        let text: &mut String = text.to_mut();
        text.push_str(", ");
        text.push_str(line);
    }
    Some(text)
}

/// The first subprotocol of the request's `Sec-WebSocket-Protocol`, which is in the client's order of preference (§4.1),
/// that is among the `supported`. It has to be sent back in the same header.
pub fn select_protocol<'a, 's, H>(headers: &H, supported: &[&'s str]) -> Option<&'s str>
where
    H: Iterator<Item = (&'a str, &'a [u8])> + Clone,
{
    tokens(headers, "Sec-WebSocket-Protocol")
        .find_map(|offered| supported.iter().find(|name| name.as_bytes() == offered).copied())
}
