//! What clutters trust stores: certificates that have ended, make way for newer ones of their name, are used by nobody that is known, or
//! are weak (cisco.md 5). Each is told once, whatever the number of stores that hold it.

use crate::certificates::{self, Certificate, search};
use crate::clusters;
use crate::db::{OrgTx, dialect};
use crate::error::{Error, Result};
use crate::lists::{Page, fetch, page, typed};
use crate::{Permission, Timestamp};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Func, Query, SelectStatement};
use sea_orm::{ConnectionTrait, JoinType};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// Links of a chain that are followed.
const DEPTH: usize = 10;
/// Names of issuers that one statement compares with.
const MAX_NAMES: usize = dialect::MAX_BINDS / 2;

/// Why a certificate should not stay in trust stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Clutter {
    /// Its end has passed.
    Expired,
    /// A trust store of a cluster that holds it, or another store of that cluster, has a newer one of the same name.
    Duplicate,
    /// No identity certificate that is known chains to it.
    Unused,
    /// Its key is short, or its signature is made with a broken hash.
    Weak,
}

impl Clutter {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Expired, Self::Duplicate, Self::Unused, Self::Weak];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Duplicate => "duplicate",
            Self::Unused => "unused",
            Self::Weak => "weak",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }

    /// What is wrong, and what to think of before it is deleted.
    fn message(self, certificate: &Certificate) -> String {
        match self {
            Self::Expired => format!(
                "it ended on {}: nothing that it signed is trusted any more",
                certificate.not_after.format("%Y-%m-%d")
            ),
            Self::Duplicate => {
                "a newer certificate of the same name is trusted in a cluster that holds it: this one makes way once nothing that only it has \
                 signed is in use"
                    .into()
            }
            Self::Unused => "no identity certificate that is known here chains to it by name. Phones, gateways and other systems that are not \
                             managed here are not seen: ask whoever runs them first"
                .into(),
            Self::Weak => weakness(certificate).unwrap_or_default(),
        }
    }
}

/// A certificate that clutters trust stores.
#[derive(Clone, Debug, PartialEq)]
pub struct ClutterRow {
    /// The certificate.
    pub certificate: Certificate,
    /// Why, with a sentence for each.
    pub reasons: Vec<(Clutter, String)>,
    /// A node uses it as an identity certificate as well: its own copies stay.
    pub identity: bool,
    /// Trust stores that hold it.
    pub stores: Vec<String>,
    /// Clusters that hold it.
    pub clusters: i64,
    /// Nodes that hold it.
    pub nodes: i64,
    /// Places that hold it.
    pub installations: i64,
}

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct ClutterFilter {
    /// For any of these reasons; empty: all.
    pub reasons: Vec<Clutter>,
    /// In any of these clusters; empty: all.
    pub clusters: Vec<Uuid>,
    /// In clusters of any of these groups; empty: all.
    pub groups: Vec<Uuid>,
    /// In any of these stores; empty: all.
    pub stores: Vec<String>,
    /// Only of this product.
    pub product: Option<String>,
    /// Part of the common name or of an alternative name; or the begin of the serial number or SHA-256.
    pub search: Option<String>,
}

fn of(table: &'static str, column: &'static str) -> Expr {
    Expr::col((table, column))
}

