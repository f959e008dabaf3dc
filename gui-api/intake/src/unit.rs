//! A unit of work: entries that are applied in order to what the store has, and written at once.

use std::mem;

use redis::RedisError;
use tideline_pipeline::{Settings, Trouble};
use tideline_store::{Batch, Store, StoreError};

use crate::aliases::{Adoption, Aliases};
use crate::entry::{Content, Entry};
use crate::known::Known;
use crate::repeats::{Mark, Repeats};

/// What became of an entry's events, for the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) stored: u32,
    pub(crate) duplicates: u32,
    pub(crate) dead: u32,
    /// They count, and were not to be stored.
    pub(crate) passed: u32,
    /// Why it goes to the dead letters, if it does.
    pub(crate) reason: Option<String>,
    /// By what the same request is to be known, if another entry brings it soon.
    pub(crate) mark: Option<Mark>,
}

/// Entries, opened.
pub(crate) struct Unit {
    pub(crate) entries: Vec<Entry>,
    /// One for each entry.
    contents: Vec<Content>,
}

/// A unit, applied and not yet written.
pub(crate) struct Applied {
    pub(crate) batch: Batch,
    /// One for each entry, in their order.
    pub(crate) verdicts: Vec<Verdict>,
    /// Sessions that the edge is to know under another profile.
    pub(crate) adoptions: Vec<Adoption>,
    /// Ids that stand for other profiles, as everybody is to know.
    pub(crate) moved: Vec<(String, String)>,
    /// Rules that could not do their work.
    pub(crate) troubles: Vec<Trouble>,
}

/// Why a unit could not be applied, or written, now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Redis(#[from] RedisError),
}

impl Unit {
    pub(crate) fn open(mut entries: Vec<Entry>, settings: &Settings) -> Self {
        let contents = entries.iter_mut().map(|entry| entry.open(settings)).collect();
        Self { entries, contents }
    }

    /// Whether it is of one entry.
    pub(crate) fn is_single(&self) -> bool {
        self.entries.len() == 1
    }

    /// A unit for each entry.
    pub(crate) fn apart(self) -> impl Iterator<Item = Self> {
        let entries = self.entries.into_iter().zip(self.contents);
        entries.map(|(entry, content)| Self { entries: vec![entry], contents: vec![content] })
    }

    /// The verdicts that all entries go to the dead letters.
    pub(crate) fn bury(&self, reason: &str) -> Vec<Verdict> {
        self.entries.iter().map(|entry| entry.bury(reason.to_owned())).collect()
    }

    /// The entry that may have ended the service: it is alone in its unit.
    pub(crate) fn suspect(&self) -> Option<&Entry> {
        match self.entries.as_slice() {
            [suspect] if suspect.is_suspect() => Some(suspect),
            _ => None,
        }
    }

    /// Applies the entries to what the store has now. `again` says that somebody has written something else in between when
    /// it was tried before.
    pub(crate) async fn apply(
        &self,
        store: &dyn Store,
        aliases: &mut Aliases<'_>,
        settings: &Settings,
        again: bool,
    ) -> Result<Applied, WriteError> {
        let (mut requests, mut reminders, mut rechecks) = (Vec::new(), Vec::new(), Vec::new());
        for content in &self.contents {
            match content {
                Content::Request(request) => requests.push(request.as_ref()),
                Content::Reminder(reminder) => reminders.push(reminder.as_ref()),
                Content::Recheck(recheck) => rechecks.push(recheck.profile()),
                Content::Unprocessable(_) | Content::Deleted => {}
            }
        }
        let mut known = Known::load(store, aliases, &requests, &reminders, &rechecks, again).await?;
        let with_entries = self.entries.iter().zip(&self.contents);
        known.repeats = Repeats::load(
            aliases.link,
            with_entries.filter_map(|(entry, content)| match content {
                Content::Request(request) => Some((&entry.lane, request.fingerprint()?)),
                _ => None,
            }),
        )
        .await?;
        let mut adoptions = Vec::new();
        let mut verdicts = Vec::with_capacity(self.entries.len());
        for (entry, content) in self.entries.iter().zip(&self.contents) {
            verdicts.push(match content {
                Content::Request(request) => {
                    let applied = known.apply(entry, request, settings);
                    if let Some((identification, profile)) = applied.says {
                        known.identify(store, request, identification, profile).await?;
                    }
                    adoptions.extend(known.adoption(entry, request, applied.of_session));
                    applied.verdict
                }
                Content::Reminder(reminder) => known.remind(reminder),
                Content::Recheck(recheck) => known.recheck(recheck),
                Content::Unprocessable(reason) => entry.bury(reason.clone()),
                Content::Deleted => Verdict::default(),
            });
        }
        let (troubles, moved) = (mem::take(&mut known.troubles), mem::take(&mut known.moved));
        Ok(Applied { batch: known.into_batch(), verdicts, adoptions, moved, troubles })
    }
}

impl Entry {
    /// The verdict that it goes to the dead letters.
    pub(crate) fn bury(&self, reason: String) -> Verdict {
        Verdict { dead: self.account.events, reason: Some(reason), ..Verdict::default() }
    }
}
