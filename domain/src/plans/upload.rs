//! Reads the files of an upload before anything else is looked at.

use super::request::{Action, Request};
use crate::error::{Error, FieldError, Result};
use certyard_pki::Certificate;
use certyard_pki::upload::{Limits, read as read_file};

/// Replaces the files of the request by the certificates that they hold, and gives those.
///
/// # Errors
/// [`Error::Invalid`] for a file that is refused, by the code of the upload policy.
pub(super) async fn read(mut request: Request) -> Result<(Request, Vec<Certificate>)> {
    let Action::UploadCertificate(options) = &mut request.action else {
        return Ok((request, Vec::new()));
    };
    let files = std::mem::take(&mut options.files);
    let texts = std::mem::take(&mut options.certificates_pem);
    let certificates = tokio::task::spawn_blocking(move || read_all(&files, &texts))
        .await
        .map_err(Error::internal)??;
    options.certificates_pem = certificates.iter().map(Certificate::to_pem).collect();
    Ok((request, certificates))
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
