//! A few words with Redis, in its inline form: nothing here is hot, and xtask needs no client for it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::ports::at;

/// `INFO` of one section is a few kilobytes.
const MOST_REPLY_BYTES: u64 = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(10);

/// Who asks: user and password.
pub(super) type User<'a> = (&'a str, &'a str);

/// Sends one command without spaces in its arguments, and returns the reply as text.
///
/// # Errors
/// Redis is not there, or replies with an error.
pub(super) fn ask(port: u16, user: Option<User<'_>>, command: &str) -> Result<String> {
    let stream = TcpStream::connect_timeout(&at(port), PATIENCE).context("Redis cannot be reached")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut replies = BufReader::new(stream.try_clone()?.take(MOST_REPLY_BYTES));
    let mut ask = |line: &str| {
        (&stream).write_all(format!("{line}\r\n").as_bytes())?;
        read_reply(&mut replies)
    };
    if let Some((name, password)) = user {
        ask(&format!("AUTH {name} {password}")).context("Redis refuses the user")?;
    }
    ask(command).with_context(|| format!("`{command}`"))
}

fn read_reply(replies: &mut impl BufRead) -> Result<String> {
    let mut head = String::new();
    replies.read_line(&mut head)?;
    let head = head.trim_end();
    match head.split_at_checked(1) {
        Some(("+" | ":", rest)) => Ok(rest.to_owned()),
        Some(("$", length)) => {
            let length: usize = length.parse().context("a length")?;
            let mut text = vec![0; length + 2];
            replies.read_exact(&mut text)?;
            text.truncate(length);
            Ok(String::from_utf8(text)?)
        }
        _ => bail!("Redis replies `{head}`"),
    }
}

/// How often each command was called, by its name in lower case.
///
/// # Errors
/// As [`ask`].
pub(super) fn calls(port: u16, user: Option<User<'_>>) -> Result<BTreeMap<String, u64>> {
    Ok(parse_calls(&ask(port, user, "INFO commandstats")?))
}

/// `cmdstat_fcall:calls=12,usec=34,…`
fn parse_calls(info: &str) -> BTreeMap<String, u64> {
    let lines = info.lines().filter_map(|line| line.strip_prefix("cmdstat_"));
    lines
        .filter_map(|line| {
            let (name, rest) = line.split_once(":calls=")?;
            Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_and_errors_told() {
        let read = |text: &str| read_reply(&mut text.as_bytes());
        assert_eq!(read("+OK\r\n").unwrap(), "OK");
        assert_eq!(read(":3\r\n").unwrap(), "3");
        assert_eq!(read("$5\r\na\r\nbc\r\n").unwrap(), "a\r\nbc");
        assert!(read("-ERR no\r\n").unwrap_err().to_string().contains("-ERR no"));
        assert!(read("").is_err());
    }

    #[test]
    fn calls_are_counted_by_command() {
        let info = "# Commandstats\r\ncmdstat_fcall:calls=12,usec=34,usec_per_call=2.8\r\ncmdstat_client|kill:calls=1,usec=1\r\n";
        assert_eq!(parse_calls(info), BTreeMap::from([("fcall".into(), 12), ("client|kill".into(), 1)]));
    }
}
