//! Files of places: looked up in, replaced, damaged; and what the pipeline makes of a visitor's address with one.

mod database;
mod requests;

use std::fs;
use std::path::Path;

use database::{database, kiel};
use serde_json::json;
use tideline_model::{Country, Geo};
use tideline_pipeline::Places as _;
use tideline_places::PlacesFile;

/// Puts a file in the place of another, as whoever updates such files does.
fn replace(path: &Path, content: &[u8]) {
    let new = path.with_extension("new");
    fs::write(&new, content).unwrap();
    fs::rename(new, path).unwrap();
}

fn city(file: &PlacesFile, address: &str) -> Option<String> {
    file.place(address.parse().unwrap())?.city
}

#[test]
fn an_address_is_where_the_file_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("places.mmdb");
    let nothing = json!({"traits": {"is_anonymous_proxy": 1}});
    let far = json!({"country": {"iso_code": "NO"}, "location": {"latitude": 91.0, "longitude": 10.7}});
    let networks = [("203.0.113.0", 24, kiel()), ("198.51.100.0", 25, nothing), ("192.0.2.128", 25, far)];
    fs::write(&path, database("Test-City", &networks)).unwrap();
    let file = PlacesFile::open(&path).unwrap();
    let place = |address: &str| file.place(address.parse().unwrap());
    let expected = Geo {
        country: Country { name: Some("Germany".to_owned()), code: Some("DE".to_owned()) },
        city: Some("Kiel".to_owned()),
        county: Some("Kiel, District".to_owned()),
        postal: Some("24103".to_owned()),
        longitude: Some(10.135),
        latitude: Some(54.323),
    };
    assert_eq!(place("203.0.113.7"), Some(expected.clone()));
    assert_eq!(place("203.0.113.0"), Some(expected), "an address that was cut to 24 bits");
    assert_eq!(place("203.0.112.255"), None);
    assert_eq!(place("198.51.100.1"), None, "a record that tells no place");
    assert_eq!(place("192.0.2.1"), None);
    let far = place("192.0.2.200").unwrap();
    assert_eq!((far.country.code.as_deref(), far.latitude, far.longitude), (Some("NO"), None, Some(10.7)));
    assert_eq!(place("2001:db8::1"), None, "the file has no such addresses");
}

#[test]
fn a_file_that_changes_is_read_again_and_a_bad_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("places.mmdb");
    let here = |name: &str| {
        let names = json!({"city": {"names": {"en": name}}});
        database("Test-City", &[("203.0.113.0", 24, names)])
    };
    fs::write(&path, here("Kiel")).unwrap();
    let file = PlacesFile::open(&path).unwrap();
    assert!(!file.refresh().unwrap());
    replace(&path, &here("Flensburg"));
    assert!(file.refresh().unwrap());
    assert_eq!(city(&file, "203.0.113.9").as_deref(), Some("Flensburg"));

    replace(&path, b"half a file");
    let why = file.refresh().unwrap_err().to_string();
    assert!(why.contains("places.mmdb") && why.contains("format"), "{why}");
    fs::remove_file(&path).unwrap();
    assert!(file.refresh().unwrap_err().to_string().contains("cannot be read"));
    assert_eq!(city(&file, "203.0.113.9").as_deref(), Some("Flensburg"));
    replace(&path, &here("Kappeln"));
    assert!(file.refresh().unwrap());
    assert_eq!(city(&file, "203.0.113.9").as_deref(), Some("Kappeln"));
}

#[test]
fn what_tells_no_places_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("asn.mmdb");
    fs::write(&path, database("GeoLite2-ASN", &[("203.0.113.0", 24, json!({"asn": 7}))])).unwrap();
    let why = PlacesFile::open(&path).unwrap_err().to_string();
    assert!(why.contains("asn.mmdb") && why.contains("GeoLite2-ASN"), "{why}");
}

#[test]
fn a_damaged_file_never_breaks_anything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("places.mmdb");
    let whole = database("Test-City", &[("203.0.113.0", 24, kiel()), ("10.0.0.0", 8, kiel())]);
    for place in 0..whole.len() {
        for byte in [0, 0x7f, 0xff] {
            let mut damaged = whole.clone();
            damaged[place] = byte;
            fs::write(&path, &damaged).unwrap();
            if let Ok(file) = PlacesFile::open(&path) {
                let _place_or_none = file.place("203.0.113.7".parse().unwrap());
            }
        }
    }
}
