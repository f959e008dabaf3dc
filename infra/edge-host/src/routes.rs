//! Routes: which requests a component answers, by host and by the beginning of the path.
//!
//! The most exact route wins: one with a host before one without, then the longest path. Paths are
//! compared as they are sent and by whole segments, so `/track` is not the beginning of `/tracker`.
//! A route says who answers; whether a request is allowed is for the component.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::Authority;

/// `/path`, or `host/path` for one host only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Route {
    /// In lower case and without port.
    host: Option<String>,
    /// Without a slash at its end, so empty for all paths.
    path: String,
}

impl Route {
    /// The route of every request.
    pub(crate) fn everything() -> Self {
        Self { host: None, path: String::new() }
    }

    fn matches(&self, uri: &Uri) -> bool {
        let host = self
            .host
            .as_deref()
            .is_none_or(|host| uri.host().is_some_and(|asked| asked.eq_ignore_ascii_case(host)));
        let rest = uri.path().strip_prefix(self.path.as_str());
        host && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl FromStr for Route {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = || {
            format!(
                "{text:?} is not a route; write /path or host/path, for example /track or shop.example/track"
            )
        };
        let (host, path) = text.split_at(text.find('/').ok_or_else(wanted)?);
        let host = match host {
            "" => None,
            host => {
                let authority: Authority = host.parse().map_err(|_| wanted())?;
                // A port says nothing about who is asked, and a pattern is not understood.
                if authority.as_str() != authority.host() || host.contains('*') {
                    return Err(wanted());
                }
                Some(host.to_ascii_lowercase())
            }
        };
        let parsed: Uri = path.parse().map_err(|_| wanted())?;
        if parsed.path() != path || path.contains('*') || path.contains("//") {
            return Err(wanted());
        }
        Ok(Self { host, path: path.trim_end_matches('/').to_owned() })
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        write!(f, "{}{path}", self.host.as_deref().unwrap_or_default())
    }
}

/// All routes of a host, and the component of each.
#[derive(Clone, Debug)]
pub(crate) struct RouteTable(Vec<(Route, usize)>);

impl RouteTable {
    /// Components are numbered in the order in which their routes come. Err is a route that two have.
    pub(crate) fn new<'a>(components: impl IntoIterator<Item = &'a [Route]>) -> Result<Self, Route> {
        let mut routes: Vec<(Route, usize)> = Vec::new();
        for (component, own) in components.into_iter().enumerate() {
            for route in own {
                if routes.iter().any(|(other, _)| other == route) {
                    return Err(route.clone());
                }
                routes.push((route.clone(), component));
            }
        }
        routes.sort_by_key(|(route, _)| (route.host.is_none(), std::cmp::Reverse(route.path.len())));
        Ok(Self(routes))
    }

    /// The component that answers requests for this address.
    pub(crate) fn find(&self, uri: &Uri) -> Option<usize> {
        self.0.iter().find(|(route, _)| route.matches(uri)).map(|(_, component)| *component)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(texts: &[&str]) -> Vec<Route> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_most_exact_route_wins() {
        let components = [
            routes(&["/"]),
            routes(&["/track", "/tracker/"]),
            routes(&["Shop.example/", "shop.example/a"]),
            routes(&["shop.example/a/b"]),
        ];
        let table = RouteTable::new(components.iter().map(Vec::as_slice)).unwrap();
        let expected = [
            ("http://x.example/", 0),
            ("http://x.example/trackers", 0),
            ("http://x.example/track", 1),
            ("http://x.example/track/", 1),
            ("http://x.example/track?x=/", 1),
            ("http://x.example/track/deeper", 1),
            ("http://x.example/tracker", 1),
            ("http://shop.example/track", 2),
            ("http://SHOP.example:8585/a", 2),
            ("http://shop.example/a/bc", 2),
            ("http://shop.example/a/b", 3),
            ("http://a.shop.example/a/b", 0),
        ];
        for (uri, component) in expected {
            assert_eq!(table.find(&uri.parse().unwrap()), Some(component), "{uri}");
        }
    }

    #[test]
    fn a_request_without_route_has_no_component() {
        let table = RouteTable::new([routes(&["/track"]).as_slice()]).unwrap();
        assert_eq!(table.find(&"http://x.example/".parse().unwrap()), None);
    }

    #[test]
    fn a_route_has_one_component() {
        let (first, second) = (routes(&["/track", "/a"]), routes(&["/track/"]));
        let twice = RouteTable::new([first.as_slice(), second.as_slice()]).unwrap_err();
        assert_eq!(twice.to_string(), "/track");
    }

    #[test]
    fn what_is_not_a_route_is_refused_with_an_example() {
        for text in
            ["", "track", "http://a/", "a:80/", "/a?b", "*/", "/a/*", "user@a/", "/a//b", "a b/", "/a b"]
        {
            let error = text.parse::<Route>().unwrap_err();
            assert!(error.contains("shop.example/track"), "{text}: {error}");
        }
        assert_eq!("A.example/b/".parse::<Route>().unwrap().to_string(), "a.example/b");
        assert_eq!(Route::everything(), "/".parse().unwrap());
    }
}
