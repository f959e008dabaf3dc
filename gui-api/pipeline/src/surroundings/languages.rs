//! The languages that a visitor reads, and the countries that come with them: `de-AT` is German, and Austria.

use tideline_model::Properties;

use super::text;

/// The most languages of a visitor.
const MAX_LANGUAGES: usize = 10;
/// The longest tag of a language, in bytes; the longest in use have some twenty.
const MAX_TAG_BYTES: usize = 35;

/// Tags of languages, the dearest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Languages(Vec<String>);

impl Languages {
    /// Those that the browser shows pages in (`context`), then those of its `accept-language` header.
    pub(crate) fn of(context: &Properties, accept_language: Option<&str>) -> Self {
        let mut accepted: Vec<(u32, &str)> =
            accept_language.unwrap_or_default().split(',').filter_map(accepted).collect();
        accepted.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
        let own = text(context, &["browser", "local", "browser", "language"]);
        let mut tags: Vec<String> = Vec::new();
        for tag in own.as_deref().into_iter().chain(accepted.into_iter().map(|(_, tag)| tag)) {
            if tags.len() < MAX_LANGUAGES
                && is_tag(tag)
                && !tags.iter().any(|known| known.eq_ignore_ascii_case(tag))
            {
                tags.push(tag.to_owned());
            }
        }
        Self(tags)
    }

    /// The tag of the dearest.
    pub(crate) fn first(&self) -> Option<String> {
        self.0.first().cloned()
    }

    /// Codes of the languages (ISO 639): `de`, each once.
    pub(crate) fn codes(&self) -> Vec<String> {
        let code = |tag: &String| tag.split('-').next().map(str::to_lowercase);
        distinct(self.0.iter().filter_map(code))
    }

    /// Codes of the countries (ISO 3166-1): `AT`, each once.
    pub(crate) fn countries(&self) -> Vec<String> {
        let is_country = |part: &&str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_alphabetic());
        let country = |tag: &String| tag.split('-').skip(1).find(is_country).map(str::to_uppercase);
        distinct(self.0.iter().filter_map(country))
    }
}

/// A language of the header, and thousandths of how much it is wanted; none when it is not at all.
fn accepted(part: &str) -> Option<(u32, &str)> {
    let (tag, quality) = part.split_once(';').unwrap_or((part, "q=1"));
    let quality: f64 =
        quality.trim().strip_prefix("q=").and_then(|quality| quality.parse().ok()).unwrap_or(0.0);
    let thousandths = (quality.clamp(0.0, 1.0) * 1000.0).round() as u32;
    (thousandths > 0).then(|| (thousandths, tag.trim()))
}

/// Whether this looks like a tag of a language (RFC 5646).
fn is_tag(text: &str) -> bool {
    let primary = text.split('-').next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (2..=3).contains(&primary.len())
        && primary.bytes().all(|byte| byte.is_ascii_alphabetic())
        && text.len() <= MAX_TAG_BYTES
        && text.bytes().all(is_plain)
}

fn distinct(codes: impl Iterator<Item = String>) -> Vec<String> {
    let mut different: Vec<String> = Vec::new();
    codes.for_each(|code| {
        if !different.contains(&code) {
            different.push(code);
        }
    });
    different
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn languages_are_those_of_browser_and_header_by_how_much_they_are_wanted() {
        let table: [(&str, &str, &[&str], &[&str]); 8] = [
            ("", "de-AT,de;q=0.9,en-GB;q=0.8,en;q=0.7", &["de", "en"], &["AT", "GB"]),
            ("nb-NO", "en;q=0.5, sv-SE;q=0.9", &["nb", "sv", "en"], &["NO", "SE"]),
            ("zh-Hant-TW", "zh-hant-tw", &["zh"], &["TW"]),
            ("es-419", "*;q=0.1", &["es"], &[]),
            ("", "fr;q=0, en;q=x, it;level=1, pl;q=2", &["pl"], &[]),
            ("", "english,e,<b>,d\u{e9},,;;", &[], &[]),
            ("de_DE", "", &[], &[]),
            ("", "", &[], &[]),
        ];
        for (own, header, codes, countries) in table {
            let context = json!({"browser": {"local": {"browser": {"language": own}}}});
            let languages = Languages::of(context.as_object().unwrap(), Some(header));
            assert_eq!(
                (languages.codes(), languages.countries()),
                (
                    codes.iter().map(ToString::to_string).collect(),
                    countries.iter().map(ToString::to_string).collect()
                ),
                "{own} {header}"
            );
        }
        let many = (0..200)
            .map(|number| format!("a{}-B{}", (b'a' + number % 26) as char, number))
            .collect::<Vec<_>>();
        assert_eq!(Languages::of(&Properties::new(), Some(&many.join(","))).0.len(), MAX_LANGUAGES);
    }
}
