//! Whether somebody who came in may still be here, for answers that last longer than a request.

use super::{Origin, Principal, sessions, tokens};
use crate::error::Result;
use crate::{Db, Scope};

/// Reads anew who somebody is that came in earlier, with the role and groups that they have now. It is no use of the
/// session: watching alone does not keep one from ending.
///
/// # Errors
/// [`crate::Error::Unauthenticated`] when the session or token is over, or its holder may not come in any more.
pub async fn recheck(db: &Db, principal: &Principal) -> Result<Principal> {
    let actor = principal.scope.actor();
    let origin = Origin {
        address: actor.address.clone().unwrap_or_default(),
        user_agent: String::new(),
        request_id: actor.request_id.clone().unwrap_or_default(),
    };
    let tx = db.read(&Scope::system(principal.scope.org_id(), "sign-in")).await?;
    match (principal.session_id, actor.id) {
        (Some(session_id), _) => {
            let (session, member) = sessions::live(&tx, session_id).await?;
            sessions::principal(&member, session.id, &origin)
        }
        (None, Some(token_id)) => tokens::principal(&tokens::live(&tx, token_id).await?, &origin),
        // The token for scripts is a setting of the process and ends with it.
        (None, None) => Ok(principal.clone()),
    }
}
