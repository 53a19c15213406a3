//! Many certificates at once, with a verdict for each row.

use super::prepare::{Prepared, off_thread, prepare};
use super::rows::{Format, RawRow};
use super::store::{Source, ensure_prepared};
use crate::audit;
use crate::db::Db;
use crate::error::Result;
use crate::{Permission, Scope};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certyard_pki::upload::{self, Limits};
use serde::Deserialize;
use serde_json::json;
use std::collections::HashSet;
use uuid::Uuid;

/// One row of a stream, read.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkRow {
    /// Its number.
    pub row: u64,
    /// The certificate, or code and reason of the refusal.
    pub certificate: Result<Prepared, (&'static str, String)>,
}

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Its number.
    pub row: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored now.
    New {
        /// Its id.
        id: Uuid,
        /// Its SHA-256 in hex.
        sha256: String,
    },
    /// It was known.
    Known {
        /// Its id.
        id: Uuid,
        /// Its SHA-256 in hex.
        sha256: String,
    },
    /// It holds no certificate that can be taken.
    Refused {
        /// One word for programs.
        code: &'static str,
        /// Why, and the way out.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    pem: Option<String>,
    #[serde(default)]
    der: Option<String>,
}

/// Reads and prepares rows, off the threads of requests. Hand in a thousand or so at once.
///
/// # Errors
/// [`crate::Error::Internal`] only: what is wrong with a row is told in the row.
pub async fn read_rows(format: Format, rows: Vec<RawRow>) -> Result<Vec<BulkRow>> {
    off_thread(move || {
        rows.into_iter()
            .map(|row| BulkRow {
                row: row.row,
                certificate: read_row(format, &row.text),
            })
            .collect()
    })
    .await
}

fn read_row(format: Format, text: &str) -> Result<Prepared, (&'static str, String)> {
    let limits = Limits {
        max_certificates: 1,
        ..Limits::default()
    };
    let bytes = match format {
        Format::Pem => text.as_bytes().to_vec(),
        Format::Ndjson => {
            let line: Line = serde_json::from_str(text).map_err(|error| ("broken_json", error.to_string()))?;
            match (line.pem, line.der) {
                (Some(pem), None) => pem.into_bytes(),
                (None, Some(der)) => STANDARD
                    .decode(der.trim())
                    .map_err(|error| ("broken_base64", format!("`der` is not base64: {error}")))?,
                _ => return Err(("malformed_row", "a row has either `pem` or `der`".into())),
            }
        }
    };
    let upload = upload::read(&bytes, &limits, false).map_err(|refusal| (refusal.code, refusal.message))?;
    let certificate = upload
        .certificates
        .into_iter()
        .next()
        .ok_or_else(|| ("no_certificate", "there is no certificate in the row".to_string()))?;
    Ok(prepare(certificate))
}

/// Stores the certificates of some rows in one transaction, which is audited as one. Broken rows do not keep others out.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`Permission::Operate`]; the database is busy or away, and then nothing of these
/// rows was stored.
pub async fn bulk(db: &Db, scope: &Scope, rows: Vec<BulkRow>) -> Result<Vec<Verdict>> {
    scope.require(Permission::Operate)?;
    let mut numbers = Vec::with_capacity(rows.len());
    let mut prepared = Vec::with_capacity(rows.len());
    let mut verdicts = Vec::with_capacity(rows.len());
    for row in rows {
        match row.certificate {
            Ok(certificate) => {
                numbers.push(row.row);
                prepared.push(certificate);
            }
            Err((code, message)) => verdicts.push(Verdict {
                row: row.row,
                outcome: Outcome::Refused { code, message },
            }),
        }
    }
    if prepared.is_empty() {
        return Ok(verdicts);
    }
    let refused = verdicts.len();
    let tx = db.write(scope).await?;
    let stored = ensure_prepared(&tx, &prepared, Source::Bulk).await?;
    let mut first = HashSet::new();
    let mut new = 0_u64;
    for ((row, prepared), stored) in numbers.into_iter().zip(&prepared).zip(stored) {
        let (id, sha256) = (stored.id, prepared.sha256.clone());
        // The second of two equal rows was known by then.
        let outcome = if stored.new && first.insert(id) {
            new += 1;
            Outcome::New { id, sha256 }
        } else {
            Outcome::Known { id, sha256 }
        };
        verdicts.push(Verdict { row, outcome });
    }
    audit::record(
        &tx,
        audit::Entry {
            action: "certificate.bulk_import",
            object_kind: "certificate",
            object_id: None,
            object_name: "",
            before: None,
            after: Some(json!({ "certificates": prepared.len(), "new": new, "refused": refused })),
        },
    )
    .await?;
    tx.commit().await?;
    verdicts.sort_unstable_by_key(|verdict| verdict.row);
    Ok(verdicts)
}
