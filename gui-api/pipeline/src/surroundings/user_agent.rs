//! Device, operating system and browser, by the `user-agent` header, with the expressions of the uap-core project.
//!
//! Reading one takes 10 to 150 microseconds, and most visitors have one of few: the last ones are remembered. The
//! expressions take 30 MB once the first is read, and what they remember of texts grows with their variety: 40 MB more
//! for each thread after all the 17,660 samples of uap-core, 65 MB after 270,000 texts made to confuse them.

use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use lru::LruCache;
use tideline_model::{App, Device, Os};
use ua_parser::{Extractor, Regexes};

/// So many are remembered. None is longer than [`MAX_BYTES`], so this is 4 MiB at the most.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(2048).unwrap();
/// What is beyond this many bytes is not read: browsers say less.
const MAX_BYTES: usize = 512;
/// What uap-core calls the device of a robot.
const ROBOT: &str = "Spider";
/// Systems of devices that are carried about.
const MOBILE: [&str; 9] = [
    "Android",
    "BlackBerry OS",
    "Firefox OS",
    "HarmonyOS",
    "KaiOS",
    "Symbian OS",
    "Tizen",
    "Windows Phone",
    "iOS",
];
/// The beginnings of the names of systems of computers.
const COMPUTERS: [&str; 10] = [
    "Chrome OS",
    "Debian",
    "Fedora",
    "FreeBSD",
    "Linux",
    "Mac OS X",
    "OpenBSD",
    "Red Hat",
    "Ubuntu",
    "Windows",
];

/// What a user agent tells.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) device: Device,
    pub(super) os: Os,
    pub(super) app: App,
}

/// Reads a user agent.
pub(super) fn read(user_agent: Option<&str>) -> Arc<Known> {
    static KNOWN: LazyLock<Mutex<LruCache<String, Arc<Known>>>> =
        LazyLock::new(|| Mutex::new(LruCache::new(REMEMBERED)));
    let Some(text) = user_agent else { return Arc::default() };
    let text = text.get(..text.floor_char_boundary(MAX_BYTES)).unwrap_or_default();
    // A panic elsewhere has left nothing half-done in it.
    let remembered = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = remembered().get(text) {
        return Arc::clone(known);
    }
    let known = Arc::new(extract(text));
    remembered().put(text.to_owned(), Arc::clone(&known));
    known
}

fn extract(text: &str) -> Known {
    static EXPRESSIONS: LazyLock<Option<Extractor<'static>>> = LazyLock::new(|| {
        // Tests read user agents with them.
        let json = include_str!("../../data/uap-core/regexes.json");
        let expressions: Regexes<'_> = serde_json::from_str(json).ok()?;
        Extractor::try_from(expressions).ok()
    });
    let Some((browser, os, device)) = EXPRESSIONS.as_ref().map(|expressions| expressions.extract(text))
    else {
        return Known::default();
    };
    let mut known = Known::default();
    if let Some(os) = os {
        known.os.version = version([os.major, os.minor, os.patch, os.patch_minor].iter().flatten());
        known.os.name = Some(os.os.into_owned());
    }
    let is_robot = device.as_ref().is_some_and(|device| device.device == ROBOT);
    if let Some(browser) = browser {
        let parts = [browser.major, browser.minor, browser.patch, browser.patch_minor];
        known.app.version = version(parts.iter().flatten());
        known.app.r#type = (!is_robot).then(|| "browser".to_owned());
        known.app.name = Some(browser.family.into_owned());
    }
    known.app.bot = is_robot;
    if is_robot {
        return known;
    }
    if let Some(device) = device {
        known.device.name = Some(device.device.into_owned());
        known.device.brand = device.brand.map(|brand| brand.into_owned());
        known.device.model = device.model.map(|model| model.into_owned());
    }
    let r#type = type_of(text, known.os.name.as_deref().unwrap_or_default());
    known.device.touch = r#type.map(|r#type| r#type != "pc");
    known.device.r#type = r#type.map(str::to_owned);
    known
}

fn version<'a>(parts: impl Iterator<Item = &'a (impl AsRef<str> + 'a)>) -> Option<String> {
    let parts: Vec<&str> = parts.map(AsRef::as_ref).collect();
    (!parts.is_empty()).then(|| parts.join("."))
}

/// What kind of device it is. Android devices that are no phones do not say `Mobile`.
fn type_of(text: &str, os: &str) -> Option<&'static str> {
    let says = |word| text.contains(word);
    if says("iPad") || says("Tablet") || (os == "Android" && !says("Mobile")) {
        Some("tablet")
    } else if MOBILE.contains(&os) {
        Some("mobile")
    } else if COMPUTERS.iter().any(|name| os.starts_with(name)) {
        Some("pc")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_systems_and_browsers_are_told_apart() {
        const PHONE: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/159.0.8154.6 Mobile Safari/537.36";
        const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
        const IPAD: &str = "Mozilla/5.0 (iPad; CPU OS 16_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.1 Mobile/15E148 Safari/604.1";
        const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0";
        const MAC: &str =
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:128.0) Gecko/20100101 Firefox/128.0";
        const ROBOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
        let table = [
            (
                PHONE,
                [
                    Some("Google"),
                    Some("Pixel 7"),
                    Some("mobile"),
                    Some("Android"),
                    Some("14"),
                    Some("Chrome Mobile"),
                ],
            ),
            (
                IPHONE,
                [
                    Some("Apple"),
                    Some("iPhone"),
                    Some("mobile"),
                    Some("iOS"),
                    Some("17.5"),
                    Some("Mobile Safari"),
                ],
            ),
            (
                IPAD,
                [
                    Some("Apple"),
                    Some("iPad"),
                    Some("tablet"),
                    Some("iOS"),
                    Some("16.1"),
                    Some("Mobile Safari"),
                ],
            ),
            (WINDOWS, [None, None, Some("pc"), Some("Windows"), Some("10"), Some("Edge")]),
            (MAC, [Some("Apple"), Some("Mac"), Some("pc"), Some("Mac OS X"), Some("10.15"), Some("Firefox")]),
            (ROBOT, [None, None, None, None, None, Some("Googlebot")]),
            ("curl/8.1", [None, None, None, None, None, Some("curl")]),
            ("", [None; 6]),
            ("\u{0}\u{fffd}((((", [None; 6]),
        ];
        for (text, expected) in table {
            for _remembered in [false, true] {
                let Known { device, os, app } = &*read(Some(text));
                let found = [&device.brand, &device.model, &device.r#type, &os.name, &os.version, &app.name];
                assert_eq!(found.map(Option::as_deref), expected, "{text}");
                assert_eq!(app.bot, text == ROBOT);
                assert_eq!(device.touch, expected[2].map(|r#type| r#type != "pc"));
            }
        }
    }

    #[test]
    fn what_strangers_make_up_is_read_to_a_bound_and_forgotten_again() {
        for number in 0..2 * REMEMBERED.get() {
            read(Some(&format!("stranger {number}")));
        }
        for long in
            ["Mozilla/5.0 (Linux; Android 14; ".repeat(40_000), "ü".repeat(1_000_000), "(".repeat(1_000_000)]
        {
            read(Some(&long));
        }
    }
}
