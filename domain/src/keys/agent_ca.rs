//! The CA of agents: apart from every CA of a customer. It signs identities of agents, which live seven days, and the
//! certificate of the listener that they talk to.

use super::entity;
use super::seal::KekRing;
use crate::clock::Timestamp;
use crate::db::GlobalTx;
use crate::error::{Error, Result};
use crate::ids::new_id;
use certyard_pki::{Certificate, Csr, Hash, KeySpec, PrivateKey, Profile, San, SanKind, Subject, issue, self_signed};
use certyard_protocol::agent_urn;
use chrono::Duration;
use sea_orm::{ActiveModelTrait, Set};
use uuid::Uuid;
use zeroize::Zeroizing;

pub(super) const KIND: &str = "agent_ca";
const CA_YEARS: i64 = 10;
/// Days that an identity lives; agents renew at half of it.
pub const IDENTITY_DAYS: i64 = 7;
const LISTENER_DAYS: i64 = 30;
/// Clocks of nodes go wrong: what is issued now is valid from a little earlier.
const BACKDATE_MINUTES: i64 = 10;

/// One generation of the agent CA.
pub struct AgentCa {
    certificate: Certificate,
    key: PrivateKey,
}

/// An agent's identity as issued.
pub struct AgentIdentityCertificate {
    /// The certificate of the agent.
    pub certificate: Certificate,
    /// It and its issuer in PEM, leaf first.
    pub chain_pem: String,
}

impl AgentCa {
    /// The CA's own certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The same in PEM.
    pub fn certificate_pem(&self) -> String {
        self.certificate.to_pem()
    }

    /// Issues an identity for the key of `csr`; nothing else of the request is taken over.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a key that is too weak.
    pub fn issue(&self, org: Uuid, agent: Uuid, csr: &Csr, now: Timestamp) -> Result<AgentIdentityCertificate> {
        let strong = match csr.key.key_type.as_str() {
            "EC" => csr.key.bits.is_some_and(|bits| bits >= 256),
            "RSA" => csr.key.bits.is_some_and(|bits| bits >= 2048),
            "Ed25519" => true,
            _ => false,
        };
        if !strong {
            return Err(Error::field(
                "csr_pem",
                "weak_key",
                "an agent's key is EC of 256 bits or more, Ed25519, or RSA of 2048 bits or more",
            ));
        }
        let profile = Profile {
            subject: Subject(vec![("CN".into(), agent.to_string()), ("O".into(), org.to_string())]),
            sans: vec![San {
                kind: SanKind::Uri,
                value: agent_urn(org, agent),
            }],
            ca: None,
            key_usage: vec!["digitalSignature"],
            extended_key_usage: vec!["clientAuth".into()],
            not_before: now - Duration::minutes(BACKDATE_MINUTES),
            not_after: now + Duration::days(IDENTITY_DAYS),
            hash: Hash::Sha256,
        };
        let certificate = issue(&self.certificate, &self.key, &csr.spki_der, &profile).map_err(Error::internal)?;
        let chain_pem = format!("{}{}", certificate.to_pem(), self.certificate_pem());
        Ok(AgentIdentityCertificate { certificate, chain_pem })
    }

    /// Makes the certificate of the agent listener for host names and addresses: certificate chain and key in PEM.
    ///
    /// # Errors
    /// A fault of ours.
    pub fn issue_listener(&self, names: &[String], now: Timestamp) -> Result<(String, Zeroizing<String>)> {
        let key = PrivateKey::generate(KeySpec::P256).map_err(Error::internal)?;
        let sans = names
            .iter()
            .map(|name| San {
                kind: if name.parse::<std::net::IpAddr>().is_ok() {
                    SanKind::Ip
                } else {
                    SanKind::Dns
                },
                value: name.clone(),
            })
            .collect();
        let profile = Profile {
            subject: Subject(vec![("CN".into(), "Certyard agent listener".into())]),
            sans,
            ca: None,
            key_usage: vec!["digitalSignature"],
            extended_key_usage: vec!["serverAuth".into()],
            not_before: now - Duration::minutes(BACKDATE_MINUTES),
            not_after: now + Duration::days(LISTENER_DAYS),
            hash: Hash::Sha256,
        };
        let certificate = issue(&self.certificate, &self.key, key.spki_der(), &profile).map_err(Error::internal)?;
        Ok((
            format!("{}{}", certificate.to_pem(), self.certificate_pem()),
            key.to_pkcs8_pem(),
        ))
    }
}

pub(super) fn place(id: Uuid) -> String {
    format!("server_key/sealed_key/{id}")
}

pub(super) async fn create(tx: &GlobalTx, ring: &KekRing) -> Result<entity::key::Model> {
    let key = PrivateKey::generate(KeySpec::P256).map_err(Error::internal)?;
    let profile = Profile {
        subject: Subject(vec![("CN".into(), "Certyard agent CA".into())]),
        sans: Vec::new(),
        ca: Some(Some(0)),
        key_usage: vec!["keyCertSign", "cRLSign"],
        extended_key_usage: Vec::new(),
        not_before: tx.now() - Duration::minutes(BACKDATE_MINUTES),
        not_after: tx.now() + Duration::days(365 * CA_YEARS),
        hash: Hash::Sha256,
    };
    let certificate = self_signed(&key, &profile).map_err(Error::internal)?;
    let id = new_id();
    let row = entity::key::ActiveModel {
        id: Set(id),
        kind: Set(KIND.into()),
        sealed_key: Set(ring.active().seal(&place(id), key.to_pkcs8_pem().as_bytes())?),
        kek_id: Set(ring.active().id().into()),
        certificate: Set(certificate.der.clone()),
        created_at: Set(tx.now()),
        retired_at: Set(None),
    };
    Ok(row.insert(tx).await?)
}

pub(super) fn open(row: &entity::key::Model, ring: &KekRing) -> Result<AgentCa> {
    let pem = ring.open(&row.kek_id, &place(row.id), &row.sealed_key)?;
    let pem = std::str::from_utf8(&pem).map_err(Error::internal)?;
    let key = PrivateKey::from_pkcs8_pem(pem).map_err(Error::internal)?;
    let certificate = Certificate::from_der(&row.certificate).map_err(Error::internal)?;
    Ok(AgentCa { certificate, key })
}
