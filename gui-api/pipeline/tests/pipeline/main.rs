//! What requests become: rule by rule, and for what a real browser sent.

mod consents;
mod documents;
mod event_types;
mod hostile;
mod identity;
mod keeping;
mod reminders;
mod rules;
mod scenarios;
mod support;
mod visits;
