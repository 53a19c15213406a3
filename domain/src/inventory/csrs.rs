//! CSRs of nodes: one is open for each purpose, and a new one replaces it.

use super::entity::csr::{ActiveModel, Column, Entity};
use super::parse::{Parsed, ParsedCsr};
use super::read_csrs::CsrState;
use crate::certificates::{csr_details, shown_name, storable};
use crate::db::{OrgTx, dialect};
use crate::error::Result;
use crate::ids::new_id;
use crate::nodes::Node;
use certyard_protocol::StoreKind;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use std::collections::HashMap;
use uuid::Uuid;

/// Takes over the open CSRs of a node, all of which are listed; answers purpose and id of those that were not known.
pub(super) async fn write(
    tx: &OrgTx,
    node: &Node,
    parsed: &Parsed,
    job_id: Option<Uuid>,
) -> Result<Vec<(String, Uuid)>> {
    let open = tx
        .find::<Entity>()
        .filter(Column::NodeId.eq(node.id))
        .filter(Column::State.eq(CsrState::Open.as_str()))
        .all(tx)
        .await?;
    if open.is_empty() && parsed.csrs.is_empty() {
        return Ok(Vec::new());
    }
    let mut listed: HashMap<&str, &ParsedCsr> = parsed.csrs.iter().map(|csr| (csr.purpose.as_str(), csr)).collect();
    let installed: HashMap<&str, String> = parsed
        .entries
        .iter()
        .filter(|entry| entry.kind == StoreKind::Identity)
        .map(|entry| (entry.store.as_str(), entry.spki_sha256()))
        .collect();
    for old in &open {
        let purpose = old.purpose.as_str();
        // What could not be read is still there.
        if parsed
            .unreadable
            .iter()
            .any(|one| one.entry.is_empty() && one.store == purpose)
        {
            continue;
        }
        let state = match listed.get(purpose) {
            Some(csr) if csr.sha256 == old.sha256 => {
                listed.remove(purpose);
                continue;
            }
            _ if installed.get(purpose) == Some(&old.spki_sha256) => CsrState::Answered,
            Some(_) => CsrState::Replaced,
            None => CsrState::Gone,
        };
        tx.update_many::<Entity>()
            .col_expr(Column::State, Expr::value(state.as_str()))
            .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
            .filter(Column::Id.eq(old.id))
            .filter(Column::State.eq(CsrState::Open.as_str()))
            .exec(tx)
            .await?;
    }
    let mut new: Vec<&ParsedCsr> = listed.into_values().collect();
    new.sort_unstable_by(|a, b| a.purpose.cmp(&b.purpose));
    let mut made = Vec::with_capacity(new.len());
    let mut rows = Vec::with_capacity(new.len());
    for csr in new {
        let id = new_id();
        made.push((csr.purpose.clone(), id));
        rows.push(row(tx, node, id, csr, job_id));
    }
    for chunk in rows.chunks(dialect::rows_per_insert(14)) {
        Entity::insert_many(chunk.iter().cloned())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(made)
}

fn row(tx: &OrgTx, node: &Node, id: Uuid, csr: &ParsedCsr, job_id: Option<Uuid>) -> ActiveModel {
    let read = &csr.csr;
    ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(id),
        node_id: Set(node.id),
        cluster_id: Set(node.cluster_id),
        purpose: Set(csr.purpose.clone()),
        state: Set(CsrState::Open.as_str().into()),
        der: Set(read.der.clone()),
        sha256: Set(csr.sha256.clone()),
        spki_sha256: Set(csr.spki_sha256.clone()),
        subject: Set(storable(&read.subject)),
        common_name: Set(shown_name(read.common_name.as_deref(), &read.sans, &read.subject)),
        details: Set(csr_details(read)),
        job_id: Set(job_id),
        created_at: Set(tx.now()),
        updated_at: Set(tx.now()),
    }
}

/// The node is out of use, and so are its open CSRs.
pub(super) async fn end_all(tx: &OrgTx, node_id: Uuid) -> Result<()> {
    tx.update_many::<Entity>()
        .col_expr(Column::State, Expr::value(CsrState::Gone.as_str()))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
        .filter(Column::NodeId.eq(node_id))
        .filter(Column::State.eq(CsrState::Open.as_str()))
        .exec(tx)
        .await?;
    Ok(())
}
