//! A certificate and where it is.

use super::entity::installation;
use super::rows::{self, InstallationRow};
use crate::Permission;
use crate::certificates::{self, Certificate};
use crate::db::OrgTx;
use crate::error::Result;
use crate::lists::{Page, fetch, page};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

/// Installations that are shown with a certificate; one in 10,000 stores shows these and the count.
const SHOWN: u64 = 50;

/// A certificate with the first places where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct CertificateDetail {
    /// The certificate.
    pub certificate: Certificate,
    /// Its first 50 installations.
    pub installations: Vec<InstallationRow>,
    /// All of its installations.
    pub installation_count: u64,
}

/// One certificate with its first 50 installations and how many there are.
///
/// # Errors
/// [`crate::Error::NotFound`]; [`crate::Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn certificate(tx: &OrgTx, id: Uuid) -> Result<CertificateDetail> {
    let certificate = certificates::get(tx, id).await?;
    let first = of_certificate(tx, id, None, SHOWN).await?;
    let installation_count = match first.next {
        None => first.items.len() as u64,
        Some(_) => present(tx, id).count(tx).await?,
    };
    Ok(CertificateDetail {
        certificate,
        installations: first.items,
        installation_count,
    })
}

fn present(tx: &OrgTx, certificate_id: Uuid) -> sea_orm::Select<installation::Entity> {
    tx.find::<installation::Entity>()
        .filter(installation::Column::CertificateId.eq(certificate_id))
        .filter(installation::Column::GoneAt.is_null())
}

/// One page of the installations of a certificate, in the order of their ids.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn of_certificate(
    tx: &OrgTx,
    certificate_id: Uuid,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Page<InstallationRow, Uuid>> {
    tx.scope().require(Permission::ReadFleet)?;
    use installation::{Column, Entity};
    let mut rows = present(tx, certificate_id);
    if let Some(id) = after {
        rows = rows.filter(Expr::col((Entity, Column::Id)).gt(id));
    }
    let rows = rows.order_by_asc(Column::Id).limit(fetch(limit));
    let rows = rows::read(tx, rows, &[Column::Id]).await?;
    Ok(page(rows, limit, |row| row.installation.id))
}