/// One page of what clutters trust stores, what ends first first.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn clutter(
    tx: &OrgTx,
    filter: &ClutterFilter,
    after: Option<(Timestamp, Uuid)>,
    limit: u64,
) -> Result<Page<ClutterRow, (Timestamp, Uuid)>> {
    tx.scope().require(Permission::ReadFleet)?;
    let wanted = match filter.reasons.is_empty() {
        true => Clutter::ALL.to_vec(),
        false => filter.reasons.clone(),
    };
    let used = used(tx).await?;
    let mut select = Query::select()
        .columns([("certificate", "id"), ("certificate", "not_after")])
        .from("certificate")
        .and_where(of("certificate", "org_id").eq(tx.org_id()))
        .and_where(Expr::exists(held(tx, filter)))
        .order_by(("certificate", "not_after"), sea_orm::Order::Asc)
        .order_by(("certificate", "id"), sea_orm::Order::Asc)
        .limit(fetch(limit))
        .take();
    let mut any = Condition::any();
    for reason in wanted {
        any = any.add(fits(tx, filter, reason, &used)?);
    }
    select.cond_where(any);
    if let Some(text) = typed(filter.search.as_deref()) {
        let columns = search::Columns {
            id: of("certificate", "id"),
            common_name: of("certificate", "common_name"),
            serial_hex: of("certificate", "serial_hex"),
            sha256: of("certificate", "sha256"),
        };
        select.cond_where(search::fits(tx.org_id(), columns, &text));
    }
    if let Some((not_after, id)) = after {
        let key = Expr::tuple([of("certificate", "not_after"), of("certificate", "id")]);
        select.and_where(key.gt(Expr::tuple([Expr::value(not_after), Expr::value(id)])));
    }
    let mut found: Vec<(Timestamp, Uuid)> = Vec::new();
    for row in tx.query_all(&select).await? {
        found.push((row.try_get("", "not_after")?, row.try_get("", "id")?));
    }
    let page = page(found, limit, |key| *key);
    let ids: Vec<Uuid> = page.items.into_iter().map(|(_, id)| id).collect();
    Ok(Page {
        items: rows(tx, filter, &ids, &used).await?,
        next: page.next,
    })
}

/// Places of trust stores that hold the certificate of the outer statement.
fn held(tx: &OrgTx, filter: &ClutterFilter) -> SelectStatement {
    let mut select = places(tx, filter);
    select
        .expr(Expr::value(1))
        .and_where(of("installation", "certificate_id").equals(("certificate", "id")));
    select
}

/// Places of trust stores that are meant, as far as the scope sees.
fn places(tx: &OrgTx, filter: &ClutterFilter) -> SelectStatement {
    let place = |column| of("installation", column);
    let mut select = Query::select()
        .from("installation")
        .and_where(place("org_id").eq(tx.org_id()))
        .and_where(place("kind").eq("trust"))
        .and_where(Expr::cust("\"installation\".\"gone_at\" IS NULL"))
        .take();
    if let Some(groups) = tx.scope().groups() {
        select.and_where(place("cluster_id").in_subquery(clusters::of_groups(tx.org_id(), groups)));
    }
    if !filter.clusters.is_empty() {
        select.and_where(place("cluster_id").is_in(filter.clusters.iter().copied()));
    }
    if !filter.groups.is_empty() {
        select.and_where(place("cluster_id").in_subquery(clusters::of_groups(tx.org_id(), &filter.groups)));
    }
    if !filter.stores.is_empty() {
        select.and_where(place("store").is_in(filter.stores.iter().map(String::as_str)));
    }
    if let Some(product) = &filter.product {
        select.and_where(place("product").eq(product.as_str()));
    }
    select
}

/// Whether the certificate of the statement is there for a reason.
fn fits(tx: &OrgTx, filter: &ClutterFilter, reason: Clutter, used: &Used) -> Result<Condition> {
    let certificate = |column| of("certificate", column);
    Ok(match reason {
        Clutter::Expired => Condition::all().add(certificate("not_after").lte(tx.now())),
        Clutter::Duplicate => Condition::all().add(Expr::exists(newer(tx, filter))),
        Clutter::Unused => {
            let identity = Query::select()
                .expr(Expr::value(1))
                .from_as("installation", "own")
                .and_where(of("own", "org_id").eq(tx.org_id()))
                .and_where(of("own", "certificate_id").equals(("certificate", "id")))
                .and_where(of("own", "kind").eq("identity"))
                .and_where(Expr::cust("\"own\".\"gone_at\" IS NULL"))
                .take();
            Condition::all()
                .add(certificate("subject_hash").is_not_in(used.names()?))
                .add(Expr::not_exists(identity))
        }
        Clutter::Weak => {
            let short = |kind: &'static str, bits: i32| {
                Condition::all()
                    .add(certificate("key_type").eq(kind))
                    .add(certificate("key_bits").lt(bits))
            };
            let signature = Func::lower(certificate("signature_algorithm"));
            let broken = |hash: &'static str| Expr::expr(signature.clone()).like(format!("%{hash}%"));
            Condition::any()
                .add(short("RSA", RSA_BITS))
                .add(short("EC", EC_BITS))
                .add(certificate("key_type").eq("DSA"))
                .add(
                    // Nobody relies on the signature of a certificate by its own key.
                    Condition::all().add(certificate("self_signed").eq(false)).add(
                        Condition::any()
                            .add(broken("md5"))
                            .add(broken("sha1"))
                            .add(broken("md2")),
                    ),
                )
        }
    })
}

