//! Lists of profiles: order, pages, filters.

use jiff::ToSpan;
use serde_json::json;
use tideline_model::Profile;
use tideline_store::{Batch, MAX_PAGE, MAX_PAGE_BYTES, ProfileKey, ProfileQuery, Store, Versioned};

use crate::backend::Backend;
use crate::filtering::prepared;
use crate::fixtures::*;

/// A hundred profiles, two of which are always updated in the same microsecond.
fn hundred() -> Vec<Versioned<Profile>> {
    (0..100_i64)
        .map(|number| {
            let mut new = profile(&format!("profile-{:02}", number * 37 % 100));
            new.document.metadata.time.update = time(TIME) + (number / 2).seconds();
            new.document.ids.push(format!("former-{number}"));
            new.document.stats.views = number.unsigned_abs();
            new.document.traits.insert(
                "city".to_owned(),
                json!([Some("Oslo"), Some("Bergen"), None][(number % 3) as usize]),
            );
            new
        })
        .collect()
}

async fn write(store: &dyn Store, profiles: Vec<Versioned<Profile>>) {
    store.write(Batch { profiles, ..Batch::default() }).await.unwrap();
}

fn keys<'a>(profiles: impl IntoIterator<Item = &'a Profile>) -> Vec<ProfileKey> {
    profiles.into_iter().map(ProfileKey::of).collect()
}

/// Follows the pages to the end.
pub(crate) async fn all_pages(store: &dyn Store, filter: Option<&str>, limit: usize) -> Vec<ProfileKey> {
    let mut query = ProfileQuery { r#where: filter.and_then(prepared), after: None, limit };
    let mut found = Vec::new();
    loop {
        let page = store.profiles(query.clone()).await.unwrap();
        assert!(page.profiles.len() <= limit);
        found.extend(keys(&page.profiles));
        match page.next {
            Some(next) => query.after = Some(next),
            None => return found,
        }
    }
}

pub(crate) async fn the_latest_updated_come_first_and_pages_join(backend: &impl Backend) {
    let store = backend.open().await;
    assert_eq!(all_pages(store.as_ref(), None, 10).await, []);
    let written = hundred();
    write(store.as_ref(), written.clone()).await;
    let mut expected = keys(written.iter().map(|new| &new.document));
    expected.sort_by(|one, other| other.cmp(one));
    for limit in [1, 7, 50, 100, MAX_PAGE] {
        assert_eq!(all_pages(store.as_ref(), None, limit).await, expected);
    }
    let page = store.profiles(ProfileQuery { limit: 100, ..ProfileQuery::default() }).await.unwrap();
    assert_eq!((page.profiles.len(), page.next), (100, None), "a page that ends with the list is the last");
    assert!(written.iter().any(|new| new.document == page.profiles[0]));
}

pub(crate) async fn a_profile_that_is_updated_moves_to_the_front(backend: &impl Backend) {
    let store = backend.open().await;
    write(store.as_ref(), hundred()).await;
    let mut known = stored_profile(store.as_ref(), "profile-00").await;
    known.document.metadata.time.update = time(TIME) + 1.hours();
    write(store.as_ref(), vec![known]).await;
    let page = store.profiles(ProfileQuery { limit: MAX_PAGE, ..ProfileQuery::default() }).await.unwrap();
    assert_eq!(page.profiles[0].id, "profile-00");
    assert_eq!(page.profiles.len(), 100);
}

pub(crate) async fn a_filter_finds_the_profiles_that_it_matches(backend: &impl Backend) {
    let store = backend.open().await;
    let written = hundred();
    write(store.as_ref(), written.clone()).await;
    type Wanted = fn(&Profile) -> bool;
    let table: [(&str, Wanted); 9] = [
        ("id = \"profile-37\"", |profile| profile.id == "profile-37"),
        ("ids = \"former-5\"", |profile| profile.ids.iter().any(|id| id == "former-5")),
        ("ids IN (\"former-5\", \"profile-00\", \"none\")", |profile| {
            profile.ids.iter().any(|id| ["former-5", "profile-00"].contains(&id.as_str()))
        }),
        ("id = \"former-5\"", |_| false),
        ("traits.city = \"Oslo\" AND stats.views > 50", |profile| {
            profile.traits["city"] == "Oslo" && profile.stats.views > 50
        }),
        ("traits.city IS NULL", |profile| profile.traits["city"].is_null()),
        ("metadata.time.update > now+40s", |profile| {
            profile.metadata.time.update > time(TIME) + 40.seconds()
        }),
        ("metadata.time.update BETWEEN now+10s AND now+20s AND NOT stats.views = 21", |profile| {
            (20..42).contains(&profile.stats.views) && profile.stats.views != 21
        }),
        ("consents.ads EXISTS AND active = TRUE", |_| true),
    ];
    for (filter, wanted) in table {
        let mut expected = keys(written.iter().map(|new| &new.document).filter(|profile| wanted(profile)));
        expected.sort_by(|one, other| other.cmp(one));
        for limit in [MAX_PAGE, 3] {
            assert_eq!(all_pages(store.as_ref(), Some(filter), limit).await, expected, "{filter}");
        }
    }
}

pub(crate) async fn pages_of_large_profiles_are_short_and_join(backend: &impl Backend) {
    let store = backend.open().await;
    let large = |number: usize| {
        let mut new = profile(&format!("profile-{number}"));
        new.document.traits.insert("large".to_owned(), json!("x".repeat(MAX_PAGE_BYTES / 3)));
        new
    };
    write(store.as_ref(), (0..8).map(large).collect()).await;
    for filter in [None, Some("active = TRUE")] {
        assert_eq!(all_pages(store.as_ref(), filter, MAX_PAGE).await.len(), 8);
    }
    let page = store.profiles(ProfileQuery { limit: MAX_PAGE, ..ProfileQuery::default() }).await.unwrap();
    assert_eq!(page.profiles.len(), 3);
}
