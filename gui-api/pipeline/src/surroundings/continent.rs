//! The continent of a time zone.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The continent of the time zone of this name, if it is of one.
pub(crate) fn continent(time_zone: &str) -> Option<&'static str> {
    static CONTINENTS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
        // A test reads the file.
        let file = toml::from_str(include_str!("../../data/continents.toml"));
        let continents: HashMap<String, Vec<String>> = file.unwrap_or_default();
        let zones = |(continent, zones): (String, Vec<String>)| {
            zones.into_iter().map(move |zone| (zone, continent.clone()))
        };
        continents.into_iter().flat_map(zones).collect()
    });
    let mut name = time_zone;
    loop {
        if let Some(continent) = CONTINENTS.get(name) {
            return Some(continent);
        }
        (name, _) = name.rsplit_once('/')?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_zones_are_of_continents() {
        let table = [
            ("Europe/Oslo", Some("europe")),
            ("America/New_York", Some("north america")),
            ("America/Sao_Paulo", Some("south america")),
            ("America/Argentina/Buenos_Aires", Some("south america")),
            ("Atlantic/Reykjavik", Some("europe")),
            ("Pacific/Auckland", Some("oceania")),
            ("Asia/Tokyo", Some("asia")),
            ("Africa/Lagos", Some("africa")),
            ("US/Hawaii", Some("oceania")),
            ("UTC", None),
            ("Etc/GMT+1", None),
            ("", None),
        ];
        for (zone, expected) in table {
            assert_eq!(continent(zone), expected, "{zone}");
        }
    }
}
