//! What people have decided about events and profiles, ready to be followed.
//!
//! [`Rules::compile`] makes it of configuration objects: once, whatever the number of events, sorted by the types of
//! events that rules are for, so that an event does not pay for rules about others. A rule that cannot work is left out,
//! and [`RuleProblem`] says why; one that cannot do its work on some event leaves the event as it is, and
//! [`Trouble`] says so. No rule fails an event.
//!
//! Each event passes, in this order (`docs/configuration.md`):
//! ```text
//! compliance ─▶ validation ─▶ reshaping ─▶ the meaning of its type ─▶ what the type changes in the profile ─▶ mappings
//! ```

mod compliance;
mod condition;
mod consent_types;
mod custom_type;
mod identification;
mod mapping;
mod problem;
mod reshaping;
mod scope;
mod segments;
mod trace;
mod validation;
mod view;

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use tideline_model::{
    ConfigurationKind, ConfigurationObject, ConfigurationSettings, Event, Profile, Properties, Session,
};

use self::compliance::Compliance;
use self::consent_types::ConsentTypes;
use self::custom_type::CustomType;
use self::mapping::Mapping;
pub use self::problem::RuleProblem;
use self::reshaping::Reshaping;
use self::scope::Scope;
pub(crate) use self::segments::Segments;
pub(crate) use self::trace::Trace;
pub use self::trace::{Step, Trouble};
use self::validation::Validation;
use self::view::View;
use tideline_protocol::IdentitySalt;

use crate::event_types;
use crate::identity::{Line, Point};

/// What people have decided, ready to be followed.
#[derive(Debug, Default)]
pub struct Rules {
    /// For events of any type.
    general: Applicable,
    /// For events of one.
    by_type: HashMap<String, Applicable>,
    consents: ConsentTypes,
    points: Vec<Point>,
    merging: Vec<Line>,
    segments: Segments,
}

/// Rules for the same events, each kind in the order of their ids.
#[derive(Debug, Default)]
struct Applicable {
    compliance: Vec<Rule<Compliance>>,
    validation: Vec<Rule<Validation>>,
    reshaping: Vec<Rule<Reshaping>>,
    custom: Option<Rule<CustomType>>,
    mapping: Vec<Rule<Mapping>>,
}

/// A rule of one kind.
#[derive(Debug)]
struct Rule<T> {
    name: RuleName,
    scope: Scope,
    does: T,
}

/// Which rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleName {
    /// Its kind.
    pub kind: ConfigurationKind,
    /// Its id.
    pub id: String,
}

/// `mapping/plan`.
impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

impl Rules {
    /// The rules that these objects are, and what is wrong with those that cannot work. Disabled ones are left out.
    #[must_use]
    pub fn compile(objects: &[ConfigurationObject]) -> (Self, Vec<(RuleName, RuleProblem)>) {
        let (mut rules, mut problems) = (Self::default(), Vec::new());
        let mut objects: Vec<_> = objects.iter().filter(|object| object.enabled).collect();
        objects.sort_by(|a, b| a.id.cmp(&b.id));
        for object in objects {
            let name = RuleName { kind: object.settings.kind(), id: object.id.clone() };
            if let Err(problem) = rules.add(name.clone(), &object.settings) {
                problems.push((name, problem));
            }
        }
        (rules, problems)
    }

    /// Whether an object can do what it says, were it enabled.
    ///
    /// # Errors
    /// What of it cannot work, and why.
    pub fn check(object: &ConfigurationObject) -> Result<(), RuleProblem> {
        let name = RuleName { kind: object.settings.kind(), id: object.id.clone() };
        Self::default().add(name, &object.settings)
    }

    fn add(&mut self, name: RuleName, settings: &ConfigurationSettings) -> Result<(), RuleProblem> {
        match settings {
            ConfigurationSettings::EventType(settings) => {
                let does = CustomType::compile(&name.id, settings)?;
                let of_type = self.by_type.entry(name.id.clone()).or_default();
                of_type.custom = Some(Rule { name, scope: Scope::default(), does });
            }
            ConfigurationSettings::Mapping(settings) => {
                let (does, scope) = (Mapping::compile(settings)?, Scope::compile(&settings.when)?);
                self.of(&settings.when).mapping.push(Rule { name, scope, does });
            }
            ConfigurationSettings::Validation(settings) => {
                let (does, scope) = (Validation::compile(settings)?, Scope::compile(&settings.when)?);
                self.of(&settings.when).validation.push(Rule { name, scope, does });
            }
            ConfigurationSettings::Reshaping(settings) => {
                let (does, scope) = (Reshaping::compile(settings)?, Scope::compile(&settings.when)?);
                self.of(&settings.when).reshaping.push(Rule { name, scope, does });
            }
            ConfigurationSettings::Compliance(settings) => {
                let (does, scope) = (Compliance::compile(settings)?, Scope::compile(&settings.when)?);
                self.of(&settings.when).compliance.push(Rule { name, scope, does });
            }
            ConfigurationSettings::ConsentType(settings) => self.consents.add(name.id, settings)?,
            ConfigurationSettings::IdentificationPoint(settings) => {
                let (point, does) = identification::compile(&name.id, settings)?;
                let scope = Scope::compile(&settings.when)?;
                self.points.push(point);
                self.of(&settings.when).mapping.push(Rule { name, scope, does });
            }
            ConfigurationSettings::Segment(settings) => self.segments.add(&name.id, settings)?,
            ConfigurationSettings::Merging(settings) => self.merging.push(identification::merging(settings)?),
        }
        Ok(())
    }

