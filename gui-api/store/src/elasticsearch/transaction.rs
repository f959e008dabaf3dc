//! Changes of several documents that are all done, or none, on a server that changes one at a time.
//!
//! ```text
//! 1  the transaction is written, `open`, with all that it is to change
//! 2  each document is locked: it names the transaction, and is else as it was
//! 3  the transaction becomes `committed`, in the one write that decides
//! 4  each document becomes what it is to be, and names no transaction any more; the transaction is deleted
//! ```
//! Who finds a locked document looks at its transaction: one that is committed they finish, one that is open they let
//! be for a moment and then make `aborted`, which the third step would not survive, and unlock what it has locked. Each
//! write names the version that it is over, so it does not matter who does what twice.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::bulk::{Over, Write, Written};
use super::client::Client;
use super::documents::{Found, Place};
use super::schema::Stored;
use crate::{StoreError, Version};

/// How long an open transaction is let be.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is looked at meanwhile.
const PAUSE: Duration = Duration::from_millis(25);
/// How often a place is read that is locked again and again.
const MOST_READS: usize = 20;

/// A document's change: what is there, and what is to be.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) place: Place,
    pub(super) now: Option<Found>,
    /// None to delete it.
    pub(super) then: Option<Stored>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Open,
    Committed,
    Aborted,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Transaction {
    status: Status,
    targets: Vec<Target>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Target {
    index: String,
    id: String,
    then: Option<Stored>,
}

/// Where transactions are.
pub(super) struct Transactions<'a> {
    pub(super) client: &'a Client,
    pub(super) index: String,
}

