//! Reads what an agent sent. Pure: a certificate that cannot be understood is noted, and what is known of its entry stays.

use crate::catalogue::spelling;
use crate::certificates::{Prepared, off_thread, prepare};
use crate::digest::sha256_hex;
use crate::error::{Error, Result};
use certyard_pki::{Certificate, Csr};
use certyard_protocol::{InventoryCsr, InventoryEntry, NodeInventory, Served, StoreKind};
use std::collections::HashSet;

/// Entries that a node may have.
const MAX_ENTRIES: usize = 20_000;
/// Longest name of a store or entry: both stand in one index row.
const MAX_KEY: usize = 500;
/// Longest digest and version that are taken.
const MAX_TEXT: usize = 200;

/// One certificate in one store.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedEntry {
    /// Name of the store; for identity the purpose.
    pub store: String,
    /// Key within the store.
    pub entry: String,
    /// Identity or trust.
    pub kind: StoreKind,
    /// The certificate.
    pub certificate: Prepared,
    /// What the wire said.
    pub served: Served,
}

/// Something that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Name of the store, or the purpose of a CSR.
    pub store: String,
    /// Key within the store; empty for a CSR.
    pub entry: String,
    /// Why, for people.
    pub reason: String,
}

/// An open CSR.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedCsr {
    /// Purpose.
    pub purpose: String,
    /// SHA-256 of its bytes in hex.
    pub sha256: String,
    /// SHA-256 of its public key in hex.
    pub spki_sha256: String,
    /// The CSR.
    pub csr: Csr,
}

/// What an agent sent, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// Digest of what the node holds.
    pub digest: String,
    /// Certificates; of a difference those that are new or changed.
    pub entries: Vec<ParsedEntry>,
    /// Of a difference: store and entry of those that are gone. `None`: whatever is not among `entries` is gone.
    pub removed: Option<Vec<(String, String)>>,
    /// All open CSRs.
    pub csrs: Vec<ParsedCsr>,
    /// What could not be understood.
    pub unreadable: Vec<Unreadable>,
    /// The version that the node says it runs.
    pub version: Option<String>,
}

/// Reads a whole inventory.
///
/// # Errors
/// [`Error::Invalid`] for too many entries or a digest that is none.
pub fn parse(inventory: &NodeInventory) -> Result<Parsed> {
    let version = inventory.version.as_deref().map(|version| {
        let printable = version.chars().filter(|letter| !letter.is_control());
        printable.take(MAX_TEXT).collect::<String>()
    });
    let mut parsed = parse_parts(&inventory.digest, &inventory.entries, &inventory.csrs)?;
    parsed.version = version.filter(|version| !version.trim().is_empty());
    Ok(parsed)
}

/// Reads a difference; its base is the caller's to compare.
pub(super) fn parse_delta(
    digest: &str,
    add: &[InventoryEntry],
    remove: Vec<(String, String)>,
    csrs: &[InventoryCsr],
) -> Result<Parsed> {
    if remove.len() > MAX_ENTRIES {
        return Err(too_many("remove"));
    }
    let mut parsed = parse_parts(digest, add, csrs)?;
    let remove = remove.into_iter();
    let spelt = remove.map(|(store, entry)| (spelling(&store).to_string(), entry_name(&store, &entry).to_string()));
    parsed.removed = Some(spelt.collect());
    Ok(parsed)
}

/// [`parse`] off the threads of requests.
///
/// # Errors
/// As [`parse`].
pub async fn parse_off_thread(inventory: NodeInventory) -> Result<Parsed> {
    off_thread(move || parse(&inventory)).await?
}

fn too_many(field: &str) -> Error {
    Error::field(field, "too_many", format!("a node has at most {MAX_ENTRIES} entries"))
}

