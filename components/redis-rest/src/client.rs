//! Command in, value or error out.

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{Endpoint, Error, HttpReply, Transport};

/// A client of one database.
#[derive(Debug)]
pub struct Client<T> {
    endpoint: Endpoint,
    transport: T,
}

/// A reply has one of the two.
#[derive(Deserialize)]
struct Body {
    #[serde(default, deserialize_with = "present")]
    result: Option<Value>,
    error: Option<String>,
}

/// A result that is null is there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl<T: Transport> Client<T> {
    /// A client that reaches `endpoint` through `transport`.
    pub fn new(endpoint: Endpoint, transport: T) -> Self {
        Self { endpoint, transport }
    }

    /// Runs one command and returns Redis' reply, within this time.
    ///
    /// # Errors
    /// See [`Error`]: each variant calls for another reaction.
    pub async fn command(&self, command: Vec<String>, within: Duration) -> Result<Value, Error> {
        // Lists of strings always serialise.
        let body = serde_json::to_vec(&command).unwrap_or_default();
        // A guest has little memory, and many commands wait at the same time.
        drop(command);
        let reply = self.transport.post(&self.endpoint, "", body, within).await?;
        read(&reply)
    }

    /// Runs commands in one HTTP request, in their order, and returns what Redis says to each. Other clients' commands may
    /// come in between; after an error the later ones are run all the same. `body` holds so many `commands` as a JSON
    /// array of arrays of strings.
    ///
    /// # Errors
    /// See [`Error`]: what concerns all of them.
    pub async fn pipeline(
        &self,
        body: Vec<u8>,
        commands: usize,
        within: Duration,
    ) -> Result<Vec<Result<Value, Error>>, Error> {
        let reply = self.transport.post(&self.endpoint, "pipeline", body, within).await?;
        let Ok(bodies) = serde_json::from_slice::<Vec<Body>>(&reply.body) else {
            // An error that concerns all of them has the form of a single reply.
            return match read(&reply) {
                Err(error) => Err(error),
                Ok(_) => Err(Error::Unreadable { status: reply.status }),
            };
        };
        if bodies.len() != commands {
            return Err(Error::Unreadable { status: reply.status });
        }
        Ok(bodies.into_iter().map(|body| outcome(reply.status, body)).collect())
    }
}

fn read(reply: &HttpReply) -> Result<Value, Error> {
    let Ok(body) = serde_json::from_slice::<Body>(&reply.body) else {
        // A proxy in between answers in its own words.
        return Err(match reply.status {
            429 | 502..=504 => Error::Busy(format!("status {}", reply.status)),
            401 | 403 => Error::Refused(format!("status {}", reply.status)),
            _ => Error::Unreadable { status: reply.status },
        });
    };
    outcome(reply.status, body)
}

fn outcome(status: u16, body: Body) -> Result<Value, Error> {
    match (status, body.error.map(shorten)) {
        (200, None) => body.result.ok_or(Error::Unreadable { status }),
        (401 | 403, Some(text)) => Err(Error::Refused(text)),
        (429 | 500..=599, Some(text)) => Err(Error::Busy(text)),
        (_, Some(text)) if text.starts_with("NOPERM") => Err(Error::Refused(text)),
        (_, Some(text)) if is_passing(&text) => Err(Error::Busy(text)),
        (_, Some(text)) => Err(Error::Command(text)),
        _ => Err(Error::Unreadable { status }),
    }
}

/// The longest error text that is passed on, in bytes.
const MAX_ERROR_BYTES: usize = 200;

/// Error texts end up in logs: the start says what is wrong, the rest may repeat what visitors sent.
fn shorten(mut text: String) -> String {
    let end = text.find(", with args").unwrap_or(text.len()).min(MAX_ERROR_BYTES);
    text.truncate(text.floor_char_boundary(end));
    text
}

