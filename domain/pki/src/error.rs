//! The one error of this crate, in words a user understands.

use thiserror::Error;

/// Why something could not be read or made. The text is for users; it holds no secret and no bytes of the input.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PkiError {
    /// The bytes are not a certificate in DER.
    #[error("not a readable certificate: {0}")]
    BrokenCertificate(String),
    /// The bytes are not a certificate signing request in DER.
    #[error("not a readable certificate signing request: {0}")]
    BrokenCsr(String),
    /// The request is not signed with the key it asks a certificate for, so nobody proved to have that key.
    #[error("the signature of the certificate signing request does not match its own key")]
    BadCsrSignature,
    /// The text is not the PEM that was wanted.
    #[error("not the expected PEM text: {0}")]
    BrokenPem(String),
    /// The bytes are not a PKCS#7 bundle of certificates.
    #[error("not a readable PKCS#7 bundle: {0}")]
    BrokenPkcs7(String),
    /// The key is none that Certyard can use.
    #[error("not a usable private key: {0}")]
    BadKey(String),
    /// What was asked for cannot be put into a certificate or a request.
    #[error("cannot be made: {0}")]
    Unmakeable(String),
    /// The cryptographic library refused to work.
    #[error("the cryptographic library failed while {0}")]
    Crypto(&'static str),
}