    fn of(&mut self, when: &tideline_model::rules::When) -> &mut Applicable {
        match &when.event_type {
            Some(r#type) => self.by_type.entry(r#type.clone()).or_default(),
            None => &mut self.general,
        }
    }

    /// The rules of one kind for this event: first those for all types.
    fn each<'a, T: 'a, K: Fn(&'a Applicable) -> &'a [Rule<T>]>(
        &'a self,
        event: &Event,
        kind: K,
    ) -> impl Iterator<Item = &'a Rule<T>> + use<'a, T, K> {
        let of_type = self.by_type.get(&event.r#type).map_or(&[][..], &kind);
        kind(&self.general).iter().chain(of_type)
    }

    /// Makes of an event, as it was sent, what is stored: without what must not be kept, marked if it is not what it should
    /// be, reshaped, and with the meaning of its type. What joins the properties of its session, if anything does.
    /// `profile` and `session` are those of before the event.
    pub(crate) fn prepare(
        &self,
        event: &mut Event,
        profile: Option<&Profile>,
        session: Option<&Session>,
        salt: Option<IdentitySalt>,
        trace: &mut Trace,
    ) -> Option<Properties> {
        for rule in self.each(event, |rules| &rules.compliance) {
            if rule.is_for(event, profile, session) {
                trace.around("compliance", Some(&rule.name), event, |event, _| {
                    rule.does.follow(event, profile, &self.consents, salt);
                });
            }
        }
        for rule in self.each(event, |rules| &rules.validation) {
            if rule.is_for(event, profile, session) {
                trace.around("validation", Some(&rule.name), event, |event, _| {
                    rule.does.follow(event, &rule.name)
                });
            }
        }
        if !event.metadata.valid {
            return None;
        }
        let mut reshaping = self.each(event, |rules| &rules.reshaping);
        let first = reshaping.find(|rule| rule.is_for(event, profile, session));
        let for_session = first.and_then(|rule| {
            trace.around("reshaping", Some(&rule.name), event, |event, troubles| {
                let view = View::of(event, profile, session);
                let reshaped = rule.does.follow(&view);
                match reshaped {
                    Ok(reshaped) => reshaped.replace(event),
                    Err(reason) => {
                        troubles.note(&rule.name, event, reason);
                        None
                    }
                }
            })
        });
        trace.around("event type", None, event, |event, _| event_types::copy(event));
        let custom = self.by_type.get(&event.r#type).and_then(|rules| rules.custom.as_ref());
        if let Some(rule) = custom {
            trace.around("event type", Some(&rule.name), event, |event, troubles| {
                rule.does.follow(event, &rule.name, troubles);
            });
        }
        for_session
    }

    /// Changes the profile as mappings say of the event, which is as it is stored.
    pub(crate) fn map(
        &self,
        profile: &mut Profile,
        event: &Event,
        session: Option<&Session>,
        trace: &mut Trace,
    ) {
        for rule in self.each(event, |rules| &rules.mapping) {
            if rule.is_for(event, Some(profile), session) {
                trace.around("mapping", Some(&rule.name), profile, |profile, troubles| {
                    rule.does.follow(profile, event, &rule.name, troubles);
                });
            }
        }
    }

    /// By what fields, together, people are known.
    pub(crate) fn points(&self) -> &[Point] {
        &self.points
    }

    /// What fields become when profiles are merged, where people say so.
    pub(crate) fn merging(&self) -> &[Line] {
        &self.merging
    }

    /// Who has something in common.
    pub(crate) fn segments(&self) -> &Segments {
        &self.segments
    }

    /// Whether there are segments at all.
    #[must_use]
    pub fn has_segments(&self) -> bool {
        !self.segments.is_empty()
    }

    /// Whether the profile belongs to other segments at this time than it says.
    #[must_use]
    pub fn move_profile(&self, profile: &Profile, now: Timestamp) -> bool {
        self.segments.differ(profile, now)
    }

    /// When a consent that is given at this time ends by itself, if it does.
    pub(crate) fn consent_ends(&self, id: &str, given: Timestamp) -> Option<Timestamp> {
        self.consents.end(id, given)
    }
}

impl<T> Rule<T> {
    fn is_for(&self, event: &Event, profile: Option<&Profile>, session: Option<&Session>) -> bool {
        self.scope.has(event, profile, session)
    }
}