const RSA_BITS: i32 = 2048;
const EC_BITS: i32 = 224;

/// In words what [`Clutter::Weak`] finds.
pub(crate) fn weakness(certificate: &Certificate) -> Option<String> {
    let bits = certificate.key_bits.unwrap_or(i32::MAX);
    let short = match certificate.key_type.as_str() {
        "RSA" => bits < RSA_BITS,
        "EC" => bits < EC_BITS,
        "DSA" => true,
        _ => false,
    };
    if short {
        return Some(format!(
            "its key is {} of {bits} bits, which is too short to be trusted",
            certificate.key_type
        ));
    }
    let algorithm = certificate.signature_algorithm.to_lowercase();
    let broken = ["md5", "sha1", "md2"].iter().any(|hash| algorithm.contains(hash));
    (broken && !certificate.self_signed).then(|| {
        format!(
            "it is signed with `{}`, which is broken: have its issuer sign it anew",
            certificate.signature_algorithm
        )
    })
}

/// Places that hold the certificate of the outer statement in clusters that trust a newer one of its name as well.
fn newer(tx: &OrgTx, filter: &ClutterFilter) -> SelectStatement {
    let mut select = held(tx, filter);
    select
        .join_as(
            JoinType::InnerJoin,
            "certificate",
            "other",
            Condition::all()
                .add(of("other", "org_id").equals(("installation", "org_id")))
                .add(of("other", "subject_hash").equals(("certificate", "subject_hash"))),
        )
        .join_as(
            JoinType::InnerJoin,
            "installation",
            "there",
            Condition::all()
                .add(of("there", "org_id").equals(("other", "org_id")))
                .add(of("there", "certificate_id").equals(("other", "id")))
                .add(of("there", "cluster_id").equals(("installation", "cluster_id"))),
        )
        .and_where(of("other", "not_before").gt(of("certificate", "not_before")))
        .and_where(of("there", "kind").eq("trust"))
        .and_where(Expr::cust("\"there\".\"gone_at\" IS NULL"));
    select
}

/// How far a certificate is spread.
#[derive(Default)]
struct Spread {
    stores: BTreeSet<String>,
    clusters: i64,
    nodes: i64,
    installations: i64,
}

/// The rows of one page.
async fn rows(tx: &OrgTx, filter: &ClutterFilter, ids: &[Uuid], used: &Used) -> Result<Vec<ClutterRow>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut spread = spread(tx, filter, ids).await?;
    let which = || of("certificate", "id").is_in(ids.iter().copied());
    let duplicate = Query::select()
        .column(("certificate", "id"))
        .from("certificate")
        .and_where(of("certificate", "org_id").eq(tx.org_id()))
        .and_where(which())
        .and_where(Expr::exists(newer(tx, filter)))
        .take();
    let duplicates = set(tx, &duplicate, "id").await?;
    let identity = Query::select()
        .distinct()
        .column(("installation", "certificate_id"))
        .from("installation")
        .and_where(of("installation", "org_id").eq(tx.org_id()))
        .and_where(of("installation", "certificate_id").is_in(ids.iter().copied()))
        .and_where(of("installation", "kind").eq("identity"))
        .and_where(Expr::cust("\"installation\".\"gone_at\" IS NULL"))
        .take();
    let identities = set(tx, &identity, "certificate_id").await?;
    let mut found = certificates::by_ids(tx, ids.iter().copied()).await?;
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(certificate) = found.remove(id) else { continue };
        let spread = spread.remove(id).unwrap_or_default();
        let identity = identities.contains(id);
        let holds = |reason: &Clutter| match reason {
            Clutter::Expired => certificate.not_after <= tx.now(),
            Clutter::Duplicate => duplicates.contains(id),
            Clutter::Unused => !identity && !used.0.contains(&certificate.subject_hash),
            Clutter::Weak => weakness(&certificate).is_some(),
        };
        rows.push(ClutterRow {
            reasons: Clutter::ALL
                .into_iter()
                .filter(holds)
                .map(|reason| (reason, reason.message(&certificate)))
                .collect(),
            identity,
            stores: spread.stores.into_iter().collect(),
            clusters: spread.clusters,
            nodes: spread.nodes,
            installations: spread.installations,
            certificate,
        });
    }
    Ok(rows)
}

