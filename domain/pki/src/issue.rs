//! Making requests and certificates. Every extension is named here; nothing is copied from a request that is not on the list.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use chrono::{DateTime, Datelike as _, Utc};
use const_oid::{AssociatedOid, ObjectIdentifier};
use der::asn1::{GeneralizedTime, OctetString, UtcTime};
use der::flagset::FlagSet;
use der::{Decode as _, Encode};
use signature::Signer as _;
use spki::{
    DynSignatureAlgorithmIdentifier as _, SignatureBitStringEncoding as _, SubjectPublicKeyInfoOwned,
    SubjectPublicKeyInfoRef,
};
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder as _, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::name::Name;
use x509_cert::request::{CertReq, CertReqInfo, ExtensionReq};
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::{Time, Validity};

use crate::certificate::sha1;
use crate::signer::{Hash, Signature, Signer};
use crate::tlv::{only, tag};
use crate::{Certificate, Csr, PkiError, PrivateKey, Result, San, Subject, fields, oid};

/// What a request shall ask for.
#[derive(Debug, Clone, Default)]
pub struct CsrRequest {
    /// The subject's name.
    pub subject: Subject,
    /// Names of kind dns, ip, email and uri.
    pub sans: Vec<San>,
    /// `digitalSignature`, `keyEncipherment`, …
    pub key_usage: Vec<String>,
    /// `serverAuth`, `clientAuth`, … or object identifiers.
    pub extended_key_usage: Vec<String>,
    /// Hash of the request's own signature.
    pub hash: Hash,
}

/// What a certificate shall say.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The subject's name.
    pub subject: Subject,
    /// Names of kind dns, ip, email and uri.
    pub sans: Vec<San>,
    /// None: no authority. Some: an authority, with how many levels of authorities may stand below it (none: any number).
    pub ca: Option<Option<u32>>,
    /// `digitalSignature`, `keyCertSign`, …; no such extension where empty.
    pub key_usage: Vec<&'static str>,
    /// `serverAuth`, … or object identifiers; no such extension where empty.
    pub extended_key_usage: Vec<String>,
    /// Valid from; whole seconds.
    pub not_before: DateTime<Utc>,
    /// Valid until; whole seconds.
    pub not_after: DateTime<Utc>,
    /// Hash of the signature.
    pub hash: Hash,
}

impl Profile {
    /// A certificate of a server or client: digitalSignature (and keyEncipherment, which RSA key exchange needs), serverAuth and clientAuth.
    pub fn end_entity(subject: Subject, sans: Vec<San>, not_before: DateTime<Utc>, not_after: DateTime<Utc>) -> Self {
        Self {
            subject,
            sans,
            ca: None,
            key_usage: vec!["digitalSignature", "keyEncipherment"],
            extended_key_usage: vec!["serverAuth".to_owned(), "clientAuth".to_owned()],
            not_before,
            not_after,
            hash: Hash::Sha256,
        }
    }

    /// A certificate authority with at most `path_len` levels of authorities below it (none: any number).
    pub fn authority(
        subject: Subject,
        path_len: Option<u32>,
        not_before: DateTime<Utc>,
        not_after: DateTime<Utc>,
    ) -> Self {
        Self {
            subject,
            sans: Vec::new(),
            ca: Some(path_len),
            key_usage: vec!["digitalSignature", "keyCertSign", "cRLSign"],
            extended_key_usage: Vec::new(),
            not_before,
            not_after,
            hash: Hash::Sha256,
        }
    }
}

/// Makes a request signed with its own key.
///
/// # Errors
/// [`PkiError::Unmakeable`] names what cannot be put into a request.
pub fn make_csr(key: &PrivateKey, request: &CsrRequest) -> Result<Csr> {
    let mut wanted = Vec::new();
    let subject = request.subject.to_name()?;
    push_names(&mut wanted, &request.sans, subject.is_empty())?;
    push_usages(
        &mut wanted,
        request.key_usage.iter().map(String::as_str),
        &request.extended_key_usage,
    )?;
    let mut info = CertReqInfo {
        version: x509_cert::request::Version::V1,
        subject,
        public_key: read_spki(key.spki_der())?,
        attributes: Default::default(),
    };
    if !wanted.is_empty() {
        let attribute = ExtensionReq(wanted).try_into().map_err(encoding)?;
        info.attributes.insert(attribute).map_err(encoding)?;
    }
    let signer = Signer {
        key,
        hash: request.hash,
    };
    let message = info.to_der().map_err(encoding)?;
    let signed: Signature = signer.try_sign(&message).map_err(|_| PkiError::Crypto("signing"))?;
    let algorithm = signer
        .signature_algorithm_identifier()
        .map_err(|_| PkiError::Crypto("signing"))?;
    let signature = signed.to_bitstring().map_err(encoding)?;
    Csr::from_der(
        &CertReq {
            info,
            algorithm,
            signature,
        }
        .to_der()
        .map_err(encoding)?,
    )
}

