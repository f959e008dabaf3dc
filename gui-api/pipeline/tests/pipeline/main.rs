//! What requests become: rule by rule, and for what a real browser sent.

mod documents;
mod support;
mod visits;
