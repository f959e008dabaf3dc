//! `/tracker/…`: the script that websites embed.
//!
//! A cache keeps one copy for all of them, so an answer does not depend on the page that asks: every page may read it.

use http::StatusCode;
use tideline_tracker::SCRIPT;

use crate::{RequestHead, Response};

/// The name that sites embed: what it gives is replaced by a newer version within minutes.
const CURRENT: &str = "tracker.js";

/// Which pages may read it.
const ALLOW_ORIGIN: &str = "access-control-allow-origin";

/// The script by its name; `tracker.<hash>.js` is one version for ever.
pub(crate) fn script(head: &RequestHead, name: &str) -> Response {
    let for_ever = format!("tracker.{}.js", SCRIPT.hash);
    let caching = match name {
        CURRENT => "public, max-age=300",
        name if name == for_ever => "public, max-age=31536000, immutable",
        _ => return Response::detail(StatusCode::NOT_FOUND, "Not Found").with(ALLOW_ORIGIN, "*"),
    };
    let etag = format!("W/\"{}\"", SCRIPT.hash);
    let known =
        head.header("if-none-match").is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == etag));
    let (encoding, content) = encoded(head.header("accept-encoding").unwrap_or_default());
    let mut response = if known {
        Response { status: StatusCode::NOT_MODIFIED, headers: Vec::new(), body: Vec::new() }
    } else {
        let headers = vec![("content-type", "text/javascript; charset=utf-8".into())];
        Response { status: StatusCode::OK, headers, body: content.to_vec() }
    };
    if let Some(encoding) = encoding.filter(|_| !known) {
        response = response.with("content-encoding", encoding);
    }
    response
        .with("cache-control", caching)
        .with("etag", etag)
        .with("vary", "accept-encoding")
        .with(ALLOW_ORIGIN, "*")
        .with("cross-origin-resource-policy", "cross-origin")
        .with("x-content-type-options", "nosniff")
}

/// The smallest form that the client takes.
fn encoded(accepted: &str) -> (Option<&'static str>, &'static [u8]) {
    let takes = |encoding: &str| {
        accepted.split(',').any(|part| {
            let mut parts = part.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
            let refused = parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
            named && !refused
        })
    };
    if takes("br") {
        (Some("br"), SCRIPT.brotli)
    } else if takes("gzip") {
        (Some("gzip"), SCRIPT.gzip)
    } else {
        (None, SCRIPT.identity)
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn get(name: &str, headers: &[(&str, &str)]) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        script(&RequestHead::new(Method::GET, &format!("/tracker/{name}"), headers), name)
    }

    fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
        response.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_ref())
    }

    #[test]
    fn the_script_comes_in_the_smallest_form_that_is_taken() {
        for (accepted, encoding, size) in [
            ("gzip, deflate, br, zstd", Some("br"), SCRIPT.brotli.len()),
            ("gzip;q=1.0, br;q=0", Some("gzip"), SCRIPT.gzip.len()),
            ("", None, SCRIPT.identity.len()),
        ] {
            let response = get(CURRENT, &[("accept-encoding", accepted)]);
            assert_eq!((header(&response, "content-encoding"), response.body.len()), (encoding, size));
            assert_eq!(header(&response, "vary"), Some("accept-encoding"));
        }
    }

    #[test]
    fn one_copy_is_for_every_page() {
        let etag = format!("W/\"{}\"", SCRIPT.hash);
        let page = [("origin", "https://a"), ("cookie", "x=1")];
        for (name, tag) in [(CURRENT, ""), (CURRENT, etag.as_str()), ("other.js", "")] {
            let [of_page, of_nobody] =
                [&page[..], &[]].map(|headers| get(name, &[headers, &[("if-none-match", tag)]].concat()));
            assert_eq!(of_page, of_nobody, "{name}");
            assert_eq!(header(&of_page, ALLOW_ORIGIN), Some("*"), "{name}");
        }
    }

    #[test]
    fn a_version_is_cached_for_ever_and_the_current_one_checked() {
        let current = get(CURRENT, &[]);
        let etag = header(&current, "etag").unwrap();
        assert_eq!(get(CURRENT, &[("if-none-match", etag)]).status, StatusCode::NOT_MODIFIED);
        assert_eq!(get(CURRENT, &[("if-none-match", "W/\"other\"")]).status, StatusCode::OK);
        let version = get(&format!("tracker.{}.js", SCRIPT.hash), &[]);
        assert!(header(&version, "cache-control").unwrap().contains("immutable"));
        assert_eq!(get("tracker.0123456789abcdef.js", &[]).status, StatusCode::NOT_FOUND);
    }
}
