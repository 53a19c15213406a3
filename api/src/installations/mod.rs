//! Installations: a certificate in a store of a node, with its history and three clocks.

mod list;

pub(crate) use list::{
    ListInstallations, Sort, StatusFilter, Which, export_installations, list_installations, read_page,
};

use crate::acknowledgements::{Acknowledgement, acknowledgement};
use crate::caller::Caller;
use crate::certificates::{CertificateFacts, KeyFacts, stored_facts};
use crate::error::{Problem, Reply};
use crate::page::{self, Named, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{get, web};
use certyard_domain::inventory::{self, ExpiryStatus};
use certyard_domain::{OrgTx, Timestamp, alerts, plans};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// How near the end of a certificate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InstallationStatus {
    /// The end has passed.
    Expired,
    /// 7 days or less.
    Critical,
    /// 30 days or less.
    Warning,
    /// Within the organisation's days.
    Notice,
    /// Later.
    Valid,
}

/// Identity or trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StoreKind {
    /// The node's own certificate, with its key.
    Identity,
    /// Trusted.
    Trust,
}

/// What a look over the wire says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ServedState {
    /// This certificate is served.
    Served,
    /// Another one is served until the service is restarted.
    RestartPending,
    /// Nothing listens for it, or it is a trust entry.
    NotObservable,
    /// The last look failed, or there was none yet: nobody vouches for what was seen before.
    Unknown,
}

/// What a look over the wire says.
#[derive(Serialize, ToSchema)]
pub(crate) struct Served {
    /// State.
    pub state: ServedState,
    /// When this certificate was first seen served; it stays when a later look fails.
    pub since: Option<DateTime<Utc>>,
    /// The certificate that is served instead; or why the look failed, with what was seen last and when.
    #[schema(example = json!(null))]
    pub note: Option<String>,
}

/// An open CSR for the same purpose.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenCsr {
    /// The CSR.
    pub id: Uuid,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// How a certificate stands to its profile.
#[derive(Serialize, ToSchema)]
pub(crate) struct Compliance {
    /// Nothing differs.
    #[schema(example = false)]
    pub compliant: bool,
    /// How the profile wants it made: `ca_signed`, `self_signed`, `use_tomcat`; null leaves it open.
    #[schema(example = "ca_signed")]
    pub wanted: Option<String>,
    /// What differs, field by field.
    pub differences: Vec<Difference>,
}

/// A field in which a certificate differs from its profile.
#[derive(Serialize, ToSchema)]
pub(crate) struct Difference {
    /// `signing`, `use_tomcat`, `multi_server`, `validity_years`, `key_type`, `key_bits`, `hash` or `subject`.
    #[schema(example = "signing")]
    pub field: String,
    /// What the profile says.
    #[schema(example = "ca_signed")]
    pub wanted: String,
    /// What is installed.
    #[schema(example = "self_signed")]
    pub installed: String,
}

/// What is to be known of an identity certificate.
#[derive(Serialize, ToSchema)]
pub(crate) struct InstallationWarning {
    /// `san_drift`: it is for all nodes of the cluster and does not name every one of them.
    #[schema(example = "san_drift")]
    pub code: String,
    /// For people.
    #[schema(example = "the certificate is for all nodes of the cluster and does not name `cucm-n-3`")]
    pub message: String,
    /// Names of the nodes that it is about.
    #[schema(example = json!(["cucm-n-3"]))]
    pub nodes: Vec<String>,
}

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActionName {
    /// Read the stores again.
    Refresh,
    /// Make a key and a CSR on the node.
    GenerateCsr,
    /// Install the CA's answer to a CSR.
    UploadCertificate,
    /// Put certificates into trust stores.
    Distribute,
    /// Make a new key and a self-signed certificate on the node.
    Renew,
    /// Take the certificate of tomcat for another purpose.
    ReuseTomcat,
    /// Delete the open CSR and its key.
    DeleteCsr,
    /// Delete a certificate from a trust store.
    Delete,
    /// Put a certificate into a trust store in the place of another.
    Replace,
    /// Put back what was deleted from a trust store.
    Restore,
    /// Restart services.
    Restart,
}

