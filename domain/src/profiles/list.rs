//! Lists of profiles, and which one each cluster has.

use super::entity::{cluster_profile, profile};
use super::setting::Setting;
use super::{BUILT_IN, BUILT_IN_NAME, not_found};
use crate::clusters::entity::cluster;
use crate::db::{OrgTx, dialect};
use crate::error::{Error, Result};
use crate::lists::{Page, contains, fetch, page, typed};
use crate::{Permission, Timestamp};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Func, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// A profile with what lists show of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileRow {
    /// The profile; [`BUILT_IN`] for the built-in one.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// Clusters without a profile of their own follow it (R36).
    pub is_default: bool,
    /// What it wants; purposes without a setting are left open.
    pub settings: Vec<Setting>,
    /// Clusters in use that have it, by themselves or as the default.
    pub clusters: i64,
    /// Rises with each change.
    pub version: i64,
    /// When it was made; `None` for the built-in one.
    pub created_at: Option<Timestamp>,
    /// Last change; `None` for the built-in one.
    pub updated_at: Option<Timestamp>,
}

impl ProfileRow {
    /// Whether it is the built-in one, which can be looked at and copied only (R34).
    pub fn is_built_in(&self) -> bool {
        self.id == BUILT_IN
    }
}

/// Name and id of the last profile of a page.
pub type ProfileCursor = (String, Uuid);

/// One page of the profiles in use: the built-in one first, then by name.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn list(
    tx: &OrgTx,
    search: Option<&str>,
    after: Option<ProfileCursor>,
    limit: u64,
) -> Result<Page<ProfileRow, ProfileCursor>> {
    tx.scope().require(Permission::ReadFleet)?;
    use profile::{Column, Entity};
    let mut rows = tx.find::<Entity>().filter(Column::RetiredAt.is_null());
    let text = typed(search);
    if let Some(text) = &text {
        rows = rows.filter(contains(Expr::col((Entity, Column::Name)), text));
    }
    let with_built_in =
        after.is_none() && text.is_none_or(|text| BUILT_IN_NAME.to_lowercase().contains(&text.to_lowercase()));
    if let Some((name, id)) = after {
        let row = Expr::tuple([Expr::col((Entity, Column::Name)), Expr::col((Entity, Column::Id))]);
        rows = rows.filter(row.gt(Expr::tuple([Expr::value(name), Expr::value(id)])));
    }
    let found = rows
        .order_by_asc(Column::Name)
        .order_by_asc(Column::Id)
        .limit(fetch(limit))
        .all(tx)
        .await?;
    let counts = Counts::read(tx).await?;
    let default = default_row(tx).await?.map(|row| row.id);
    let mut all = Vec::with_capacity(found.len() + 1);
    if with_built_in {
        all.push(built_in(default, &counts));
    }
    for row in found {
        all.push(read(row, default, &counts)?);
    }
    // No name is empty: the built-in one stands before all others.
    Ok(page(all, limit, |row| match row.is_built_in() {
        true => (String::new(), BUILT_IN),
        false => (row.name.clone(), row.id),
    }))
}

/// One profile in use, or the built-in one.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn get(tx: &OrgTx, id: Uuid) -> Result<ProfileRow> {
    tx.scope().require(Permission::ReadFleet)?;
    let counts = Counts::read(tx).await?;
    let default = default_row(tx).await?.map(|row| row.id);
    if id == BUILT_IN {
        return Ok(built_in(default, &counts));
    }
    read(row(tx, id).await?, default, &counts)
}

fn built_in(default: Option<Uuid>, counts: &Counts) -> ProfileRow {
    ProfileRow {
        id: BUILT_IN,
        name: BUILT_IN_NAME.into(),
        description: "wants for each certificate the type that is installed, and offers both ways".into(),
        is_default: default.is_none(),
        settings: Vec::new(),
        clusters: counts.of(BUILT_IN, default.is_none()),
        version: 1,
        created_at: None,
        updated_at: None,
    }
}

fn read(row: profile::Model, default: Option<Uuid>, counts: &Counts) -> Result<ProfileRow> {
    let is_default = default == Some(row.id);
    Ok(ProfileRow {
        settings: settings_of(&row)?,
        clusters: counts.of(row.id, is_default),
        id: row.id,
        name: row.name,
        description: row.description,
        is_default,
        version: row.version,
        created_at: Some(row.created_at),
        updated_at: Some(row.updated_at),
    })
}

pub(super) fn settings_of(row: &profile::Model) -> Result<Vec<Setting>> {
    serde_json::from_value(row.settings.clone()).map_err(Error::internal)
}

/// The row of a profile in use.
pub(super) async fn row(tx: &OrgTx, id: Uuid) -> Result<profile::Model> {
    tx.find::<profile::Entity>()
        .filter(profile::Column::Id.eq(id))
        .filter(profile::Column::RetiredAt.is_null())
        .one(tx)
        .await?
        .ok_or_else(not_found)
}

/// The profile that is the organisation's default, unless that is the built-in one.
pub(super) async fn default_row(tx: &OrgTx) -> Result<Option<profile::Model>> {
    Ok(tx
        .find::<profile::Entity>()
        .filter(profile::Column::IsDefault.eq(true))
        .filter(profile::Column::RetiredAt.is_null())
        .one(tx)
        .await?)
}

/// How many clusters in use have which profile, as far as the scope sees.
pub(super) struct Counts {
    own: HashMap<Uuid, i64>,
    followers: i64,
}

