//! The directory for compiled code, so that a start need not compile what an earlier one did.
//!
//! The files are wasmtime's: named by a hash of the component, the engine's settings and its version, so
//! that code of another component, setting or version is never found; what cannot be read or unpacked is
//! compiled anew. But compiled code is run as it is, so whoever can write to the directory can run code
//! as this process. It is used only if it and all that is in it belong to this user alone.

use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use wasmtime::{Cache, CacheConfig};

use crate::Error;

/// What group and others may do with the directory: nothing.
const OTHERS: u32 = 0o077;

/// Who may write, of all users, and the bit that keeps them from renaming what is not theirs.
const WRITABLE_BY_ALL: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// The cache in `directory`, which is made if it is missing; `None` if it cannot be trusted.
pub(crate) fn open(directory: &Path) -> Result<Option<Cache>, Error> {
    let refuse = |reason: String| Error::CacheDirectory { path: directory.to_owned(), reason };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .and_then(|()| directory.canonicalize())
        .and_then(|directory| Ok((distrust(&directory)?, directory)))
        .map_err(|error| refuse(error.to_string()))
        .and_then(|(distrust, directory)| match distrust {
            Some(reason) => {
                tracing::warn!(
                    ?directory,
                    reason,
                    "compiled code is neither taken from this directory nor kept in it; it must belong to this user alone (chmod 700), and so must all that is in it"
                );
                Ok(None)
            }
            None => {
                let mut config = CacheConfig::new();
                config.with_directory(directory);
                Cache::new(config).map(Some).map_err(|error| refuse(format!("{error:#}")))
            }
        })
}

/// Why somebody else may have written, or may still write, what is in the directory.
fn distrust(directory: &Path) -> io::Result<Option<String>> {
    let user = rustix::process::geteuid().as_raw();
    let own = fs::metadata(directory)?;
    if own.uid() != user || own.mode() & OTHERS != 0 {
        return Ok(Some(format!("its owner is {} and its mode {:o}", own.uid(), own.mode() & 0o7777)));
    }
    for above in directory.ancestors().skip(1) {
        let mode = fs::metadata(above)?.mode();
        if mode & WRITABLE_BY_ALL != 0 && mode & STICKY == 0 {
            return Ok(Some(format!("everybody can replace what is in {}", above.display())));
        }
    }
    stranger(directory, user).map(|found| found.map(|path| format!("{} is not this user's", path.display())))
}

/// Something under `directory` that is not this user's, or that leads out of it.
fn stranger(directory: &Path, user: u32) -> io::Result<Option<PathBuf>> {
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            // A file that is gone meanwhile was another process's, which keeps the directory in order.
            let about: Metadata = match entry.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                about => about?,
            };
            if about.uid() != user || about.is_symlink() {
                return Ok(Some(entry.path()));
            }
            if about.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn trusted(directory: &Path) -> bool {
        distrust(directory).unwrap().is_none()
    }

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_directory_is_trusted_only_while_nobody_else_can_write_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("cache");
        assert!(open(&directory).unwrap().is_some(), "a directory that the host makes is its own");
        for mode in [0o777, 0o770, 0o720, 0o702, 0o755] {
            chmod(&directory, mode);
            assert!(!trusted(&directory), "{mode:o}");
        }
        chmod(&directory, 0o700);
        assert!(trusted(&directory));
    }

    #[test]
    fn a_directory_that_everybody_can_replace_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("cache");
        open(&directory).unwrap();
        chmod(folder.path(), 0o777);
        assert!(!trusted(&directory));
        chmod(folder.path(), 0o1777);
        assert!(trusted(&directory));
    }

    #[test]
    fn a_directory_with_a_way_out_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("cache");
        open(&directory).unwrap();
        fs::create_dir(directory.join("modules")).unwrap();
        fs::write(directory.join("modules/code"), "").unwrap();
        assert!(trusted(&directory));
        symlink("/tmp", directory.join("modules/elsewhere")).unwrap();
        assert!(!trusted(&directory));
    }
}
