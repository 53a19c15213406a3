//! Finding certificates.

use super::entity::{certificate, der as der_entity};
use super::{not_found, search};
use crate::db::OrgTx;
use crate::error::Result;
use crate::lists::{Page, fetch, page, typed};
use crate::{Permission, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;
use uuid::Uuid;

/// A certificate with its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredCertificate {
    /// Its row.
    pub row: certificate::Model,
    /// Its bytes as received.
    pub der: Vec<u8>,
}

impl StoredCertificate {
    /// The same in PEM.
    pub fn to_pem(&self) -> String {
        certyard_pki::pem_text::encode("CERTIFICATE", &self.der)
    }
}

/// End and id of the last certificate of a page.
pub type CertificateCursor = (Timestamp, Uuid);

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct CertificateFilter {
    /// Part of the common name, of an alternative name or of the name of a node that holds it; or the begin of the serial
    /// number or SHA-256.
    pub search: Option<String>,
    /// Ends at this time or later.
    pub not_after_from: Option<Timestamp>,
    /// Ends before this time.
    pub not_after_until: Option<Timestamp>,
    /// Only CA certificates, or only others.
    pub is_ca: Option<bool>,
}

/// One page of certificates, those that end first first. Whoever is bound to some groups sees those that are installed
/// there.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn list(
    tx: &OrgTx,
    filter: &CertificateFilter,
    after: Option<CertificateCursor>,
    limit: u64,
) -> Result<Page<certificate::Model, CertificateCursor>> {
    tx.scope().require(Permission::ReadFleet)?;
    use certificate::{Column, Entity};
    let mut rows = tx.find::<Entity>();
    if let Some(text) = typed(filter.search.as_deref()) {
        rows = rows.filter(search::of_certificates(tx, &text).await?);
    }
    if let Some(from) = filter.not_after_from {
        rows = rows.filter(Column::NotAfter.gte(from));
    }
    if let Some(until) = filter.not_after_until {
        rows = rows.filter(Column::NotAfter.lt(until));
    }
    if let Some(is_ca) = filter.is_ca {
        rows = rows.filter(Column::IsCa.eq(is_ca));
    }
    if let Some((not_after, id)) = after {
        let row = Expr::tuple([Expr::col((Entity, Column::NotAfter)), Expr::col((Entity, Column::Id))]);
        rows = rows.filter(row.gt(Expr::tuple([Expr::value(not_after), Expr::value(id)])));
    }
    let rows = rows
        .order_by_asc(Column::NotAfter)
        .order_by_asc(Column::Id)
        .limit(fetch(limit))
        .all(tx)
        .await?;
    Ok(page(rows, limit, |row| (row.not_after, row.id)))
}

/// One certificate without its bytes.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn get(tx: &OrgTx, id: Uuid) -> Result<certificate::Model> {
    tx.scope().require(Permission::ReadFleet)?;
    tx.find::<certificate::Entity>()
        .filter(certificate::Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or_else(not_found)
}

/// One certificate with its bytes.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn der(tx: &OrgTx, id: Uuid) -> Result<StoredCertificate> {
    let row = get(tx, id).await?;
    let bytes = tx
        .find::<der_entity::Entity>()
        .filter(der_entity::Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or_else(not_found)?;
    Ok(StoredCertificate { row, der: bytes.der })
}

/// The bytes of certificates by their ids, as far as the scope sees them.
pub(crate) async fn ders(tx: &OrgTx, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<u8>>> {
    let rows = tx
        .find::<der_entity::Entity>()
        .filter(der_entity::Column::Id.is_in(ids.iter().copied()))
        .all(tx)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.der)).collect())
}

/// Certificates by their ids, as far as the scope sees them.
pub(crate) async fn by_ids(
    tx: &OrgTx,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, certificate::Model>> {
    let rows = tx.by_ids::<certificate::Entity>(ids).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}
