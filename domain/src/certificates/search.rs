//! Searching for certificates by what people know of them: a part of a common or alternative name or of the name of a node
//! that holds them, or the begin of the serial number or of the SHA-256.
//!
//! Over a whole organisation what was typed is looked up first. As a rule few certificates and nodes fit: lists then ask
//! for these by their keys. Where too many fit to be named, lists look at row after row in their own order, and a page is
//! full soon, as every so manieth row fits. A list of one cluster, node or certificate is short and is always read that way.

use super::entity::{certificate, name};
use crate::db::{OrgTx, dialect};
use crate::error::Result;
use crate::lists::{contains, pattern};
use crate::nodes;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

/// Certificates, and nodes, that are named at most: more fit as a rule only what nobody searches for to find one thing.
const MOST: u64 = 1000;
/// Hexadecimal digits from which on a text is taken for the begin of a serial number or SHA-256 too.
const LEAST_DIGITS: usize = 4;

/// Hexadecimal as certificates are shown in it, with colons or spaces and in either case.
fn hexadecimal(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|letter| !matches!(letter, ':' | ' ')).collect();
    let bare = digits.strip_prefix('-').unwrap_or(&digits);
    (bare.len() >= LEAST_DIGITS && bare.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(digits)
}

/// Serial numbers and SHA-256 that begin with the digits. As ranges, since an index serves these even under row-level
/// security, where it serves no LIKE; behind the digits no letter is as high as `G`.
fn begins(serial: Expr, sha256: Expr, digits: &str) -> Condition {
    let (upper, lower) = (digits.to_ascii_uppercase(), digits.to_ascii_lowercase());
    let range = |column: Expr, first: String, end: char| {
        let last = format!("{first}{end}");
        column.clone().gte(first).and(column.lt(last))
    };
    Condition::any()
        .add(range(serial, upper, 'G'))
        .add(range(sha256, lower, 'g'))
}

/// Columns of a row that tells of a certificate.
pub(crate) struct Columns {
    /// The certificate.
    pub id: Expr,
    /// Its common name.
    pub common_name: Expr,
    /// Its serial number.
    pub serial_hex: Expr,
    /// Its SHA-256.
    pub sha256: Expr,
}

/// Rows whose certificate fits what was typed, by what it says itself. It reads every row that the other filters leave.
pub(crate) fn fits(org_id: Uuid, columns: Columns, text: &str) -> Condition {
    let name = |column: name::Column| Expr::col((name::Entity, column));
    let named = Query::select()
        .expr(Expr::value(1))
        .from(name::Entity)
        .and_where(name(name::Column::OrgId).eq(org_id))
        .and_where(name(name::Column::CertificateId).eq(columns.id))
        .and_where(contains(name(name::Column::Value), text))
        .take();
    let any = Condition::any()
        .add(contains(columns.common_name, text))
        .add(Expr::exists(named));
    match hexadecimal(text) {
        Some(digits) => any.add(begins(columns.serial_hex, columns.sha256, &digits)),
        None => any,
    }
}

/// Nodes whose name holds what was typed, for rows that are looked at one after the other.
pub(crate) fn nodes_named(org_id: Uuid, text: &str) -> SelectStatement {
    let node = |column: &'static str| Expr::col(("node", column));
    Query::select()
        .column(("node", "id"))
        .from("node")
        .and_where(node("org_id").eq(org_id))
        .and_where(contains(node("name"), text))
        .take()
}

/// What a look-up over the organisation found.
#[derive(Debug)]
pub(crate) enum Found {
    /// All that fits.
    Few {
        /// Certificates that fit by what they say themselves.
        certificates: Vec<Uuid>,
        /// Nodes that fit by their name.
        nodes: Vec<Uuid>,
    },
    /// More than can be named.
    Many,
}

/// Looks up over the organisation which certificates and nodes fit what was typed. The scope is the caller's to keep: what
/// is found may lie outside of it.
pub(crate) async fn look_up(tx: &OrgTx, text: &str) -> Result<Found> {
    use certificate::{Column, Entity};
    let most = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let statement = dialect::named_certificates(tx.get_database_backend(), tx.org_id(), &pattern(text), most);
    let rows = tx.query_all_raw(statement).await?;
    if rows.len() as u64 > MOST {
        return Ok(Found::Many);
    }
    let mut certificates = Vec::with_capacity(rows.len());
    for row in rows {
        certificates.push(row.try_get::<Uuid>("", "id")?);
    }
    if let Some(digits) = hexadecimal(text) {
        let column = |column| Expr::col((Entity, column));
        let numbered: Vec<Uuid> = tx
            .find::<Entity>()
            .select_only()
            .column(Column::Id)
            .filter(begins(column(Column::SerialHex), column(Column::Sha256), &digits))
            .limit(MOST + 1)
            .into_tuple()
            .all(tx)
            .await?;
        certificates.extend(numbered);
    }
    certificates.sort_unstable();
    certificates.dedup();
    let nodes = nodes::named(tx, text, MOST + 1).await?;
    if certificates.len() as u64 > MOST || nodes.len() as u64 > MOST {
        return Ok(Found::Many);
    }
    Ok(Found::Few { certificates, nodes })
}

/// Rows of `certificate` that fit what was typed.
pub(super) async fn of_certificates(tx: &OrgTx, text: &str) -> Result<Condition> {
    use certificate::{Column, Entity};
    let place = |column: &'static str| Expr::col(("installation", column));
    let on = |nodes: Condition| {
        Query::select()
            .distinct()
            .column(("installation", "certificate_id"))
            .from("installation")
            .and_where(place("org_id").eq(tx.org_id()))
            .cond_where(nodes)
            .and_where(place("gone_at").is_null())
            .take()
    };
    if let Found::Few {
        mut certificates,
        nodes,
    } = look_up(tx, text).await?
    {
        let mut held = on(Condition::all().add(place("node_id").is_in(nodes.iter().copied())));
        held.limit(MOST + 1);
        let rows = if nodes.is_empty() {
            Vec::new()
        } else {
            tx.query_all(&held).await?
        };
        if rows.len() as u64 <= MOST {
            for row in rows {
                certificates.push(row.try_get("", "certificate_id")?);
            }
            return Ok(Condition::all().add(Column::Id.is_in(certificates)));
        }
    }
    let column = |column| Expr::col((Entity, column));
    let columns = Columns {
        id: column(Column::Id),
        common_name: column(Column::CommonName),
        serial_hex: column(Column::SerialHex),
        sha256: column(Column::Sha256),
    };
    let named = Condition::all().add(place("node_id").in_subquery(nodes_named(tx.org_id(), text)));
    Ok(Condition::any()
        .add(fits(tx.org_id(), columns, text))
        .add(Column::Id.in_subquery(on(named))))
}
