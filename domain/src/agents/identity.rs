//! Who an agent is, looked at with every request, and its next identity.

use super::enroll::{check_protocol, fact, fingerprint, read_csr};
use super::entity::agent::{Column, Entity};
use super::sessions::{self, Judged};
use super::{Agent, connectors, not_found};
use crate::audit;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::{Scope, Timestamp};
use certyard_pki::{Certificate, SanKind};
use certyard_protocol::{Capability, Identity, RenewRequest, parse_agent_urn};
use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, QueryFilter};
use serde_json::json;
use uuid::Uuid;

/// What a TLS connection says of its other end: made once for each connection, by [`peer`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The organisation that the certificate names.
    pub org_id: Uuid,
    /// The agent that the certificate names.
    pub agent_id: Uuid,
    /// SHA-256 of the certificate in hex.
    pub fingerprint: String,
    /// End of the certificate: a connection may outlive it.
    pub not_after: Timestamp,
}

/// Reads the certificate of a TLS connection, whose chain the listener has verified.
///
/// # Errors
/// [`Error::Unauthenticated`] when it names no agent.
pub fn peer(der: &[u8]) -> Result<Peer> {
    let unknown = || Error::Unauthenticated {
        code: "not_an_agent",
        message: "the client certificate names no agent".into(),
    };
    let certificate = Certificate::from_der(der).map_err(|_| unknown())?;
    let (org_id, agent_id) = certificate
        .sans
        .iter()
        .filter(|name| name.kind == SanKind::Uri)
        .find_map(|name| parse_agent_urn(&name.value))
        .ok_or_else(unknown)?;
    Ok(Peer {
        org_id,
        agent_id,
        fingerprint: fingerprint(&certificate),
        not_after: certificate.not_after,
    })
}

/// An agent that was recognised, for one request.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentIdentity {
    /// The organisation.
    pub org_id: Uuid,
    /// The agent.
    pub agent_id: Uuid,
    /// The group that it belongs to.
    pub group_id: Uuid,
    /// Its name.
    pub name: String,
    /// Address that the request came from.
    pub address: Option<String>,
    /// What it works for changed since it was last told.
    pub nodes_changed: bool,
    agent: Agent,
}

impl AgentIdentity {
    /// The scope in which the agent acts.
    pub fn scope(&self) -> Scope {
        Scope::agent(self.org_id, self.agent_id, &self.name, self.address.clone())
    }
}

/// Days after its end for which an identity is still good for its own renewal, with the proof of its key: an agent whose
/// host was off over a holiday comes back by itself.
pub const RENEWAL_GRACE_DAYS: i64 = 30;

/// What an agent wants to be recognised for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Anything but a renewal.
    Work,
    /// The next identity.
    Renewal,
}

/// Recognises the agent of a request: its certificate is the one in use or the next one, and has not ended; the agent is
/// neither banned nor retired. The first use of the next identity ends the one before. For a renewal an identity counts
/// [`RENEWAL_GRACE_DAYS`] longer.
///
/// # Errors
/// [`Error::Unauthenticated`] `identity_unknown`, `identity_expired`; [`Error::Forbidden`] while banned; [`Error::Gone`]
/// `agent_retired`.
pub async fn identify(db: &Db, peer: &Peer, address: Option<String>, purpose: Purpose) -> Result<AgentIdentity> {
    let unknown = || Error::Unauthenticated {
        code: "identity_unknown",
        message: "this identity is not in use: join again with a new join token".into(),
    };
    let scope = Scope::system(peer.org_id, "agent listener");
    let tx = db.read(&scope).await?;
    let agent = tx
        .find::<Entity>()
        .filter(Column::Id.eq(peer.agent_id))
        .one(&tx)
        .await?
        .ok_or_else(unknown)?;
    let now = tx.now();
    drop(tx);
    let is_next = agent.next_fingerprint.as_deref() == Some(peer.fingerprint.as_str());
    if agent.fingerprint != peer.fingerprint && !is_next {
        return Err(unknown());
    }
    if agent.retired_at.is_some() {
        return Err(Error::Gone {
            code: "agent_retired",
            message: format!(
                "the agent `{}` was retired: stop it and remove it from this host",
                agent.name
            ),
        });
    }
    if agent.banned_at.is_some() {
        let reason = agent.ban_reason.as_deref().filter(|reason| !reason.is_empty());
        return Err(Error::Forbidden {
            message: match reason {
                Some(reason) => format!("the agent `{}` is banned: {reason}", agent.name),
                None => format!("the agent `{}` is banned", agent.name),
            },
        });
    }
    let grace = match purpose {
        Purpose::Work => TimeDelta::zero(),
        Purpose::Renewal => TimeDelta::days(RENEWAL_GRACE_DAYS),
    };
    if peer.not_after + grace <= now {
        return Err(Error::Unauthenticated {
            code: "identity_expired",
            message: "the identity has ended: join again with a new join token".into(),
        });
    }
    if is_next {
        promote(db, &scope, peer).await?;
    }
    Ok(AgentIdentity {
        org_id: agent.org_id,
        agent_id: agent.id,
        group_id: agent.group_id,
        name: agent.name.clone(),
        address,
        nodes_changed: agent.nodes_version > 0,
        agent,
    })
}

/// The next identity is in use from now on, and the one before is not.
async fn promote(db: &Db, scope: &Scope, peer: &Peer) -> Result<()> {
    let tx = db.write(scope).await?;
    tx.update_many::<Entity>()
        .col_expr(Column::Fingerprint, Expr::value(peer.fingerprint.clone()))
        .col_expr(Column::NextFingerprint, Expr::value(Option::<String>::None))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(peer.agent_id))
        .filter(Column::NextFingerprint.eq(peer.fingerprint.as_str()))
        .exec(&tx)
        .await?;
    tx.commit().await
}