impl Transactions<'_> {
    /// Makes all of these changes; false, and none, when something else is at one of the places by now.
    /// `refresh` makes searches find them at once.
    pub(super) async fn commit(&self, changes: &[Change], refresh: bool) -> Result<bool, StoreError> {
        if changes.is_empty() {
            return Ok(true);
        }
        let name = Uuid::new_v4().simple().to_string();
        let target = |change: &Change| Target {
            index: change.place.index.clone(),
            id: change.place.id.clone(),
            then: change.then.clone(),
        };
        let mut transaction =
            Transaction { status: Status::Open, targets: changes.iter().map(target).collect() };
        let Written::As(version) = self.put(&name, &transaction, Over::Nothing).await? else {
            return Ok(false);
        };
        let lock = |change: &Change| {
            let now = change.now.as_ref();
            let locked = Stored {
                lock: Some(name.clone()),
                ..now.map(|found| found.stored.clone()).unwrap_or_default()
            };
            let over = now.map_or(Over::Nothing, |found| Over::This(found.version));
            write(&change.place, over, Some(&locked))
        };
        let locks = changes.iter().map(lock).collect::<Result<Vec<_>, _>>()?;
        let locked = self.client.bulk(&locks, false).await?;
        let versions: Option<Vec<Version>> = locked.iter().map(|written| written.version()).collect();
        let Some(versions) = versions else {
            self.resolve(&name, Duration::ZERO).await?;
            return Ok(false);
        };
        transaction.status = Status::Committed;
        if self.put(&name, &transaction, Over::This(version)).await? == Written::Conflict {
            return Ok(false);
        }
        let change = |(change, version): (&Change, Version)| {
            write(&change.place, Over::This(version), change.then.as_ref())
        };
        let writes = changes.iter().zip(versions).map(change).collect::<Result<Vec<_>, _>>()?;
        // What conflicts was finished by somebody who found it locked.
        self.client.bulk(&writes, refresh).await?;
        self.forget(&name).await?;
        Ok(true)
    }

    /// What is at these places, when none of it is locked.
    pub(super) async fn settled(&self, places: &[Place]) -> Result<Vec<Option<Found>>, StoreError> {
        let mut over = HashSet::new();
        for _ in 0..MOST_READS {
            let found = self.client.get(places).await?;
            let locks: BTreeSet<String> =
                found.iter().flatten().filter_map(|found| found.stored.lock.clone()).collect();
            if locks.is_empty() {
                return Ok(found);
            }
            for lock in locks {
                if over.contains(&lock) {
                    // A write that was under way for long has locked it after all was over.
                    self.unlock(&lock, places, &found).await?;
                } else if !self.resolve(&lock, PATIENCE).await? {
                    over.insert(lock);
                }
            }
        }
        Err(StoreError::Unavailable("documents are changed all the time: try again".to_owned()))
    }

    async fn unlock(&self, lock: &str, places: &[Place], found: &[Option<Found>]) -> Result<(), StoreError> {
        let mut writes = Vec::new();
        for (place, found) in places.iter().zip(found) {
            if let Some(found) = found.as_ref().filter(|found| found.stored.lock.as_deref() == Some(lock)) {
                writes.push(unlocked(place, found)?);
            }
        }
        self.client.bulk(&writes, false).await?;
        Ok(())
    }

    /// Finishes a transaction, or undoes it if it is open for longer; false if there is none.
    async fn resolve(&self, name: &str, patience: Duration) -> Result<bool, StoreError> {
        let begun = Instant::now();
        let place = self.place(name);
        loop {
            let found = self.client.get(std::slice::from_ref(&place)).await?.pop().flatten();
            let Some(found) = found else { return Ok(false) };
            let mut transaction = read(&found)?;
            match transaction.status {
                Status::Open if begun.elapsed() < patience => tokio::time::sleep(PAUSE).await,
                Status::Open => {
                    transaction.status = Status::Aborted;
                    // If somebody was faster, it is looked at again.
                    self.put(name, &transaction, Over::This(found.version)).await?;
                }
                Status::Committed | Status::Aborted => {
                    self.end(name, &transaction).await?;
                    return Ok(true);
                }
            }
        }
    }

    /// Changes or unlocks what the transaction has locked, and forgets it.
    async fn end(&self, name: &str, transaction: &Transaction) -> Result<(), StoreError> {
        let place = |target: &Target| Place { index: target.index.clone(), id: target.id.clone() };
        let places: Vec<Place> = transaction.targets.iter().map(place).collect();
        let mut writes = Vec::new();
        for ((target, place), found) in
            transaction.targets.iter().zip(&places).zip(self.client.get(&places).await?)
        {
            let Some(found) = found.filter(|found| found.stored.lock.as_deref() == Some(name)) else {
                continue;
            };
            writes.push(match transaction.status {
                Status::Committed => write(place, Over::This(found.version), target.then.as_ref())?,
                Status::Open | Status::Aborted => unlocked(place, &found)?,
            });
        }
        self.client.bulk(&writes, true).await?;
        self.forget(name).await
    }

    async fn put(&self, name: &str, transaction: &Transaction, over: Over) -> Result<Written, StoreError> {
        let stored = Stored::new(transaction, json!({}))?;
        let written = self.client.bulk(&[write(&self.place(name), over, Some(&stored))?], false).await?;
        Ok(written.into_iter().next().unwrap_or(Written::Conflict))
    }

    async fn forget(&self, name: &str) -> Result<(), StoreError> {
        self.client.bulk(&[write(&self.place(name), Over::Anything, None)?], false).await?;
        Ok(())
    }

    fn place(&self, name: &str) -> Place {
        Place { index: self.index.clone(), id: name.to_owned() }
    }
}

fn read(found: &Found) -> Result<Transaction, StoreError> {
    let document = found.stored.document.as_deref().unwrap_or_default();
    serde_json::from_str(document)
        .map_err(|error| StoreError::Unavailable(format!("a transaction cannot be read: {error}")))
}

/// The write that takes the lock away from a document, and the document if there was none before.
fn unlocked(place: &Place, found: &Found) -> Result<Write, StoreError> {
    let stored = Stored { lock: None, ..found.stored.clone() };
    write(place, Over::This(found.version), Some(&stored).filter(|stored| !stored.is_nothing()))
}

/// The write of a document.
pub(super) fn write(place: &Place, over: Over, stored: Option<&Stored>) -> Result<Write, StoreError> {
    let source = stored.map(serde_json::to_string).transpose();
    let source =
        source.map_err(|error| StoreError::Unavailable(format!("a document cannot be written: {error}")))?;
    Ok(Write { index: place.index.clone(), id: place.id.clone(), over, source })
}
