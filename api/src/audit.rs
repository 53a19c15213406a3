//! The audit log.

use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::list::{self, List, turn};
use crate::page::{self, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, get};
use certyard_domain::{OrgTx, audit};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Who did something.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditActor {
    /// `user`, `token`, `agent`, `system`.
    #[schema(example = "user")]
    pub kind: String,
    /// Membership, token or agent.
    pub id: Option<Uuid>,
    /// Name at the time.
    #[schema(example = "Ada Lovelace")]
    pub name: String,
}

/// A decision.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// The row.
    pub id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: AuditActor,
    /// From where.
    #[schema(example = "203.0.113.7")]
    pub address: Option<String>,
    /// Request id, as in logs and answers.
    pub request_id: Option<String>,
    /// `noun.verb`.
    #[schema(example = "cluster.create")]
    pub action: String,
    /// Kind of the thing.
    #[schema(example = "cluster")]
    pub object_kind: String,
    /// The thing.
    pub object_id: Option<Uuid>,
    /// Its name at the time.
    #[schema(example = "cucm-north")]
    pub object_name: String,
    /// What it was.
    #[schema(value_type = Option<Object>, example = json!(null))]
    pub before: Option<serde_json::Value>,
    /// What it became.
    #[schema(value_type = Option<Object>, example = json!({"name": "cucm-north"}))]
    pub after: Option<serde_json::Value>,
}

/// Which rows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAudit {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only this kind of thing.
    pub object_kind: Option<String>,
    /// Only this thing.
    pub object_id: Option<Uuid>,
    /// Only this actor.
    pub actor_id: Option<Uuid>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
}

impl List for ListAudit {
    type Of = ();
    type Row = AuditEntry;
    const NAME: &'static str = "audit";

    turn!();

    async fn read(&self, tx: &OrgTx, (): (), limit: u64) -> Result<Page<AuditEntry>, Problem> {
        let filter = audit::Filter {
            action: self.action.clone(),
            object_kind: self.object_kind.clone(),
            object_id: self.object_id,
            actor_id: self.actor_id,
            since: self.from,
            until: self.to,
        };
        let rows = audit::list(tx, &filter, page::cursor(&self.cursor)?, limit).await?;
        page::page(rows, limit, |row| (row.at, row.id), |row| Ok(entry(row)))
    }
}

/// Lists who did what.
#[utoipa::path(operation_id = "list_audit", tag = "organisation", params(ListAudit), responses((status = 200, description = "Decisions, newest first", body = Page<AuditEntry>)))]
#[get("/audit")]
pub(crate) async fn list_audit(app: App, caller: Caller, query: Query<ListAudit>) -> Reply<Page<AuditEntry>> {
    list::answer(&app, &caller, (), query.0).await
}

/// Exports who did what as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_audit", tag = "organisation", params(ListAudit), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/audit.csv")]
pub(crate) async fn export_audit(app: App, caller: Caller, query: Query<ListAudit>) -> Result<HttpResponse, Problem> {
    list::export(app, caller, (), query.0).await
}

fn entry(row: audit::AuditRow) -> AuditEntry {
    AuditEntry {
        id: row.id,
        at: row.at,
        actor: AuditActor {
            kind: row.actor_kind,
            id: row.actor_id,
            name: row.actor_name,
        },
        address: row.address,
        request_id: row.request_id,
        action: row.action,
        object_kind: row.object_kind,
        object_id: row.object_id,
        object_name: row.object_name,
        before: row.before,
        after: row.after,
    }
}