/// Issues the next identity for a new key. The present one stays good until the next is used, so that a lost answer
/// locks nobody out.
///
/// # Errors
/// [`Error::Invalid`] for a broken CSR or a weak key; [`Error::Conflict`] `renewed_twice` when two renewals race.
pub async fn renew(db: &Db, keys: &Keys, agent: &AgentIdentity, request: &RenewRequest) -> Result<Identity> {
    let csr = read_csr(&request.csr_pem)?;
    let issued = keys
        .agent_ca()
        .issue(agent.org_id, agent.agent_id, &csr, db.now().await?)?;
    let not_after = crate::clock::cut(issued.certificate.not_after);
    let tx = db.write(&agent.scope()).await?;
    let present = super::find_active(&tx, agent.agent_id).await?.ok_or_else(not_found)?;
    let done = tx
        .update_many::<Entity>()
        .col_expr(Column::NextFingerprint, Expr::value(fingerprint(&issued.certificate)))
        .col_expr(Column::Generation, Expr::col(Column::Generation).add(1))
        .col_expr(Column::IdentityNotAfter, Expr::value(not_after))
        .col_expr(Column::ProgramVersion, Expr::value(fact(&request.version)))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(agent.agent_id))
        .filter(Column::Generation.eq(present.generation))
        .filter(Column::BannedAt.is_null())
        .filter(Column::RetiredAt.is_null())
        .exec(&tx)
        .await?;
    if done.rows_affected == 0 {
        return Err(Error::conflict(
            "renewed_twice",
            "the identity is being renewed by another request",
        ));
    }
    audit::record(
        &tx,
        audit::Entry {
            action: "agent.renew",
            object_kind: "agent",
            object_id: Some(agent.agent_id),
            object_name: &agent.name,
            before: Some(json!({ "generation": present.generation, "not_after": present.identity_not_after })),
            after: Some(json!({
                "generation": present.generation + 1,
                "not_after": not_after,
                "fingerprint": fingerprint(&issued.certificate),
            })),
        },
    )
    .await?;
    let now = tx.now();
    tx.commit().await?;
    Ok(Identity {
        org_id: agent.org_id,
        agent_id: agent.agent_id,
        generation: present.generation + 1,
        certificate_pem: issued.chain_pem,
        not_after,
        bundle: keys.bundle(now),
    })
}

/// What an agent says of itself with each poll.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// Made anew at each start of the agent.
    pub session: Uuid,
    /// Version of the program.
    pub version: String,
    /// Version of the protocol.
    pub protocol: u32,
    /// What its connectors can do.
    pub capabilities: Vec<Capability>,
}

/// "Last seen" is written no more often than this: it is shown in minutes.
const TOUCH: TimeDelta = TimeDelta::seconds(60);

/// Notes that an agent is there; `true` when that was written. It is written once a minute, and when anything that the
/// agent says of itself has changed. A session that comes back after another one raises the alarm of a copied identity.
///
/// # Errors
/// [`Error::Refused`] `protocol_unsupported`; the database is busy or away.
pub async fn touch(db: &Db, agent: &AgentIdentity, heartbeat: &Heartbeat) -> Result<bool> {
    check_protocol(heartbeat.protocol)?;
    let known = &agent.agent;
    let capabilities = serde_json::to_value(&heartbeat.capabilities).map_err(Error::internal)?;
    let version = fact(&heartbeat.version);
    let protocol = i32::try_from(heartbeat.protocol).unwrap_or(i32::MAX);
    let changed = known.poll_session != Some(heartbeat.session)
        || known.program_version != version
        || known.protocol != protocol
        || known.capabilities != capabilities
        || (agent.address.is_some() && known.last_address != agent.address);
    let now = db.now().await?;
    if !changed && known.last_seen_at.is_some_and(|seen| now - seen < TOUCH) {
        return Ok(false);
    }
    let tx = db.write(&agent.scope()).await?;
    let mut update = tx
        .update_many::<Entity>()
        .col_expr(Column::LastSeenAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(agent.agent_id));
    let judged = sessions::judge(known, heartbeat.session);
    if let Judged::New { former, .. } = &judged {
        update = update.col_expr(Column::FormerSessions, Expr::value(json!(former)));
    }
    if connectors(known.protocol, &known.capabilities) != connectors(protocol, &capabilities) {
        // What was kept from it, or must be from here on.
        update = update.col_expr(Column::NodesVersion, Expr::col(Column::NodesVersion).add(1));
    }
    if changed {
        update = update
            .col_expr(Column::PollSession, Expr::value(heartbeat.session))
            .col_expr(Column::ProgramVersion, Expr::value(version))
            .col_expr(Column::Protocol, Expr::value(protocol))
            .col_expr(Column::Capabilities, Expr::value(capabilities))
            .col_expr(
                Column::LastAddress,
                Expr::value(agent.address.clone().or(known.last_address.clone())),
            )
            .col_expr(Column::UpdatedAt, Expr::value(tx.now()));
    } else {
        // Another request of the same minute may have been faster.
        update = update.filter(Column::LastSeenAt.lte(tx.now() - TOUCH));
    }
    let done = update.exec(&tx).await?;
    if matches!(judged, Judged::New { came_back: true, .. }) {
        sessions::raise(&tx, agent).await?;
    }
    tx.commit().await?;
    Ok(done.rows_affected > 0)
}
