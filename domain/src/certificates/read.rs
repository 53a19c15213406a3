//! Files that people and programs hand in: looked at, or taken.

use super::prepare::{Prepared, off_thread, prepare};
use super::store::{Source, Stored, ensure_prepared};
use crate::audit;
use crate::db::Db;
use crate::error::{Error, FieldError, Result};
use crate::{Permission, Scope};
use certyard_pki::upload::{self, Limits, Refusal, Upload};
use serde_json::json;

/// The refusal of a file, as an error about the field that held it.
pub(crate) fn refused(field: &str, refusal: Refusal) -> Error {
    Error::Invalid(vec![FieldError {
        field: field.into(),
        code: refusal.code,
        message: refusal.message,
    }])
}

/// Reads a file and stores nothing. CSRs are shown too.
///
/// # Errors
/// [`Error::Invalid`] on `file` with the reason for which the whole file is refused.
pub async fn inspect(bytes: Vec<u8>) -> Result<Upload> {
    off_thread(move || upload::read(&bytes, &Limits::default(), true))
        .await?
        .map_err(|refusal| refused("file", refusal))
}

/// A certificate of a file that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedCertificate {
    /// Its id here, and whether it was not known before.
    pub stored: Stored,
    /// The certificate.
    pub prepared: Prepared,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Its certificates, each once, in their order.
    pub certificates: Vec<ImportedCertificate>,
}

/// Stores the certificates of a file, all or none, in one transaction with the audit row.
///
/// # Errors
/// [`Error::Invalid`] on `file` with the reason for which the whole file is refused; [`Error::Forbidden`] without
/// [`Permission::Operate`].
pub async fn import(db: &Db, scope: &Scope, bytes: Vec<u8>) -> Result<Imported> {
    scope.require(Permission::Operate)?;
    let prepared = off_thread(move || {
        let upload = upload::read(&bytes, &Limits::default(), false)?;
        Ok(upload.certificates.into_iter().map(prepare).collect::<Vec<_>>())
    })
    .await?
    .map_err(|refusal| refused("file", refusal))?;
    let tx = db.write(scope).await?;
    let stored = ensure_prepared(&tx, &prepared, Source::Import).await?;
    let new = stored.iter().filter(|stored| stored.new).count();
    let only = match (stored.as_slice(), prepared.as_slice()) {
        ([one], [certificate]) => Some((one.id, certificate.shown_name())),
        _ => None,
    };
    let name = only.as_ref().map_or("", |(_, name)| name.as_str());
    audit::record(
        &tx,
        audit::Entry {
            action: "certificate.import",
            object_kind: "certificate",
            object_id: only.as_ref().map(|(id, _)| *id),
            object_name: name,
            before: None,
            after: Some(json!({
                "certificates": stored.len(),
                "new": new,
                // A bundle of thousands is told by its number; the first say which one it was.
                "sha256": prepared.iter().take(20).map(|one| one.sha256.as_str()).collect::<Vec<_>>(),
            })),
        },
    )
    .await?;
    tx.commit().await?;
    Ok(Imported {
        certificates: stored
            .into_iter()
            .zip(prepared)
            .map(|(stored, prepared)| ImportedCertificate { stored, prepared })
            .collect(),
    })
}
