//! Who may do what in an organisation, and what they did.

use crate::table::*;
use sea_orm_migration::prelude::*;

pub(super) async fn make(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // `group_ids` is NULL for all groups, else a JSON list. The password belongs to the membership: whoever made somebody's
    // first password in one organisation must not come in as them in another.
    tenant_table("membership")
        .col(uuid("user_id"))
        .col(text("email"))
        .col(text("name"))
        .col(text("password_hash"))
        .col(text("role"))
        .col(json_null("group_ids"))
        .col(time("created_at"))
        .col(time("updated_at"))
        .col(time_null("retired_at"))
        .unique(&["user_id"])
        .make(manager)
        .await?;
    tenant_table("session")
        .col(uuid("membership_id"))
        .col(text("token_hash"))
        .col(text("address"))
        .col(text("user_agent"))
        .col(time("created_at"))
        .col(time("last_seen_at"))
        .col(time("expires_at"))
        .col(time_null("ended_at"))
        .reference("membership_id", "membership", true)
        .index(&["membership_id", "created_at"])
        .index(&["expires_at"])
        .make(manager)
        .await?;
    tenant_table("api_token")
        .col(text("name"))
        .col(text("token_hash"))
        .col(text("hint"))
        .col(text("role"))
        .col(json_null("group_ids"))
        .col(uuid_null("created_by"))
        .col(text("created_by_name"))
        .col(time("created_at"))
        .col(time_null("expires_at"))
        .col(time_null("last_used_at"))
        .col(time_null("revoked_at"))
        .index(&["created_at", "id"])
        .make(manager)
        .await?;
    // Append-only. `before` and `after` hold what changed, never a secret.
    tenant_table("audit")
        .col(time("at"))
        .col(text("actor_kind"))
        .col(uuid_null("actor_id"))
        .col(text("actor_name"))
        .col(text_null("address"))
        .col(text_null("request_id"))
        .col(text("action"))
        .col(text("object_kind"))
        .col(uuid_null("object_id"))
        .col(text("object_name"))
        .col(json_null("before"))
        .col(json_null("after"))
        .index(&["at", "id"])
        .index(&["object_kind", "object_id", "at"])
        .make(manager)
        .await?;
    // The first answer to a POST with an Idempotency-Key. `status` is NULL while the first request is under way.
    tenant_table_keyed("idempotency_key", &["key_hash"])
        .col(text("key_hash"))
        .col(text("request_hash"))
        .col(integer_null("status"))
        .col(text_null("content_type"))
        .col(text_null("location"))
        .col(bytes_null("body"))
        .col(time("created_at"))
        .index(&["created_at"])
        .make(manager)
        .await
}
