//! Files of the lab: private to its user, and replaced whole, so that a killed lab finds the old one or the new one.

use anyhow::Context;
use std::{
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

/// Makes a folder that only its user can enter, with the folders above it.
pub(crate) fn make_private_dir(dir: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("cannot make the folder {}", dir.display()))
}

/// Writes a file that only its user can read, and puts it in the place of the one there.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let aside = aside(path);
    write_aside(&aside, bytes)
        .and_then(|()| fs::rename(&aside, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file that only its user can read, unless there is one; true if it was written.
pub(crate) fn write_private_once(path: &Path, bytes: &[u8]) -> anyhow::Result<bool> {
    let aside = aside(path);
    let written = write_aside(&aside, bytes).and_then(|()| match fs::hard_link(&aside, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    });
    // What stays behind after a crash is a file of a name that nobody reads.
    let _ = fs::remove_file(&aside);
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// The text of a file, or none where there is no such file.
pub(crate) fn read_if_there(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn aside(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", uuid::Uuid::new_v4().simple()));
    name.into()
}

fn write_aside(aside: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(aside)?;
    file.write_all(bytes)
}
