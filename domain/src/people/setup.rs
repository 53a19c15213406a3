//! The first owner: a one-time code that the program prints at its first start, and the bootstrap token of scripts.

use super::entity::setup_code;
use super::{Origin, Principal, check_email, check_name, check_password, members, password, sessions};
use crate::db::OrgTx;
use crate::digest::sha256_hex;
use crate::error::{Error, Result};
use crate::ids::new_id;
use crate::keys::Keys;
use crate::{ActorKind, Db, Role, Scope, orgs};
use aws_lc_rs::rand;
use chrono::Duration;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};
use zeroize::Zeroizing;

/// Days that a set-up code lives; a new one is printed at each start until it is used.
const CODE_DAYS: i64 = 7;
/// Letters and digits that cannot be taken for one another.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// What the first owner gives.
pub struct SetUp {
    /// The code that was printed.
    pub code: String,
    /// Name of the organisation.
    pub organisation: String,
    /// Name of the person.
    pub name: String,
    /// Address of the person.
    pub email: String,
    /// Password of the person.
    pub password: Zeroizing<String>,
}

/// Whether nobody has come in yet.
///
/// # Errors
/// The database is busy or away.
pub async fn setup_wanted(db: &Db) -> Result<bool> {
    for org in orgs::list(db).await? {
        let tx = db.read(&Scope::system(org.id, "set-up")).await?;
        if members::any(&tx).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes a set-up code while there is nobody yet; earlier ones end. The text is returned here and never again.
///
/// # Errors
/// The database is busy or away.
pub async fn new_setup_code(db: &Db) -> Result<Option<Zeroizing<String>>> {
    if !setup_wanted(db).await? {
        return Ok(None);
    }
    let mut random = [0u8; 16];
    rand::fill(&mut random).map_err(|_| Error::internal("the system has no randomness"))?;
    let letters: Vec<char> = random
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect();
    let code: Vec<String> = letters.chunks(4).map(|chunk| chunk.iter().collect()).collect();
    let code = Zeroizing::new(code.join("-"));
    let tx = db.global(true).await?;
    setup_code::Entity::delete_many()
        .filter(setup_code::Column::UsedAt.is_null())
        .exec(&tx)
        .await?;
    setup_code::ActiveModel {
        code_hash: Set(sha256_hex(code.as_bytes())),
        created_at: Set(tx.now()),
        expires_at: Set(tx.now() + Duration::days(CODE_DAYS)),
        used_at: Set(None),
    }
    .insert(&tx)
    .await?;
    tx.commit().await?;
    Ok(Some(code))
}

/// Spends the code: makes the organisation, its owner, and a session.
///
/// # Errors
/// [`Error::Invalid`] for a wrong or spent code and for bad fields; [`Error::Conflict`] when somebody was faster.
pub async fn set_up(db: &Db, keys: &Keys, request: &SetUp, origin: &Origin) -> Result<(Principal, Zeroizing<String>)> {
    let mut errors = Vec::new();
    let email = check_email(&request.email, &mut errors);
    let name = check_name("name", &request.name, &mut errors);
    check_name("organisation", &request.organisation, &mut errors);
    check_password(&request.password, &email, &mut errors);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let code = sha256_hex(request.code.trim().to_uppercase().as_bytes());
    let wrong = || {
        Error::field(
            "code",
            "wrong",
            "the code is wrong, spent or too old: `certyard serve` prints a new one at its start",
        )
    };
    // Looked at before the costly hash of the password, and spent afterwards.
    let tx = db.global(false).await?;
    let known = setup_code::Entity::find_by_id(code.as_str()).one(&tx).await?;
    let good = known.is_some_and(|code| code.used_at.is_none() && code.expires_at > tx.now());
    drop(tx);
    if !good {
        return Err(wrong());
    }
    let password_hash = password::hash(&request.password).await?;
    let existing = orgs::list(db).await?.into_iter().next();
    let org_id = existing.as_ref().map_or_else(new_id, |org| org.id);
    let tx = db.write(&Scope::system(org_id, "set-up")).await?;
    let spent = setup_code::Entity::update_many()
        .col_expr(setup_code::Column::UsedAt, Expr::value(tx.now()))
        .filter(setup_code::Column::CodeHash.eq(code.as_str()))
        .filter(setup_code::Column::UsedAt.is_null())
        .exec(&tx)
        .await?;
    if spent.rows_affected != 1 {
        return Err(wrong());
    }
    if existing.is_some() {
        if members::any(&tx).await? {
            return Err(Error::conflict(
                "already_set_up",
                "somebody has set this server up already: sign in",
            ));
        }
        let change = orgs::Change {
            name: Some(request.organisation.clone()),
            start_days: None,
        };
        orgs::update(&tx, &change).await?;
    } else {
        orgs::insert(&tx, keys, &request.organisation).await?;
    }
    let (principal, session) = first_owner(&tx, &email, &name, password_hash, origin).await?;
    tx.commit().await?;
    Ok((principal, session))
}

async fn first_owner(
    tx: &OrgTx,
    email: &str,
    name: &str,
    password_hash: String,
    origin: &Origin,
) -> Result<(Principal, Zeroizing<String>)> {
    let user = members::insert_user(tx, email, name).await?;
    let member = members::insert(tx, &user, name, password_hash, Role::Owner, None).await?;
    let (session_id, session) = sessions::start(tx, &member, origin).await?;
    Ok((sessions::principal(&member, session_id, origin)?, session))
}

/// The owner as whom scripts come in with the value of `CERTYARD_BOOTSTRAP_TOKEN`, in the first organisation. The caller
/// has compared the value.
///
/// # Errors
/// [`Error::Unauthenticated`] while there is no organisation.
pub async fn bootstrap_principal(db: &Db, origin: &Origin) -> Result<Principal> {
    let first = orgs::first(db).await?.ok_or_else(super::unauthenticated)?;
    Ok(Principal::new(
        ActorKind::Token,
        first.id,
        None,
        "bootstrap token",
        Role::Owner,
        None,
        origin,
    ))
}
