//! Sentences for what goes wrong below: which file, what happened, what to do.

use std::io;
use std::path::Path;

use tantivy::TantivyError;
use tantivy::directory::error::{OpenReadError, OpenWriteError};

use crate::StoreError;

/// What to do about a failed call of the system.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "make room on the disk; the store goes on by itself"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "let the service's user read and write the directory"
        }
        _ => "check the disk and the service's limits; the store tries again by itself",
    }
}

/// A failed call of the system on `path`.
pub(super) fn io(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("cannot use `{}`: {error}: {}", path.display(), advice(error)))
}

/// A failure of the events' index in `path`.
pub(super) fn index(path: &Path, error: &TantivyError) -> StoreError {
    let cause = match error {
        TantivyError::IoError(cause)
        | TantivyError::OpenReadError(OpenReadError::IoError { io_error: cause, .. })
        | TantivyError::OpenWriteError(OpenWriteError::IoError { io_error: cause, .. }) => Some(cause),
        _ => None,
    };
    match cause {
        Some(cause) => io(path, cause),
        None => StoreError::Unavailable(format!(
            "cannot use `{}`: {error}: check that the disk is sound and has room; \
             if this stays, restore the directory from a backup",
            path.display()
        )),
    }
}

/// A failure of SQLite on the file `path`.
pub(super) fn sqlite(path: &Path, error: &rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode;
    let advice = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => {
            "make room on the disk; the store goes on by itself"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process holds the database for too long: end it, or try again"
        }
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "let the service's user read and write the directory"
        }
        _ => "if this stays, restore the file from a backup",
    };
    StoreError::Unavailable(format!("cannot use `{}`: {error}: {advice}", path.display()))
}