/// Makes a certificate that is its own issuer.
///
/// # Errors
/// [`PkiError::Unmakeable`] names what cannot be put into a certificate.
pub fn self_signed(key: &PrivateKey, profile: &Profile) -> Result<Certificate> {
    let subject = profile.subject.to_name()?;
    let ski = key_identifier(key.spki_der())?;
    build(subject.clone(), subject, key, key.spki_der(), ski, profile)
}

/// Makes a certificate for a public key (SubjectPublicKeyInfo in DER), signed by an authority.
///
/// # Errors
/// [`PkiError::Unmakeable`] names what cannot be put into a certificate, or says that the key is not the issuer's.
pub fn issue(issuer: &Certificate, issuer_key: &PrivateKey, spki_der: &[u8], profile: &Profile) -> Result<Certificate> {
    issue_for(issuer, issuer_key, spki_der, profile.subject.to_name()?, profile)
}

/// Makes a certificate that answers a request: its subject, its key, and of its extensions the alternative names, the key usages
/// (none of an authority's) and the extended key usages. Never an authority.
///
/// # Errors
/// As [`issue`]; also where the request asks for names of a kind that cannot be made.
pub fn issue_from_csr(
    issuer: &Certificate,
    issuer_key: &PrivateKey,
    csr: &Csr,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
    hash: Hash,
) -> Result<Certificate> {
    let subject = fields::csr(&csr.der)
        .map_err(|why| PkiError::BrokenCsr(why.to_owned()))?
        .subject;
    let subject = Name::from_der(subject.raw).map_err(encoding)?;
    let profile = Profile {
        subject: Subject::default(),
        sans: csr.sans.clone(),
        ca: None,
        key_usage: csr
            .key_usage
            .iter()
            .flatten()
            .copied()
            .filter(|usage| !matches!(*usage, "keyCertSign" | "cRLSign"))
            .collect(),
        extended_key_usage: csr.extended_key_usage.clone().unwrap_or_default(),
        not_before,
        not_after,
        hash,
    };
    issue_for(issuer, issuer_key, &csr.spki_der, subject, &profile)
}

fn issue_for(
    issuer: &Certificate,
    issuer_key: &PrivateKey,
    spki: &[u8],
    subject: Name,
    profile: &Profile,
) -> Result<Certificate> {
    if !issuer_key.matches(&issuer.spki_der) {
        return Err(PkiError::Unmakeable(
            "the key is not the key of the issuing certificate".to_owned(),
        ));
    }
    let name = Name::from_der(&issuer.subject_der).map_err(encoding)?;
    if name.to_der().map_err(encoding)? != issuer.subject_der {
        return Err(PkiError::Unmakeable(
            "the issuer's name cannot be repeated byte by byte".to_owned(),
        ));
    }
    let aki = match &issuer.ski {
        Some(ski) => ski.clone(),
        None => key_identifier(&issuer.spki_der)?,
    };
    build(name, subject, issuer_key, spki, aki, profile)
}

/// Names and extensions in the form x509-cert's builder asks for them.
struct Prepared {
    issuer: Name,
    subject: Name,
    extensions: Vec<Extension>,
}

impl BuilderProfile for Prepared {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        _key: SubjectPublicKeyInfoRef<'_>,
        _issuer_key: SubjectPublicKeyInfoRef<'_>,
        _tbs: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        Ok(self.extensions.clone())
    }
}

fn build(
    issuer: Name,
    subject: Name,
    key: &PrivateKey,
    spki: &[u8],
    aki: Vec<u8>,
    profile: &Profile,
) -> Result<Certificate> {
    if profile.not_after < profile.not_before {
        return Err(PkiError::Unmakeable(
            "the certificate would end before it begins".to_owned(),
        ));
    }
    let mut extensions = Vec::new();
    let constraints = match profile.ca {
        None => BasicConstraints {
            ca: false,
            path_len_constraint: None,
        },
        Some(path_len) => BasicConstraints {
            ca: true,
            path_len_constraint: path_len
                .map(u8::try_from)
                .transpose()
                .map_err(|_| PkiError::Unmakeable("a path length above 255 is not used".to_owned()))?,
        },
    };
    push(&mut extensions, true, &constraints)?;
    push_usages(
        &mut extensions,
        profile.key_usage.iter().copied(),
        &profile.extended_key_usage,
    )?;
    push_names(&mut extensions, &profile.sans, subject.is_empty())?;
    push(
        &mut extensions,
        false,
        &SubjectKeyIdentifier(octets(key_identifier(spki)?)?),
    )?;
    let aki = AuthorityKeyIdentifier {
        key_identifier: Some(octets(aki)?),
        ..Default::default()
    };
    push(&mut extensions, false, &aki)?;

    let validity = Validity::new(to_time(profile.not_before)?, to_time(profile.not_after)?);
    let prepared = Prepared {
        issuer,
        subject,
        extensions,
    };
    let unmakeable = |error: x509_cert::builder::Error| PkiError::Unmakeable(error.to_string());
    let builder =
        CertificateBuilder::new(prepared, random_serial()?, validity, read_spki(spki)?).map_err(unmakeable)?;
    let signer = Signer {
        key,
        hash: profile.hash,
    };
    let certificate = builder.build::<_, Signature>(&signer).map_err(unmakeable)?;
    Certificate::from_der(&certificate.to_der().map_err(encoding)?)
}

