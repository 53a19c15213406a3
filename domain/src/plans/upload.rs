//! Reads the files of an upload before anything else is looked at.

use super::options::MAX_DISTRIBUTED;
use super::request::{Action, Request};
use crate::certificates;
use crate::db::OrgTx;
use crate::error::{Error, FieldError, Result};
use certyard_pki::Certificate;
use certyard_pki::upload::{Limits, read as read_file};

/// Certificates times targets of one plan at most: a copy is stored with each target.
const MAX_COPIES: usize = 40_000;

/// Replaces the files of the request by the certificates that they hold, and gives those.
///
/// # Errors
/// [`Error::Invalid`] for a file that is refused, by the code of the upload policy.
pub(super) async fn read(mut request: Request) -> Result<(Request, Vec<Certificate>)> {
    let one = matches!(request.action, Action::Replace(_));
    let (files, texts) = match &mut request.action {
        Action::Refresh
        | Action::GenerateCsr(_)
        | Action::Renew(_)
        | Action::ReuseTomcat(_)
        | Action::DeleteCsr(_)
        | Action::Delete(_)
        | Action::Restore
        | Action::Restart(_) => return Ok((request, Vec::new())),
        Action::UploadCertificate(options) => (&mut options.files, &mut options.certificates_pem),
        // What is known already is enough.
        Action::Distribute(options) if !options.certificate_ids.is_empty() && options.files.is_empty() => {
            return Ok((request, Vec::new()));
        }
        Action::Distribute(options) => (&mut options.files, &mut options.certificates_pem),
        Action::Replace(options) => (&mut options.files, &mut options.certificates_pem),
    };
    let (given, known) = (std::mem::take(files), std::mem::take(texts));
    let certificates = tokio::task::spawn_blocking(move || read_all(&given, &known))
        .await
        .map_err(Error::internal)??;
    if one && certificates.len() > 1 {
        return Err(Error::field(
            "certificate",
            "too_many",
            format!(
                "one certificate takes the place of another, and the file has {}",
                certificates.len()
            ),
        ));
    }
    *texts = certificates.iter().map(Certificate::to_pem).collect();
    Ok((request, certificates))
}

/// Adds the certificates that the request names by their ids. From here on the request holds all of them itself, so that a
/// retry needs none of the rows.
///
/// # Errors
/// [`Error::NotFound`] for a certificate that is unknown, foreign or out of scope.
pub(super) async fn add_known(tx: &OrgTx, request: &mut Request, uploaded: &mut Vec<Certificate>) -> Result<()> {
    let Action::Distribute(options) = &mut request.action else {
        return Ok(());
    };
    for id in std::mem::take(&mut options.certificate_ids) {
        let stored = certificates::der(tx, id).await?;
        let certificate = Certificate::from_der(&stored.der).map_err(Error::internal)?;
        if !uploaded.iter().any(|one| one.sha256 == certificate.sha256) {
            uploaded.push(certificate);
        }
    }
    if uploaded.len() > MAX_DISTRIBUTED {
        return Err(Error::field(
            "certificate",
            "too_many",
            format!("at most {MAX_DISTRIBUTED} certificates are distributed in one plan: split it"),
        ));
    }
    options.certificates_pem = uploaded.iter().map(Certificate::to_pem).collect();
    Ok(())
}

/// Refuses what would store more than is sane.
///
/// # Errors
/// [`Error::Invalid`] where many certificates go to many targets.
pub(super) fn check_size(request: &Request, certificates: usize, targets: usize) -> Result<()> {
    if request.action.stores().is_empty() || certificates.saturating_mul(targets) <= MAX_COPIES {
        return Ok(());
    }
    Err(Error::field(
        "certificate",
        "too_many",
        format!("{certificates} certificates for {targets} targets are too much for one plan: split it"),
    ))
}

fn read_all(files: &[Vec<u8>], texts: &[String]) -> Result<Vec<Certificate>> {
    let limits = Limits::default();
    let mut wrong = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut certificates = Vec::new();
    let parts = files
        .iter()
        .map(Vec::as_slice)
        .chain(texts.iter().map(String::as_bytes));
    for (index, bytes) in parts.enumerate() {
        match read_file(bytes, &limits, false) {
            Ok(upload) => {
                certificates.extend(upload.certificates.into_iter().filter(|one| seen.insert(one.sha256)));
            }
            Err(refusal) => wrong.push(FieldError {
                field: if files.len() + texts.len() == 1 {
                    "certificate".into()
                } else {
                    format!("certificate[{index}]")
                },
                code: refusal.code,
                message: refusal.message,
            }),
        }
    }
    if files.is_empty() && texts.is_empty() {
        wrong.push(FieldError {
            field: "certificate".into(),
            code: "required",
            message: "upload the signed certificate: PEM, DER or PKCS#7 (.p7b)".into(),
        });
    } else if certificates.len() > limits.max_certificates {
        wrong.push(FieldError {
            field: "certificate".into(),
            code: "too_many",
            message: format!("at most {} certificates in one upload", limits.max_certificates),
        });
    }
    if wrong.is_empty() {
        Ok(certificates)
    } else {
        Err(Error::Invalid(wrong))
    }
}
