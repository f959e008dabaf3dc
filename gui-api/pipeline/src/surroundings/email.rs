//! Whether an e-mail address is one that anybody gets.

use std::sync::LazyLock;

use super::domains::Domains;

/// Whether anybody gets a mailbox of this address's domain without paying.
pub(crate) fn is_free(address: &str) -> bool {
    static FREE: LazyLock<Domains<()>> = LazyLock::new(|| {
        let lines = include_str!("../../data/free-email-domains.txt").lines().map(str::trim);
        Domains::of(lines.filter(|line| !line.starts_with('#')).map(|line| (line.to_owned(), ())))
    });
    address.rsplit_once('@').is_some_and(|(_, domain)| FREE.get(domain.trim()).is_some())
}