fn parse_parts(digest: &str, entries: &[InventoryEntry], csrs: &[InventoryCsr]) -> Result<Parsed> {
    if digest.is_empty() || digest.len() > MAX_TEXT || !digest.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::field(
            "digest",
            "malformed",
            "must be the SHA-256 of the inventory in hexadecimal",
        ));
    }
    if entries.len() > MAX_ENTRIES {
        return Err(too_many("entries"));
    }
    if csrs.len() > MAX_ENTRIES {
        return Err(too_many("csrs"));
    }
    let mut parsed = Parsed {
        digest: digest.into(),
        entries: Vec::with_capacity(entries.len()),
        removed: None,
        csrs: Vec::with_capacity(csrs.len()),
        unreadable: Vec::new(),
        version: None,
    };
    let mut seen = HashSet::new();
    for entry in entries {
        let (store, name) = (spelling(&entry.store), entry_name(&entry.store, &entry.entry));
        let certificate = check_key(store)
            .and_then(|()| check_key(name))
            .and_then(|()| {
                if seen.insert((store, name)) {
                    Ok(())
                } else {
                    Err("is there twice: the first is kept".to_string())
                }
            })
            .and_then(|()| Certificate::from_pem(&entry.certificate_pem).map_err(|error| error.to_string()));
        match certificate {
            Ok(certificate) => parsed.entries.push(ParsedEntry {
                store: store.to_string(),
                entry: name.to_string(),
                kind: entry.kind,
                certificate: prepare(certificate),
                served: entry.served.clone(),
            }),
            Err(reason) => parsed.unreadable.push(Unreadable {
                store: store.to_string(),
                entry: name.to_string(),
                reason,
            }),
        }
    }
    let mut purposes = HashSet::new();
    for csr in csrs {
        let purpose = spelling(&csr.purpose);
        let read = check_key(purpose)
            .and_then(|()| {
                if purposes.insert(purpose) {
                    Ok(())
                } else {
                    Err("has two CSRs: the first is kept".to_string())
                }
            })
            .and_then(|()| Csr::from_pem(&csr.csr_pem).map_err(|error| error.to_string()));
        match read {
            Ok(read) => parsed.csrs.push(ParsedCsr {
                purpose: purpose.to_string(),
                sha256: hex::encode(read.sha256),
                spki_sha256: hex::encode(read.spki_sha256),
                csr: read,
            }),
            Err(reason) => parsed.unreadable.push(Unreadable {
                store: purpose.to_string(),
                entry: String::new(),
                reason,
            }),
        }
    }
    Ok(parsed)
}

/// The key of an entry: that of an identity is the name of its purpose, in the spelling of the catalogue.
fn entry_name<'a>(store: &str, entry: &'a str) -> &'a str {
    if entry == store { spelling(entry) } else { entry }
}

fn check_key(text: &str) -> Result<(), String> {
    if text.is_empty() {
        Err("has no name".into())
    } else if text.len() > MAX_KEY {
        Err(format!("has a name longer than {MAX_KEY} bytes"))
    } else if text.chars().any(char::is_control) {
        Err("has a name with control characters".into())
    } else {
        Ok(())
    }
}

impl ParsedEntry {
    /// SHA-256 of the certificate's public key, in hex.
    pub(super) fn spki_sha256(&self) -> String {
        sha256_hex(&self.certificate.certificate.spki_der)
    }
}

/// Notes that are told of a node at most; it is one sentence.
const TOLD: usize = 3;

impl Parsed {
    /// One sentence on what could not be understood, if anything.
    pub(super) fn unreadable_message(&self) -> Option<String> {
        let first = self.unreadable.first()?;
        let mut told: Vec<String> = self
            .unreadable
            .iter()
            .take(TOLD)
            .map(|one| {
                let name: String = [one.store.as_str(), one.entry.as_str()]
                    .into_iter()
                    .filter(|part| !part.is_empty() && *part != first.reason)
                    .collect::<Vec<_>>()
                    .join("/")
                    .chars()
                    .filter(|letter| !letter.is_control())
                    .take(MAX_TEXT)
                    .collect();
                format!("{name}: {}", one.reason)
            })
            .collect();
        if self.unreadable.len() > TOLD {
            told.push(format!("and {} more", self.unreadable.len() - TOLD));
        }
        Some(format!("not all of the node could be understood: {}", told.join("; ")))
    }
}