fn push<T: AssociatedOid + Encode>(extensions: &mut Vec<Extension>, critical: bool, value: &T) -> Result<()> {
    let extn_value = octets(value.to_der().map_err(encoding)?)?;
    extensions.push(Extension {
        extn_id: T::OID,
        critical,
        extn_value,
    });
    Ok(())
}

/// RFC 5280 section 4.2.1.6: the names are critical where there is no subject.
fn push_names(extensions: &mut Vec<Extension>, sans: &[San], critical: bool) -> Result<()> {
    if sans.is_empty() {
        return Ok(());
    }
    let names = sans.iter().map(San::to_general_name).collect::<Result<Vec<_>>>()?;
    push(extensions, critical, &SubjectAltName(names))
}

fn push_usages<'a>(
    extensions: &mut Vec<Extension>,
    usages: impl Iterator<Item = &'a str>,
    purposes: &[String],
) -> Result<()> {
    let mut flags = FlagSet::<KeyUsages>::default();
    for usage in usages {
        flags |= match usage {
            "digitalSignature" => KeyUsages::DigitalSignature,
            "nonRepudiation" => KeyUsages::NonRepudiation,
            "keyEncipherment" => KeyUsages::KeyEncipherment,
            "dataEncipherment" => KeyUsages::DataEncipherment,
            "keyAgreement" => KeyUsages::KeyAgreement,
            "keyCertSign" => KeyUsages::KeyCertSign,
            "cRLSign" => KeyUsages::CRLSign,
            "encipherOnly" => KeyUsages::EncipherOnly,
            "decipherOnly" => KeyUsages::DecipherOnly,
            other => return Err(PkiError::Unmakeable(format!("the key usage `{other}` is not known"))),
        };
    }
    if !flags.is_empty() {
        push(extensions, true, &KeyUsage(flags))?;
    }
    if !purposes.is_empty() {
        let purposes = purposes
            .iter()
            .map(|purpose| {
                ObjectIdentifier::new(oid::purpose_by_name(purpose))
                    .map_err(|_| PkiError::Unmakeable(format!("the extended key usage `{purpose}` is not known")))
            })
            .collect::<Result<Vec<_>>>()?;
        push(extensions, false, &ExtendedKeyUsage(purposes))?;
    }
    Ok(())
}

/// RFC 5280 section 4.2.1.2, method 1: SHA-1 of the key's bits.
fn key_identifier(spki: &[u8]) -> Result<Vec<u8>> {
    let bits = only(spki, tag::SEQUENCE).and_then(|spki| {
        let mut fields = spki.walk();
        fields.take(tag::SEQUENCE)?;
        fields.take(tag::BIT_STRING)
    });
    match bits.map(|bits| bits.value.split_first()) {
        Ok(Some((_, bits))) => Ok(sha1(bits).to_vec()),
        _ => Err(PkiError::Unmakeable("the public key is broken".to_owned())),
    }
}

fn read_spki(spki: &[u8]) -> Result<SubjectPublicKeyInfoOwned> {
    SubjectPublicKeyInfoOwned::from_der(spki).map_err(|_| PkiError::Unmakeable("the public key is broken".to_owned()))
}

/// 128 random bits, the second highest set: positive, never short, never repeated.
fn random_serial() -> Result<SerialNumber> {
    let mut octets = [0; 16];
    SystemRandom::new()
        .fill(&mut octets)
        .map_err(|_| PkiError::Crypto("drawing a serial number"))?;
    let number = (u128::from_be_bytes(octets) >> 1) | (1 << 126);
    SerialNumber::new(&number.to_be_bytes()).map_err(encoding)
}

/// UTCTime until 2049, GeneralizedTime from 2050 on.
fn to_time(time: DateTime<Utc>) -> Result<Time> {
    let wrong = || PkiError::Unmakeable(format!("the time {time} does not fit into a certificate"));
    let seconds = u64::try_from(time.timestamp()).map_err(|_| wrong())?;
    let since_epoch = std::time::Duration::from_secs(seconds);
    if time.year() < 2050 {
        UtcTime::from_unix_duration(since_epoch)
            .map(Time::UtcTime)
            .map_err(|_| wrong())
    } else {
        GeneralizedTime::from_unix_duration(since_epoch)
            .map(Time::GeneralTime)
            .map_err(|_| wrong())
    }
}

fn octets(bytes: Vec<u8>) -> Result<OctetString> {
    OctetString::new(bytes).map_err(encoding)
}

fn encoding(error: der::Error) -> PkiError {
    PkiError::Unmakeable(error.to_string())
}
