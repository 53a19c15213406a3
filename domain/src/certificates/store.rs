//! Storing certificates.

use super::entity::{certificate, der, name};
use super::prepare::{Prepared, indexable, prepare, storable};
use crate::Timestamp;
use crate::db::{OrgTx, dialect};
use crate::error::Result;
use crate::ids::new_id;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Set, TryInsertResult};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// How a certificate became known first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A node has it.
    Inventory,
    /// A person or program handed it in.
    Import,
    /// It came with many others.
    Bulk,
    /// It was uploaded for a job.
    Upload,
}

impl Source {
    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inventory => "inventory",
            Self::Import => "import",
            Self::Bulk => "bulk",
            Self::Upload => "upload",
        }
    }
}

/// A certificate that is in the database now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its id.
    pub id: Uuid,
    /// It was not known before.
    pub new: bool,
}

/// Makes sure that certificates are stored, each once; answers their ids in the order given. Whoever is bound to some
/// groups gets the id of a certificate that others stored too: the bytes are in the caller's own hands.
///
/// # Errors
/// The database is busy or away.
pub async fn ensure(tx: &OrgTx, certificates: &[certyard_pki::Certificate], source: Source) -> Result<Vec<Uuid>> {
    let prepared: Vec<Prepared> = certificates.iter().cloned().map(prepare).collect();
    let stored = ensure_prepared(tx, &prepared, source).await?;
    Ok(stored.into_iter().map(|stored| stored.id).collect())
}

/// [`ensure`] for certificates whose rows are ready, telling which are new.
///
/// # Errors
/// The database is busy or away.
pub async fn ensure_prepared(tx: &OrgTx, certificates: &[Prepared], source: Source) -> Result<Vec<Stored>> {
    // In one order, so that two transactions that store the same ones wait for each other instead of in a circle.
    let wanted: BTreeMap<&str, &Prepared> = certificates
        .iter()
        .map(|prepared| (prepared.sha256.as_str(), prepared))
        .collect();
    let mut known = find(tx, wanted.keys().copied()).await?;
    let missing: Vec<&Prepared> = wanted
        .iter()
        .filter(|(sha256, _)| !known.contains_key(**sha256))
        .map(|(_, prepared)| *prepared)
        .collect();
    let mut ours: HashMap<&str, Uuid> = HashMap::new();
    for chunk in missing.chunks(dialect::rows_per_insert(21)) {
        let ids: Vec<Uuid> = chunk.iter().map(|_| new_id()).collect();
        if insert(tx, chunk, &ids, source).await? < chunk.len() as u64 {
            // Others stored some of them meanwhile: which rows are ours is read again.
            let present = find(tx, chunk.iter().map(|prepared| prepared.sha256.as_str())).await?;
            for (prepared, id) in chunk.iter().zip(&ids) {
                if present.get(&prepared.sha256) == Some(id) {
                    ours.insert(&prepared.sha256, *id);
                }
            }
            known.extend(present);
        } else {
            for (prepared, id) in chunk.iter().zip(&ids) {
                ours.insert(&prepared.sha256, *id);
                known.insert(prepared.sha256.clone(), *id);
            }
        }
    }
    let new: Vec<(&Prepared, Uuid)> = missing
        .into_iter()
        .filter_map(|prepared| Some((prepared, *ours.get(prepared.sha256.as_str())?)))
        .collect();
    insert_ders(tx, &new).await?;
    insert_names(tx, &new).await?;
    Ok(certificates
        .iter()
        .filter_map(|prepared| {
            let id = *known.get(&prepared.sha256)?;
            Some(Stored {
                id,
                new: ours.contains_key(prepared.sha256.as_str()),
            })
        })
        .collect())
}

