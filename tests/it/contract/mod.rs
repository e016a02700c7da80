//! What every source owes its callers, as one suite that each provider passes.
//!
//! To put a provider under contract, implement [`beds::Bed`] for a directory of its kind that the test
//! can change, and add one line to the list at the end of this file.

pub mod answer;
mod beds;
mod promises;

/// Makes the tests of one provider: each promise by name, against a bed of its own.
macro_rules! contract {
    ($($provider:ident => $bed:ty;)+) => {$(
        mod $provider {
            use super::promises;

            contract!(@promises $bed,
                a_listing_comes_in_bounded_pages_and_ends_once
                every_record_has_an_id_of_its_own_and_a_key
                two_listings_of_an_unchanged_directory_are_equal
                members_and_managers_meet_the_records_they_mean
                no_secret_gets_into_a_record
                nothing_changed_is_told_as_nothing
                a_new_person_is_told_and_nobody_else
                a_changed_person_is_told_and_nobody_else
                a_changed_membership_is_told_by_its_group_alone
                a_removal_is_never_passed_over
                a_cursor_of_another_kind_is_refused
                a_pull_that_is_dropped_leaves_nothing_running
                an_error_ends_the_stream_and_tells_no_secret
            );
        }
    )+};
    (@promises $bed:ty, $($promise:ident)+) => {$(
        #[tokio::test]
        async fn $promise() {
            promises::$promise::<$bed>().await;
        }
    )+};
}

contract! {
    active_directory => super::beds::active_directory::SambaBed;
    csv => super::beds::csv::CsvBed;
    csv_by_sftp => super::beds::csv_files::SftpBed;
    csv_in_a_bucket => super::beds::csv_files::BucketBed;
    ldap_with_content_synchronisation => super::beds::ldap::LdapBed<true>;
    ldap_by_modify_timestamp => super::beds::ldap::LdapBed<false>;
}
