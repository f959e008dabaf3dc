//! A request's body, as its content encoding says.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use http::StatusCode;

use crate::{RequestHead, Response};

/// A body that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum EncodingFault {
    /// An encoding that we do not know.
    Unknown,
    /// It says gzip and is none.
    NoGzip,
    /// Inflated, it is over the limit.
    TooLarge,
}

/// The body, inflated if it was sent compressed; at most `limit` bytes, and never more memory than that.
pub(crate) fn inflated(head: &RequestHead, body: Vec<u8>, limit: usize) -> Result<Vec<u8>, EncodingFault> {
    let encoding = head.header("content-encoding").unwrap_or_default().trim().to_ascii_lowercase();
    match encoding.as_str() {
        "" | "identity" => return Ok(body),
        "gzip" | "x-gzip" => {}
        _ => return Err(EncodingFault::Unknown),
    }
    let mut inflated = Vec::new();
    let mut source = MultiGzDecoder::new(body.as_slice()).take(limit as u64 + 1);
    source.read_to_end(&mut inflated).map_err(|_| EncodingFault::NoGzip)?;
    if inflated.len() > limit { Err(EncodingFault::TooLarge) } else { Ok(inflated) }
}

impl EncodingFault {
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
            Self::TooLarge => Response::too_large(limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::Method;

    use super::*;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn read(encoding: &str, body: Vec<u8>) -> Result<Vec<u8>, EncodingFault> {
        let headers = vec![("content-encoding".to_owned(), encoding.to_owned())];
        inflated(&RequestHead::new(Method::POST, "/track", headers), body, 1000)
    }

    #[test]
    fn bodies_are_inflated_up_to_the_limit() {
        assert_eq!(read("", b"{}".to_vec()), Ok(b"{}".to_vec()));
        assert_eq!(read("GZIP", gzip(b"{}")), Ok(b"{}".to_vec()));
        assert_eq!(read("gzip", gzip(&[b' '; 1000])).map(|body| body.len()), Ok(1000));
        assert_eq!(read("gzip", gzip(&vec![b' '; 100_000_000])), Err(EncodingFault::TooLarge));
    }

    #[test]
    fn what_is_no_gzip_is_refused() {
        assert_eq!(read("br", b"{}".to_vec()), Err(EncodingFault::Unknown));
        assert_eq!(read("gzip, gzip", gzip(b"{}")), Err(EncodingFault::Unknown));
        assert_eq!(read("gzip", b"{}".to_vec()), Err(EncodingFault::NoGzip));
        let mut cut = gzip(b"{\"source\":{}}");
        cut.truncate(cut.len() - 3);
        assert_eq!(read("gzip", cut), Err(EncodingFault::NoGzip));
    }
}
