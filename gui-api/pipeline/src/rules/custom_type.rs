//! What events of a type of the site's own mean (`docs/configuration.md` §2).

use tideline_model::rules::{EventType, ValueKind};
use tideline_model::{Event, Journey};

use super::scope::stored_type;
use super::trace::Troubles;
use super::{RuleName, RuleProblem};
use crate::event_types::{self, Reading};
use crate::paths::Path;

/// The most traits of a type.
const MAX_TRAITS: usize = 100;
/// The most tags of a type.
const MAX_TAGS: usize = 20;
/// The longest tag, in bytes.
const MAX_TAG_BYTES: usize = 128;

/// What events of a type mean.
#[derive(Debug)]
pub(super) struct CustomType {
    traits: Vec<Trait>,
    journey: Option<&'static str>,
    tags: Vec<String>,
}

#[derive(Debug)]
struct Trait {
    property: Path,
    name: Path,
    written: String,
    kind: ValueKind,
}

impl CustomType {
    pub(super) fn compile(id: &str, settings: &EventType) -> Result<Self, RuleProblem> {
        if id != stored_type(id) {
            let message = format!("events have no type `{id}`: they are stored as `{}`", stored_type(id));
            return Err(RuleProblem::new("id", message));
        }
        if event_types::of(id).is_some() {
            let message =
                format!("the meaning of `{id}` is built in: use a mapping to change profiles by it");
            return Err(RuleProblem::new("id", message));
        }
        if settings.traits.len() > MAX_TRAITS {
            let message = format!("it has {} traits, and {MAX_TRAITS} are the most", settings.traits.len());
            return Err(RuleProblem::new("settings.traits", message));
        }
        let bad_tag = |tag: &String| tag.trim().is_empty() || tag.len() > MAX_TAG_BYTES;
        if settings.tags.len() > MAX_TAGS || settings.tags.iter().any(bad_tag) {
            let message = format!("up to {MAX_TAGS} tags of 1 to {MAX_TAG_BYTES} bytes are possible");
            return Err(RuleProblem::new("settings.tags", message));
        }
        let compile = |(index, each): (usize, &tideline_model::rules::Trait)| {
            let path = |field: &str, text: &str| {
                Path::checked(text)
                    .map_err(|wrong| RuleProblem::new(format!("settings.traits[{index}].{field}"), wrong))
            };
            Ok(Trait {
                property: path("property", &each.property)?,
                name: path("name", &each.name)?,
                written: each.name.clone(),
                kind: each.kind,
            })
        };
        Ok(Self {
            traits: settings.traits.iter().enumerate().map(compile).collect::<Result<_, _>>()?,
            journey: settings.journey.map(tideline_model::rules::JourneyState::name),
            tags: settings.tags.clone(),
        })
    }

    pub(super) fn follow(&self, event: &mut Event, name: &RuleName, troubles: &mut Troubles) {
        for each in &self.traits {
            let Some(sent) = each.property.get(&event.properties) else { continue };
            match event_types::read(Some(each.kind), sent) {
                Reading::Value(value) => {
                    each.property.remove(&mut event.properties);
                    each.name.set(&mut event.traits, value);
                }
                Reading::Nothing => {}
                Reading::Wrong => {
                    let kind = event_types::name_of_kind(each.kind);
                    let reason =
                        format!("`traits.{}` is left out: what was sent is not {kind}", each.written);
                    troubles.note(name, event, reason.clone());
                    event_types::skip(event, reason);
                }
            }
        }
        event_types::tag(&mut event.tags, &self.tags);
        if let Some(state) = self.journey {
            event.journey = Journey { state: Some(state.to_owned()) };
        }
    }
}
