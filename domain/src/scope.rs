//! Who asks, for which organisation, and what that allows. Deny by default.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a person or a token may do in an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// All.
    Owner,
    /// All but the organisation itself and its owners.
    Admin,
    /// Plans, jobs, uploads, acknowledgements, refresh.
    Operator,
    /// Reads.
    Viewer,
    /// Reads, audit and exports.
    Auditor,
    /// Reads the gauges and nothing else: for tokens.
    Monitor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [
        Self::Owner,
        Self::Admin,
        Self::Operator,
        Self::Viewer,
        Self::Auditor,
        Self::Monitor,
    ];

    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
            Self::Monitor => "monitor",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether the role includes the permission: the one table of rights.
    pub fn allows(self, permission: Permission) -> bool {
        match permission {
            Permission::ReadMetrics => true,
            Permission::ReadFleet | Permission::ReadAlerts => self != Self::Monitor,
            Permission::Operate => matches!(self, Self::Owner | Self::Admin | Self::Operator),
            Permission::ManageFleet
            | Permission::ManageProfiles
            | Permission::ManagePeople
            | Permission::ManageAlerts => {
                matches!(self, Self::Owner | Self::Admin)
            }
            Permission::ReadAudit => matches!(self, Self::Owner | Self::Admin | Self::Auditor),
            Permission::ReadPeople => matches!(self, Self::Owner | Self::Admin | Self::Auditor),
            Permission::ManageOrganisation => matches!(self, Self::Owner),
        }
    }
}

/// What an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// See clusters, nodes, certificates, plans, jobs.
    ReadFleet,
    /// Read the gauges of the organisation.
    ReadMetrics,
    /// Make plans and jobs, upload, refresh.
    Operate,
    /// Enter and change groups, clusters, nodes, agents, join tokens.
    ManageFleet,
    /// Make and change profiles, which clusters of every group may have.
    ManageProfiles,
    /// See who is warned of what, and what became of each message.
    ReadAlerts,
    /// Change who is warned, when, and by which mail server.
    ManageAlerts,
    /// See members and tokens.
    ReadPeople,
    /// Change members (but owners) and tokens.
    ManagePeople,
    /// See the audit log.
    ReadAudit,
    /// Change the organisation and its owners.
    ManageOrganisation,
}

/// Kind of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person with a session.
    User,
    /// A program with an API token.
    Token,
    /// An agent.
    Agent,
    /// Certyard itself: a loop, or the command line on the server.
    System,
}

impl ActorKind {
    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Token => "token",
            Self::Agent => "agent",
            Self::System => "system",
        }
    }
}

/// Who does something, as audit rows name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Kind.
    pub kind: ActorKind,
    /// Membership, token or agent.
    pub id: Option<Uuid>,
    /// Name at the time, for history.
    pub name: String,
    /// Address that the request came from.
    pub address: Option<String>,
    /// Request id, as in logs and answers.
    pub request_id: Option<String>,
}

/// An actor's view of one organisation. Every transaction has one, and every finder obeys it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    org_id: Uuid,
    actor: Actor,
    role: Option<Role>,
    groups: Option<Vec<Uuid>>,
}

impl Scope {
    /// The scope of a person or a token. `groups` is `None` for all groups.
    pub fn new(org_id: Uuid, actor: Actor, role: Role, groups: Option<Vec<Uuid>>) -> Self {
        Self {
            org_id,
            actor,
            role: Some(role),
            groups,
        }
    }

    /// The scope of Certyard itself in one organisation; `name` says which part of it.
    pub fn system(org_id: Uuid, name: &str) -> Self {
        let actor = Actor {
            kind: ActorKind::System,
            id: None,
            name: name.into(),
            address: None,
            request_id: None,
        };
        Self {
            org_id,
            actor,
            role: None,
            groups: None,
        }
    }

    /// The scope of an agent, which acts for its nodes through functions made for agents only: it has no role.
    pub fn agent(org_id: Uuid, agent_id: Uuid, name: &str, address: Option<String>) -> Self {
        let actor = Actor {
            kind: ActorKind::Agent,
            id: Some(agent_id),
            name: name.into(),
            address,
            request_id: None,
        };
        Self {
            org_id,
            actor,
            role: None,
            groups: None,
        }
    }

    /// The organisation.
    pub fn org_id(&self) -> Uuid {
        self.org_id
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Role of a person or token; none for agents and Certyard itself.
    pub fn role(&self) -> Option<Role> {
        self.role
    }

    /// Groups that the actor is bound to; `None`: all.
    pub fn groups(&self) -> Option<&[Uuid]> {
        self.groups.as_deref()
    }

    /// Whether the actor may.
    pub fn allows(&self, permission: Permission) -> bool {
        match (self.actor.kind, self.role) {
            (ActorKind::System, _) => true,
            (ActorKind::Agent, _) => false,
            (ActorKind::User | ActorKind::Token, Some(role)) => {
                role.allows(permission) && (self.groups.is_none() || !permission.is_organisation_wide())
            }
            (ActorKind::User | ActorKind::Token, None) => false,
        }
    }

    /// Refuses what the actor may not.
    ///
    /// # Errors
    /// [`Error::Forbidden`] that names the roles which may.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.allows(permission) {
            return Ok(());
        }
        let roles: Vec<&str> = Role::ALL
            .into_iter()
            .filter(|role| role.allows(permission))
            .map(Role::as_str)
            .collect();
        let bound = if permission.is_organisation_wide() {
            ", for all groups"
        } else {
            ""
        };
        Err(Error::Forbidden {
            message: format!("this needs the role {}{bound}", roles.join(" or ")),
        })
    }
}

impl Permission {
    /// Things that belong to the organisation as a whole are out of reach for whoever is bound to some groups.
    pub fn is_organisation_wide(self) -> bool {
        match self {
            Self::ReadFleet | Self::ReadMetrics | Self::Operate | Self::ManageFleet => false,
            Self::ManageProfiles
            | Self::ReadAlerts
            | Self::ManageAlerts
            | Self::ReadPeople
            | Self::ManagePeople
            | Self::ReadAudit
            | Self::ManageOrganisation => true,
        }
    }
}
