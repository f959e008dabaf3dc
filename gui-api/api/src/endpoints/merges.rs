//! Merges of a profile: which there were, and taking one back.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tideline_model::{MergeRecord, Profile};
use tideline_pipeline::{Rules, separate};
use tideline_store::{Batch, StoreError, Version, Versioned};
use utoipa::ToSchema;

use crate::error::{ApiError, Problem};
use crate::parameters::{Id, MergePath};
use crate::routes::Shared;

/// The merges of a profile.
#[derive(Serialize, ToSchema)]
pub(crate) struct MergeList {
    /// The latest first, fifty at the most.
    merges: Vec<MergeRecord>,
}

/// Two profiles that were one.
#[derive(Serialize, ToSchema)]
pub(crate) struct Separation {
    /// The profile that was left: without what came from the other, with what has come since.
    survivor: Profile,
    /// The other, as it was before.
    separated: Profile,
}

/// The merges that made a profile what it is: when, by what, and what both were before.
#[utoipa::path(
    get, path = "/api/v1/profiles/{id}/merges", operation_id = "merges", tag = "profiles",
    params(("id" = String, Path, description = "An id of the profile")),
    responses(
        (status = 200, description = "The merges", body = MergeList),
        (status = 401, description = "No token, or an unknown one", body = Problem),
        (status = 404, description = "No such profile", body = Problem),
        (status = 503, description = "The store does not answer", body = Problem),
    )
)]
pub(crate) async fn list(State(shared): State<Arc<Shared>>, Id(id): Id) -> Result<Json<MergeList>, ApiError> {
    let Some(profile) = shared.store.profile(&id).await? else {
        return Err(ApiError::NotFound { kind: "profile", id });
    };
    Ok(Json(MergeList { merges: shared.store.merges(&profile.id).await? }))
}

/// Takes a merge back. What has come since stays with the profile that was left, and its events too; the two are not merged
/// again by themselves.
#[utoipa::path(
    post, path = "/api/v1/profiles/{id}/merges/{merge}/undo", operation_id = "undo_merge", tag = "profiles",
    params(
        ("id" = String, Path, description = "An id of the profile"),
        ("merge" = String, Path, description = "The merge's id"),
    ),
    responses(
        (status = 200, description = "Both profiles as they are now", body = Separation),
        (status = 401, description = "No token, or an unknown one", body = Problem),
        (status = 404, description = "No such profile or merge", body = Problem),
        (status = 409, description = "The profile has changed in the meantime, or a later merge is to be taken back first", body = Problem),
        (status = 503, description = "The store or Redis does not answer", body = Problem),
    )
)]
pub(crate) async fn undo(
    State(shared): State<Arc<Shared>>,
    MergePath { profile: id, merge }: MergePath,
) -> Result<Json<Separation>, ApiError> {
    let store = &shared.store;
    let Some(Profile { id, .. }) = store.profile(&id).await? else {
        return Err(ApiError::NotFound { kind: "profile", id });
    };
    let merges = store.merges(&id).await?;
    let record = merges.iter().find(|record| record.id == merge).cloned();
    let record = record.ok_or(ApiError::NotFound { kind: "merge", id: merge })?;
    if let Some(later) = merges.iter().find(|later| went_into(&record, later)) {
        return Err(ApiError::MergedSince(later.id.clone()));
    }
    let now = store.states(&[], std::slice::from_ref(&id)).await?.profiles.remove(&id);
    let Some(Versioned { document: now, version }) = now else {
        return Err(ApiError::Outdated { kind: "profile", id });
    };
    let (rules, _) = Rules::compile(&store.configuration().await?.objects);
    let mut survivor = separate(&rules, &now, &record.survivor, &record.merged);
    let mut separated = record.merged;
    // What both have counted so far, neither counts again.
    separated.applied = separated.applied.united(&now.applied);
    let owners = store.owners(&separated.metadata.keys).await?;
    let is_free = |key: &String| {
        !survivor.metadata.keys.contains(key) && owners.get(key).is_none_or(|owner| *owner == survivor.id)
    };
    separated.metadata.keys.retain(is_free);
    keep_apart(&mut survivor, &separated.id);
    keep_apart(&mut separated, &survivor.id);
    // First those who would lead visitors from the one to the other.
    let forget = || shared.forget_aliases(&separated);
    forget().await?;
    let batch = Batch {
        profiles: vec![
            Versioned { document: survivor.clone(), version },
            Versioned { document: separated.clone(), version: Version::default() },
        ],
        separations: vec![record.id],
        ..Batch::default()
    };
    store.write(batch).await.map_err(|error| match error {
        StoreError::Conflict { .. } => ApiError::Outdated { kind: "profile", id },
        error => error.into(),
    })?;
    // A request that was under way may have made them again.
    forget().await?;
    Ok(Json(Separation { survivor, separated }))
}

/// Whether what the merge brought was in one of the two of a later merge already: what that one knows of both as they
/// were would bring it back, or count it twice.
fn went_into(merge: &MergeRecord, later: &MergeRecord) -> bool {
    let gone = &merge.merged.id;
    [&later.survivor, &later.merged].iter().any(|profile| profile.id != *gone && profile.ids.contains(gone))
}

fn keep_apart(profile: &mut Profile, other: &str) {
    if !profile.metadata.apart.iter().any(|known| known == other) {
        profile.metadata.apart.push(other.to_owned());
    }
}

impl Shared {
    /// Makes the ids of a profile stand for nobody else.
    async fn forget_aliases(&self, profile: &Profile) -> Result<(), ApiError> {
        let ids = std::iter::once(&profile.id).chain(&profile.ids);
        let mut commands = redis::pipe();
        for id in ids {
            commands.del(self.lanes.of_profile(id).alias(id)).ignore();
        }
        let asked = self.redis.ask(async |redis| commands.exec_async(redis).await).await;
        asked.map_err(|error| {
            tracing::warn!(%error, "aliases of a profile could not be removed");
            ApiError::NoRedis
        })
    }
}
