//! The agent's data folder: who may read it, and how a file in it changes without ever being half written.
//!
//! The folder is 0700 and each file 0600; anything wider stops the program with the command that mends it. A file is
//! replaced by writing a new one beside it, `fsync`, rename, and `fsync` of the folder: after a power failure there is the
//! old or the new content.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It is not there.
    #[error("data folder {path} does not exist: `certyard-agent join` makes it")]
    Missing {
        /// The folder.
        path: String,
    },
    /// Others can read or write it.
    #[error("{path} is open to others (mode {mode:04o}): run `chmod {wanted:o} {path}`")]
    TooOpen {
        /// The file or folder.
        path: String,
        /// Its mode.
        mode: u32,
        /// The mode that it has to have.
        wanted: u32,
    },
    /// Something is there that does not belong there.
    #[error("{path} is neither a file nor a folder: remove it from the data folder")]
    Strange {
        /// The entry.
        path: String,
    },
    /// Another agent runs on this folder.
    #[error("another certyard-agent runs on data folder {path}: stop it first")]
    InUse {
        /// The folder.
        path: String,
    },
    /// The file system said no.
    #[error("cannot {what} {path}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: String,
        /// The reason.
        source: io::Error,
    },
}

type Result<T> = std::result::Result<T, FolderError>;

fn io_error<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> FolderError + 'a {
    move |source| FolderError::Io {
        what,
        path: path.display().to_string(),
        source,
    }
}

/// A folder that only its owner can open.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder where it is missing, then opens it.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn create(path: &Path) -> Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(io_error("make", path))?;
        Self::open(path)
    }

    /// Opens the folder and checks it and all that is in it.
    ///
    /// # Errors
    /// When it is missing, cannot be read, or is open to others.
    pub fn open(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(FolderError::Missing {
                path: path.display().to_string(),
            });
        }
        check(path)?;
        Ok(Self { path: path.into() })
    }

    /// The folder's own path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of a file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A folder below it, made where it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn sub(&self, name: &str) -> Result<Self> {
        let path = self.path.join(name);
        if !path.is_dir() {
            fs::DirBuilder::new()
                .mode(0o700)
                .create(&path)
                .map_err(io_error("make", &path))?;
            sync_folder(&self.path).map_err(io_error("sync", &self.path))?;
        }
        Ok(Self { path })
    }

    /// Content of a file; `None` when it is not there.
    ///
    /// # Errors
    /// When it is there but cannot be read, or is open to others.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let path = self.file(name);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("read", &path)(error)),
        };
        let meta = file.metadata().map_err(io_error("read", &path))?;
        check_mode(&path, meta.mode(), 0o600)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io_error("read", &path))?;
        Ok(Some(bytes))
    }

    /// Replaces a file as a whole.
    ///
    /// # Errors
    /// When the file system refuses; the former content is then still there.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.file(name);
        replace_file(&path, bytes, 0o600).map_err(io_error("write", &path))
    }

    /// Removes a file; fine when it is not there.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn remove(&self, name: &str) -> Result<()> {
        let path = self.file(name);
        match fs::remove_file(&path) {
            Ok(()) => sync_folder(&self.path).map_err(io_error("sync", &self.path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io_error("remove", &path)(error)),
        }
    }

    /// Names of the files in it that end so, sorted.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn names(&self, ending: &str) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(io_error("read", &self.path))? {
            let name = entry.map_err(io_error("read", &self.path))?.file_name();
            if let Some(name) = name
                .to_str()
                .filter(|name| name.ends_with(ending) && !name.starts_with('.'))
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Holds the folder for this process alone, until the file is dropped or the process ends.
    ///
    /// # Errors
    /// [`FolderError::InUse`] when another process holds it.
    pub fn hold(&self) -> Result<File> {
        let file = self.lock_file("agent.lock")?;
        file.try_lock().map_err(|_| FolderError::InUse {
            path: self.path.display().to_string(),
        })?;
        Ok(file)
    }

    /// Waits for and takes a lock for one change of several files.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn lock(&self) -> Result<File> {
        let file = self.lock_file("change.lock")?;
        file.lock().map_err(io_error("lock", &self.path))?;
        Ok(file)
    }

    fn lock_file(&self, name: &str) -> Result<File> {
        let path = self.file(name);
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(io_error("open", &path))
    }
}

fn check_mode(path: &Path, mode: u32, wanted: u32) -> Result<()> {
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(FolderError::TooOpen {
        path: path.display().to_string(),
        mode: mode & 0o7777,
        wanted,
    })
}

fn check(path: &Path) -> Result<()> {
    let meta = fs::symlink_metadata(path).map_err(io_error("read", path))?;
    if meta.is_file() {
        return check_mode(path, meta.mode(), 0o600);
    }
    if !meta.is_dir() {
        return Err(FolderError::Strange {
            path: path.display().to_string(),
        });
    }
    check_mode(path, meta.mode(), 0o700)?;
    for entry in fs::read_dir(path).map_err(io_error("read", path))? {
        check(&entry.map_err(io_error("read", path))?.path())?;
    }
    Ok(())
}

/// Makes renames and new names in a folder last through a power failure.
///
/// # Errors
/// When the folder cannot be opened or synced.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Writes a file that must not exist yet (a link in its place is refused, too) and syncs it.
///
/// # Errors
/// When it exists or the file system refuses; a half-written file is removed.
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    let written = file
        .set_permissions(fs::Permissions::from_mode(mode))
        .and_then(|()| file.write_all(bytes))
        .and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

/// Replaces a file: new one beside it, sync, rename, sync of the folder.
///
/// # Errors
/// When the file system refuses; the former content is then still there.
pub fn replace_file(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let aside = beside(path)?;
    let _ = fs::remove_file(&aside);
    write_new(&aside, bytes, mode)?;
    rename_synced(&aside, path)
}

/// Makes `link` point to `target`, in one rename, whatever it was before (a file or a link, not a folder).
///
/// # Errors
/// When the file system refuses; the former link is then still there.
pub fn replace_link(link: &Path, target: &Path) -> io::Result<()> {
    let aside = beside(link)?;
    let _ = fs::remove_file(&aside);
    std::os::unix::fs::symlink(target, &aside)?;
    rename_synced(&aside, link)
}

fn rename_synced(from: &Path, to: &Path) -> io::Result<()> {
    if let Err(error) = fs::rename(from, to) {
        let _ = fs::remove_file(from);
        return Err(error);
    }
    to.parent().map_or(Ok(()), sync_folder)
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no file name"))?;
    Ok(path.with_file_name(format!(".{name}.certyard-new")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_folder_or_file_is_refused_with_the_command_that_mends_it() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::create(&temp.path().join("data")).unwrap();
        folder.write("a", b"secret").unwrap();
        let file = folder.file("a");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let message = Folder::open(folder.path()).unwrap_err().to_string();
        assert!(message.contains(&format!("chmod 600 {}", file.display())), "{message}");
        assert!(folder.read("a").is_err());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let message = Folder::open(folder.path()).unwrap_err().to_string();
        assert!(message.contains("chmod 700"), "{message}");
    }

    #[test]
    fn one_process_holds_the_folder() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::create(&temp.path().join("data")).unwrap();
        let held = folder.hold().unwrap();
        assert!(matches!(folder.hold(), Err(FolderError::InUse { .. })));
        drop(held);
        folder.hold().unwrap();
    }
}
