//! Entities of an organisation, and how far a scope that is bound to some groups sees into them.

use sea_orm::EntityTrait;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement};
use uuid::Uuid;

/// Where rows of an entity stand in the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everyone in the organisation sees them.
    Organisation,
    /// Only those who are bound to no group see them.
    Unbound,
    /// They belong to a group: the column that names it.
    Group(&'static str),
    /// They belong to a cluster: the column that names it.
    Cluster(&'static str),
    /// They are seen by whoever sees an installation that points at them: the column that it points to.
    Installed(&'static str),
    /// They are seen by whoever sees one of the clusters of their job: the column that names the job.
    Job(&'static str),
    /// They are seen by whoever sees a target of their plan, or made it: the column that names the plan.
    Plan(&'static str),
}

/// An entity whose table begins with `org_id`.
pub trait TenantEntity: EntityTrait {
    /// Column of the organisation.
    fn org_column() -> Self::Column;
    /// How far bound scopes see.
    const REACH: Reach;
    /// Name of the table.
    const TABLE: &'static str;

    /// What a scope that is bound to `groups` may see.
    fn within(org: Uuid, groups: &[Uuid]) -> Condition {
        let column = |name: &'static str| Expr::col((Self::TABLE, name));
        match Self::REACH {
            Reach::Organisation => Condition::all(),
            Reach::Unbound => Condition::all().add(Expr::value(1).eq(0)),
            Reach::Group(name) => Condition::all().add(column(name).is_in(groups.iter().copied())),
            Reach::Cluster(name) => Condition::all().add(column(name).in_subquery(clusters(org, groups))),
            Reach::Installed(name) => {
                let seen = distinct("installation", "certificate_id", org, groups);
                Condition::all().add(column(name).in_subquery(seen))
            }
            Reach::Job(name) => {
                let seen = distinct("job_cluster", "job_id", org, groups);
                Condition::all().add(column(name).in_subquery(seen))
            }
            Reach::Plan(name) => {
                let seen = distinct("plan_target", "plan_id", org, groups);
                Condition::all().add(column(name).in_subquery(seen))
            }
        }
    }
}

fn clusters(org: Uuid, groups: &[Uuid]) -> SelectStatement {
    Query::select()
        .column(("cluster", "id"))
        .from("cluster")
        .and_where(Expr::col(("cluster", "org_id")).eq(org))
        .and_where(Expr::col(("cluster", "group_id")).is_in(groups.iter().copied()))
        .take()
}

fn distinct(table: &'static str, column: &'static str, org: Uuid, groups: &[Uuid]) -> SelectStatement {
    Query::select()
        .column((table, column))
        .from(table)
        .and_where(Expr::col((table, "org_id")).eq(org))
        .and_where(Expr::col((table, "cluster_id")).in_subquery(clusters(org, groups)))
        .take()
}

/// Declares an entity of an organisation: `tenant_entity!("cluster", Reach::Group("group_id"));` in the module of the
/// entity.
macro_rules! tenant_entity {
    ($table:literal, $reach:expr) => {
        impl $crate::db::TenantEntity for Entity {
            const REACH: $crate::db::Reach = $reach;
            const TABLE: &'static str = $table;

            fn org_column() -> Column {
                Column::OrgId
            }
        }
    };
}
pub(crate) use tenant_entity;