/// Whether Redis refuses for a reason that goes by: a full memory, a start, a failover. Our gateway says so by its status,
/// with the same words of Redis; others do not.
fn is_passing(text: &str) -> bool {
    const PASSING: [&str; 9] = [
        "OOM",
        "LOADING",
        "MASTERDOWN",
        "READONLY",
        "MISCONF",
        "NOREPLICAS",
        "BUSY",
        "CLUSTERDOWN",
        "TRYAGAIN",
    ];
    // Upstash's quotas.
    text.starts_with("ERR max ") || text.split(' ').next().is_some_and(|code| PASSING.contains(&code))
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use futures_util::FutureExt as _;
    use serde_json::json;

    use super::*;
    use crate::TransportError;

    struct Always(HttpReply);

    impl Transport for Always {
        fn post(
            &self,
            _endpoint: &Endpoint,
            path: &'static str,
            _body: Vec<u8>,
            _within: Duration,
        ) -> impl Future<Output = Result<HttpReply, TransportError>> {
            assert_eq!(path, "pipeline");
            ready(Ok(self.0.clone()))
        }
    }

    #[test]
    fn a_pipeline_has_as_many_replies_as_commands_or_one_error() {
        let table = [
            (200, r#"[{"result":"a"},{"result":null}]"#, Ok(vec![Ok(json!("a")), Ok(Value::Null)])),
            (
                200,
                r#"[{"error":"OOM no"},{"error":"ERR no"}]"#,
                Ok(vec![Err(Error::Busy("OOM no".into())), Err(Error::Command("ERR no".into()))]),
            ),
            (200, r#"[{"result":"a"}]"#, Err(Error::Unreadable { status: 200 })),
            (200, r#"[{"result":"a"},{}]"#, Ok(vec![Ok(json!("a")), Err(Error::Unreadable { status: 200 })])),
            (200, r#"{"result":"a"}"#, Err(Error::Unreadable { status: 200 })),
            (401, r#"{"error":"WRONGPASS no"}"#, Err(Error::Refused("WRONGPASS no".into()))),
            (502, "<html>", Err(Error::Busy("status 502".into()))),
        ];
        for (status, body, expected) in table {
            let reply = HttpReply { status, body: body.as_bytes().to_vec() };
            let client = Client::new(Endpoint::new("http://h", "t").unwrap(), Always(reply));
            let replies = client.pipeline(b"[]".to_vec(), 2, Duration::ZERO).now_or_never().unwrap();
            assert_eq!(replies, expected, "{status} {body}");
        }
    }

    #[test]
    fn each_reply_means_one_thing() {
        let busy = |text: &str| Err(Error::Busy(text.to_owned()));
        let refused = |text: &str| Err(Error::Refused(text.to_owned()));
        let unknown = || Err(Error::Command("ERR unknown command 'X'".into()));
        let table = [
            (200, r#"{"result":["a",1,null]}"#, Ok(json!(["a", 1, null]))),
            (200, r#"{"result":null}"#, Ok(Value::Null)),
            (401, r#"{"error":"WRONGPASS invalid"}"#, refused("WRONGPASS invalid")),
            (400, r#"{"error":"NOPERM no"}"#, refused("NOPERM no")),
            (400, r#"{"error":"ERR syntax"}"#, Err(Error::Command("ERR syntax".into()))),
            (400, r#"{"error":"ERR unknown command 'X', with args beginning with: 'secret'"}"#, unknown()),
            (400, r#"{"error":"OOM command not allowed"}"#, busy("OOM command not allowed")),
            (
                400,
                r#"{"error":"NOREPLICAS Not enough good replicas to write."}"#,
                busy("NOREPLICAS Not enough good replicas to write."),
            ),
            (
                400,
                r#"{"error":"TRYAGAIN Multiple keys request during rehashing of slot"}"#,
                busy("TRYAGAIN Multiple keys request during rehashing of slot"),
            ),
            (400, r#"{"error":"BUSYGROUP exists"}"#, Err(Error::Command("BUSYGROUP exists".into()))),
            (200, r#"{"status":"ok"}"#, Err(Error::Unreadable { status: 200 })),
            (200, "{}", Err(Error::Unreadable { status: 200 })),
            (503, r#"{"error":"redis is out of reach"}"#, busy("redis is out of reach")),
            (502, "<html>Bad Gateway</html>", busy("status 502")),
            (403, "<html>Forbidden</html>", refused("status 403")),
            (200, "<html>Welcome</html>", Err(Error::Unreadable { status: 200 })),
            (404, "{}", Err(Error::Unreadable { status: 404 })),
        ];
        for (status, body, expected) in table {
            let reply = HttpReply { status, body: body.as_bytes().to_vec() };
            assert_eq!(read(&reply), expected, "{status} {body}");
        }
    }
}
