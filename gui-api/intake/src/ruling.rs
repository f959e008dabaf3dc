//! What requests are processed by: the rules and event sources that the store has, a second ago at the most.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Cmd;
use serde_json::json;
use tideline_pipeline::{Rules, Settings, Trouble};
use tideline_protocol::Lanes;
use tideline_store::{Revision, Store, StoreError};

use crate::personal::Personal;

/// How long rules and sources are believed to be as they were.
const FRESH: Duration = Duration::from_secs(1);
/// How long it is known what a rule could not do, after the last time.
const KNOWN_SECONDS: u64 = 30 * 24 * 60 * 60;

/// What the installation decides, with the rules and sources of now.
pub(crate) struct Ruling {
    settings: Settings,
    personal: Personal,
    revision: Option<Revision>,
    looked: Option<Instant>,
}

impl Ruling {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, personal: Personal::default(), revision: None, looked: None }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn personal(&self) -> &Personal {
        &self.personal
    }

    /// Forgets when it looked, if somebody knows of later rules.
    pub(crate) fn must_know(&mut self, revision: Revision) {
        if self.revision.is_none_or(|known| known < revision) {
            self.looked = None;
        }
    }

    /// Reads the sources, and the rules if there are others, unless somebody looked a moment ago.
    pub(crate) async fn refresh(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        if self.looked.is_some_and(|looked| looked.elapsed() < FRESH) {
            return Ok(());
        }
        if self.revision != Some(store.configuration_revision().await?) {
            let configuration = store.configuration().await?;
            let (rules, problems) = Rules::compile(&configuration.objects);
            for (rule, problem) in &problems {
                tracing::warn!(kind = %rule.kind, id = rule.id, %problem, "a rule cannot work and is left out");
            }
            tracing::info!(objects = configuration.objects.len(), "following the rules of now");
            self.settings.rules = Arc::new(rules);
            self.revision = Some(configuration.revision);
        }
        let sources = store.sources().await?;
        self.settings.follow(&sources);
        self.personal = Personal::of(sources);
        self.looked = Some(Instant::now());
        Ok(())
    }
}

/// What people are told of rules that could not do their work.
pub(crate) fn tell(troubles: &[Trouble], lanes: &Lanes) -> Vec<Cmd> {
    if troubles.is_empty() {
        return Vec::new();
    }
    let mut of_rules: BTreeMap<_, (u64, &Trouble)> = BTreeMap::new();
    for trouble in troubles {
        let (count, last) = of_rules.entry(&trouble.rule).or_insert((0, trouble));
        (*count, *last) = (*count + 1, trouble);
    }
    let key = lanes.rule_failures();
    let told = of_rules.into_iter().flat_map(|(rule, (count, last))| {
        let mut add = redis::cmd("HINCRBY");
        add.arg(&key).arg(rule.to_string()).arg(count);
        let last = json!({"event": last.event, "at": last.at, "reason": last.reason});
        let mut tell = redis::cmd("HSET");
        tell.arg(&key).arg(format!("{rule}:last")).arg(last.to_string());
        [add, tell]
    });
    let mut commands: Vec<_> = told.collect();
    let mut expire = redis::cmd("EXPIRE");
    expire.arg(&key).arg(KNOWN_SECONDS);
    commands.push(expire);
    commands
}
