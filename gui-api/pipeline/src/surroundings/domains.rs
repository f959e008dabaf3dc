//! Lists of domains, in which `google.*` is the domain in any country.

use std::collections::HashMap;

/// What each domain of a list stands for.
#[derive(Default)]
pub(super) struct Domains<T>(HashMap<String, T>);

impl<T> Domains<T> {
    pub(super) fn of(listed: impl Iterator<Item = (String, T)>) -> Self {
        Self(listed.collect())
    }

    /// What the host stands for, by its own name or by that of a domain above it.
    pub(super) fn get(&self, host: &str) -> Option<&T> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let mut domain = host.as_str();
        loop {
            if let Some(found) = self.0.get(domain).or_else(|| self.in_a_country(domain)) {
                return Some(found);
            }
            (_, domain) = domain.split_once('.')?;
        }
    }

    /// `google.no` and `google.co.uk` are `google.*`; `google.example.com` is somebody else's.
    fn in_a_country(&self, domain: &str) -> Option<&T> {
        let (name, country) = domain.split_once('.')?;
        let is_country = match country.split_once('.') {
            Some((second, top)) => matches!(second, "co" | "com" | "net" | "org") && top.len() == 2,
            None => true,
        };
        is_country.then(|| self.0.get(&format!("{name}.*"))).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_by_their_domains() {
        let listed = [("google.*", 1), ("mail.ru", 2), ("t.co", 3)]
            .map(|(domain, number)| (domain.to_owned(), number));
        let domains = Domains::of(listed.into_iter());
        let table = [
            ("google.com", Some(1)),
            ("www.Google.co.uk.", Some(1)),
            ("google.com.br", Some(1)),
            ("google.example.com", None),
            ("notgoogle.com", None),
            ("e.mail.ru", Some(2)),
            ("ru", None),
            ("t.co", Some(3)),
            ("t.com", None),
            ("", None),
            ("...", None),
        ];
        for (host, expected) in table {
            assert_eq!(domains.get(host).copied(), expected, "{host}");
        }
    }
}
