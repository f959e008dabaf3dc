//! Event sources, redirects and configuration objects: few, and found by searches as soon as they are written.

use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tideline_model::{ConfigurationKind, ConfigurationObject};

use super::bulk::{Over, Written};
use super::documents::{Found, Place};
use super::schema::{Index, Stored, keyword, server_id};
use super::transaction::{Change, write};
use super::{ElasticsearchStore, conflict, read};
use crate::{Configuration, MAX_VERSIONS, Revision, StoreError};

/// How many are read at once.
const AT_ONCE: usize = 1000;
/// Of how many removed and outdated versions of an object one change forgets.
const MOST_FORGOTTEN: usize = 50;
/// How often a change is tried again when another object was changed in the same moment.
const MOST_TRIES: usize = 20;

impl ElasticsearchStore {
    /// All of this kind, by id. `what` they are called in errors.
    pub(super) async fn settings<T: DeserializeOwned>(
        &self,
        kind: &str,
        what: &'static str,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        let mut after: Option<Value> = None;
        loop {
            let mut query = json!({
                "size": AT_ONCE, "query": {"bool": {"filter": [{"term": {"kind": kind}}]}},
                "sort": [{"order": "asc"}], "_source": false, "track_total_hits": false,
            });
            if let Some(after) = &after {
                query["search_after"] = json!([after]);
            }
            let hits = self.search(Method::POST, &self.names.of(Index::Settings), &query).await?;
            let places: Vec<Place> = hits.iter().map(super::Hit::place).collect();
            for (place, found) in places.iter().zip(self.transactions().settled(&places).await?) {
                let document = found.map(|found| read(what, &place.id, &found.stored)).transpose()?;
                all.extend(document.flatten());
            }
            after = hits.last().and_then(|hit| hit.sort.first().cloned());
            if hits.len() < AT_ONCE {
                return Ok(all);
            }
        }
    }

    /// Writes a source or redirect over the one of the same id, whatever its case.
    pub(super) async fn put_setting<T: Serialize>(
        &self,
        kind: &str,
        id: &str,
        setting: &T,
    ) -> Result<(), StoreError> {
        let id = id.to_lowercase();
        let stored = Stored::new(setting, json!({"kind": kind, "order": keyword(&id)}))?;
        let writes = [write(&self.setting_at(kind, &id), Over::Anything, Some(&stored))?];
        self.client.bulk(&writes, true).await.map(drop)
    }

    pub(super) async fn remove_setting(&self, kind: &str, id: &str) -> Result<(), StoreError> {
        let writes = [write(&self.setting_at(kind, &id.to_lowercase()), Over::Anything, None)?];
        self.client.bulk(&writes, true).await.map(drop)
    }

    pub(super) async fn read_configuration(&self) -> Result<Configuration, StoreError> {
        // Read before the objects: what is written in between makes them newer, and they are read again.
        let revision = self.read_revision().await?;
        Ok(Configuration { revision, objects: self.settings("object", "configuration object").await? })
    }

    pub(super) async fn read_revision(&self) -> Result<Revision, StoreError> {
        let found = self.transactions().settled(&[self.revision_at()]).await?.pop().flatten();
        Ok(revision(found.as_ref()))
    }

    pub(super) async fn put_object(&self, object: &ConfigurationObject) -> Result<(), StoreError> {
        let (kind, id) = (object.settings.kind(), object.id.as_str());
        if object.version == 0 {
            return Err(conflict(kind.name(), id));
        }
        let order = keyword(&format!("{} {id}", kind.name()));
        let stored = Stored::new(object, json!({"kind": "object", "order": order}))?;
        self.change(kind, id, object.version - 1, Some(&stored)).await
    }

    pub(super) async fn remove_object(
        &self,
        kind: ConfigurationKind,
        id: &str,
        version: u64,
    ) -> Result<(), StoreError> {
        if version == 0 {
            return Err(conflict(kind.name(), id));
        }
        self.change(kind, id, version, None).await
    }