/// Ids of certificates of the organisation by fingerprint, whatever the scope sees: a fingerprint stands for bytes that
/// the caller has.
async fn find<'a>(tx: &OrgTx, sha256: impl Iterator<Item = &'a str>) -> Result<HashMap<String, Uuid>> {
    let sha256: Vec<&str> = sha256.collect();
    let mut found = HashMap::with_capacity(sha256.len());
    for chunk in sha256.chunks(dialect::MAX_BINDS / 2) {
        let rows: Vec<(String, Uuid)> = certificate::Entity::find()
            .select_only()
            .columns([certificate::Column::Sha256, certificate::Column::Id])
            .filter(certificate::Column::OrgId.eq(tx.org_id()))
            .filter(certificate::Column::Sha256.is_in(chunk.iter().copied()))
            .into_tuple()
            .all(tx)
            .await?;
        found.extend(rows);
    }
    Ok(found)
}

async fn insert(tx: &OrgTx, chunk: &[&Prepared], ids: &[Uuid], source: Source) -> Result<u64> {
    let rows = chunk
        .iter()
        .zip(ids)
        .map(|(prepared, id)| row(tx.org_id(), tx.now(), *id, prepared, source));
    use certificate::Column;
    let inserted = certificate::Entity::insert_many(rows)
        .on_conflict_do_nothing_on([Column::OrgId, Column::Sha256])
        .exec_without_returning(tx)
        .await?;
    Ok(match inserted {
        TryInsertResult::Inserted(count) => count,
        TryInsertResult::Empty | TryInsertResult::Conflicted => 0,
    })
}

fn row(org_id: Uuid, now: Timestamp, id: Uuid, prepared: &Prepared, source: Source) -> certificate::ActiveModel {
    let certificate = &prepared.certificate;
    certificate::ActiveModel {
        org_id: Set(org_id),
        id: Set(id),
        sha256: Set(prepared.sha256.clone()),
        sha1: Set(hex::encode(certificate.sha1)),
        serial_hex: Set(indexable(&certificate.serial_hex)),
        subject: Set(storable(&certificate.subject)),
        issuer: Set(storable(&certificate.issuer)),
        common_name: Set(prepared.shown_name()),
        subject_hash: Set(prepared.subject_hash.clone()),
        issuer_hash: Set(prepared.issuer_hash.clone()),
        ski: Set(certificate.ski.as_ref().map(hex::encode)),
        aki: Set(certificate.aki.as_ref().map(hex::encode)),
        not_before: Set(crate::clock::cut(certificate.not_before)),
        not_after: Set(crate::clock::cut(certificate.not_after)),
        key_type: Set(certificate.key.key_type.clone()),
        key_bits: Set(certificate.key.bits.and_then(|bits| i32::try_from(bits).ok())),
        signature_algorithm: Set(certificate.signature_algorithm.clone()),
        is_ca: Set(certificate.is_ca()),
        self_signed: Set(prepared.self_signed),
        details: Set(prepared.details.clone()),
        source: Set(source.as_str().into()),
        created_at: Set(now),
    }
}

async fn insert_ders(tx: &OrgTx, new: &[(&Prepared, Uuid)]) -> Result<()> {
    // Few at once: a statement of a thousand certificates would hold megabytes.
    for chunk in new.chunks(250) {
        let rows = chunk.iter().map(|(prepared, id)| der::ActiveModel {
            org_id: Set(tx.org_id()),
            id: Set(*id),
            der: Set(prepared.certificate.der.clone()),
        });
        der::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

async fn insert_names(tx: &OrgTx, new: &[(&Prepared, Uuid)]) -> Result<()> {
    let rows: Vec<name::ActiveModel> = new
        .iter()
        .flat_map(|(prepared, id)| {
            prepared
                .certificate
                .sans
                .iter()
                .zip(0_i32..)
                .map(|(san, position)| name::ActiveModel {
                    org_id: Set(tx.org_id()),
                    certificate_id: Set(*id),
                    position: Set(position),
                    kind: Set(san.kind.as_str().into()),
                    value: Set(indexable(&san.value.to_lowercase())),
                })
        })
        .collect();
    for chunk in rows.chunks(dialect::rows_per_insert(5)) {
        name::Entity::insert_many(chunk.iter().cloned())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}
