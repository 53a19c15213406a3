//! Root changes as people see them.

use super::check::{Caution, Pair};
use super::entity as root_change;
use super::lineage::same_authority;
use super::within::Within;
use super::{coverage, not_found};
use crate::certificates::Certificate;
use crate::certificates::entity::certificate;
use crate::db::OrgTx;
use crate::error::{Error, Result};
use crate::lists::{Page, contains, fetch, page, typed};
use crate::{Permission, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Where a root change stands as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It is under way.
    Open,
    /// No trust store holds the old certificate any more.
    Completed,
    /// Somebody closed it before.
    Cancelled,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Open, Self::Completed, Self::Cancelled];

    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A root change.
#[derive(Clone, Debug, PartialEq)]
pub struct RootChange {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// For people.
    pub note: String,
    /// The certificate that makes way.
    pub old: Certificate,
    /// The one that takes its place.
    pub new: Certificate,
    /// In which clusters.
    pub within: Within,
    /// Where it stands as a whole.
    pub state: State,
    /// Why it was closed; empty while it is open.
    pub reason: String,
    /// Who made it.
    pub created_by_name: String,
    /// When.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// By whom.
    pub closed_by_name: Option<String>,
    /// Rises with each change.
    pub version: i64,
}

impl RootChange {
    /// Refuses what a closed one takes no more.
    ///
    /// # Errors
    /// [`Error::Refused`] `root_change_closed`.
    pub(crate) fn require_open(&self) -> Result<()> {
        match self.state {
            State::Open => Ok(()),
            State::Completed | State::Cancelled => Err(Error::refused(
                "root_change_closed",
                format!(
                    "the root change `{}` is {}: make a new one to go on",
                    self.name,
                    self.state.as_str()
                ),
            )),
        }
    }

    /// What is to be known of its two certificates.
    ///
    /// # Errors
    /// The database is busy or away.
    pub async fn cautions(&self, tx: &OrgTx) -> Result<Vec<Caution>> {
        let pair = Pair {
            old: &self.old,
            new: &self.new,
            same_key: same_authority(tx, &self.old, &self.new).await?,
            takes: coverage::takes(tx, &self.within, self.old.id).await?,
        };
        Ok(pair.cautions(tx.now()))
    }
}

/// A root change.
///
/// # Errors
/// [`Error::NotFound`] for one that is unknown, foreign, or asked for by whoever is bound to some groups; [`Error::Forbidden`] without
/// [`Permission::ReadFleet`].
pub async fn get(tx: &OrgTx, id: Uuid) -> Result<RootChange> {
    tx.scope().require(Permission::ReadFleet)?;
    let row = tx
        .find::<root_change::Entity>()
        .filter(root_change::Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or_else(not_found)?;
    with_certificates(tx, vec![row]).await?.pop().ok_or_else(not_found)
}

/// One page of root changes, the newest first, after the key `(created_at, id)`.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn list(
    tx: &OrgTx,
    states: &[State],
    search: Option<&str>,
    after: Option<(Timestamp, Uuid)>,
    limit: u64,
) -> Result<Page<RootChange, (Timestamp, Uuid)>> {
    tx.scope().require(Permission::ReadFleet)?;
    use root_change::{Column, Entity};
    let mut rows = tx.find::<Entity>();
    if !states.is_empty() {
        rows = rows.filter(Column::State.is_in(states.iter().map(|state| state.as_str())));
    }
    if let Some(text) = typed(search) {
        rows = rows.filter(contains(Expr::col((Entity, Column::Name)), &text));
    }
    if let Some((at, id)) = after {
        let key = Expr::tuple([Expr::col((Entity, Column::CreatedAt)), Expr::col((Entity, Column::Id))]);
        rows = rows.filter(key.lt(Expr::tuple([Expr::value(at), Expr::value(id)])));
    }
    let rows = rows
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(fetch(limit))
        .all(tx)
        .await?;
    let page = page(rows, limit, |row| (row.created_at, row.id));
    Ok(Page {
        items: with_certificates(tx, page.items).await?,
        next: page.next,
    })
}

/// Rows with their certificates, which whoever was given the rows gets as well: no node of their groups may hold the new one yet.
pub(super) async fn with_certificates(tx: &OrgTx, rows: Vec<root_change::Model>) -> Result<Vec<RootChange>> {
    let ids: HashSet<Uuid> = rows
        .iter()
        .flat_map(|row| [row.old_certificate_id, row.new_certificate_id])
        .collect();
    let known = certificate::Entity::find()
        .filter(certificate::Column::OrgId.eq(tx.org_id()))
        .filter(certificate::Column::Id.is_in(ids))
        .all(tx)
        .await?;
    let known: HashMap<Uuid, Certificate> = known.into_iter().map(|row| (row.id, row)).collect();
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let (Some(old), Some(new)) = (known.get(&row.old_certificate_id), known.get(&row.new_certificate_id)) else {
            continue;
        };
        all.push(RootChange {
            id: row.id,
            name: row.name,
            note: row.note,
            old: old.clone(),
            new: new.clone(),
            within: serde_json::from_value(row.within).map_err(Error::internal)?,
            state: State::parse(&row.state).ok_or_else(|| Error::internal("an unknown state of a root change"))?,
            reason: row.reason,
            created_by_name: row.created_by_name,
            created_at: row.created_at,
            updated_at: row.updated_at,
            closed_at: row.closed_at,
            closed_by_name: row.closed_by_name,
            version: row.version,
        });
    }
    Ok(all)
}