    /// Puts an object in the place of its version `before`, which is 0 for none.
    async fn change(
        &self,
        kind: ConfigurationKind,
        id: &str,
        before: u64,
        then: Option<&Stored>,
    ) -> Result<(), StoreError> {
        let place = self.setting_at("object", &format!("{} {id}", kind.name()));
        for _ in 0..MOST_TRIES {
            let places = [place.clone(), self.revision_at()];
            let mut found = self.transactions().settled(&places).await?.into_iter();
            let (now, known) = (found.next().flatten(), found.next().flatten());
            let there = now.as_ref().map(|found| read::<ConfigurationObject>(kind.name(), id, &found.stored));
            let there = there.transpose()?.flatten().map_or(0, |object| object.version);
            if there != before {
                return Err(conflict(kind.name(), id));
            }
            let next = revision(known.as_ref()).0 + 1;
            let counted = Stored {
                fields: serde_json::Map::from_iter([("change".to_owned(), next.into())]),
                document: Some(next.to_string()),
                ..Stored::default()
            };
            let mut changes = vec![
                Change { place: place.clone(), now, then: then.cloned() },
                Change { place: self.revision_at(), now: known, then: Some(counted) },
            ];
            if let Some(then) = then {
                let mut kept = then.clone();
                kept.fields.insert("kind".to_owned(), "version".into());
                kept.fields.insert("of".to_owned(), keyword(&format!("{} {id}", kind.name())).into());
                kept.fields.insert("change".to_owned(), next.into());
                let at = self.setting_at("version", &next.to_string());
                changes.push(Change { place: at, now: None, then: Some(kept) });
            }
            if self.transactions().commit(&changes, true).await? {
                return self.forget_versions(kind, id).await;
            }
        }
        Err(StoreError::Unavailable("the configuration is changed all the time: try again".to_owned()))
    }

    pub(super) async fn object_versions(
        &self,
        kind: ConfigurationKind,
        id: &str,
    ) -> Result<Vec<ConfigurationObject>, StoreError> {
        let places = self.version_places(kind, id, 0, MAX_VERSIONS).await?;
        let mut versions = Vec::new();
        for found in self.transactions().settled(&places).await?.into_iter().flatten() {
            versions.extend(read("configuration object", id, &found.stored)?);
        }
        Ok(versions)
    }

    /// Only so many versions of an object are kept.
    async fn forget_versions(&self, kind: ConfigurationKind, id: &str) -> Result<(), StoreError> {
        let old = self.version_places(kind, id, MAX_VERSIONS, MOST_FORGOTTEN).await?;
        let writes =
            old.iter().map(|place| write(place, Over::Anything, None)).collect::<Result<Vec<_>, _>>()?;
        let written: Vec<Written> = self.client.bulk(&writes, true).await?;
        drop(written);
        Ok(())
    }

    /// Where the versions of an object are, the newest first.
    async fn version_places(
        &self,
        kind: ConfigurationKind,
        id: &str,
        from: usize,
        most: usize,
    ) -> Result<Vec<Place>, StoreError> {
        let of = keyword(&format!("{} {id}", kind.name()));
        let query = json!({
            "from": from, "size": most, "sort": [{"change": "desc"}], "_source": false, "track_total_hits": false,
            "query": {"bool": {"filter": [{"term": {"kind": "version"}}, {"term": {"of": of}}]}},
        });
        let hits = self.search(Method::POST, &self.names.of(Index::Settings), &query).await?;
        Ok(hits.iter().map(super::Hit::place).collect())
    }

    fn setting_at(&self, kind: &str, id: &str) -> Place {
        Place { index: self.names.of(Index::Settings), id: server_id(&format!("{kind} {id}")) }
    }

    fn revision_at(&self) -> Place {
        Place { index: self.names.of(Index::Settings), id: "revision".to_owned() }
    }
}

/// The revision; 0 where nothing was ever changed.
fn revision(found: Option<&Found>) -> Revision {
    Revision(found.and_then(|found| found.stored.document.as_deref()?.parse().ok()).unwrap_or_default())
}
