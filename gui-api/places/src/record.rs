//! What a record of the file says of a place. English names, as they are in all such files.

use serde::Deserialize;
use tideline_model::{Country, Geo};

/// The parts of a record that are read.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Record<'a> {
    #[serde(borrow)]
    country: CountryOf<'a>,
    #[serde(borrow)]
    city: Named<'a>,
    /// From the largest to the smallest.
    #[serde(borrow)]
    subdivisions: Vec<Named<'a>>,
    #[serde(borrow)]
    postal: Postal<'a>,
    location: Location,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CountryOf<'a> {
    iso_code: Option<&'a str>,
    #[serde(borrow)]
    names: Names<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named<'a> {
    #[serde(borrow)]
    names: Names<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Names<'a> {
    en: Option<&'a str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Postal<'a> {
    code: Option<&'a str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Location {
    latitude: Option<f64>,
    longitude: Option<f64>,
}

impl Record<'_> {
    /// The place; none where the record says nothing of it.
    pub(crate) fn place(&self) -> Option<Geo> {
        let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let degrees = |degrees: Option<f64>, most: f64| degrees.filter(|degrees| degrees.abs() <= most);
        let place = Geo {
            country: Country { name: text(self.country.names.en), code: text(self.country.iso_code) },
            city: text(self.city.names.en),
            county: text(self.subdivisions.last().and_then(|smallest| smallest.names.en)),
            postal: text(self.postal.code),
            longitude: degrees(self.location.longitude, 180.0),
            latitude: degrees(self.location.latitude, 90.0),
        };
        Some(place).filter(|place| *place != Geo::default())
    }
}
