//! What a rule covers: places of certificates, by what the inventory says of them.

use crate::lists;
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Query};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Most values of one kind.
pub(super) const MOST_VALUES: usize = 100;

/// Places of certificates. Each list that is not empty has to name the place; an empty scope covers all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleScope {
    /// Clusters.
    pub clusters: Vec<Uuid>,
    /// Groups of clusters.
    pub groups: Vec<Uuid>,
    /// Products, by their codes in the catalogue.
    pub products: Vec<String>,
    /// Purposes of identity certificates, and names of trust stores.
    pub purposes: Vec<String>,
    /// `identity` or `trust`.
    pub kind: Option<String>,
    /// Texts of which one is a part of the issuer's name, whatever the case.
    pub issuers: Vec<String>,
    /// Certificates of issuers; one of them or one of `issuers` has to have issued it.
    pub issuer_certificates: Vec<Uuid>,
}

fn col(name: &'static str) -> Expr {
    Expr::col(("installation", name))
}

impl RuleScope {
    /// As a condition on rows of `installation`; none where all are covered.
    pub(super) fn condition(&self, org_id: Uuid) -> Option<Expr> {
        let mut all: Vec<Expr> = Vec::new();
        if !self.clusters.is_empty() {
            all.push(col("cluster_id").is_in(self.clusters.iter().copied()));
        }
        if !self.groups.is_empty() {
            let clusters = Query::select()
                .column(("cluster", "id"))
                .from("cluster")
                .and_where(Expr::col(("cluster", "org_id")).eq(org_id))
                .and_where(Expr::col(("cluster", "group_id")).is_in(self.groups.iter().copied()))
                .take();
            all.push(col("cluster_id").in_subquery(clusters));
        }
        if !self.products.is_empty() {
            all.push(col("product").is_in(self.products.iter().map(String::as_str)));
        }
        if !self.purposes.is_empty() {
            all.push(col("store").is_in(self.purposes.iter().map(String::as_str)));
        }
        if let Some(kind) = &self.kind {
            all.push(col("kind").eq(kind.as_str()));
        }
        let named = self.issuers.iter().map(|text| lists::contains(col("issuer"), text));
        let issued = (!self.issuer_certificates.is_empty()).then(|| self.issued(org_id));
        all.extend(named.chain(issued).reduce(ExprTrait::or));
        all.into_iter().reduce(ExprTrait::and)
    }

    /// The certificate names one of the issuers' certificates as its issuer.
    fn issued(&self, org_id: Uuid) -> Expr {
        let select = Query::select()
            .expr(Expr::value(1))
            .from_as("certificate", "signed")
            .join_as(
                JoinType::InnerJoin,
                "certificate",
                "signer",
                Expr::col(("signer", "org_id"))
                    .eq(Expr::col(("signed", "org_id")))
                    .and(Expr::col(("signer", "subject_hash")).eq(Expr::col(("signed", "issuer_hash")))),
            )
            .and_where(Expr::col(("signed", "org_id")).eq(org_id))
            .and_where(Expr::col(("signed", "id")).eq(col("certificate_id")))
            .and_where(Expr::col(("signer", "id")).is_in(self.issuer_certificates.iter().copied()))
            .take();
        Expr::exists(select)
    }
}
