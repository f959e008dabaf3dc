//! What a person is known by: e-mail addresses, phone numbers, customer numbers, and what identification points name.

use serde_json::Value;
use tideline_model::Profile;
use tideline_protocol::IdentitySalt;

use crate::Settings;
use crate::event_types;
use crate::paths::Path;

/// The shortest phone number that tells a person, in digits.
const LEAST_DIGITS: usize = 7;

/// What a person is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What kind of thing it is: `emm` (the main e-mail address), or the id of an identification point.
    pub kind: String,
    /// The salted hash, behind the kind.
    pub id: String,
}

/// The fields that people are known by, and what kind of key each is. The kinds are those of the reference.
const FIELDS: [(&str, &str, Form); 9] = [
    ("emm", "contact.email.main", Form::Email),
    ("emp", "contact.email.private", Form::Email),
    ("emb", "contact.email.business", Form::Email),
    ("phm", "contact.phone.main", Form::Phone),
    ("pho", "contact.phone.mobile", Form::Phone),
    ("phb", "contact.phone.business", Form::Phone),
    ("pwa", "contact.phone.whatsapp", Form::Phone),
    ("iid", "identifier.id", Form::Text),
    ("ipk", "identifier.pk", Form::Text),
];

/// How a value is written, so that it is the same however somebody wrote it.
#[derive(Clone, Copy)]
enum Form {
    Email,
    Phone,
    Text,
}

impl Form {
    /// None for what tells nobody.
    fn of(self, value: &Value) -> Option<String> {
        let text = event_types::text(value)?;
        match self {
            Self::Text => Some(text),
            Self::Email => Some(text.to_lowercase()).filter(|address| address.contains('@')),
            Self::Phone => {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                let (prefix, digits) = match (text.starts_with('+'), digits.strip_prefix("00")) {
                    (true, _) => ("+", digits.as_str()),
                    (false, Some(international)) => ("+", international),
                    (false, None) => ("", digits.as_str()),
                };
                (digits.len() >= LEAST_DIGITS).then(|| format!("{prefix}{digits}"))
            }
        }
    }
}

/// Fields of profiles that tell a person together.
#[derive(Debug)]
pub(crate) struct Point {
    pub(crate) id: String,
    /// Below `data` or `traits`.
    pub(crate) fields: Vec<PointField>,
}

#[derive(Debug)]
pub(crate) enum PointField {
    Data(Path),
    Traits(Path),
}

impl Point {
    /// All values, so that no two lists of values are written alike; none where one is missing.
    fn value(&self, profile: &Profile) -> Option<String> {
        let values = self.fields.iter().map(|field| {
            let value = match field {
                PointField::Data(path) => path.get(&profile.data)?,
                PointField::Traits(path) => path.get(&profile.traits)?,
            };
            Some(Value::String(event_types::text(value)?.to_lowercase()))
        });
        values.collect::<Option<Vec<_>>>().map(|values| Value::Array(values).to_string())
    }
}

/// What the person of this profile is known by. Nothing where the installation has no salt.
#[must_use]
pub fn keys(settings: &Settings, profile: &Profile) -> Vec<Key> {
    let Some(salt) = settings.salt else { return Vec::new() };
    let built_in = FIELDS.iter().filter_map(|(kind, path, form)| {
        let value = form.of(Path::new(path).get(&profile.data)?)?;
        Some(key(salt, kind, kind, &value))
    });
    let of_points = settings.rules.points().iter().filter_map(|point| {
        Some(key(salt, &point.id, &format!("point {}", point.id), &point.value(profile)?))
    });
    built_in.chain(of_points).collect()
}

fn key(salt: IdentitySalt, kind: &str, space: &str, value: &str) -> Key {
    Key { kind: kind.to_owned(), id: format!("{kind}-{}", salt.id(space, value)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_meant_is_known_however_it_is_written() {
        let table = [
            (Form::Email, json!(" Ada@Mail.Example "), Some("ada@mail.example")),
            (Form::Email, json!("ada"), None),
            (Form::Phone, json!("+47 55 50 10-01"), Some("+4755501001")),
            (Form::Phone, json!("0047 (555) 01001"), Some("+4755501001")),
            (Form::Phone, json!(4_755_501_001_u64), Some("4755501001")),
            (Form::Phone, json!("112"), None),
            (Form::Phone, json!("00"), None),
            (Form::Text, json!(" C-7 "), Some("C-7")),
            (Form::Text, json!(" "), None),
            (Form::Text, json!(true), None),
        ];
        for (form, value, expected) in table {
            assert_eq!(form.of(&value).as_deref(), expected, "{value}");
        }
    }
}
