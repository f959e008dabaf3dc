//! What a client says of itself: `context.device`, `context.screen`, `context.browser`, `context.location`.

use serde_json::Value;
use tideline_model::{App, Country, Device, Geo, Properties};

use super::{Languages, at, text};

/// The largest number that is believed of a screen.
const MOST_PIXELS: u64 = 100_000;

/// Puts over what the device's user agent tells what the client says itself.
pub(super) fn device(device: &mut Device, context: &Properties) {
    let fields = [
        ("name", &mut device.name),
        ("brand", &mut device.brand),
        ("model", &mut device.model),
        ("type", &mut device.r#type),
    ];
    for (key, field) in fields {
        if let Some(said) = text(context, &["device", key]) {
            *field = Some(said);
        }
    }
    device.resolution = size(context, "width", "height");
    device.color_depth = pixels(context, "colorDepth");
    device.orientation = text(context, &["screen", "local", "orientation"]);
    device.geo = geo(context);
}

/// Puts over what the browser's user agent tells what the client says itself.
pub(super) fn app(app: &mut App, context: &Properties, languages: &Languages) {
    app.resolution = size(context, "innerWidth", "innerHeight");
    app.language = languages.first();
}

fn size(context: &Properties, width: &str, height: &str) -> Option<String> {
    Some(format!("{}x{}", pixels(context, width)?, pixels(context, height)?))
}

fn pixels(context: &Properties, key: &str) -> Option<u64> {
    at(context, &["screen", "local", key])?.as_u64().filter(|pixels| *pixels <= MOST_PIXELS)
}

fn geo(context: &Properties) -> Geo {
    let said = |path: &[&str]| text(context, &[&["location"], path].concat());
    let degrees = |key, most: f64| {
        at(context, &["location", key]).and_then(Value::as_f64).filter(|degrees| degrees.abs() <= most)
    };
    let code = said(&["country", "code"]).filter(|code| code.len() == 2);
    Geo {
        country: Country { name: said(&["country", "name"]), code: code.map(|code| code.to_uppercase()) },
        city: said(&["city"]),
        county: said(&["county"]),
        postal: said(&["postal"]),
        longitude: degrees("longitude", 180.0),
        latitude: degrees("latitude", 90.0),
    }
}
