//! Key files: 0600 in a folder of 0700, or the program does not start.

use super::seal::{Kek, KekRing, random_key};
use crate::error::{Error, Result};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Where the keys of the server are.
#[derive(Clone, Debug)]
pub struct KeyFiles {
    /// Folder of the files `kek` and `task-signing-key`.
    pub dir: PathBuf,
    /// The KEK in 64 hex digits, in place of its file.
    pub kek: Option<String>,
    /// The KEK before it, while secrets are sealed anew.
    pub previous_kek: Option<String>,
}

impl KeyFiles {
    pub(super) fn kek_ring(&self) -> Result<KekRing> {
        let active = match &self.kek {
            Some(text) => kek_from_hex(text, "CERTYARD_KEK")?,
            None => {
                let path = self.dir.join("kek");
                let text = read_or_create_secret(&path, || Ok(hex::encode(random_key()?.as_slice())))?;
                kek_from_hex(&text, &path.display().to_string())?
            }
        };
        let previous = match &self.previous_kek {
            Some(text) => Some(kek_from_hex(text, "CERTYARD_KEK_PREVIOUS")?),
            None => None,
        };
        Ok(KekRing::new(active, previous))
    }
}

fn kek_from_hex(text: &str, source: &str) -> Result<Kek> {
    let bytes = Zeroizing::new(hex::decode(text.trim()).map_err(|_| {
        Error::refused(
            "broken_kek",
            format!("the key encryption key in {source} is not 64 hex digits: restore it from your backup"),
        )
    })?);
    Kek::new(&bytes)
}

/// Makes a folder that only its owner may enter, or checks that it is one.
///
/// # Errors
/// [`Error::Refused`] that tells the command which mends the mode.
pub fn create_private_dir(path: &Path) -> Result<()> {
    match fs::metadata(path) {
        Ok(found) => check_mode(path, found.mode(), 0o700),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| {
                Error::refused(
                    "data_folder",
                    format!("the folder {} cannot be made: {error}", path.display()),
                )
            }),
        Err(error) => Err(Error::refused(
            "data_folder",
            format!("the folder {} cannot be read: {error}", path.display()),
        )),
    }
}

/// Reads a secret from a file of mode 0600, or makes it. Of several processes that start at once one makes it.
///
/// # Errors
/// [`Error::Refused`] when others may read the file, or it cannot be read or written.
pub fn read_or_create_secret(path: &Path, make: impl FnOnce() -> Result<String>) -> Result<Zeroizing<String>> {
    if let Some(dir) = path.parent() {
        create_private_dir(dir)?;
    }
    let refuse =
        |error: std::io::Error| Error::refused("key_file", format!("the key file {}: {error}", path.display()));
    if !path.exists() {
        let secret = Zeroizing::new(make()?);
        let draft = path.with_extension(format!("draft-{}", std::process::id()));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)
            .map_err(refuse)?;
        file.write_all(secret.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(refuse)?;
        // A hard link fails when another process was first, where a rename would replace its key.
        let linked = fs::hard_link(&draft, path);
        fs::remove_file(&draft).map_err(refuse)?;
        match linked {
            Ok(()) => {
                if let Some(dir) = path.parent() {
                    fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(refuse)?;
                }
                return Ok(secret);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(refuse(error)),
        }
    }
    check_mode(path, fs::metadata(path).map_err(refuse)?.mode(), 0o600)?;
    Ok(Zeroizing::new(fs::read_to_string(path).map_err(refuse)?))
}

fn check_mode(path: &Path, mode: u32, allowed: u32) -> Result<()> {
    if mode & 0o777 & !allowed == 0 {
        return Ok(());
    }
    Err(Error::refused(
        "file_mode",
        format!(
            "{} has mode {:04o}, so that others on this machine can read secrets: run `chmod {allowed:04o} {}`",
            path.display(),
            mode & 0o7777,
            path.display()
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_made_once_and_a_readable_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys").join("kek");
        let first = read_or_create_secret(&path, || Ok("one".into())).unwrap();
        let second = read_or_create_secret(&path, || Ok("two".into())).unwrap();
        assert_eq!((first.as_str(), second.as_str()), ("one", "one"));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = read_or_create_secret(&path, || Ok("three".into()))
            .unwrap_err()
            .to_string();
        assert!(error.contains("chmod 0600"), "{error}");
    }

    #[test]
    fn a_folder_that_others_may_enter_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let error = create_private_dir(dir.path()).unwrap_err().to_string();
        assert!(error.contains("chmod 0700"), "{error}");
    }
}
