//! How far installed identity certificates are from what their cluster's profile wants (R18, R27). Recomputed where
//! touched: with each change of what a node holds at once; where a profile, its assignment or a cluster's version has
//! changed, for a few clusters at once and for the rest by the worker.
//!
//! On the installation stand the differences, for lists, and the wanted way, for what is offered (R11 to R15); in
//! `cluster_compliance` the counts by rule.

use super::drift;
use super::entity::{compliance, installation};
use crate::catalogue::names_multi_server;
use crate::clusters::{self, Cluster};
use crate::db::{Db, OrgTx, dialect, retry};
use crate::error::{Error, Result};
use crate::profiles::entity::cluster_profile;
use crate::profiles::{self, Attachments, Compared, Difference, Effective, Field, Seen, compare, effective};
use crate::{Scope, Timestamp};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QueryResult, QuerySelect, Set};
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// Clusters that are compared in one transaction.
const CLUSTERS_AT_ONCE: u64 = 50;
/// The rule that counts whole certificates.
pub(super) const WHOLE: &str = "certificate";
/// What `wanted` says where a certificate is taken from another purpose.
const USE_TOMCAT: &str = "use_tomcat";

/// An identity certificate with what is compared of it.
pub(super) struct Held {
    pub(super) id: Uuid,
    pub(super) cluster_id: Uuid,
    pub(super) node_id: Uuid,
    pub(super) store: String,
    pub(super) sha256: String,
    pub(super) common_name: String,
    self_signed: bool,
    not_before: Timestamp,
    not_after: Timestamp,
    key_type: String,
    key_bits: Option<i32>,
    signature_algorithm: String,
    subject: String,
    /// What is stored of it.
    wanted: Option<String>,
    differences: Option<serde_json::Value>,
    /// Its certificate, for what is looked up of it.
    pub(super) certificate_id: Uuid,
    pub(super) warnings: Option<serde_json::Value>,
}

impl Held {
    fn read(row: &QueryResult) -> Result<Self> {
        Ok(Self {
            id: row.try_get("", "id")?,
            cluster_id: row.try_get("", "cluster_id")?,
            node_id: row.try_get("", "node_id")?,
            store: row.try_get("", "store")?,
            sha256: row.try_get("", "sha256")?,
            common_name: row.try_get("", "common_name")?,
            self_signed: row.try_get("", "self_signed")?,
            not_before: row.try_get("", "issued_at")?,
            not_after: row.try_get("", "not_after")?,
            key_type: row.try_get("", "key_type")?,
            key_bits: row.try_get("", "key_bits")?,
            signature_algorithm: row.try_get("", "signature_algorithm")?,
            subject: row.try_get("", "subject")?,
            wanted: row.try_get("", "wanted")?,
            differences: row.try_get("", "differences")?,
            certificate_id: row.try_get("", "certificate_id")?,
            warnings: row.try_get("", "warnings")?,
        })
    }
}

