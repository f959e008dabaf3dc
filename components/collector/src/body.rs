//! A request's body: how it came, and what its content encoding makes of it.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use http::{Method, StatusCode};

use crate::{RequestHead, Response};

/// What came of a body.
#[derive(Debug, PartialEq, Eq)]
pub enum SentBody {
    /// All of it.
    Whole(Vec<u8>),
    /// More than [`Admission::Body`](crate::Admission::Body) allows; the rest was not read.
    TooLarge,
    /// It ended before its end: the client went away, or sent what is no HTTP. What came is not to be looked at.
    BrokenOff,
}

impl From<Vec<u8>> for SentBody {
    fn from(body: Vec<u8>) -> Self {
        Self::Whole(body)
    }
}

/// A body that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// It is over the limit.
    Large,
    /// It ended early.
    BrokenOff,
    /// An encoding that we do not know.
    Unknown,
    /// It says gzip and is none.
    NoGzip,
}

/// The body, inflated if it was sent compressed; at most `limit` bytes, and never more memory than that. That of a `GET`
/// has no meaning (RFC 9110 §9.3.1), and is none.
pub(crate) fn read(head: &RequestHead, body: SentBody, limit: usize) -> Result<Vec<u8>, BodyFault> {
    match body {
        SentBody::TooLarge => Err(BodyFault::Large),
        SentBody::BrokenOff => Err(BodyFault::BrokenOff),
        SentBody::Whole(_) if [Method::GET, Method::HEAD].contains(&head.method) => Ok(Vec::new()),
        SentBody::Whole(body) => inflated(head, body, limit),
    }
}

fn inflated(head: &RequestHead, body: Vec<u8>, limit: usize) -> Result<Vec<u8>, BodyFault> {
    let encoding = head.header("content-encoding").unwrap_or_default().trim().to_ascii_lowercase();
    match encoding.as_str() {
        "" | "identity" => return Ok(body),
        "gzip" | "x-gzip" => {}
        _ => return Err(BodyFault::Unknown),
    }
    let mut inflated = Vec::new();
    let mut source = MultiGzDecoder::new(body.as_slice()).take(limit as u64 + 1);
    source.read_to_end(&mut inflated).map_err(|_| BodyFault::NoGzip)?;
    if inflated.len() > limit { Err(BodyFault::Large) } else { Ok(inflated) }
}

impl BodyFault {
    /// The answer to such a body; `limit` in bytes.
    pub(crate) fn response(&self, limit: usize) -> Response {
        match self {
            Self::Unknown => Response::detail(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body has a content encoding other than gzip. Send it as it is, or with gzip.",
            )
            .with("accept-encoding", "gzip"),
            Self::NoGzip => Response::detail(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body says that it is gzip and is none, or is cut short.",
            ),
            Self::Large => Response::too_large(limit),
            Self::BrokenOff => Response::detail(
                StatusCode::BAD_REQUEST,
                "The body ended early, or is malformed. Send it again, with the same event ids.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn of(method: Method, encoding: &str, body: impl Into<SentBody>) -> Result<Vec<u8>, BodyFault> {
        let headers = vec![("content-encoding".to_owned(), encoding.to_owned())];
        read(&RequestHead::new(method, "/track", headers), body.into(), 1000)
    }

    fn posted(encoding: &str, body: impl Into<SentBody>) -> Result<Vec<u8>, BodyFault> {
        of(Method::POST, encoding, body)
    }

    #[test]
    fn bodies_are_inflated_up_to_the_limit() {
        assert_eq!(posted("", b"{}".to_vec()), Ok(b"{}".to_vec()));
        assert_eq!(posted("GZIP", gzip(b"{}")), Ok(b"{}".to_vec()));
        assert_eq!(posted("gzip", gzip(&[b' '; 1000])).map(|body| body.len()), Ok(1000));
        assert_eq!(posted("gzip", gzip(&vec![b' '; 100_000_000])), Err(BodyFault::Large));
    }

    #[test]
    fn what_is_no_gzip_is_refused() {
        assert_eq!(posted("br", b"{}".to_vec()), Err(BodyFault::Unknown));
        assert_eq!(posted("gzip, gzip", gzip(b"{}")), Err(BodyFault::Unknown));
        assert_eq!(posted("gzip", b"{}".to_vec()), Err(BodyFault::NoGzip));
        let mut cut = gzip(b"{\"source\":{}}");
        cut.truncate(cut.len() - 3);
        assert_eq!(posted("gzip", cut), Err(BodyFault::NoGzip));
    }

    #[test]
    fn a_body_that_is_not_there_whole_is_none() {
        assert_eq!(posted("", SentBody::TooLarge), Err(BodyFault::Large));
        assert_eq!(posted("", SentBody::BrokenOff), Err(BodyFault::BrokenOff));
    }

    #[test]
    fn the_body_of_a_get_is_not_looked_at() {
        for method in [Method::GET, Method::HEAD] {
            assert_eq!(of(method.clone(), "gzip", Vec::new()), Ok(Vec::new()), "{method}");
            assert_eq!(of(method, "br", b"{}".to_vec()), Ok(Vec::new()));
        }
    }
}
