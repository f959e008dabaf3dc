//! A command in the address of a request: `/set/foo/bar?EX=100`, with the raw body as one argument.
//!
//! Each segment of the path is one argument, percent-decoded to bytes and otherwise as it stands; an
//! empty segment is an empty argument. A body that is not empty follows the path as one argument, and
//! then come the query's names and values: a name alone is one argument, a name with `=` is two. So
//! `POST /set/foo?EX=100` with the body `bar` is `SET foo bar EX 100`, and the body may hold any bytes.
//! `_token` in the query, however it is written, is never an argument. A `%` that begins no escape
//! stands for itself, as browsers have it: whatever the words look like, policies see them decoded.

use std::borrow::Cow;

use percent_encoding::{percent_decode, percent_decode_str};

use super::{CommandError, CommandLimits, Commands};

/// The name of the query's parameter that holds a token.
const TOKEN: &[u8] = b"_token";

/// The address of a request: what stands behind the host.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Address<'a> {
    /// Begins with `/`.
    pub(crate) path: &'a str,
    /// What stands behind the `?`, if anything does.
    pub(crate) query: Option<&'a str>,
}

impl<'a> Address<'a> {
    /// The path's segments, decoded.
    pub(crate) fn segments(self) -> impl Iterator<Item = Cow<'a, [u8]>> {
        let path = self.path.strip_prefix('/').unwrap_or(self.path);
        path.split('/').map(|segment| percent_decode_str(segment).into())
    }

    /// The token in the query: of several the first.
    pub(crate) fn token(self) -> Option<Cow<'a, [u8]>> {
        self.parameters().find(|(name, _)| &**name == TOKEN).and_then(|(_, value)| value)
    }

    /// The query's names, with the values of those that have a `=`.
    fn parameters(self) -> impl Iterator<Item = (Cow<'a, [u8]>, Option<Cow<'a, [u8]>>)> {
        let parts = self.query.unwrap_or_default().split('&').filter(|part| !part.is_empty());
        parts.map(|part| match part.split_once('=') {
            Some((name, value)) => (form_decoded(name), Some(form_decoded(value))),
            None => (form_decoded(part), None),
        })
    }
}

/// In a query, unlike a path, `+` is a space.
fn form_decoded(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        Cow::Owned(percent_decode(text.replace('+', " ").as_bytes()).collect())
    } else {
        percent_decode_str(text).into()
    }
}

/// One command in an address and a body.
pub(crate) fn parse_path(
    address: Address<'_>,
    body: &[u8],
    limits: CommandLimits,
) -> Result<Commands, CommandError> {
    let mut command = Commands::of_request(body.len());
    address.segments().for_each(|segment| command.push(&segment));
    if !body.is_empty() {
        command.push(body);
    }
    for (name, value) in address.parameters().filter(|(name, _)| &**name != TOKEN) {
        command.push(&name);
        value.iter().for_each(|value| command.push(value));
    }
    let (limit, actual) = (limits.arguments, command.words_so_far());
    if actual > limit {
        return Err(CommandError::TooManyArguments { limit, actual });
    }
    command.end();
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CommandLimits = CommandLimits { commands: 1, arguments: 6 };

    /// Target, body, and the words that they are.
    type Row<'a> = (&'a str, &'a [u8], &'a [&'a [u8]]);

    fn address(target: &str) -> Address<'_> {
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        Address { path, query }
    }

    fn words(target: &str, body: &[u8]) -> Vec<Vec<u8>> {
        let command = parse_path(address(target), body, LIMITS).unwrap();
        command.iter().flat_map(|command| command.words()).map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn segments_then_body_then_query_are_the_arguments() {
        let table: [Row<'_>; 14] = [
            ("/get/foo", b"", &[b"get", b"foo"]),
            ("/set/foo/bar/EX/100", b"", &[b"set", b"foo", b"bar", b"EX", b"100"]),
            ("/set/foo?EX=100", b"bar", &[b"set", b"foo", b"bar", b"EX", b"100"]),
            ("/set/foo?EX=100&NX", b"bar", &[b"set", b"foo", b"bar", b"EX", b"100", b"NX"]),
            ("/set/foo?a=", b"bar", &[b"set", b"foo", b"bar", b"a", b""]),
            ("/set/foo?&&", b"\0\xff\r\n", &[b"set", b"foo", b"\0\xff\r\n"]),
            ("/set/a%2Fb/%00%ff?x=%0d%0A+y", b"", &[b"set", b"a/b", b"\0\xff", b"x", b"\r\n y"]),
            ("/get/a+b", b"", &[b"get", b"a+b"]),
            ("/get/50%/%zz/%4", b"", &[b"get", b"50%", b"%zz", b"%4"]),
            ("/set/k/", b"", &[b"set", b"k", b""]),
            ("/set//v", b"", &[b"set", b"", b"v"]),
            ("/%67et/k", b"", &[b"get", b"k"]),
            ("/get/%2e%2e/..", b"", &[b"get", b"..", b".."]),
            ("/get/k?x=1=2", b"", &[b"get", b"k", b"x", b"1=2"]),
        ];
        for (target, body, expected) in table {
            assert_eq!(words(target, body), expected, "{target}");
        }
    }

    #[test]
    fn a_token_in_the_query_is_found_and_never_an_argument() {
        for target in ["/get/k?_token=a+b", "/get/k?x=y&%5Ftoken=a%20b&z", "/get/k?_tok%65n=a b&_token=c"] {
            assert_eq!(address(target).token().as_deref(), Some(&b"a b"[..]), "{target}");
            assert!(!words(target, b"").iter().any(|word| word == b"a b" || word == b"_token"), "{target}");
        }
        for target in ["/get/k", "/get/k?token=a", "/get/k?_token", "/get/_token=a", "/get/k?_TOKEN=a"] {
            assert_eq!(address(target).token(), None, "{target}");
        }
        assert_eq!(words("/get/k?_token", b""), [&b"get"[..], b"k"]);
    }

    #[test]
    fn too_many_arguments_are_refused() {
        let refused = parse_path(address("/a/b/c/d?e=f"), b"body", LIMITS).unwrap_err();
        assert_eq!(refused, CommandError::TooManyArguments { limit: 6, actual: 7 });
    }
}
