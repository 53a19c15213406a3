//! Files of one purpose on disk.
//!
//! ```text
//! /etc/nginx/certyard/www.example.org/
//!     current  -> releases/<sha256 of the leaf>       one rename swaps certificate and key together
//!     request  -> requests/<sha256 of the key>        the open CSR
//!     releases/<sha256>/chain.pem, key.pem            the last three
//!     requests/<sha256>/csr.pem, key.pem
//! /etc/nginx/ssl/www.pem -> ../certyard/www.example.org/current/chain.pem
//! /etc/nginx/ssl/www.key -> ../certyard/www.example.org/current/key.pem
//! ```
//!
//! Adoption makes the two configured files links, one after the other. The release that `current` points to at that time
//! holds the very bytes of those files, so nginx finds the same pair at each moment, crash or not. No configuration is
//! rewritten. Files are only made below the folders that the operator allowed, never through a link that the agent did
//! not make, and an existing file is replaced by rename, not opened.

use super::sites::Site;
use crate::connector::StepError;
use crate::folder::{replace_link, sync_folder, write_new};
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The one in force and two to go back to.
const KEPT: usize = 3;
const CHAIN: &str = "chain.pem";
const KEY: &str = "key.pem";
const CSR: &str = "csr.pem";

/// The folders and configured files of one purpose.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    folder: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    allowed: Vec<PathBuf>,
}

fn disk(what: &str, path: &Path) -> impl FnOnce(io::Error) -> StepError {
    let text = format!("cannot {what} {}", path.display());
    move |error| StepError::lasting("node_disk", format!("{text}: {error}"))
}

impl Layout {
    pub fn new(base: &Path, site: &Site, allowed: Vec<PathBuf>) -> Self {
        Self {
            folder: base.join(folder_name(&site.purpose)),
            certificate: site.certificate.clone(),
            key: site.key.clone(),
            allowed,
        }
    }

    /// Name of the release in force; `None` before adoption.
    pub fn release(&self) -> Option<String> {
        link_name(&self.folder.join("current"), "releases")
    }

    /// Name of the open request.
    pub fn request(&self) -> Option<String> {
        link_name(&self.folder.join("request"), "requests")
    }

    /// The open CSR in PEM.
    pub fn csr_pem(&self) -> Option<String> {
        let name = self.request()?;
        fs::read_to_string(self.folder.join("requests").join(name).join(CSR)).ok()
    }

    /// The configured chain in PEM, as nginx would read it now.
    pub fn configured_chain(&self) -> Result<String, StepError> {
        fs::read_to_string(&self.certificate).map_err(disk("read", &self.certificate))
    }

    /// All keys of this purpose: of requests, of releases, and the configured one.
    pub fn keys(&self) -> Vec<PathBuf> {
        let mut keys = Vec::new();
        for kind in ["requests", "releases"] {
            for name in self.names(kind) {
                keys.push(self.folder.join(kind).join(name).join(KEY));
            }
        }
        keys.push(self.key.clone());
        keys
    }

    /// Puts key and CSR aside and makes them the open request.
    pub fn put_request(&self, name: &str, key_pem: &str, csr_pem: &str) -> Result<(), StepError> {
        self.prepare("requests", name, 0o700, &[(KEY, key_pem, 0o600), (CSR, csr_pem, 0o644)])?;
        self.set_request(Some(name))?;
        self.prune("requests", &[name]);
        Ok(())
    }

