//! New messages.

use super::entity::{message, run};
use super::notices::About;
use super::send_state::SendState;
use crate::db::OrgTx;
use crate::ids::new_id;
use sea_orm::Set;
use uuid::Uuid;

/// A message about certificates that is due at once: a mail to a recipient, or a call of the channel of that name.
pub(super) fn new_message(
    tx: &OrgTx,
    run: &run::Model,
    recipient: impl Into<String>,
    channel: Option<Uuid>,
) -> message::ActiveModel {
    message::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(new_id()),
        run_id: Set(run.id),
        recipient: Set(recipient.into()),
        state: Set(SendState::Due.as_str().into()),
        message_id: Set(None),
        subject: Set(None),
        attempt: Set(0),
        due_at: Set(Some(tx.now())),
        first_tried_at: Set(None),
        told_count: Set(0),
        reply: Set(None),
        queue_id: Set(None),
        settled_at: Set(None),
        created_at: Set(tx.now()),
        channel_id: Set(channel),
        about: Set(About::Certificates.as_str().into()),
    }
}