/// An action on a certificate, and whether it can be asked for (R11 to R22).
#[derive(Serialize, ToSchema)]
pub(crate) struct OfferedAction {
    /// The action.
    pub action: ActionName,
    /// It can be asked for.
    pub allowed: bool,
    /// Stable code of the reason where it cannot.
    #[schema(example = "profile_ca_signed")]
    pub code: Option<String>,
    /// Why it cannot, and the way out.
    #[schema(example = "the profile of the cluster wants a CA-signed certificate for `tomcat`")]
    pub reason: Option<String>,
}

fn offered(offer: plans::Offer) -> Result<OfferedAction, Problem> {
    let (code, reason) = match offer.refusal {
        Some(refusal) => (Some(refusal.code.to_string()), Some(refusal.message)),
        None => (None, None),
    };
    Ok(OfferedAction {
        action: page::stored(offer.action)?,
        allowed: reason.is_none(),
        code,
        reason,
    })
}

/// A certificate in a store of a node.
#[derive(Serialize, ToSchema)]
pub(crate) struct Installation {
    /// The installation.
    pub id: Uuid,
    /// The certificate.
    pub certificate_id: Uuid,
    /// SHA-256 of the DER, lower-case hex.
    #[schema(example = "6a9c3c0f…")]
    pub sha256: String,
    /// Identity or trust.
    pub kind: StoreKind,
    /// Store.
    #[schema(example = "tomcat")]
    pub store: String,
    /// Entry in the store.
    #[schema(example = "tomcat")]
    pub entry: String,
    /// What an identity certificate is for.
    #[schema(example = "tomcat")]
    pub purpose: Option<String>,
    /// The node.
    pub node: Named,
    /// Its cluster.
    pub cluster: Named,
    /// Product of the cluster.
    #[schema(example = "cucm")]
    pub product: String,
    /// Common name; empty where it has none.
    #[schema(example = "cucm-n-1.example.org")]
    pub common_name: String,
    /// Subject, RFC 4514.
    #[schema(example = "CN=cucm-n-1.example.org,O=Example")]
    pub subject: String,
    /// Issuer, RFC 4514.
    #[schema(example = "CN=Example Issuing CA,O=Example")]
    pub issuer: String,
    /// Signed by its own key.
    pub self_signed: bool,
    /// Serial number, upper-case hex.
    #[schema(example = "01AB")]
    pub serial_hex: String,
    /// Public key.
    pub key: KeyFacts,
    /// Begin.
    pub not_before: DateTime<Utc>,
    /// End.
    pub not_after: DateTime<Utc>,
    /// How near the end is.
    pub status: InstallationStatus,
    /// First clock: the certificate was issued.
    pub issued_at: DateTime<Utc>,
    /// Second clock: it was seen installed.
    pub installed_at: DateTime<Utc>,
    /// Third clock: it was seen served.
    pub served: Served,
    /// When the node was last read well: it was there then.
    pub seen_at: Option<DateTime<Utc>>,
    /// It is not there any more since.
    #[schema(example = json!(null))]
    pub gone_at: Option<DateTime<Utc>>,
    /// For identity: how it stands to the cluster's profile.
    pub compliance: Option<Compliance>,
    /// For identity: what else is to be known of it.
    pub warnings: Vec<InstallationWarning>,
    /// An open CSR for the same purpose on the same node.
    pub csr: Option<OpenCsr>,
    /// What can be asked for, and why the rest cannot.
    pub actions: Vec<OfferedAction>,
    /// Somebody knows of the certificate, and no mail tells of it.
    pub acknowledgement: Option<Acknowledgement>,
}

/// An installation with its whole certificate.
#[derive(Serialize, ToSchema)]
pub(crate) struct InstallationDetail {
    /// The installation.
    #[serde(flatten)]
    pub installation: Installation,
    /// The certificate.
    pub certificate: CertificateFacts,
}

