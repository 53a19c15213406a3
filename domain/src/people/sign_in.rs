//! Signing in with a password, throttled per account and per address.

use super::entity::{membership, user, user_org};
use super::throttle::Guesser;
use super::{Membership, Origin, Principal, members, password, sessions};
use crate::audit::{self, Entry};
use crate::error::{Error, Result};
use crate::{Actor, ActorKind, Db, Scope};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;
use zeroize::Zeroizing;

/// What a person gives.
pub struct SignIn {
    /// Address.
    pub email: String,
    /// Password.
    pub password: Zeroizing<String>,
    /// The organisation, for those who belong to several.
    pub organisation: Option<Uuid>,
}

/// An organisation to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganisationChoice {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

/// What became of a sign-in with the right password.
pub enum SignedIn {
    /// The person is in; the text goes into the cookie.
    In {
        /// Who it is.
        principal: Box<Principal>,
        /// Text of the session.
        session: Zeroizing<String>,
    },
    /// They belong to several organisations and have to say which.
    Choose(Vec<OrganisationChoice>),
}

/// Signs a person in.
///
/// # Errors
/// [`Error::Unauthenticated`] in the same words for an unknown address and a wrong password; [`Error::Throttled`] after too
/// many failures.
pub async fn sign_in(db: &Db, request: &SignIn, origin: &Origin) -> Result<SignedIn> {
    let email = request.email.trim().to_lowercase();
    let guesser = Guesser::new(&email, &origin.address);
    guesser.refuse_throttled(db).await?;
    let tx = db.global(false).await?;
    let found = user::Entity::find()
        .filter(user::Column::Email.eq(email.as_str()))
        .one(&tx)
        .await?;
    let organisations: Vec<Uuid> = match &found {
        Some(user) => user_org::Entity::find()
            .filter(user_org::Column::UserId.eq(user.id))
            .all(&tx)
            .await?
            .into_iter()
            .map(|row| row.org_id)
            .collect(),
        None => Vec::new(),
    };
    drop(tx);
    let mut places = Vec::new();
    let mut right = false;
    let user = found.filter(|user| user.disabled_at.is_none());
    let wanted = organisations
        .iter()
        .copied()
        .filter(|org| request.organisation.is_none_or(|wanted| wanted == *org));
    for org in wanted {
        let Some((choice, member)) = place(db, org, user.as_ref()).await? else {
            continue;
        };
        if password::verify(&request.password, Some(member.password_hash.clone())).await? {
            right = true;
            places.push((choice, member));
        }
    }
    if !right {
        // Where nothing was checked the same work is done, so that the time tells nothing.
        if user.is_none() || organisations.is_empty() {
            password::verify(&request.password, None).await?;
        }
        guesser.count_failure(db).await?;
        for org in organisations {
            record_refusal(db, org, &email, origin).await?;
        }
        return Err(wrong());
    }
    guesser.forgive(db).await?;
    if places.len() > 1 {
        return Ok(SignedIn::Choose(places.into_iter().map(|(choice, _)| choice).collect()));
    }
    let (_, member) = places.pop().ok_or_else(wrong)?;
    let actor = Actor {
        kind: ActorKind::User,
        id: Some(member.id),
        name: member.name.clone(),
        address: Some(origin.address.clone()),
        request_id: Some(origin.request_id.clone()),
    };
    let role = super::role_of(&member.role)?;
    let tx = db.write(&Scope::new(member.org_id, actor, role, None)).await?;
    let (session_id, session) = sessions::start(&tx, &member, origin).await?;
    let entry = Entry {
        action: "session.start",
        object_kind: "session",
        object_id: Some(session_id),
        object_name: &member.name,
        before: None,
        after: None,
    };
    audit::record(&tx, entry).await?;
    tx.commit().await?;
    let principal = Box::new(sessions::principal(&member, session_id, origin)?);
    Ok(SignedIn::In { principal, session })
}

/// The organisation and the person's place in it, while both last.
async fn place(db: &Db, org: Uuid, user: Option<&user::Model>) -> Result<Option<(OrganisationChoice, Membership)>> {
    let Some(user) = user else { return Ok(None) };
    let tx = db.read(&Scope::system(org, "sign-in")).await?;
    let organisation = match crate::orgs::get(&tx).await {
        Ok(organisation) => organisation,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let member = members::lasting(&tx, membership::Column::UserId.eq(user.id)).await?;
    let choice = OrganisationChoice {
        id: org,
        name: organisation.name,
    };
    Ok(member.map(|member| (choice, member)))
}

fn wrong() -> Error {
    Error::Unauthenticated {
        code: "wrong_password",
        message: "the address or the password is wrong".into(),
    }
}

async fn record_refusal(db: &Db, org: Uuid, email: &str, origin: &Origin) -> Result<()> {
    let actor = Actor {
        kind: ActorKind::User,
        id: None,
        name: email.into(),
        address: Some(origin.address.clone()),
        request_id: Some(origin.request_id.clone()),
    };
    let tx = db.write(&Scope::new(org, actor, crate::Role::Viewer, None)).await?;
    let entry = Entry {
        action: "session.refuse",
        object_kind: "session",
        object_id: None,
        object_name: email,
        before: None,
        after: None,
    };
    audit::record(&tx, entry).await?;
    tx.commit().await
}