async fn set(tx: &OrgTx, select: &SelectStatement, column: &str) -> Result<HashSet<Uuid>> {
    let mut found = HashSet::new();
    for row in tx.query_all(select).await? {
        found.insert(row.try_get("", column)?);
    }
    Ok(found)
}

async fn spread(tx: &OrgTx, filter: &ClutterFilter, ids: &[Uuid]) -> Result<HashMap<Uuid, Spread>> {
    let mut select = places(tx, filter);
    select
        .column(("installation", "certificate_id"))
        .column(("installation", "store"))
        .expr_as(Func::count(of("installation", "id")), "places")
        .and_where(of("installation", "certificate_id").is_in(ids.iter().copied()))
        .group_by_columns([("installation", "certificate_id"), ("installation", "store")]);
    let mut found: HashMap<Uuid, Spread> = HashMap::new();
    for row in tx.query_all(&select).await? {
        let one = found.entry(row.try_get("", "certificate_id")?).or_default();
        one.stores.insert(row.try_get("", "store")?);
        one.installations += row.try_get::<i64>("", "places")?;
    }
    let mut select = places(tx, filter);
    select
        .column(("installation", "certificate_id"))
        .expr_as(Func::count_distinct(of("installation", "cluster_id")), "clusters")
        .expr_as(Func::count_distinct(of("installation", "node_id")), "nodes")
        .and_where(of("installation", "certificate_id").is_in(ids.iter().copied()))
        .group_by_col(("installation", "certificate_id"));
    for row in tx.query_all(&select).await? {
        let one = found.entry(row.try_get("", "certificate_id")?).or_default();
        one.clusters = row.try_get("", "clusters")?;
        one.nodes = row.try_get("", "nodes")?;
    }
    Ok(found)
}

/// Names of those who have signed what is in use.
#[derive(Debug, Default)]
struct Used(HashSet<String>);

impl Used {
    fn names(&self) -> Result<Vec<&str>> {
        if self.0.len() > MAX_NAMES {
            return Err(Error::refused(
                "too_many_issuers",
                format!("more than {MAX_NAMES} issuers are in use: ask for the other reasons by `reason`"),
            ));
        }
        Ok(self.0.iter().map(String::as_str).collect())
    }
}

/// Who has signed identity certificates, directly or through others, by the hashes of their names.
async fn used(tx: &OrgTx) -> Result<Used> {
    let certificate = |column| of("certificate", column);
    let direct = Query::select()
        .distinct()
        .column(("certificate", "issuer_hash"))
        .from("certificate")
        .inner_join(
            "installation",
            Condition::all()
                .add(of("installation", "org_id").equals(("certificate", "org_id")))
                .add(of("installation", "certificate_id").equals(("certificate", "id"))),
        )
        .and_where(certificate("org_id").eq(tx.org_id()))
        .and_where(certificate("self_signed").eq(false))
        .and_where(of("installation", "kind").eq("identity"))
        .and_where(Expr::cust("\"installation\".\"gone_at\" IS NULL"))
        .take();
    let mut used = Used::default();
    let mut newest = Vec::new();
    for row in tx.query_all(&direct).await? {
        let name: String = row.try_get("", "issuer_hash")?;
        used.0.insert(name.clone());
        newest.push(name);
    }
    for _ in 0..DEPTH {
        let mut above = Vec::new();
        for chunk in newest.chunks(MAX_NAMES) {
            let select = Query::select()
                .distinct()
                .column(("certificate", "issuer_hash"))
                .from("certificate")
                .and_where(certificate("org_id").eq(tx.org_id()))
                .and_where(certificate("self_signed").eq(false))
                .and_where(certificate("subject_hash").is_in(chunk.iter().map(String::as_str)))
                .take();
            for row in tx.query_all(&select).await? {
                let name: String = row.try_get("", "issuer_hash")?;
                if used.0.insert(name.clone()) {
                    above.push(name);
                }
            }
        }
        if above.is_empty() {
            break;
        }
        newest = above;
    }
    Ok(used)
}
