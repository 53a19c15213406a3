//! The counts that the first page shows.

use crate::caller::Caller;
use crate::clusters::{Counts, counts};
use crate::error::Reply;
use crate::state::App;
use actix_web::{get, web};
use certyard_domain::{alerts, clusters};
use serde::Serialize;
use utoipa::ToSchema;

/// The fleet in numbers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Overview {
    /// Clusters.
    #[schema(example = 3)]
    pub clusters: i64,
    /// Nodes.
    #[schema(example = 9)]
    pub nodes: i64,
    /// Agents.
    #[schema(example = 1)]
    pub agents: i64,
    /// Agents that were heard of within three minutes.
    #[schema(example = 1)]
    pub agents_online: i64,
    /// Identity certificates.
    pub identity: Counts,
    /// Trusted certificates.
    pub trust: Counts,
    /// What keeps people from being told of certificates that expire; empty where all is well.
    #[schema(example = json!([]))]
    pub alerting: Vec<AlertTrouble>,
}

/// Something that keeps people from being told of certificates that expire: a banner on every page.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertTrouble {
    /// `no_recipients`, `mail_not_configured`, `sweep_late`, `certificates_failing`, `mail_delayed`, `message_dead`, `recipients_suspended`.
    #[schema(example = "mail_not_configured")]
    pub code: String,
    /// One sentence with the way out.
    #[schema(example = "there are recipients and no mail server, so no mail leaves: enter it under Settings, Mail")]
    pub message: String,
    /// How many certificates, messages or recipients.
    #[schema(example = 1)]
    pub count: i64,
}

/// Counts the fleet.
#[utoipa::path(operation_id = "get_overview", tag = "fleet", responses((status = 200, description = "The fleet in numbers", body = Overview)))]
#[get("/overview")]
pub(crate) async fn get_overview(app: App, caller: Caller) -> Reply<Overview> {
    let tx = app.db.read(caller.scope()).await?;
    let totals = clusters::totals(&tx).await?;
    Ok(web::Json(Overview {
        clusters: totals.clusters,
        nodes: totals.nodes,
        agents: totals.agents,
        agents_online: totals.agents_online,
        identity: counts(totals.identity),
        trust: counts(totals.trust),
        alerting: alerts::health(&tx)
            .await?
            .into_iter()
            .map(|trouble| AlertTrouble {
                code: trouble.code.as_str().into(),
                message: trouble.message,
                count: trouble.count,
            })
            .collect(),
    }))
}
