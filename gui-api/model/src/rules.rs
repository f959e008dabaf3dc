//! What configuration objects decide: the settings of each kind (`docs/configuration.md`).
//!
//! Paths are written as fields of documents are: `properties.basket.total`, `data.contact.email.main`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::Properties;

/// Which events a rule is for: those that fulfil all that is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Their type; any when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// The event source that took them in, its id; any when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// A filter (`docs/filter.md`) about the event, `profile@…` and `session@…`: `properties.total > 100`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

/// What a field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// A text of at most 1024 bytes.
    Text,
    /// A number, or a text that is one.
    Number,
    /// True or false.
    Flag,
    /// A day, `2026-11-22`, or a moment in UTC.
    Date,
    /// Up to 100 different texts.
    List,
}

/// What events of a type mean that is not built in. The object's id is the type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventType {
    /// Properties that become traits of the event.
    #[serde(default)]
    pub traits: Vec<Trait>,
    /// The stage of the journey to buying that it tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journey: Option<JourneyState>,
    /// Tags that its events get.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// A property that becomes a typed trait of its event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Trait {
    /// Where it is sent: a path below `properties`, such as `guest.seats`.
    pub property: String,
    /// What the trait is called: a path below `traits`.
    pub name: String,
    /// What it holds. Another value stays a property, and the event says so.
    pub kind: ValueKind,
}

/// A stage of the journey to buying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JourneyState {
    /// Hears of something.
    Awareness,
    /// Thinks about it.
    Consideration,
    /// Buys.
    Purchase,
    /// Stays a customer.
    Retention,
    /// Recommends it.
    Advocacy,
}

impl JourneyState {
    /// Its name, as documents have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Awareness => "awareness",
            Self::Consideration => "consideration",
            Self::Purchase => "purchase",
            Self::Retention => "retention",
            Self::Advocacy => "advocacy",
        }
    }
}

/// What events change in the profile of whoever caused them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// For which events.
    #[serde(default)]
    pub when: When,
    /// What is changed, in this order.
    pub operations: Vec<MappingOperation>,
}

/// One field of a profile is changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingOperation {
    /// How.
    pub operation: ProfileOperation,
    /// The field: below `data` or `traits`, `primary_id`, or `stats.counters.<name>`.
    pub profile: String,
    /// The field of the event that has the value: below `properties`, `traits`, `data`, `context` and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The value, where no field of the event has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// What the field holds, where its name does not say; anything when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ValueKind>,
}

/// How a field of a profile is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProfileOperation {
    /// It becomes the value.
    Equals,
    /// It becomes the value where it has none.
    EqualsIfNotExists,
    /// The value joins its list.
    Append,
    /// It is taken away.
    Delete,
    /// The value is added to it; 1 when there is none.
    Increment,
    /// The value is taken from it; 1 when there is none.
    Decrement,
}

/// What events must be like. Those that are not are stored and marked, and change no profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// For which events.
    #[serde(default)]
    pub when: When,
    /// A JSON Schema (2020-12) for each of these fields of the event: `properties`, `properties.basket`, `context`.
    #[schema(value_type = BTreeMap<String, Object>)]
    pub schemas: BTreeMap<String, Value>,
}

/// What events are turned into, before their meaning is read.
///
/// In templates, a text such as `event@properties.a`, `profile@traits.b` or `session@id` stands for what is there, and
/// is left out with its key where nothing is. Everything else is itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reshaping {
    /// For which events.
    #[serde(default)]
    pub when: When,
    /// What its properties become.
    #[schema(value_type = Option<Object>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Properties>,
    /// What its context becomes.
    #[schema(value_type = Option<Object>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Properties>,
    /// What joins the properties of its session.
    #[schema(value_type = Option<Object>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Properties>,
}

/// By what fields of profiles, together, people are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentificationPoint {
    /// Which events tell these fields.
    #[serde(default)]
    pub when: When,
    /// The fields: two profiles that have the same values in all of them are one person's.
    pub fields: Vec<IdentifyingField>,
}

/// A field by which people are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentifyingField {
    /// The field of the profile: below `data` or `traits`.
    pub profile: String,
    /// The field of the event that tells it: below `properties`, `traits`, `data` or `context`.
    pub event: String,
}

/// What a field of two profiles becomes when they are merged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Merging {
    /// The field: below `data` or `traits`; `*` stands for one key.
    pub field: String,
    /// What it becomes.
    pub strategy: MergeStrategy,
}

/// What a field of two profiles becomes. What cannot be joined so is what was changed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MergeStrategy {
    /// The value that was changed last.
    LastUpdate,
    /// The value that was changed first.
    FirstUpdate,
    /// The smaller number, or the earlier date.
    Min,
    /// The larger number, or the later date.
    Max,
    /// Both numbers together.
    Sum,
    /// The different values of both lists.
    Union,
    /// Whether either is true.
    Any,
    /// Whether both are true.
    All,
}

/// People who have something in common. The object's id is what profiles have in `segments`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// A filter (`docs/filter.md`) about the profile: `traits.plan = "gold" AND metadata.time.visit.current > now-30d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// How often the person has caused certain events lately. All must be so.
    #[serde(default)]
    pub counts: Vec<SegmentCount>,
}

/// How often a person has caused certain events lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentCount {
    /// Which events.
    #[serde(default)]
    pub when: When,
    /// In how many days up to now, 1 to 366.
    pub days: u16,
    /// At least so often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
    /// At most so often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u64>,
}

/// What visitors may agree to. The object's id is the consent's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentType {
    /// What is assumed of visitors who have not said anything.
    #[serde(default)]
    pub default: ConsentDefault,
    /// After how many days a consent ends by itself; never when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_after_days: Option<u32>,
}

/// What is assumed of visitors who have not said anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConsentDefault {
    /// That they do not agree.
    #[default]
    Deny,
    /// That they agree.
    Grant,
}

/// What of events is kept of visitors who have not agreed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Compliance {
    /// For which events.
    #[serde(default)]
    pub when: When,
    /// What becomes of which fields.
    pub fields: Vec<CompliantField>,
}

/// What becomes of a field without consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompliantField {
    /// The field: `properties` or `context`, or below one of them.
    pub field: String,
    /// The consents that are needed, all of them.
    pub consents: Vec<String>,
    /// What becomes of it where one is missing.
    pub action: ComplianceAction,
}

/// What becomes of a field without consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ComplianceAction {
    /// It is taken away.
    Remove,
    /// Its texts and numbers are replaced by salted hashes: who has the same value can be told, the value cannot. Without
    /// `TIDELINE_IDENTITY_SALT` it is taken away.
    Hash,
}
