//! Documents by id, as they are this moment: the server reads them from its log, not from its search index.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::bulk::version;
use super::client::{Body, Client};
use super::schema::Stored;
use crate::{StoreError, Version};

/// How many documents are read in one request.
const AT_ONCE: usize = 500;

/// A document's place: index and id on the server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) index: String,
    pub(super) id: String,
}

/// A document that is there.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) stored: Stored,
    pub(super) version: Version,
}

#[derive(Deserialize)]
struct Reply {
    docs: Vec<Document>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    found: bool,
    #[serde(rename = "_seq_no", default)]
    sequence: u64,
    #[serde(rename = "_primary_term", default)]
    term: u64,
    #[serde(rename = "_source")]
    source: Option<Stored>,
    error: Option<serde_json::Value>,
}

impl Client {
    /// What is at these places, one for each.
    pub(super) async fn get(&self, places: &[Place]) -> Result<Vec<Option<Found>>, StoreError> {
        let mut all = Vec::with_capacity(places.len());
        for some in places.chunks(AT_ONCE) {
            let wanted: Vec<_> =
                some.iter().map(|place| json!({"_index": place.index, "_id": place.id})).collect();
            let body = Body::Json(json!({"docs": wanted}).to_string());
            let reply: Reply = self.send(Method::POST, "/_mget", body).await?.read()?;
            if reply.docs.len() != some.len() {
                return Err(StoreError::Unavailable("the search server tells of other documents".to_owned()));
            }
            for document in reply.docs {
                if let Some(error) = document.error {
                    let reason = error.get("reason").unwrap_or(&error);
                    return Err(StoreError::Unavailable(format!("the search server cannot read: {reason}")));
                }
                let version = version(document.sequence, document.term);
                all.push(document.source.filter(|_| document.found).map(|stored| Found { stored, version }));
            }
        }
        Ok(all)
    }
}
