//! The public endpoints: which there are, and with which methods.

use std::borrow::Cow;

use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use crate::Response;

/// An endpoint, with what its path says. Whatever is none of these is 404.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/healthz`: the process runs.
    Health,
    /// `/readyz`: events can be stored.
    Ready,
    /// `/tracker/<name>`.
    Script { name: String },
    /// `/track`.
    Track,
    /// `/collect/<event type>/<source>[/<session>]`.
    Collect { event_type: String, source: String, session: Option<String> },
    /// `/redirect/<id>[/<session>]`.
    Redirect { id: String, session: Option<String> },
    /// `/customer/consent`.
    Consent,
}

impl Route {
    /// The endpoint at this path. Browsers do not follow a redirect of a preflight, so a slash at the end is no other place.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let segments = path.strip_suffix('/').unwrap_or(path).split('/').map(decoded);
        let segments = segments.collect::<Option<Vec<_>>>()?;
        let segments: Vec<&str> = segments.iter().map(Cow::as_ref).collect();
        let owned = |text: &str| text.to_owned();
        Some(match segments.as_slice() {
            ["healthz"] => Self::Health,
            ["readyz"] => Self::Ready,
            ["tracker", name] => Self::Script { name: owned(name) },
            ["track"] => Self::Track,
            ["collect", event_type, source, session @ ..] if session.len() <= 1 => Self::Collect {
                event_type: owned(event_type),
                source: owned(source),
                session: session.first().map(|session| owned(session)),
            },
            ["redirect", id, session @ ..] if session.len() <= 1 => {
                Self::Redirect { id: owned(id), session: session.first().map(|session| owned(session)) }
            }
            ["customer", "consent"] => Self::Consent,
            _ => return None,
        })
    }

    /// The methods that it takes, as in the header `allow`.
    pub(crate) fn methods(&self) -> &'static str {
        match self {
            Self::Health | Self::Ready | Self::Script { .. } => "GET, HEAD",
            Self::Track => "POST, PUT",
            Self::Collect { .. } => "GET, POST",
            Self::Redirect { .. } => "GET, POST, PUT, DELETE",
            Self::Consent => "POST",
        }
    }

    /// Refuses a method that it does not take.
    pub(crate) fn refuse_method(&self, method: &Method) -> Option<Response> {
        let known = self.methods().split(", ").any(|known| known == method.as_str());
        let refusal = || Response::detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
        (!known).then(|| refusal().with("allow", self.methods()))
    }
}

fn decoded(segment: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(segment).decode_utf8().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(event_type: &str, source: &str, session: Option<&str>) -> Option<Route> {
        Some(Route::Collect {
            event_type: event_type.to_owned(),
            source: source.to_owned(),
            session: session.map(str::to_owned),
        })
    }

    #[test]
    fn paths_lead_to_endpoints_with_their_parts_decoded() {
        let table = [
            ("/track", Some(Route::Track)),
            ("/track/", Some(Route::Track)),
            ("/customer/consent", Some(Route::Consent)),
            ("/collect/sign-up/hook", collect("sign-up", "hook", None)),
            ("/collect/sign%20up/h%C3%B6/s/", collect("sign up", "hö", Some("s"))),
            ("/collect/a%2Fb/hook", collect("a/b", "hook", None)),
            ("/redirect/r", Some(Route::Redirect { id: "r".into(), session: None })),
            ("/tracker/tracker.js", Some(Route::Script { name: "tracker.js".into() })),
            ("/collect/a", None),
            ("/collect/a/b/c/d", None),
            ("/collect/%ff/b", None),
            ("/tracker/../track", None),
            ("/", None),
            ("", None),
            ("/Track", None),
            ("//track", None),
        ];
        for (path, route) in table {
            assert_eq!(Route::of(path), route, "{path}");
        }
    }

    #[test]
    fn other_methods_are_refused_with_those_that_are_not() {
        let refusal = Route::Consent.refuse_method(&Method::GET).unwrap();
        assert_eq!(refusal.status, StatusCode::METHOD_NOT_ALLOWED);
        assert!(refusal.headers.contains(&("allow", "POST".into())));
        assert_eq!(Route::Track.refuse_method(&Method::PUT), None);
    }
}
