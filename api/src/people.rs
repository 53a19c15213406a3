//! Who signed in: `/me` and sessions.

use crate::body::Json;
use crate::caller::{Caller, From};
use crate::error::{Problem, Reply};
use crate::gate::cookie_name;
use crate::page::{Named, Page};
use crate::state::{App, State};
use actix_web::http::StatusCode;
use actix_web::http::header::SET_COOKIE;
use actix_web::{HttpResponse, delete, get, post, web};
use certyard_domain::people::{self, OrganisationChoice, Principal, SignedIn};
use certyard_domain::{Error, Permission, orgs};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::Zeroizing;

/// What a role may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// All.
    Owner,
    /// All but the organisation itself and its owners.
    Admin,
    /// Plans, jobs, uploads, refresh.
    Operator,
    /// Reads.
    Viewer,
    /// Reads, audit and exports.
    Auditor,
    /// Reads the gauges of `GET /api/v1/metrics` and nothing else: for tokens.
    Monitor,
}

/// Who asks, and what the dashboard has to know first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    /// `user` with a session, `token` with an API token.
    #[schema(example = "user")]
    pub kind: String,
    /// The person or program.
    pub user: MeUser,
    /// The organisation.
    pub organisation: Named,
    /// The role.
    pub role: Role,
    /// The groups that the role is bound to; null for all.
    pub groups: Option<Vec<Uuid>>,
    /// What the role allows: `read_fleet`, `read_metrics`, `operate`, `manage_fleet`, `manage_profiles`, `read_alerts`, `manage_alerts`, `read_people`, `manage_people`, `read_audit`, `manage_organisation`.
    #[schema(example = json!(["read_fleet", "operate"]))]
    pub permissions: Vec<String>,
    /// Version of the server.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// Address of the server for people.
    #[schema(example = "https://certyard.example.org")]
    pub public_url: String,
    /// Address of the server for agents.
    #[schema(example = "https://certyard.example.org:8443")]
    pub agent_url: String,
    /// Days before its end from which a certificate counts as expiring.
    #[schema(example = 60)]
    pub start_days: i32,
}

/// A person or program.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeUser {
    /// Membership or token; null for the bootstrap token.
    pub id: Option<Uuid>,
    /// Name.
    #[schema(example = "Ada Lovelace")]
    pub name: String,
    /// E-mail address of a person.
    #[schema(example = "ada@example.org")]
    pub email: Option<String>,
}

/// Signs a person in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInRequest {
    /// E-mail address.
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// Password.
    #[schema(example = "correct horse battery staple")]
    pub password: String,
    /// The organisation: whoever belongs to several has to name one.
    #[serde(default)]
    pub organisation_id: Option<Uuid>,
}

/// A session of the caller.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    /// The session.
    pub id: Uuid,
    /// It is the one that asks.
    pub current: bool,
    /// Address that it was begun from.
    #[schema(example = "203.0.113.7")]
    pub address: String,
    /// Browser.
    #[schema(example = "Mozilla/5.0")]
    pub user_agent: String,
    /// Begin.
    pub created_at: DateTime<Utc>,
    /// Last use, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// End at the latest.
    pub expires_at: DateTime<Utc>,
}

/// Changes the caller's password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangePassword {
    /// The present one.
    #[schema(example = "correct horse battery staple")]
    pub present_password: String,
    /// The new one, 12 characters or more.
    #[schema(example = "a new and longer passphrase")]
    pub new_password: String,
}

/// Says who asks.
#[utoipa::path(operation_id = "get_me", tag = "people", responses((status = 200, description = "Who asks", body = Me)))]
#[get("/me")]
pub(crate) async fn get_me(app: App, caller: Caller) -> Reply<Me> {
    Ok(web::Json(me(&app, &caller.0).await?))
}

/// Signs a person in.
///
/// Sets the session cookie. Wrong addresses and wrong passwords get the same answer; too many tries are refused for a while.
#[utoipa::path(operation_id = "sign_in", tag = "people", request_body = SignInRequest, responses((status = 201, description = "Signed in; the session cookie is set", body = Me)))]
#[post("/sessions")]
pub(crate) async fn sign_in(app: App, from: From, body: Json<SignInRequest>) -> Result<HttpResponse, Problem> {
    let request = people::SignIn {
        email: body.0.email,
        password: Zeroizing::new(body.0.password),
        organisation: body.0.organisation_id,
    };
    match people::sign_in(&app.db, &request, &from.0).await? {
        SignedIn::In { principal, session } => signed_in(&app, &principal, &session).await,
        SignedIn::Choose(organisations) => Err(choose(organisations)),
    }
}

/// Lists the caller's sessions.
#[utoipa::path(operation_id = "list_sessions", tag = "people", responses((status = 200, description = "Sessions, newest first", body = Page<Session>)))]
#[get("/sessions")]
pub(crate) async fn list_sessions(app: App, caller: Caller) -> Reply<Page<Session>> {
    let tx = app.db.read(caller.scope()).await?;
    let sessions = people::list_sessions(&tx).await?;
    let current = caller.0.session_id;
    Ok(web::Json(Page {
        items: sessions.into_iter().map(|row| session(row, current)).collect(),
        next: None,
    }))
}

/// Says who the session belongs to.
#[utoipa::path(operation_id = "get_current_session", tag = "people", responses((status = 200, description = "Who asks", body = Me)))]
#[get("/sessions/current")]
pub(crate) async fn get_current_session(app: App, caller: Caller) -> Reply<Me> {
    Ok(web::Json(me(&app, &caller.0).await?))
}

