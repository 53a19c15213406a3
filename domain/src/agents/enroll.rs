//! The first identity of an agent.

use super::{entity, join};
use crate::audit;
use crate::clusters;
use crate::db::{Db, OrgTx};
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::ids::new_id;
use crate::keys::Keys;
use crate::{Scope, Timestamp};
use certyard_pki::{Certificate, Csr};
use certyard_protocol::{EnrollRequest, Identity, PROTOCOL_VERSION};
use sea_orm::{ActiveModelTrait, Set};
use serde_json::json;
use uuid::Uuid;

/// Longest CSR in PEM: RSA with 16,384 bits and some hundred names.
const MAX_CSR: usize = 64 * 1024;
/// Longest fact about a host.
const MAX_FACT: usize = 200;

/// Refuses agents that speak neither this version of the protocol nor the one before.
pub(super) fn check_protocol(protocol: u32) -> Result<()> {
    if protocol.abs_diff(PROTOCOL_VERSION) <= 1 && protocol <= PROTOCOL_VERSION {
        return Ok(());
    }
    Err(Error::refused(
        "protocol_unsupported",
        format!(
            "this server speaks version {PROTOCOL_VERSION} of the agent protocol and the one before, the agent speaks {protocol}: install the agent of this server's version"
        ),
    ))
}

/// Reads a request for an identity. Its own signature proves that whoever sends it has the key.
pub(super) fn read_csr(pem: &str) -> Result<Csr> {
    if pem.len() > MAX_CSR {
        return Err(Error::field("csr_pem", "too_long", "is no CSR for an agent"));
    }
    let csr = Csr::from_pem(pem).map_err(|error| Error::field("csr_pem", "bad_csr", error.to_string()))?;
    // A signature of an unknown kind proves nothing.
    if csr.warnings.iter().any(|warning| warning.contains("cannot be checked")) {
        return Err(Error::field(
            "csr_pem",
            "bad_csr",
            "is signed in a way that cannot be checked: use EC with SHA-256, Ed25519, or RSA with SHA-256",
        ));
    }
    Ok(csr)
}

pub(super) fn fingerprint(certificate: &Certificate) -> String {
    certificate.sha256_hex()
}

fn no_such_token() -> Error {
    Error::Unauthenticated {
        code: "join_token_invalid",
        message: "the join token is unknown, used up, expired or revoked: make a new one".into(),
    }
}

/// Spends a join token for an identity. Of any number of requests that race for the last use of a token exactly one gets
/// an agent. The certificate is issued before the transaction that spends the token, so that no lock waits for it.
///
/// # Errors
/// [`Error::Unauthenticated`] `join_token_invalid`; [`Error::Invalid`] for a broken CSR or a weak key, which spends
/// nothing; [`Error::Refused`] `protocol_unsupported`.
pub async fn enroll(db: &Db, keys: &Keys, request: &EnrollRequest, address: Option<String>) -> Result<Identity> {
    check_protocol(request.protocol)?;
    let token = join::parse(&request.token).ok_or_else(no_such_token)?;
    let look = db.read(&Scope::system(token.org_id, "enrolment")).await?;
    let found = join::usable(&look, &token.hash).await?.ok_or_else(no_such_token)?;
    drop(look);
    let mut fields = Fields::default();
    let name = fields.name("name", &request.name);
    fields.finish()?;
    let csr = read_csr(&request.csr_pem)?;
    let agent_id = new_id();
    let issued = keys.agent_ca().issue(token.org_id, agent_id, &csr, db.now().await?)?;

    let scope = Scope::agent(token.org_id, agent_id, &name, address.clone());
    let tx = db.write(&scope).await?;
    if !join::spend(&tx, found.id).await? {
        return Err(no_such_token());
    }
    let group = clusters::lock_group(&tx, found.group_id)
        .await
        .map_err(|error| match error {
            Error::NotFound { .. } => no_such_token(),
            other => other,
        })?;
    let not_after = crate::clock::cut(issued.certificate.not_after);
    insert(
        &tx,
        request,
        Joined {
            agent_id,
            name: &name,
            group_id: group.id,
            fingerprint: fingerprint(&issued.certificate),
            not_after,
            address,
        },
    )
    .await?;
    audit::record(
        &tx,
        audit::Entry {
            action: "agent.enroll",
            object_kind: "agent",
            object_id: Some(agent_id),
            object_name: &name,
            before: None,
            after: Some(json!({
                "group_id": group.id,
                "join_token_id": found.id,
                "join_token_name": found.name,
                "fingerprint": fingerprint(&issued.certificate),
                "hostname": fact(&request.host.hostname),
            })),
        },
    )
    .await?;
    let now = tx.now();
    tx.commit().await?;
    Ok(Identity {
        org_id: token.org_id,
        agent_id,
        generation: 1,
        certificate_pem: issued.chain_pem,
        not_after,
        bundle: keys.bundle(now),
    })
}

struct Joined<'a> {
    agent_id: Uuid,
    name: &'a str,
    group_id: Uuid,
    fingerprint: String,
    not_after: Timestamp,
    address: Option<String>,
}

async fn insert(tx: &OrgTx, request: &EnrollRequest, joined: Joined<'_>) -> Result<()> {
    entity::agent::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(joined.agent_id),
        group_id: Set(joined.group_id),
        name: Set(joined.name.into()),
        program_version: Set(fact(&request.version)),
        protocol: Set(i32::try_from(request.protocol).unwrap_or(i32::MAX)),
        hostname: Set(fact(&request.host.hostname)),
        os: Set(fact(&request.host.os)),
        arch: Set(fact(&request.host.arch)),
        fingerprint: Set(joined.fingerprint),
        next_fingerprint: Set(None),
        generation: Set(1),
        identity_not_after: Set(joined.not_after),
        capabilities: Set(json!([])),
        poll_session: Set(None),
        last_seen_at: Set(Some(tx.now())),
        last_address: Set(joined.address),
        nodes_version: Set(0),
        created_at: Set(tx.now()),
        updated_at: Set(tx.now()),
        banned_at: Set(None),
        ban_reason: Set(None),
        retired_at: Set(None),
        former_sessions: Set(None),
        cloned_at: Set(None),
    }
    .insert(tx)
    .await?;
    Ok(())
}

/// What a host says of itself is shown to people, never judged: cut and without control characters.
pub(super) fn fact(text: &str) -> String {
    text.trim()
        .chars()
        .filter(|letter| !letter.is_control())
        .take(MAX_FACT)
        .collect()
}
