//! Own TLS: certificates that are replaced while the server runs.

use crate::config::TlsFiles;
use crate::error::chain;
use certyard_domain::agents::RENEWAL_GRACE_DAYS;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

/// Files are looked at so often.
const LOOK: Duration = Duration::from_secs(5);

/// The certificate of a listener; new connections get the newest.
#[derive(Debug)]
pub(crate) struct Current(RwLock<Arc<CertifiedKey>>);

impl Current {
    fn set(&self, key: CertifiedKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// A certificate chain and its key in PEM, as rustls wants them. A key of another certificate is refused.
pub(crate) fn certified(chain_pem: &[u8], key_pem: &[u8]) -> io::Result<CertifiedKey> {
    let broken = |what: &str, error: &dyn std::fmt::Display| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("the {what} cannot be used: {error}"),
        )
    };
    let chain = CertificateDer::pem_slice_iter(chain_pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| broken("certificate", &error))?;
    if chain.is_empty() {
        return Err(broken("certificate", &"there is none in the file"));
    }
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|error| broken("key", &error))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(|error| broken("key", &error))
}

/// Settings of a listener whose certificate may be replaced.
pub(crate) fn server_config(
    key: CertifiedKey,
    clients: Option<Arc<dyn ClientCertVerifier>>,
) -> io::Result<(ServerConfig, Arc<Current>)> {
    let current = Arc::new(Current(RwLock::new(Arc::new(key))));
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let builder = match clients {
        Some(clients) => builder.with_client_cert_verifier(clients),
        None => builder.with_no_client_auth(),
    };
    Ok((builder.with_cert_resolver(current.clone()), current))
}

/// Accepts certificates of these roots, and callers without one: who may do without is decided at each request.
pub(crate) fn clients(roots_pem: &str) -> io::Result<Arc<dyn ClientCertVerifier>> {
    let mut roots = rustls::RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(roots_pem.as_bytes()) {
        roots.add(root.map_err(io::Error::other)?).map_err(io::Error::other)?;
    }
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(aws_lc_rs::default_provider()))
            .allow_unauthenticated()
            .build()
            .map_err(io::Error::other)?;
    Ok(Arc::new(Lenient(verifier)))
}

/// Lets certificates through for [`RENEWAL_GRACE_DAYS`] after their end, as an agent renews its identity with it: that it
/// is good for nothing else is decided at each request.
#[derive(Debug)]
struct Lenient(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Lenient {
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self.0.verify_client_cert(end_entity, intermediates, now);
        let Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) = verified
        else {
            return verified;
        };
        let grace = Duration::from_secs(RENEWAL_GRACE_DAYS.unsigned_abs() * 24 * 3600);
        if now.as_secs() > not_after.as_secs() + grace.as_secs() {
            return verified;
        }
        // As of its last moment: whatever else is wrong with it is still told.
        self.0.verify_client_cert(end_entity, intermediates, not_after)
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.0.client_auth_mandatory()
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Reads both files.
pub(crate) fn read(files: &TlsFiles) -> io::Result<CertifiedKey> {
    let open = |path: &std::path::Path| {
        std::fs::read(path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    };
    certified(&open(&files.certificate)?, &open(&files.key)?)
}

type Stamp = [Option<(SystemTime, u64)>; 2];

fn stamp(files: &TlsFiles) -> Stamp {
    [&files.certificate, &files.key].map(|path| {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.modified().ok()?, meta.len()))
    })
}

/// Takes changed files up. What cannot be used is logged, and the former certificate stays.
pub(crate) async fn reload(files: TlsFiles, current: Arc<Current>) {
    let mut seen = stamp(&files);
    loop {
        tokio::time::sleep(LOOK).await;
        let now = stamp(&files);
        if now == seen {
            continue;
        }
        match read(&files) {
            Ok(key) => {
                current.set(key);
                seen = now;
                tracing::info!(file = %files.certificate.display(), "the server's certificate was taken up anew");
            }
            // Looked at again next time: the files may be in the middle of being written.
            Err(error) => tracing::warn!(error = chain(&error), "the server's new certificate cannot be used yet"),
        }
    }
}

/// Replaces the certificate of a listener by ever new ones.
pub(crate) async fn renew(every: Duration, current: Arc<Current>, make: impl AsyncFn() -> io::Result<CertifiedKey>) {
    loop {
        tokio::time::sleep(every).await;
        match make().await {
            Ok(key) => current.set(key),
            Err(error) => tracing::warn!(
                error = chain(&error),
                "the certificate of the agent listener was not renewed"
            ),
        }
    }
}
