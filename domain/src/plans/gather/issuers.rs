//! Further issuers of an upload, among the certificates that the organisation knows.

use super::name_hash;
use crate::db::OrgTx;
use crate::error::Result;
use crate::plans::facts::Shared;
use crate::plans::rows::col;
use certyard_pki::Certificate;
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Condition, ExprTrait, Query};
use std::collections::HashSet;

/// How many issuers a chain has at most, root included.
const MAX_CHAIN: usize = 8;

/// Sorts the upload and looks for further issuers among the certificates that the organisation knows.
pub(super) async fn share(tx: &OrgTx, uploaded: &[Certificate]) -> Result<Shared> {
    let (authorities, leaves): (Vec<Certificate>, Vec<Certificate>) =
        uploaded.iter().cloned().partition(Certificate::is_ca);
    let mut known: Vec<Certificate> = Vec::new();
    let mut asked: HashSet<String> = HashSet::new();
    let mut frontier: Vec<String> = uploaded.iter().map(|one| name_hash(&one.issuer_der)).collect();
    for _ in 0..MAX_CHAIN {
        frontier.retain(|hash| asked.insert(hash.clone()));
        if frontier.is_empty() {
            break;
        }
        let mut found = Vec::new();
        for chunk in frontier.chunks(1_000) {
            let select = Query::select()
                .column(("certificate_der", "der"))
                .from("certificate")
                .inner_join(
                    "certificate_der",
                    Condition::all()
                        .add(col("certificate_der", "org_id").equals(("certificate", "org_id")))
                        .add(col("certificate_der", "id").equals(("certificate", "id"))),
                )
                .and_where(col("certificate", "org_id").eq(tx.org_id()))
                .and_where(col("certificate", "is_ca").eq(true))
                .and_where(col("certificate", "subject_hash").is_in(chunk.iter().map(String::as_str)))
                .take();
            for row in tx.query_all(&select).await? {
                let der: Vec<u8> = row.try_get("", "der")?;
                found.extend(Certificate::from_der(&der).ok());
            }
        }
        frontier = found.iter().map(|one| name_hash(&one.issuer_der)).collect();
        known.extend(found);
    }
    known.retain(|one| !authorities.iter().any(|other| other.sha256 == one.sha256));
    Ok(Shared {
        leaves: if leaves.is_empty() { uploaded.to_vec() } else { leaves },
        uploaded: authorities,
        known,
        ..Shared::default()
    })
}