/// What happened to an installation.
#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryEvent {
    /// The event.
    pub id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// `installed`, `replaced`, `gone`, `csr_created`, …
    #[schema(example = "installed")]
    pub event: String,
    /// The certificate.
    pub certificate_id: Option<Uuid>,
    /// SHA-256 of the DER, lower-case hex.
    #[schema(example = "6a9c3c0f…")]
    pub sha256: Option<String>,
    /// Common name.
    #[schema(example = "cucm-n-1.example.org")]
    pub common_name: Option<String>,
    /// End.
    pub not_after: Option<DateTime<Utc>>,
    /// The job that did it.
    pub job_id: Option<Uuid>,
    /// Who did it.
    #[schema(example = "Ada Lovelace")]
    pub actor: Option<String>,
    /// Name of the node at the time.
    #[schema(example = "cucm-n-1")]
    pub node_name: String,
    /// Name of the cluster at the time.
    #[schema(example = "cucm-north")]
    pub cluster_name: String,
}

/// Which events.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListHistory {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// Reads an installation with its certificate.
#[utoipa::path(operation_id = "get_installation", tag = "certificates", params(("id" = Uuid, Path, description = "The installation")), responses((status = 200, description = "The installation", body = InstallationDetail)))]
#[get("/installations/{id}")]
pub(crate) async fn get_installation(app: App, caller: Caller, id: web::Path<Uuid>) -> Reply<InstallationDetail> {
    let tx = app.db.read(caller.scope()).await?;
    let row = inventory::get(&tx, *id).await?;
    let certificate = stored_facts(row.certificate.clone())?;
    let mut installation = installation(row, tx.now())?;
    add_acknowledgements(&tx, std::slice::from_mut(&mut installation)).await?;
    Ok(web::Json(InstallationDetail {
        certificate,
        installation,
    }))
}

/// Adds to each row what somebody has said of its certificate.
pub(crate) async fn add_acknowledgements(tx: &OrgTx, rows: &mut [Installation]) -> Result<(), Problem> {
    let found = alerts::acknowledged(tx, rows.iter().map(|row| row.certificate_id)).await?;
    // One of somebody who is bound to groups holds in them alone.
    let holds = |row: &Installation| found.get(&row.certificate_id).is_some_and(|found| found.bound);
    let bound: Vec<Uuid> = rows.iter().filter(|row| holds(row)).map(|row| row.id).collect();
    let places = match bound.is_empty() {
        true => HashSet::new(),
        false => alerts::acknowledged_places(tx, bound).await?,
    };
    for row in rows {
        let found = found.get(&row.certificate_id);
        let found = found.filter(|found| !found.bound || places.contains(&row.id));
        row.acknowledgement = found.cloned().map(acknowledgement);
    }
    Ok(())
}

/// Lists what happened to an installation.
#[utoipa::path(operation_id = "list_installation_history", tag = "certificates", params(("id" = Uuid, Path, description = "The installation"), ListHistory), responses((status = 200, description = "Events, newest first", body = Page<HistoryEvent>)))]
#[get("/installations/{id}/history")]
pub(crate) async fn list_history(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<ListHistory>,
) -> Reply<Page<HistoryEvent>> {
    let limit = page::limit(query.limit)?;
    let tx = app.db.read(caller.scope()).await?;
    let rows = inventory::history(&tx, *id, page::cursor(&query.cursor)?, limit).await?;
    Ok(web::Json(page::convert(rows, event)))
}

/// Lists what happened where a certificate is installed.
///
/// Of its first 50 places, with what was there before it.
#[utoipa::path(operation_id = "list_certificate_history", tag = "certificates", params(("id" = Uuid, Path, description = "The certificate"), ListHistory), responses((status = 200, description = "Events, newest first", body = Page<HistoryEvent>)))]
#[get("/certificates/{id}/history")]
pub(crate) async fn list_certificate_history(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<ListHistory>,
) -> Reply<Page<HistoryEvent>> {
    let limit = page::limit(query.limit)?;
    let tx = app.db.read(caller.scope()).await?;
    let rows = inventory::certificate_history(&tx, *id, page::cursor(&query.cursor)?, limit).await?;
    Ok(web::Json(page::convert(rows, event)))
}

