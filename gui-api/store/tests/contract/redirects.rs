//! Redirects.

use crate::backend::Backend;
use crate::fixtures::redirect;

pub(crate) async fn a_redirect_is_written_over_whatever_the_case_of_its_id(backend: &impl Backend) {
    let store = backend.open().await;
    assert_eq!(store.redirects().await.unwrap(), []);
    store.put_redirect(redirect("Autumn", "Mail")).await.unwrap();
    store.put_redirect(redirect("AUTUMN", "The mail")).await.unwrap();
    assert_eq!(store.redirects().await.unwrap(), [redirect("AUTUMN", "The mail")]);
}

pub(crate) async fn redirects_are_listed_by_id(backend: &impl Backend) {
    let store = backend.open().await;
    for id in ["web", "App", "kiosk"] {
        store.put_redirect(redirect(id, id)).await.unwrap();
    }
    let redirects = store.redirects().await.unwrap();
    let ids: Vec<_> = redirects.iter().map(|redirect| redirect.id.as_str()).collect();
    assert_eq!(ids, ["App", "kiosk", "web"]);
}

pub(crate) async fn a_redirect_is_removed_whatever_the_case_of_its_id_and_removing_it_again_does_nothing(
    backend: &impl Backend,
) {
    let store = backend.open().await;
    store.put_redirect(redirect("Autumn", "Mail")).await.unwrap();
    store.put_redirect(redirect("spring", "Mail")).await.unwrap();
    for _ in 0..2 {
        store.remove_redirect("autumn").await.unwrap();
        assert_eq!(store.redirects().await.unwrap(), [redirect("spring", "Mail")]);
    }
}
