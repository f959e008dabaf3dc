//! Configuration objects: what people decide about events and profiles while the service runs.
//!
//! Each is of one kind, which says what its settings are ([`crate::rules`]), and is changed as a whole: every change
//! makes another version, and the versions before stay readable. What an object does with an event is
//! `tideline-pipeline`'s, and so is whether its settings can work.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::rules::{
    Compliance, ConsentType, EventType, IdentificationPoint, Mapping, Merging, Reshaping, Segment, Validation,
};

/// One configuration object, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConfigurationObject {
    /// Its id, unique within its kind. For kinds that name something it is the name: the event type, the consent.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Words to find it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whether it does anything.
    pub enabled: bool,
    /// 1 when it is made, and one more with each change.
    pub version: u64,
    /// Who made this version: the beginning of the SHA-256 of their API token.
    pub author: String,
    /// When this version was made.
    pub changed: Timestamp,
    /// What it decides.
    #[serde(flatten)]
    pub settings: ConfigurationSettings,
}

/// The settings of an object, by its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", content = "settings", rename_all = "kebab-case")]
pub enum ConfigurationSettings {
    /// What events of a type of the site's own mean.
    EventType(EventType),
    /// What events change in profiles.
    Mapping(Mapping),
    /// What events must be like.
    Validation(Validation),
    /// What events are turned into.
    Reshaping(Reshaping),
    /// What visitors may agree to.
    ConsentType(ConsentType),
    /// What of events is kept of visitors who have not agreed.
    Compliance(Compliance),
    /// By what people are known.
    IdentificationPoint(IdentificationPoint),
    /// What fields of two profiles become when they are merged.
    Merging(Merging),
    /// Who has something in common.
    Segment(Segment),
}

/// What an object is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigurationKind {
    /// [`EventType`].
    EventType,
    /// [`Mapping`].
    Mapping,
    /// [`Validation`].
    Validation,
    /// [`Reshaping`].
    Reshaping,
    /// [`ConsentType`].
    ConsentType,
    /// [`Compliance`].
    Compliance,
    /// [`IdentificationPoint`].
    IdentificationPoint,
    /// [`Merging`].
    Merging,
    /// [`Segment`].
    Segment,
}

impl ConfigurationKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::EventType,
        Self::Mapping,
        Self::Validation,
        Self::Reshaping,
        Self::ConsentType,
        Self::Compliance,
        Self::IdentificationPoint,
        Self::Merging,
        Self::Segment,
    ];

    /// Its name, as addresses and documents have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EventType => "event-type",
            Self::Mapping => "mapping",
            Self::Validation => "validation",
            Self::Reshaping => "reshaping",
            Self::ConsentType => "consent-type",
            Self::Compliance => "compliance",
            Self::IdentificationPoint => "identification-point",
            Self::Merging => "merging",
            Self::Segment => "segment",
        }
    }
}

impl fmt::Display for ConfigurationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no kind of this name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no kind of configuration object: the kinds are {kinds}", kinds = ConfigurationKind::ALL.map(ConfigurationKind::name).join(", "))]
pub struct UnknownKind(pub String);

impl FromStr for ConfigurationKind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        let known = Self::ALL.into_iter().find(|kind| kind.name() == name);
        known.ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

impl ConfigurationSettings {
    /// Settings of this kind.
    ///
    /// # Errors
    /// Where they are of another shape.
    pub fn read(kind: ConfigurationKind, settings: &Value) -> Result<Self, serde_json::Error> {
        Ok(match kind {
            ConfigurationKind::EventType => Self::EventType(EventType::deserialize(settings)?),
            ConfigurationKind::Mapping => Self::Mapping(Mapping::deserialize(settings)?),
            ConfigurationKind::Validation => Self::Validation(Validation::deserialize(settings)?),
            ConfigurationKind::Reshaping => Self::Reshaping(Reshaping::deserialize(settings)?),
            ConfigurationKind::ConsentType => Self::ConsentType(ConsentType::deserialize(settings)?),
            ConfigurationKind::Compliance => Self::Compliance(Compliance::deserialize(settings)?),
            ConfigurationKind::IdentificationPoint => {
                Self::IdentificationPoint(IdentificationPoint::deserialize(settings)?)
            }
            ConfigurationKind::Merging => Self::Merging(Merging::deserialize(settings)?),
            ConfigurationKind::Segment => Self::Segment(Segment::deserialize(settings)?),
        })
    }

    /// What they are settings of.
    #[must_use]
    pub fn kind(&self) -> ConfigurationKind {
        match self {
            Self::EventType(_) => ConfigurationKind::EventType,
            Self::Mapping(_) => ConfigurationKind::Mapping,
            Self::Validation(_) => ConfigurationKind::Validation,
            Self::Reshaping(_) => ConfigurationKind::Reshaping,
            Self::ConsentType(_) => ConfigurationKind::ConsentType,
            Self::Compliance(_) => ConfigurationKind::Compliance,
            Self::IdentificationPoint(_) => ConfigurationKind::IdentificationPoint,
            Self::Merging(_) => ConfigurationKind::Merging,
            Self::Segment(_) => ConfigurationKind::Segment,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_have_the_names_that_documents_have() {
        for kind in ConfigurationKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert!("rule".parse::<ConfigurationKind>().unwrap_err().to_string().contains("event-type, mapping"));
    }

    #[test]
    fn an_object_is_read_back_as_it_was_written() {
        let written = json!({
            "id": "names", "name": "Names", "enabled": true, "version": 3, "author": "2bb80d53",
            "changed": "2026-11-22T10:00:00Z", "kind": "mapping",
            "settings": {
                "when": {"event_type": "sign-up"},
                "operations": [{"operation": "equals", "profile": "traits.plan", "event": "properties.plan"}],
            },
        });
        let object: ConfigurationObject = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(object.settings.kind(), ConfigurationKind::Mapping);
        assert_eq!(serde_json::to_value(&object).unwrap(), written);
        assert_eq!(
            ConfigurationSettings::read(ConfigurationKind::Mapping, &written["settings"]).unwrap(),
            object.settings
        );
    }
}
