//! The endpoints, a file each: how a request becomes a submission, and its outcome an answer.

pub(crate) mod collect;
pub(crate) mod consent;
pub(crate) mod health;
pub(crate) mod redirect;
pub(crate) mod script;
pub(crate) mod track;
