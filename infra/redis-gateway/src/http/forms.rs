//! What a request asks for, by its path, method and headers: three tables.
//!
//! | path | method | token | answer |
//! |---|---|---|---|
//! | `/` | any of the protocol | yes | the command in the body |
//! | `/pipeline` | any of the protocol | yes | several commands, in order, not atomic |
//! | `/multi-exec` | any of the protocol | yes | several commands as one transaction |
//! | `/subscribe/<channel>..` | GET, POST | yes | what is published there, as server-sent events |
//! | `/psubscribe/<pattern>..` | GET, POST | yes | the same for patterns |
//! | `/monitor` | GET, POST | yes | every command that Redis processes, as server-sent events |
//! | `/livez` | GET, HEAD | no | 200 while the process serves |
//! | `/readyz` | GET, HEAD | no | 200 when Redis answers `PING` now, otherwise 503 with the reason |
//! | any other | any of the protocol | yes | the command in the path |
//!
//! The methods of the protocol are GET, HEAD, POST and PUT: it makes no difference which. Paths of this
//! table are compared as they were sent, without decoding; what does not match is a command, for which
//! the policy has the word.

use http::{HeaderMap, HeaderName, Method};

use crate::answer::Format;
use crate::failure::Failure;

const ENCODING: HeaderName = HeaderName::from_static("upstash-encoding");
const RESPONSE_FORMAT: HeaderName = HeaderName::from_static("upstash-response-format");

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Live,
    Ready,
    /// Commands that are answered once.
    Commands(Form),
    /// A command after which Redis goes on to speak.
    Stream,
}

/// How commands come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Body,
    Path,
    Pipeline,
    Transaction,
}

impl Route {
    pub(super) fn of(path: &str, method: &Method) -> Result<Route, Failure> {
        let route = match path {
            "/livez" => Route::Live,
            "/readyz" => Route::Ready,
            "/" => Route::Commands(Form::Body),
            "/pipeline" => Route::Commands(Form::Pipeline),
            "/multi-exec" => Route::Commands(Form::Transaction),
            "/monitor" | "/subscribe" | "/psubscribe" => Route::Stream,
            _ if path.starts_with("/subscribe/") || path.starts_with("/psubscribe/") => Route::Stream,
            _ => Route::Commands(Form::Path),
        };
        let (allowed, methods): (&'static str, &[Method]) = match route {
            Route::Live | Route::Ready => ("GET, HEAD", &[Method::GET, Method::HEAD]),
            Route::Stream => ("GET, POST", &[Method::GET, Method::POST]),
            Route::Commands(_) => {
                ("GET, HEAD, POST, PUT", &[Method::GET, Method::HEAD, Method::POST, Method::PUT])
            }
        };
        if methods.contains(method) { Ok(route) } else { Err(Failure::MethodNotAllowed { allowed }) }
    }

    /// For the log: a path may hold anything.
    pub(super) fn name(self) -> &'static str {
        match self {
            Route::Live => "livez",
            Route::Ready => "readyz",
            Route::Commands(Form::Body) => "command",
            Route::Commands(Form::Path) => "path",
            Route::Commands(Form::Pipeline) => "pipeline",
            Route::Commands(Form::Transaction) => "transaction",
            Route::Stream => "stream",
        }
    }
}

/// The form that the answer is to have. Transactions are answered in JSON alone.
pub(super) fn format_of(form: Form, headers: &HeaderMap) -> Result<Format, Failure> {
    let is = |name: HeaderName, value: &str| {
        headers.get(name).is_some_and(|given| given.as_bytes().eq_ignore_ascii_case(value.as_bytes()))
    };
    let base64 = is(ENCODING, "base64");
    let resp2 = is(RESPONSE_FORMAT, "resp2");
    if !resp2 && headers.contains_key(RESPONSE_FORMAT) && !is(RESPONSE_FORMAT, "json") {
        return Err(Failure::ResponseFormat);
    }
    match (base64, resp2) {
        (true, true) => Err(Failure::Base64Resp2),
        (true, false) => Ok(Format::Base64),
        (false, true) if form != Form::Transaction => Ok(Format::Resp2),
        (false, _) => Ok(Format::Json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_not_in_the_table_is_a_command() {
        let table = [
            ("/", Route::Commands(Form::Body)),
            ("/pipeline", Route::Commands(Form::Pipeline)),
            ("/multi-exec", Route::Commands(Form::Transaction)),
            ("/subscribe/a/b", Route::Stream),
            ("/psubscribe/a*", Route::Stream),
            ("/subscribe", Route::Stream),
            ("/monitor", Route::Stream),
            ("/pipeline/", Route::Commands(Form::Path)),
            ("/Pipeline", Route::Commands(Form::Path)),
            ("/multi-exec/x", Route::Commands(Form::Path)),
            ("/%70ipeline", Route::Commands(Form::Path)),
            ("/SUBSCRIBE/a", Route::Commands(Form::Path)),
            ("/subscribe%2Fa", Route::Commands(Form::Path)),
            ("/subscribers", Route::Commands(Form::Path)),
            ("//", Route::Commands(Form::Path)),
            ("/get/livez", Route::Commands(Form::Path)),
            ("*", Route::Commands(Form::Path)),
        ];
        for (path, route) in table {
            assert_eq!(Route::of(path, &Method::POST).unwrap(), route, "{path}");
        }
    }

    #[test]
    fn the_answer_has_the_form_that_was_asked_for() {
        let format = |form: Form, encoding: &str, response: &str| {
            let mut headers = HeaderMap::new();
            for (name, value) in [(ENCODING, encoding), (RESPONSE_FORMAT, response)] {
                if !value.is_empty() {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            format_of(form, &headers).ok()
        };
        let table = [
            (Form::Body, "", "", Some(Format::Json)),
            (Form::Body, "base64", "", Some(Format::Base64)),
            (Form::Body, "gzip", "json", Some(Format::Json)),
            (Form::Pipeline, "", "resp2", Some(Format::Resp2)),
            (Form::Transaction, "", "resp2", Some(Format::Json)),
            (Form::Transaction, "base64", "json", Some(Format::Base64)),
            (Form::Body, "", "resp3", None),
            (Form::Path, "base64", "resp2", None),
        ];
        for (form, encoding, response, expected) in table {
            assert_eq!(format(form, encoding, response), expected, "{form:?} {encoding} {response}");
        }
    }
}