/// Days before its end from which a certificate is critical, and from which it is a warning.
const CRITICAL: TimeDelta = TimeDelta::days(7);
const WARNING: TimeDelta = TimeDelta::days(30);

/// How near the end is, as the pages colour it.
pub(crate) fn status(status: ExpiryStatus, not_after: Timestamp, now: Timestamp) -> InstallationStatus {
    match status {
        ExpiryStatus::Expired => InstallationStatus::Expired,
        ExpiryStatus::Expiring if not_after - now <= CRITICAL => InstallationStatus::Critical,
        ExpiryStatus::Expiring if not_after - now <= WARNING => InstallationStatus::Warning,
        ExpiryStatus::Expiring => InstallationStatus::Notice,
        ExpiryStatus::Valid => InstallationStatus::Valid,
    }
}

/// An installation as the API shows it.
pub(crate) fn installation(row: inventory::InstallationRow, now: Timestamp) -> Result<Installation, Problem> {
    let (place, certificate) = (row.installation, row.certificate);
    let kind: StoreKind = page::stored(&place.kind)?;
    let is_identity = kind == StoreKind::Identity;
    let offers = plans::offers(
        &plans::Listed {
            identity: is_identity,
            store: &place.store,
            entry: &place.entry,
            sha256: &place.sha256,
            gone: place.gone_at.is_some(),
            node: &row.node_name,
            role: &row.node_role,
            cluster: &row.cluster_name,
            product: &place.product,
            version: &row.cluster_version,
            enabled: row.cluster_enabled,
            wanted: place.wanted.as_deref(),
            csr: row.csr.is_some(),
            own: &row.own,
        },
        now,
    );
    let actions = offers.into_iter().map(offered).collect::<Result<_, _>>()?;
    Ok(Installation {
        id: place.id,
        certificate_id: place.certificate_id,
        sha256: place.sha256,
        kind,
        purpose: is_identity.then(|| place.store.clone()),
        store: place.store,
        entry: place.entry,
        node: Named {
            id: place.node_id,
            name: row.node_name,
        },
        cluster: Named {
            id: place.cluster_id,
            name: row.cluster_name,
        },
        product: place.product,
        common_name: place.common_name,
        subject: certificate.subject,
        issuer: place.issuer,
        self_signed: place.self_signed,
        serial_hex: place.serial_hex,
        key: KeyFacts::stored(certificate.key_type, certificate.key_bits),
        not_before: certificate.not_before,
        not_after: place.not_after,
        status: status(row.status, place.not_after, now),
        issued_at: place.issued_at,
        installed_at: place.installed_at,
        served: Served {
            state: page::stored(&place.served_state)?,
            since: place.served_at,
            note: place.served_note,
        },
        compliance: is_identity.then(|| Compliance {
            compliant: row.differences.is_empty(),
            wanted: place.wanted,
            differences: row
                .differences
                .into_iter()
                .map(|difference| Difference {
                    field: difference.field.as_str().into(),
                    wanted: difference.wanted,
                    installed: difference.installed,
                })
                .collect(),
        }),
        warnings: row
            .warnings
            .into_iter()
            .map(|warning| InstallationWarning {
                code: warning.code.as_str().into(),
                message: warning.message(),
                nodes: warning.nodes,
            })
            .collect(),
        seen_at: row.seen_at,
        gone_at: place.gone_at,
        csr: row.csr.map(|csr| OpenCsr {
            id: csr.id,
            created_at: csr.created_at,
        }),
        acknowledgement: None,
        actions,
    })
}

fn event(row: inventory::HistoryRow) -> HistoryEvent {
    HistoryEvent {
        id: row.id,
        at: row.at,
        event: row.event,
        certificate_id: row.certificate_id,
        sha256: row.sha256,
        common_name: row.common_name,
        not_after: row.not_after,
        job_id: row.job_id,
        actor: row.actor_name,
        node_name: row.node_name,
        cluster_name: row.cluster_name,
    }
}

impl From<StoreKind> for certyard_protocol::StoreKind {
    fn from(kind: StoreKind) -> Self {
        match kind {
            StoreKind::Identity => Self::Identity,
            StoreKind::Trust => Self::Trust,
        }
    }
}
