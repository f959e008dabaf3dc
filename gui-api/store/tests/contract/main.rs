//! What every store promises, as one suite that runs against each back-end.
//!
//! The tests are functions over a [`Backend`]; the table below runs them for all back-ends. What only
//! one back-end promises, such as files that survive a kill, stands in a module of its own.

mod backend;
mod configuration;
mod embedded;
mod filtering;
mod fixtures;
mod hostile;
mod identity;
mod listing;
mod parallel;
mod profiles;
mod redirects;
mod silence;
mod sources;
mod states;
mod writing;

/// Runs each test against each back-end.
macro_rules! contract {
    ($($module:ident: $($test:ident),+;)+) => {
        mod on_embedded {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    crate::$module::$test(&crate::backend::Embedded::new()).await;
                }
            )+)+
        }

        mod on_search_server {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                #[ignore = "needs a search server: cargo xtask test --only stores"]
                async fn $test() {
                    let backend = crate::backend::SearchServer::new();
                    crate::$module::$test(&backend).await;
                    backend.remove().await;
                }
            )+)+
        }
    };
}

contract! {
    writing:
        a_written_batch_is_read_back_whole,
        what_is_not_there_is_none,
        writing_a_batch_again_changes_nothing,
        an_event_of_another_origin_conflicts_and_stays_as_it_was,
        an_event_twice_in_a_batch_is_stored_once,
        a_batch_of_which_only_the_events_were_written_is_completed,
        an_event_is_known_in_whatever_month_it_is,
        an_empty_batch_is_written;
    states:
        an_outdated_session_conflicts_and_stays_as_it_was,
        an_outdated_profile_conflicts_and_stays_as_it_was,
        a_new_document_conflicts_with_one_that_is_there,
        an_update_of_nothing_conflicts,
        each_writing_makes_another_version,
        a_session_of_nobody_is_read_back,
        a_profile_is_found_by_any_of_its_ids;
    silence:
        the_longest_silent_come_first_and_pages_join,
        a_session_that_goes_on_or_whose_visit_ends_is_not_silent;
    listing:
        filters_match_exactly_and_together,
        an_event_of_nobody_and_without_session_is_listed_and_matches_no_id,
        pages_join_without_gap_or_repetition,
        events_of_one_microsecond_are_ordered_by_id,
        a_page_that_ends_with_the_list_is_the_last,
        times_bound_the_list_from_and_before,
        a_page_is_never_longer_than_the_most,
        pages_of_large_events_are_short_and_join,
        an_event_larger_than_a_page_is_a_page;
    filtering:
        a_filter_finds_what_it_matches_in_memory_on_pages_of_any_length,
        a_filter_goes_together_with_ids_and_times,
        an_event_that_cannot_match_a_filter_is_not_found_by_its_id;
    profiles:
        the_latest_updated_come_first_and_pages_join,
        a_profile_that_is_updated_moves_to_the_front,
        a_filter_finds_the_profiles_that_it_matches,
        pages_of_large_profiles_are_short_and_join;
    hostile:
        any_properties_are_read_back_as_written,
        any_ids_are_found,
        ids_that_end_alike_stay_apart,
        absurd_times_are_kept_and_listed;
    sources:
        a_source_is_written_over_whatever_the_case_of_its_id,
        sources_are_listed_by_id;
    redirects:
        a_redirect_is_written_over_whatever_the_case_of_its_id,
        redirects_are_listed_by_id,
        a_redirect_is_removed_whatever_the_case_of_its_id_and_removing_it_again_does_nothing;
    identity:
        a_key_is_one_profiles_until_it_gives_it_up,
        two_profiles_exchange_their_keys_in_one_batch,
        a_merged_profile_is_found_in_its_survivor,
        a_merge_of_what_has_changed_since_conflicts_and_changes_nothing,
        merges_follow_their_survivor_into_another_and_back,
        what_was_merged_is_separated_again;
    configuration:
        objects_are_listed_by_kind_and_id,
        a_change_is_made_from_the_version_that_is_there,
        every_change_makes_another_revision_and_no_other_does,
        the_latest_versions_stay_readable_also_of_what_was_removed;
    parallel:
        parallel_writers_lose_no_increment,
        one_of_two_new_profiles_wins,
        what_was_written_is_found_after_reopening;
}
