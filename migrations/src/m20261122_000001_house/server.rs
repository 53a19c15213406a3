//! Tables that belong to no organisation, and the organisation itself.

use crate::table::*;
use sea_orm_migration::prelude::*;

pub(super) async fn make(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // `sealed_key` is the organisation's data key under the KEK named by `kek_id`.
    global_table(
        manager,
        "org",
        uuid("id"),
        vec![
            text("name"),
            integer("start_days"),
            bytes("sealed_key"),
            text("kek_id"),
            time("created_at"),
            time("updated_at"),
            time_null("retired_at"),
        ],
    )
    .await?;
    // One row: the clock of restores, and a known value that tells a wrong KEK at start.
    global_table(
        manager,
        "server_state",
        integer("id"),
        vec![
            long("incarnation"),
            bytes_null("kek_check"),
            text_null("kek_id"),
            time("created_at"),
        ],
    )
    .await?;
    // Keys of the server itself, sealed: the agent CA. `certificate` is DER.
    global_table(
        manager,
        "server_key",
        uuid("id"),
        vec![
            text("kind"),
            bytes("sealed_key"),
            text("kek_id"),
            bytes("certificate"),
            time("created_at"),
            time_null("retired_at"),
        ],
    )
    .await?;
    global_table(
        manager,
        "setup_code",
        text("code_hash"),
        vec![time("created_at"), time("expires_at"), time_null("used_at")],
    )
    .await?;
    // A person signs in with an e-mail address; what they may do is a membership in each organisation.
    global_table(
        manager,
        "user_account",
        uuid("id"),
        vec![
            text("email").unique_key().take(),
            text("name"),
            time("created_at"),
            time("updated_at"),
            time_null("disabled_at"),
        ],
    )
    .await?;
    // Finds the organisations of a person before one is chosen.
    manager
        .create_table(
            Table::create()
                .table("user_org")
                .col(uuid("user_id"))
                .col(uuid("org_id"))
                .primary_key(Index::create().name("user_org_pkey").col("user_id").col("org_id"))
                .to_owned(),
        )
        .await?;
    global_table(
        manager,
        "sign_in_throttle",
        text("subject_hash"),
        vec![
            integer("failures"),
            time("window_started_at"),
            time_null("blocked_until"),
        ],
    )
    .await
}