impl Counts {
    pub(super) async fn read(tx: &OrgTx) -> Result<Self> {
        let cluster = |column: &'static str| Expr::col(("cluster", column));
        let given = |column: &'static str| Expr::col(("cluster_profile", column));
        let mut select = Query::select();
        select
            .column(("cluster_profile", "own"))
            .column(("cluster_profile", "profile_id"))
            .expr_as(Func::count(cluster("id")), "clusters")
            .from("cluster")
            .left_join(
                "cluster_profile",
                Condition::all()
                    .add(given("org_id").equals(("cluster", "org_id")))
                    .add(given("cluster_id").equals(("cluster", "id"))),
            )
            .and_where(cluster("org_id").eq(tx.org_id()))
            .and_where(cluster("retired_at").is_null())
            .group_by_col(("cluster_profile", "own"))
            .group_by_col(("cluster_profile", "profile_id"));
        if let Some(groups) = tx.scope().groups() {
            select.and_where(cluster("group_id").is_in(groups.iter().copied()));
        }
        let mut counts = Self {
            own: HashMap::new(),
            followers: 0,
        };
        for row in tx.query_all(&select).await? {
            let clusters: i64 = row.try_get("", "clusters")?;
            let own: Option<bool> = row.try_get("", "own")?;
            let profile: Option<Uuid> = row.try_get("", "profile_id")?;
            if own == Some(true) {
                *counts.own.entry(profile.unwrap_or(BUILT_IN)).or_default() += clusters;
            } else {
                counts.followers += clusters;
            }
        }
        Ok(counts)
    }

    /// Clusters that have a profile, by themselves or because it is the default.
    pub(super) fn of(&self, profile: Uuid, is_default: bool) -> i64 {
        self.own.get(&profile).copied().unwrap_or(0) + if is_default { self.followers } else { 0 }
    }
}

/// The profile of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The profile; [`BUILT_IN`] for the built-in one.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The cluster has it by itself; else as the organisation's default.
    pub own: bool,
    /// What it wants.
    pub settings: Arc<[Setting]>,
}

/// The profiles of some clusters.
#[derive(Clone, Debug)]
pub struct Attachments {
    own: HashMap<Uuid, Attached>,
    default: Attached,
}

impl Attachments {
    /// The profile of a cluster.
    pub fn of(&self, cluster_id: Uuid) -> &Attached {
        self.own.get(&cluster_id).unwrap_or(&self.default)
    }
}

impl Default for Attachments {
    /// The built-in profile for every cluster.
    fn default() -> Self {
        Self {
            own: HashMap::new(),
            default: attached_built_in(false),
        }
    }
}

fn attached_built_in(own: bool) -> Attached {
    Attached {
        id: BUILT_IN,
        name: BUILT_IN_NAME.into(),
        own,
        settings: Arc::from([]),
    }
}

/// The profiles of clusters, in two statements whatever their number.
///
/// # Errors
/// The database is busy or away.
pub async fn attached(tx: &OrgTx, clusters: &[Uuid]) -> Result<Attachments> {
    use cluster_profile::Column;
    let mut given: Vec<cluster_profile::Model> = Vec::new();
    for chunk in clusters.chunks(dialect::MAX_BINDS / 2) {
        let rows = tx
            .find::<cluster_profile::Entity>()
            .filter(Column::ClusterId.is_in(chunk.iter().copied()))
            .filter(Column::Own.eq(true));
        given.extend(rows.all(tx).await?);
    }
    let mut ids: Vec<Uuid> = given.iter().filter_map(|row| row.profile_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let wanted = Condition::any()
        .add(profile::Column::IsDefault.eq(true))
        .add(profile::Column::Id.is_in(ids));
    let rows = tx
        .find::<profile::Entity>()
        .filter(profile::Column::RetiredAt.is_null())
        .filter(wanted)
        .all(tx)
        .await?;
    let mut found = Attachments::default();
    let mut profiles: HashMap<Uuid, Attached> = HashMap::with_capacity(rows.len());
    for row in rows {
        let one = Attached {
            id: row.id,
            settings: settings_of(&row)?.into(),
            name: row.name,
            own: true,
        };
        if row.is_default {
            found.default = Attached {
                own: false,
                ..one.clone()
            };
        }
        profiles.insert(row.id, one);
    }
    for row in given {
        let one = match row.profile_id {
            None => Some(attached_built_in(true)),
            Some(id) => profiles.get(&id).cloned(),
        };
        found.own.extend(one.map(|one| (row.cluster_id, one)));
    }
    Ok(found)
}

/// Clusters in use that have a profile by themselves: product, version, and the name of one of them.
pub(super) async fn kinds_of_own(tx: &OrgTx, profile: Uuid) -> Result<Vec<(String, String, String)>> {
    use cluster::Column;
    let given = Query::select()
        .column(cluster_profile::Column::ClusterId)
        .from(cluster_profile::Entity)
        .and_where(Expr::col((cluster_profile::Entity, cluster_profile::Column::OrgId)).eq(tx.org_id()))
        .and_where(Expr::col((cluster_profile::Entity, cluster_profile::Column::ProfileId)).eq(profile))
        .take();
    Ok(tx
        .find::<cluster::Entity>()
        .select_only()
        .columns([Column::Product, Column::ProductVersion])
        .column_as(Expr::col((cluster::Entity, Column::Name)).min(), "example")
        .filter(Column::RetiredAt.is_null())
        .filter(Column::Id.in_subquery(given))
        .group_by(Column::Product)
        .group_by(Column::ProductVersion)
        .order_by_asc(Column::Product)
        .order_by_asc(Column::ProductVersion)
        .into_tuple()
        .all(tx)
        .await?)
}