    /// Points to another request, or to none.
    pub fn set_request(&self, name: Option<&str>) -> Result<(), StepError> {
        let link = self.folder.join("request");
        match name {
            Some(name) => replace_link(&link, &Path::new("requests").join(name)).map_err(disk("link", &link)),
            None => match fs::remove_file(&link) {
                Ok(()) => sync_folder(&self.folder).map_err(disk("sync", &self.folder)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(disk("remove", &link)(error)),
            },
        }
    }

    /// Puts a pair aside; nginx does not see it yet.
    pub fn put_release(&self, name: &str, chain_pem: &str, key_pem: &str) -> Result<(), StepError> {
        let folder = self.folder.join("releases").join(name);
        let same = |file: &str, text: &str| fs::read_to_string(folder.join(file)).is_ok_and(|had| had == text);
        if same(CHAIN, chain_pem) && same(KEY, key_pem) {
            return Ok(());
        }
        if folder.exists() && self.release().as_deref() != Some(name) {
            fs::remove_dir_all(&folder).map_err(disk("replace", &folder))?;
        }
        self.prepare(
            "releases",
            name,
            0o755,
            &[(CHAIN, chain_pem, 0o644), (KEY, key_pem, 0o600)],
        )?;
        self.take_owner(&folder);
        Ok(())
    }

    /// The one rename that swaps certificate and key.
    pub fn swap(&self, name: &str) -> Result<(), StepError> {
        let target = Path::new("releases").join(name);
        if !self.folder.join(&target).join(CHAIN).is_file() {
            return Err(StepError::lasting(
                "release_missing",
                format!("the release {name} is gone"),
            ));
        }
        let link = self.folder.join("current");
        replace_link(&link, &target).map_err(disk("link", &link))
    }

    /// Forgets all but the last releases; those named stay.
    pub fn prune_releases(&self, keep: &[&str]) {
        self.prune("releases", keep);
    }

    /// Makes the configured files links into `current`, without a change of what nginx reads. `name` is the SHA-256 of
    /// the configured leaf.
    pub fn adopt(&self, name: &str) -> Result<(), StepError> {
        let (chain, key) = (
            self.folder.join("current").join(CHAIN),
            self.folder.join("current").join(KEY),
        );
        let adopted = |file: &Path, target: &Path| fs::read_link(file).is_ok_and(|link| link == target);
        if adopted(&self.certificate, &chain) && adopted(&self.key, &key) {
            return Ok(());
        }
        for (file, target) in [(&self.certificate, &chain), (&self.key, &key)] {
            self.check_configured(file, adopted(file, target))?;
        }
        let read = |path: &Path| fs::read_to_string(path).map_err(disk("read", path));
        self.put_release(name, &read(&self.certificate)?, &read(&self.key)?)?;
        if self.release().as_deref() != Some(name) {
            self.swap(name)?;
        }
        for (file, target) in [(&self.certificate, &chain), (&self.key, &key)] {
            if !adopted(file, target) {
                replace_link(file, target).map_err(disk("replace", file))?;
            }
        }
        Ok(())
    }

    /// A configured file may be replaced when it is a plain file in an allowed folder.
    fn check_configured(&self, file: &Path, adopted: bool) -> Result<(), StepError> {
        let refuse = |why: &str| {
            Err(StepError::lasting(
                "path_not_allowed",
                format!("{} {why}", file.display()),
            ))
        };
        let parent = file.parent().unwrap_or_else(|| Path::new("/"));
        if !self.is_allowed(parent) {
            return refuse("is outside the folders that this agent may change: add its folder with `node add --allow`");
        }
        let meta = fs::symlink_metadata(file).map_err(disk("read", file))?;
        if adopted || meta.is_file() {
            return Ok(());
        }
        if meta.is_symlink() {
            return refuse("is a link that somebody else keeps: name a plain file in the configuration");
        }
        refuse("is not a plain file")
    }

    fn is_allowed(&self, folder: &Path) -> bool {
        let Ok(real) = folder.canonicalize() else { return false };
        self.allowed
            .iter()
            .filter_map(|root| root.canonicalize().ok())
            .any(|root| real.starts_with(root))
    }

    /// Makes a folder that nobody can have put a link in place of.
    fn make(&self, folder: &Path, mode: u32) -> Result<(), StepError> {
        match fs::DirBuilder::new().mode(mode).create(folder) {
            Ok(()) => {
                // The umask may have taken bits that nginx needs.
                fs::set_permissions(folder, fs::Permissions::from_mode(mode)).map_err(disk("make", folder))?;
                folder
                    .parent()
                    .map_or(Ok(()), sync_folder)
                    .map_err(disk("sync", folder))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let meta = fs::symlink_metadata(folder).map_err(disk("read", folder))?;
                if meta.is_dir() {
                    return Ok(());
                }
                let why = format!("{} is not a folder: remove it", folder.display());
                Err(StepError::lasting("path_not_allowed", why))
            }
            Err(error) => Err(disk("make", folder)(error)),
        }
    }

    /// Writes a folder aside, syncs it, and gives it its name.
    fn prepare(&self, kind: &str, name: &str, mode: u32, files: &[(&str, &str, u32)]) -> Result<(), StepError> {
        let base = self.folder.parent().unwrap_or_else(|| Path::new("/"));
        if !base.parent().is_some_and(|root| self.is_allowed(root)) {
            let why = format!("{} is outside the folders that this agent may change", base.display());
            return Err(StepError::lasting("path_not_allowed", why));
        }
        let parent = self.folder.join(kind);
        self.make(base, 0o755)?;
        self.make(&self.folder, 0o755)?;
        self.make(&parent, mode)?;
        let (aside, folder) = (parent.join(format!(".{name}.new")), parent.join(name));
        if aside.exists() {
            fs::remove_dir_all(&aside).map_err(disk("clear", &aside))?;
        }
        let written = (|| {
            self.make(&aside, mode)?;
            for (file, text, mode) in files {
                let path = aside.join(file);
                write_new(&path, text.as_bytes(), *mode).map_err(disk("write", &path))?;
            }
            sync_folder(&aside).map_err(disk("sync", &aside))?;
            if folder.exists() {
                return Ok(());
            }
            fs::rename(&aside, &folder).map_err(disk("rename", &aside))?;
            sync_folder(&parent).map_err(disk("sync", &parent))
        })();
        let _ = fs::remove_dir_all(&aside);
        written
    }

    /// The new key belongs to whom the configured one belongs, where this agent may give it away.
    fn take_owner(&self, release: &Path) {
        if let Ok(meta) = fs::metadata(&self.key) {
            let _ = std::os::unix::fs::chown(release.join(KEY), Some(meta.uid()), Some(meta.gid()));
        }
    }

    fn names(&self, kind: &str) -> Vec<String> {
        let entries = fs::read_dir(self.folder.join(kind)).into_iter().flatten().flatten();
        let mut names: Vec<(SystemTime, String)> = entries
            .filter_map(|entry| {
                let name = entry.file_name().to_str()?.to_owned();
                let modified = entry.metadata().ok()?.modified().ok()?;
                (!name.starts_with('.')).then_some((modified, name))
            })
            .collect();
        names.sort();
        names.into_iter().rev().map(|(_, name)| name).collect()
    }

    fn prune(&self, kind: &str, keep: &[&str]) {
        let in_force = [self.release(), self.request()];
        let must = |name: &str| keep.contains(&name) || in_force.iter().flatten().any(|kept| kept == name);
        let names = self.names(kind);
        let stay = names.iter().filter(|name| must(name)).count();
        let old = names.iter().filter(|name| !must(name));
        for name in old.skip(KEPT.saturating_sub(stay)) {
            let _ = fs::remove_dir_all(self.folder.join(kind).join(name));
        }
    }
}

fn link_name(link: &Path, kind: &str) -> Option<String> {
    let target = fs::read_link(link).ok()?;
    let name = target.strip_prefix(kind).ok()?.to_str()?;
    (!name.is_empty() && !name.contains('/')).then(|| name.to_owned())
}

/// A folder name that no purpose can lead elsewhere with; altered names get a part of their hash, so that none collide.
fn folder_name(purpose: &str) -> String {
    let name = purpose.strip_prefix("nginx:").unwrap_or(purpose);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if !name.is_empty() && !name.starts_with('.') && name.len() <= 200 && name.chars().all(plain) {
        return name.to_owned();
    }
    let safe: String = name.chars().map(|c| if plain(c) { c } else { '_' }).take(100).collect();
    let hash = crate::tls::sha256_hex(purpose.as_bytes());
    format!("_{safe}-{}", hash.get(..12).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_cannot_lead_out_of_its_folder() {
        assert_eq!(folder_name("nginx:www.example.org"), "www.example.org");
        for bad in ["nginx:..", "nginx:a/../../b", "nginx:*.example.org", "nginx:"] {
            let name = folder_name(bad);
            assert!(name.starts_with('_') && !name.contains('/'), "{name}");
        }
        assert_ne!(folder_name("nginx:a/b"), folder_name("nginx:a*b"));
    }
}
