//! The environment that the component sees: the variables that are meant for it and no others.

use std::ffi::OsString;
use std::fmt;

/// Names that begin like this are handed to the component.
const PREFIXES: [&str; 2] = ["TIDELINE_", "UPSTASH_REDIS_REST_"];

/// Variables for the component. `Debug` shows names only: values may be secrets.
#[derive(Clone, Default)]
pub struct GuestEnvironment(Vec<(String, String)>);

impl GuestEnvironment {
    /// The variables of this process that are meant for the component.
    pub fn from_process() -> Self {
        std::env::vars_os().collect()
    }

    /// Those of them whose names begin like one of these texts.
    pub(crate) fn only(&self, beginnings: &[String]) -> Self {
        let wanted = |name: &str| beginnings.iter().any(|beginning| name.starts_with(beginning.as_str()));
        Self(self.0.iter().filter(|(name, _)| wanted(name)).cloned().collect())
    }

    /// Name and value of each variable.
    pub(crate) fn variables(&self) -> &[(String, String)] {
        &self.0
    }

    /// The value of one variable.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        Some(value)
    }
}

/// Keeps the variables that are meant for the component and drops the rest.
impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for GuestEnvironment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let mut kept = Vec::new();
        for (name, value) in variables {
            let Ok(name) = name.into().into_string() else {
                continue;
            };
            if !PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
                continue;
            }
            match value.into().into_string() {
                Ok(value) => kept.push((name, value)),
                Err(_) => tracing::warn!(
                    name,
                    "environment variable is not UTF-8 and is not given to the component"
                ),
            }
        }
        kept.sort();
        Self(kept)
    }
}

impl fmt::Debug for GuestEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> GuestEnvironment {
        [
            ("PATH", "/bin"),
            ("TIDELINE_REGION", "eu"),
            ("UPSTASH_REDIS_REST_TOKEN", "hush"),
            ("AWS_SECRET_ACCESS_KEY", "no"),
            ("EDGE_LISTEN", "no"),
            ("tideline_lower", "no"),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn only_the_two_prefixes_are_kept() {
        let environment = environment();
        let names: Vec<_> = environment.variables().iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, ["TIDELINE_REGION", "UPSTASH_REDIS_REST_TOKEN"]);
        assert_eq!(environment.get("TIDELINE_REGION"), Some("eu"));
        assert_eq!(environment.get("PATH"), None);
    }

    #[test]
    fn a_component_may_be_shown_a_part_of_them() {
        let shown = environment().only(&["TIDELINE_".into(), "PATH".into()]);
        assert_eq!(shown.variables(), [("TIDELINE_REGION".to_owned(), "eu".to_owned())]);
    }

    #[test]
    fn debug_output_holds_no_value() {
        let text = format!("{:?}", environment());
        assert!(text.contains("UPSTASH_REDIS_REST_TOKEN"));
        assert!(!text.contains("hush"));
    }
}
