//! Identity certificates that a public CA issued for servers only, where nodes show them as clients, too (cisco.md 5, FN74345).

use super::entity::installation;
use super::list::{InstallationFilter, filtered};
use super::rows::{self, InstallationRow};
use crate::catalogue::{MUTUAL_TLS, mutual_tls};
use crate::db::OrgTx;
use crate::error::Result;
use crate::lists::Page;
use crate::{Permission, Timestamp, certificates};
use certyard_pki::Certificate;
use certyard_protocol::StoreKind;
use sea_orm::sea_query::{Condition, Expr, ExprTrait};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Rows that are looked at in one go.
const STEP: u64 = 500;
/// How many of these make one answer: where so many certificates are fine, the page is short and its cursor goes on.
const STEPS: usize = 10;

/// A certificate that fails where its node is a client.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageRow {
    /// Where it is.
    pub row: InstallationRow,
    /// What it may be used for.
    pub extended_key_usage: Vec<String>,
    /// How sure it is that the purpose needs more.
    pub evidence: &'static str,
    /// What happens, and the way out.
    pub message: String,
}

/// One page of identity certificates of public CAs for servers only, on purposes that are clients as well, those that end first first.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn server_only(
    tx: &OrgTx,
    filter: &InstallationFilter,
    after: Option<(Timestamp, Uuid)>,
    limit: u64,
) -> Result<Page<UsageRow, (Timestamp, Uuid)>> {
    tx.scope().require(Permission::ReadFleet)?;
    let limit = usize::try_from(limit.clamp(1, crate::lists::MAX_LIMIT)).unwrap_or(1);
    let mut found: Vec<installation::Model> = Vec::new();
    let mut last = after;
    for _ in 0..STEPS {
        let rows = candidates(tx, filter, last).await?;
        let whole = rows.len() as u64 == STEP;
        let fits = fitting(tx, &rows).await?;
        for row in rows {
            last = Some((row.not_after, row.id));
            if fits.contains(&row.certificate_id) {
                found.push(row);
            }
            if found.len() == limit {
                return answer(tx, found, last).await;
            }
        }
        if !whole {
            last = None;
            break;
        }
    }
    answer(tx, found, last).await
}

async fn candidates(
    tx: &OrgTx,
    filter: &InstallationFilter,
    after: Option<(Timestamp, Uuid)>,
) -> Result<Vec<installation::Model>> {
    use installation::{Column, Entity};
    let filter = InstallationFilter {
        kind: Some(StoreKind::Identity),
        ..filter.clone()
    };
    let both = MUTUAL_TLS.iter().fold(Condition::any(), |any, row| {
        any.add(
            Condition::all()
                .add(Column::Product.eq(row.product))
                .add(Column::Store.eq(row.purpose)),
        )
    });
    let mut rows = filtered(tx, &filter)
        .await?
        .filter(Column::SelfSigned.eq(false))
        .filter(both);
    if let Some((not_after, id)) = after {
        let key = Expr::tuple([Expr::col((Entity, Column::NotAfter)), Expr::col((Entity, Column::Id))]);
        rows = rows.filter(key.gt(Expr::tuple([Expr::value(not_after), Expr::value(id)])));
    }
    Ok(rows
        .order_by_asc(Column::NotAfter)
        .order_by_asc(Column::Id)
        .limit(STEP)
        .all(tx)
        .await?)
}

/// Those of the certificates that are for servers only and of a public CA.
async fn fitting(tx: &OrgTx, rows: &[installation::Model]) -> Result<HashSet<Uuid>> {
    let ids: HashSet<Uuid> = rows.iter().map(|row| row.certificate_id).collect();
    let known = certificates::by_ids(tx, ids).await?;
    let servers = known.into_values().filter(|one| is_server_only(&usages(&one.details)));
    let wanted: Vec<Uuid> = servers.map(|one| one.id).collect();
    let ders: HashMap<Uuid, Vec<u8>> = certificates::ders(tx, &wanted).await?;
    Ok(ders
        .into_iter()
        .filter(|(_, der)| Certificate::from_der(der).is_ok_and(|one| one.is_publicly_trusted()))
        .map(|(id, _)| id)
        .collect())
}

/// What a stored certificate may be used for; empty where it does not say.
fn usages(details: &serde_json::Value) -> Vec<String> {
    let all = details["extended_key_usage"].as_array().into_iter().flatten();
    all.filter_map(|usage| usage.as_str().map(ToString::to_string))
        .collect()
}

/// What says nothing is for everything.
fn is_server_only(usages: &[String]) -> bool {
    let has = |wanted: &str| usages.iter().any(|usage| usage == wanted);
    has("serverAuth") && !has("clientAuth") && !has("anyExtendedKeyUsage")
}

async fn answer(
    tx: &OrgTx,
    found: Vec<installation::Model>,
    next: Option<(Timestamp, Uuid)>,
) -> Result<Page<UsageRow, (Timestamp, Uuid)>> {
    use installation::{Column, Entity};
    let selected = tx
        .find::<Entity>()
        .filter(Column::Id.is_in(found.iter().map(|row| row.id)))
        .order_by_asc(Column::NotAfter)
        .order_by_asc(Column::Id);
    let rows = match found.is_empty() {
        true => Vec::new(),
        false => rows::read(tx, selected, &[Column::NotAfter, Column::Id]).await?,
    };
    Ok(Page {
        items: rows.into_iter().map(usage_row).collect(),
        next,
    })
}

fn usage_row(row: InstallationRow) -> UsageRow {
    let place = &row.installation;
    let known = mutual_tls(&place.product, &place.store);
    UsageRow {
        extended_key_usage: usages(&row.certificate.details),
        evidence: known.map_or("guess", |row| row.proof.evidence.as_str()),
        message: format!(
            "`{}` of node `{}` is shown to peers that it calls as well, and `{}` issued the certificate for servers only: calls that check it fail. \
             Have a CA sign it that adds clientAuth, as a private one does",
            place.store, row.node_name, place.issuer
        ),
        row,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_says_nothing_or_more_is_not_for_servers_only() {
        for (details, only) in [
            (json!({ "extended_key_usage": ["serverAuth"] }), true),
            (json!({ "extended_key_usage": ["serverAuth", "1.2.3"] }), true),
            (json!({ "extended_key_usage": ["serverAuth", "clientAuth"] }), false),
            (
                json!({ "extended_key_usage": ["serverAuth", "anyExtendedKeyUsage"] }),
                false,
            ),
            (json!({ "extended_key_usage": ["clientAuth"] }), false),
            (json!({ "extended_key_usage": null }), false),
            (json!({}), false),
        ] {
            assert_eq!(is_server_only(&usages(&details)), only, "{details}");
        }
    }
}