/// Signs out.
///
/// Ends the session of the cookie on the server.
#[utoipa::path(operation_id = "sign_out", tag = "people", responses((status = 204, description = "Signed out")))]
#[delete("/sessions/current")]
pub(crate) async fn sign_out(app: App, caller: Caller) -> Result<HttpResponse, Problem> {
    let id = caller.0.session_id.ok_or(Error::NotFound { what: "session" })?;
    let tx = app.db.write(caller.scope()).await?;
    people::end_session(&tx, id).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent()
        .insert_header((SET_COOKIE, cookie(&app, "", 0)))
        .finish())
}

/// Ends a session of the caller.
#[utoipa::path(operation_id = "end_session", tag = "people", params(("id" = Uuid, Path, description = "The session")), responses((status = 204, description = "Ended")))]
#[delete("/sessions/{id}")]
pub(crate) async fn end_session(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    people::end_session(&tx, *id).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Changes the caller's password.
///
/// All other sessions of the person in this organisation end.
#[utoipa::path(operation_id = "change_password", tag = "people", request_body = ChangePassword, responses((status = 204, description = "Changed")))]
#[post("/me/password")]
pub(crate) async fn change_password(
    app: App,
    caller: Caller,
    body: Json<ChangePassword>,
) -> Result<HttpResponse, Problem> {
    let (present, new) = (
        Zeroizing::new(body.0.present_password),
        Zeroizing::new(body.0.new_password),
    );
    people::change_password(&app.db, &caller.0, &present, &new).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Answers whoever has just come in, and sets the cookie.
pub(crate) async fn signed_in(app: &State, principal: &Principal, session: &str) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Created()
        .insert_header((SET_COOKIE, cookie(app, session, SESSION_SECONDS)))
        .json(me(app, principal).await?))
}

/// A session lives twelve hours at most; the server ends it earlier when it idles.
const SESSION_SECONDS: i64 = 12 * 3600;

/// Scripts cannot read it, other sites cannot send it, and with HTTPS it never travels in clear.
fn cookie(app: &State, session: &str, seconds: i64) -> String {
    let secure = if app.is_https() { "; Secure" } else { "" };
    let name = cookie_name(app);
    format!("{name}={session}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

fn choose(organisations: Vec<OrganisationChoice>) -> Problem {
    let mut problem = Problem::new(
        StatusCode::CONFLICT,
        "choose_organisation",
        "you belong to several organisations: send the `organisation_id` of one of `changes`",
    );
    problem.changes = Some(
        organisations
            .into_iter()
            .map(|choice| serde_json::json!({ "id": choice.id, "name": choice.name }))
            .collect(),
    );
    problem
}

async fn me(app: &State, principal: &Principal) -> Result<Me, Problem> {
    let tx = app.db.read(&principal.scope).await?;
    let org = orgs::get(&tx).await?;
    let actor = principal.scope.actor();
    Ok(Me {
        kind: actor.kind.as_str().into(),
        user: MeUser {
            id: actor.id,
            name: principal.name.clone(),
            email: principal.email.clone(),
        },
        organisation: Named {
            id: org.id,
            name: org.name,
        },
        role: principal.role.into(),
        groups: principal.scope.groups().map(<[Uuid]>::to_vec),
        permissions: PERMISSIONS
            .into_iter()
            .filter(|(permission, _)| principal.scope.allows(*permission))
            .map(|(_, name)| name.into())
            .collect(),
        version: env!("CARGO_PKG_VERSION").into(),
        public_url: app.public_url.clone(),
        agent_url: app.agent_url.clone(),
        start_days: org.start_days,
    })
}

const PERMISSIONS: [(Permission, &str); 11] = [
    (Permission::ReadFleet, "read_fleet"),
    (Permission::ReadMetrics, "read_metrics"),
    (Permission::Operate, "operate"),
    (Permission::ManageFleet, "manage_fleet"),
    (Permission::ManageProfiles, "manage_profiles"),
    (Permission::ReadAlerts, "read_alerts"),
    (Permission::ManageAlerts, "manage_alerts"),
    (Permission::ReadPeople, "read_people"),
    (Permission::ManagePeople, "manage_people"),
    (Permission::ReadAudit, "read_audit"),
    (Permission::ManageOrganisation, "manage_organisation"),
];

fn session(row: people::Session, current: Option<Uuid>) -> Session {
    Session {
        id: row.id,
        current: Some(row.id) == current,
        address: row.address,
        user_agent: row.user_agent,
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        expires_at: row.expires_at,
    }
}

impl core::convert::From<certyard_domain::Role> for Role {
    fn from(role: certyard_domain::Role) -> Self {
        match role {
            certyard_domain::Role::Owner => Self::Owner,
            certyard_domain::Role::Admin => Self::Admin,
            certyard_domain::Role::Operator => Self::Operator,
            certyard_domain::Role::Viewer => Self::Viewer,
            certyard_domain::Role::Auditor => Self::Auditor,
            certyard_domain::Role::Monitor => Self::Monitor,
        }
    }
}

impl core::convert::From<Role> for certyard_domain::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Admin => Self::Admin,
            Role::Operator => Self::Operator,
            Role::Viewer => Self::Viewer,
            Role::Auditor => Self::Auditor,
            Role::Monitor => Self::Monitor,
        }
    }
}
