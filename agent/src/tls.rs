//! Whom the agent believes over TLS: a pinned CA at the first contact with the server, a pinned certificate on a node,
//! anyone when it only looks which certificate is served.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::{Arc, Mutex, PoisonError};

/// SHA-256 in lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn client_config(verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, Error> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// Implements the two signature checks by the provider's algorithms: whoever answers must hold the key of what it shows.
macro_rules! real_signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(
                message,
                cert,
                dss,
                &self.provider.signature_verification_algorithms,
            )
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(
                message,
                cert,
                dss,
                &self.provider.signature_verification_algorithms,
            )
        }
    };
}

/// Believes a server whose chain holds the CA with this SHA-256 and verifies with it as the only root. Finding the hash
/// without verifying would let anyone put the CA's certificate beside their own.
#[derive(Debug)]
struct PinnedCa {
    sha256: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinnedCa {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let pinned = intermediates
            .iter()
            .find(|der| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der).as_ref() == self.sha256)
            .ok_or(Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        let mut roots = RootCertStore::empty();
        roots.add(pinned.clone().into_owned())?;
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone())
            .build()
            .map_err(|error| Error::General(error.to_string()))?
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    real_signatures!();

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// TLS for the first contact with a server whose agent CA is known by its SHA-256.
///
/// # Errors
/// When the provider has no protocol version in common with rustls' defaults, which does not happen.
pub fn pinned_ca(sha256: [u8; 32]) -> Result<ClientConfig, Error> {
    client_config(Arc::new(PinnedCa {
        sha256,
        provider: provider(),
    }))
}

/// The certificates that a node may show.
#[derive(Debug, Default)]
pub struct Pins {
    state: Mutex<PinState>,
}

#[derive(Debug, Default)]
struct PinState {
    allowed: Vec<String>,
    seen: Option<String>,
    refused: Option<String>,
}

impl Pins {
    /// Pins known so far; none: the first certificate that is shown is believed.
    pub fn new(allowed: Vec<String>) -> Self {
        let state = PinState {
            allowed,
            ..PinState::default()
        };
        Self {
            state: Mutex::new(state),
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut PinState) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All pins.
    pub fn allowed(&self) -> Vec<String> {
        self.with(|state| state.allowed.clone())
    }

    /// Allows one more.
    pub fn allow(&self, sha256: &str) {
        self.with(|state| {
            if !state.allowed.iter().any(|pin| pin == sha256) {
                state.allowed.push(sha256.to_owned());
            }
        });
    }

    /// Allows no other than these.
    pub fn replace(&self, allowed: Vec<String>) {
        self.with(|state| state.allowed = allowed);
    }

    /// SHA-256 of the certificate that the node showed in the last handshake that was believed.
    pub fn seen(&self) -> Option<String> {
        self.with(|state| state.seen.clone())
    }

    /// SHA-256 of the last certificate that was refused, taken once.
    pub fn take_refused(&self) -> Option<String> {
        self.with(|state| state.refused.take())
    }

    /// Whether what was shown is believed: it is pinned, or it is the first.
    pub(crate) fn believe(&self, sha256: String) -> bool {
        self.with(|state| {
            let fine = state.allowed.is_empty() || state.allowed.contains(&sha256);
            if state.allowed.is_empty() {
                state.allowed.push(sha256.clone());
            }
            if fine {
                state.seen = Some(sha256);
            } else {
                state.refused = Some(sha256);
            }
            fine
        })
    }
}

#[derive(Debug)]
struct PinnedCertificate {
    pins: Arc<Pins>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinnedCertificate {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.pins.believe(sha256_hex(end_entity)) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            ))
        }
    }

    real_signatures!();

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// TLS to a node whose certificate is pinned. Names and dates are not looked at: nodes show expired and self-signed
/// certificates, which is why they are managed.
///
/// # Errors
/// As [`pinned_ca`].
pub fn pinned_node(pins: Arc<Pins>) -> Result<ClientConfig, Error> {
    let mut config = client_config(Arc::new(PinnedCertificate {
        pins,
        provider: provider(),
    }))?;
    // A resumed session shows no certificate: a node that took up a new one is to be seen at once.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

#[derive(Debug)]
struct Onlooker {
    schemes: Vec<SignatureScheme>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    real_signatures!();

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

/// TLS to look which certificate a server serves; nothing secret is sent over it. `key_type`, `RSA` or `EC`, offers the
/// signatures of that kind only, so that a server with one certificate of each kind shows that one.
///
/// # Errors
/// As [`pinned_ca`].
pub fn onlooker(key_type: Option<&str>) -> Result<ClientConfig, Error> {
    let provider = provider();
    let all = provider.signature_verification_algorithms.supported_schemes();
    let of_kind = |scheme: &SignatureScheme| {
        let name = format!("{scheme:?}");
        match key_type {
            Some("RSA") => name.starts_with("RSA"),
            Some("EC") => name.starts_with("ECDSA"),
            Some(_) | None => true,
        }
    };
    let schemes = all.into_iter().filter(of_kind).collect();
    let mut config = client_config(Arc::new(Onlooker { schemes, provider }))?;
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}