/// What can be told of a certificate only beside the others of its cluster.
#[derive(Default)]
struct Neighbours<'a> {
    /// Nodes of a cluster that have the purpose.
    nodes: HashMap<(Uuid, &'a str), HashSet<Uuid>>,
    /// Nodes of a cluster that have this certificate for the purpose.
    sharing: HashMap<(Uuid, &'a str, &'a str), HashSet<Uuid>>,
    /// The certificate of a purpose on a node.
    of_node: HashMap<(Uuid, &'a str), &'a str>,
}

impl<'a> Neighbours<'a> {
    fn of(all: &'a [Held]) -> Self {
        let mut found = Self::default();
        for one in all {
            let place = (one.cluster_id, one.store.as_str());
            found.nodes.entry(place).or_default().insert(one.node_id);
            found
                .sharing
                .entry((one.cluster_id, one.store.as_str(), one.sha256.as_str()))
                .or_default()
                .insert(one.node_id);
            found
                .of_node
                .insert((one.node_id, one.store.as_str()), one.sha256.as_str());
        }
        found
    }

    /// Whether a certificate covers several nodes: they share it, or its name says so (`<host>-ms`, cisco.md 2.1). In a
    /// cluster of one node that cannot be told.
    fn multi_server(&self, one: &Held) -> Option<bool> {
        let count = |nodes: Option<&HashSet<Uuid>>| nodes.map_or(0, HashSet::len);
        if count(self.nodes.get(&(one.cluster_id, one.store.as_str()))) < 2 {
            return None;
        }
        let place = (one.cluster_id, one.store.as_str(), one.sha256.as_str());
        Some(count(self.sharing.get(&place)) > 1 || names_multi_server(&one.common_name))
    }

    fn reused(&self, one: &Held, wanted: &Effective) -> Option<bool> {
        let other = self.of_node.get(&(one.node_id, wanted.reuse?))?;
        Some(*other == one.sha256)
    }
}

/// Compares the identity certificates of clusters anew. The caller holds the locks of their rows.
pub(super) async fn refresh(tx: &OrgTx, clusters: &[Cluster]) -> Result<()> {
    let ids: Vec<Uuid> = clusters.iter().map(|cluster| cluster.id).collect();
    let attached = profiles::attached(tx, &ids).await?;
    // Most clusters leave all open: what stands there is cleared without a comparison.
    let (open, wanting): (Vec<&Cluster>, Vec<&Cluster>) = clusters.iter().partition(|cluster| {
        let settings = &attached.of(cluster.id).settings;
        settings.iter().all(|setting| setting.product != cluster.product)
    });
    clear(tx, &open).await?;
    let mut counts: BTreeMap<(Uuid, &'static str), (i64, i64)> = BTreeMap::new();
    // Whether a certificate names all nodes is looked at whatever the profile says.
    let watched = drift::watched(tx, clusters).await?;
    let looked_at: Vec<&Cluster> = clusters
        .iter()
        .filter(|cluster| watched.contains_key(&cluster.id) || wanting.iter().any(|other| other.id == cluster.id))
        .collect();
    let held = read(tx, &looked_at).await?;
    let changes = judge(&held, &wanting, &attached, &mut counts)?;
    for ((wanted, differences), ids) in changes {
        let (count, differences) = match differences {
            Some(text) => {
                let all: Vec<Difference> = serde_json::from_str(&text).map_err(Error::internal)?;
                let json = serde_json::to_value(&all).map_err(Error::internal)?;
                (i32::try_from(all.len()).ok(), Some(json))
            }
            None => (None, None),
        };
        store(tx, &ids, wanted, count, differences).await?;
    }
    drift::refresh(tx, &held, clusters, &watched, &mut counts).await?;
    write_counts(tx, &ids, counts).await
}

/// What has to be stored with which installations: the wanted way and the differences as text. Those that are stored
/// already are left out.
type Changes = BTreeMap<(Option<&'static str>, Option<String>), Vec<Uuid>>;

fn judge(
    held: &[Held],
    clusters: &[&Cluster],
    attached: &Attachments,
    counts: &mut BTreeMap<(Uuid, &'static str), (i64, i64)>,
) -> Result<Changes> {
    let clusters: HashMap<Uuid, &Cluster> = clusters.iter().map(|cluster| (cluster.id, *cluster)).collect();
    let neighbours = Neighbours::of(held);
    let mut changes = Changes::new();
    for one in held {
        let Some(cluster) = clusters.get(&one.cluster_id) else {
            continue;
        };
        let settings = &attached.of(cluster.id).settings;
        let wanted = effective(settings, &cluster.product, &cluster.product_version, &one.store);
        let seen = Seen {
            self_signed: one.self_signed,
            not_before: one.not_before,
            not_after: one.not_after,
            key_type: &one.key_type,
            key_bits: one.key_bits.and_then(|bits| u32::try_from(bits).ok()),
            signature_algorithm: &one.signature_algorithm,
            subject: &one.subject,
            multi_server: neighbours.multi_server(one),
            reused: neighbours.reused(one, &wanted),
        };
        let compared = compare(&wanted, &seen);
        let mut count = |rule: &'static str, differs: bool| {
            let (all, different) = counts.entry((cluster.id, rule)).or_default();
            *all += 1;
            *different += i64::from(differs);
        };
        if !compared.is_empty() {
            count(WHOLE, compared.iter().any(|field| !field.matches));
        }
        for field in &compared {
            count(field.field.as_str(), !field.matches);
        }
        let differences: Vec<Difference> = compared.into_iter().filter_map(Compared::difference).collect();
        let way = match (wanted.reuse, wanted.signing) {
            (Some(_), _) => Some(USE_TOMCAT),
            (None, signing) => signing.map(profiles::Signing::as_str),
        };
        let json = (!differences.is_empty())
            .then(|| serde_json::to_value(&differences))
            .transpose()
            .map_err(Error::internal)?;
        if one.wanted.as_deref() != way || one.differences != json {
            let text = json.map(|json| json.to_string());
            changes.entry((way, text)).or_default().push(one.id);
        }
    }
    Ok(changes)
}

async fn read(tx: &OrgTx, clusters: &[&Cluster]) -> Result<Vec<Held>> {
    let mut held = Vec::new();
    if clusters.is_empty() {
        return Ok(held);
    }
    let place = |column: &'static str| Expr::col(("installation", column));
    let certificate = |column: &'static str| Expr::col(("certificate", column));
    let mut select = Query::select();
    for column in [
        "id",
        "cluster_id",
        "node_id",
        "store",
        "sha256",
        "common_name",
        "self_signed",
        "issued_at",
        "not_after",
        "wanted",
        "differences",
        "certificate_id",
        "warnings",
    ] {
        select.column(("installation", column));
    }
    for column in ["key_type", "key_bits", "signature_algorithm", "subject"] {
        select.column(("certificate", column));
    }
    select
        .from("installation")
        .inner_join(
            "certificate",
            Condition::all()
                .add(certificate("org_id").equals(("installation", "org_id")))
                .add(certificate("id").equals(("installation", "certificate_id"))),
        )
        .and_where(place("org_id").eq(tx.org_id()))
        .and_where(place("kind").eq("identity"))
        .and_where(place("gone_at").is_null())
        .and_where(place("cluster_id").is_in(clusters.iter().map(|cluster| cluster.id)));
    for row in tx.query_all(&select).await? {
        held.push(Held::read(&row)?);
    }
    Ok(held)
}

async fn clear(tx: &OrgTx, clusters: &[&Cluster]) -> Result<()> {
    use installation::Column;
    if clusters.is_empty() {
        return Ok(());
    }
    tx.update_many::<installation::Entity>()
        .col_expr(Column::Wanted, Expr::value(Option::<String>::None))
        .col_expr(Column::DifferenceCount, Expr::value(Option::<i32>::None))
        .col_expr(Column::Differences, Expr::value(Option::<serde_json::Value>::None))
        .filter(Column::ClusterId.is_in(clusters.iter().map(|cluster| cluster.id)))
        .filter(Column::Kind.eq("identity"))
        .filter(
            Condition::any()
                .add(Column::Wanted.is_not_null())
                .add(Column::DifferenceCount.is_not_null()),
        )
        .exec(tx)
        .await?;
    Ok(())
}

async fn store(
    tx: &OrgTx,
    ids: &[Uuid],
    wanted: Option<&'static str>,
    count: Option<i32>,
    differences: Option<serde_json::Value>,
) -> Result<()> {
    use installation::Column;
    for chunk in ids.chunks(dialect::MAX_BINDS / 2) {
        tx.update_many::<installation::Entity>()
            .col_expr(Column::Wanted, Expr::value(wanted))
            .col_expr(Column::DifferenceCount, Expr::value(count))
            .col_expr(Column::Differences, Expr::value(differences.clone()))
            .filter(Column::Id.is_in(chunk.iter().copied()))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// Writes the counts of clusters where they have changed.
async fn write_counts(tx: &OrgTx, clusters: &[Uuid], counts: BTreeMap<(Uuid, &'static str), (i64, i64)>) -> Result<()> {
    use compliance::{ActiveModel, Column, Entity};
    let known: BTreeMap<(Uuid, String), (i64, i64)> = tx
        .find::<Entity>()
        .filter(Column::ClusterId.is_in(clusters.iter().copied()))
        .all(tx)
        .await?
        .into_iter()
        .map(|row| ((row.cluster_id, row.rule), (row.compared, row.different)))
        .collect();
    let of = |cluster: Uuid| {
        let rows = counts.iter().filter(move |((id, _), _)| *id == cluster);
        rows.map(|((_, rule), numbers)| (rule.to_string(), *numbers))
            .collect::<BTreeMap<_, _>>()
    };
    let stored = |cluster: Uuid| {
        let rows = known.iter().filter(move |((id, _), _)| *id == cluster);
        rows.map(|((_, rule), numbers)| (rule.clone(), *numbers))
            .collect::<BTreeMap<_, _>>()
    };
    let changed: Vec<Uuid> = clusters
        .iter()
        .copied()
        .filter(|cluster| of(*cluster) != stored(*cluster))
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    tx.delete_many::<Entity>()
        .filter(Column::ClusterId.is_in(changed.iter().copied()))
        .exec(tx)
        .await?;
    let rows: Vec<ActiveModel> = counts
        .into_iter()
        .filter(|((cluster, _), _)| changed.contains(cluster))
        .map(|((cluster, rule), (compared, different))| ActiveModel {
            org_id: Set(tx.org_id()),
            cluster_id: Set(cluster),
            rule: Set(rule.into()),
            compared: Set(compared),
            different: Set(different),
        })
        .collect();
    for chunk in rows.chunks(dialect::rows_per_insert(5)) {
        Entity::insert_many(chunk.iter().cloned())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// Compares clusters for which something else is wanted than before, a few of them; how many that were. In a transaction
/// that holds nothing else: it locks many clusters in the order of their ids, and whoever held one of them, or an agent's
/// row, before would wait for others in a circle.
///
/// # Errors
/// The database is busy or away.
pub async fn settle_compliance(tx: &OrgTx) -> Result<u64> {
    let ids = profiles::due(tx, CLUSTERS_AT_ONCE).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let locked = clusters::lock(tx, &ids).await?;
    refresh(tx, &locked).await?;
    profiles::settled(tx, &ids).await?;
    Ok(ids.len() as u64)
}

/// Does [`settle_compliance`] once after a change was committed, so that a small one is seen at once; what is left is
/// [`settle_due`]'s. So is all of it if this fails, which is logged only: the change itself is done.
pub async fn settle_after_change(db: &Db, scope: &Scope) {
    let settled = retry(|| async {
        let tx = db.write(scope).await?;
        settle_compliance(&tx).await?;
        tx.commit().await
    });
    if let Err(error) = settled.await {
        tracing::warn!(error = &error as &dyn std::error::Error, org = %scope.org_id(), "clusters were not compared at once; the worker will");
    }
}

/// Compares all clusters, of all organisations, for which something else is wanted than before; how many that were. Safe
/// on every instance at once. An organisation that fails is logged and left for the next round.
///
/// # Errors
/// Who is due cannot be listed: the database is busy or away.
pub async fn settle_due(db: &Db) -> Result<u64> {
    use cluster_profile::Column;
    let survey = db.survey();
    let orgs: Vec<Uuid> = survey
        .find::<cluster_profile::Entity>()
        .select_only()
        .column(Column::OrgId)
        .distinct()
        .filter(Column::DueAt.is_not_null())
        .order_by_asc(Column::OrgId)
        .into_tuple()
        .all(survey.connection())
        .await?;
    let mut done = 0;
    for org in orgs {
        match settle_of(db, org).await {
            Ok(settled) => done += settled,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, %org, "clusters were not compared; it is tried again");
            }
        }
    }
    Ok(done)
}

async fn settle_of(db: &Db, org: Uuid) -> Result<u64> {
    let scope = Scope::system(org, "compliance");
    let mut done = 0;
    loop {
        let tx = db.write(&scope).await?;
        let settled = settle_compliance(&tx).await?;
        tx.commit().await?;
        done += settled;
        if settled < CLUSTERS_AT_ONCE {
            return Ok(done);
        }
    }
}

/// The differences that stand on an installation.
///
/// # Errors
/// [`Error::Internal`] for what no server wrote.
pub(super) fn differences(installation: &installation::Model) -> Result<Vec<Difference>> {
    match &installation.differences {
        Some(json) => serde_json::from_value(json.clone()).map_err(Error::internal),
        None => Ok(Vec::new()),
    }
}

/// The field that a rule is about; none for those that count something else.
pub(super) fn field_of(rule: &str) -> Option<Field> {
    Field::parse(rule)
}
