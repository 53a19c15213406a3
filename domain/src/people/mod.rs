//! People and programs: who may come in, and as what.
//!
//! A person is known once by e-mail address; a membership gives them a role in an organisation, for all groups or some.
//! Whoever is signed in holds a session, a program holds an API token. Both carry the organisation in their text, so that
//! no look-up over all organisations is needed, and are stored as hashes. Role and groups are read at every request: a lost
//! role is lost at once.

mod credential;
mod entity;
mod feeds;
mod members;
mod password;
mod recheck;
mod sessions;
mod setup;
mod sign_in;
mod throttle;
mod tokens;

pub use credential::{FEED_PREFIX, SESSION_PREFIX, TOKEN_PREFIX};
pub use entity::feed::Model as Feed;
pub use entity::membership::Model as Membership;
pub use entity::session::Model as Session;
pub use entity::token::Model as ApiToken;
pub use feeds::{MOST_FEEDS, NewFeed, authenticate_feed, create_feed, list_feeds, revoke_feed};
pub(crate) use members::addresses_of;
pub use members::{Invitation, MemberChange, add_member, get_member, list_members, retire_member, update_member};
pub use password::{change_password, check_password, reset_password};
pub use recheck::recheck;
pub use sessions::{authenticate_session, end_session, forget_old_sessions, list_sessions};
pub use setup::{SetUp, bootstrap_principal, new_setup_code, set_up, setup_wanted};
pub use sign_in::{OrganisationChoice, SignIn, SignedIn, sign_in};
pub use throttle::forget_old_failures;
pub use tokens::{NewToken, authenticate_token, create_token, list_tokens, revoke_token};

use crate::error::{Error, FieldError, Result};
use crate::{Actor, ActorKind, Role, Scope};
use uuid::Uuid;

/// Where a request came from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Address of the caller, behind trusted proxies the one they name.
    pub address: String,
    /// `User-Agent` header, cut.
    pub user_agent: String,
    /// Id of the request, as in logs and answers.
    pub request_id: String,
}

/// Whoever has come in.
#[derive(Clone, Debug)]
pub struct Principal {
    /// What they may do and see.
    pub scope: Scope,
    /// Role.
    pub role: Role,
    /// Name to show.
    pub name: String,
    /// E-mail address of a person.
    pub email: Option<String>,
    /// Session of a person.
    pub session_id: Option<Uuid>,
}

impl Principal {
    fn new(
        kind: ActorKind,
        org_id: Uuid,
        id: Option<Uuid>,
        name: &str,
        role: Role,
        groups: Option<Vec<Uuid>>,
        origin: &Origin,
    ) -> Self {
        let actor = Actor {
            kind,
            id,
            name: name.into(),
            address: Some(origin.address.clone()),
            request_id: Some(origin.request_id.clone()),
        };
        let scope = Scope::new(org_id, actor, role, groups);
        Self {
            scope,
            role,
            name: name.into(),
            email: None,
            session_id: None,
        }
    }
}

fn unauthenticated() -> Error {
    Error::Unauthenticated {
        code: "invalid_credential",
        message: "the credential is unknown, expired or revoked: sign in again".into(),
    }
}

/// Reads the groups of a membership or token.
fn groups_of(json: Option<&serde_json::Value>) -> Result<Option<Vec<Uuid>>> {
    json.map(|json| serde_json::from_value(json.clone()).map_err(Error::internal))
        .transpose()
}

fn role_of(text: &str) -> Result<Role> {
    Role::parse(text).ok_or_else(|| Error::internal(format!("the role {text} is unknown")))
}

fn check_name(field: &str, name: &str, errors: &mut Vec<FieldError>) -> String {
    let name = name.trim();
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        errors.push(FieldError {
            field: field.into(),
            code: "length",
            message: "1 to 100 characters and no control characters".into(),
        });
    }
    name.into()
}

/// Lower-cases an address; people type theirs in any case. What mail servers really accept is found out by sending.
fn check_email(email: &str, errors: &mut Vec<FieldError>) -> String {
    let email = email.trim().to_lowercase();
    let good = email.len() <= 254
        && !email
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || "<>,;\"()[]".contains(c))
        && email.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.contains('@') && domain.split('.').all(|label| !label.is_empty())
        });
    if !good {
        errors.push(FieldError {
            field: "email".into(),
            code: "format",
            message: "an address like name@example.org".into(),
        });
    }
    email
}
