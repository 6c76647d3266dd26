//! People and tokens.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::account::{TokenView, UserView};
use lockstep_types::id::{TokenId, UserId};
use server_fn::codec::Json;

/// Makes an account without a login.
#[server(prefix = "/sfn", endpoint = "create_automation")]
pub async fn create_automation(name: String, role: String) -> Result<(), ApiError> {
    use lockstep_types::account::Role;
    let desk = crate::context::desk()?;
    let role = Role::from_word(&role).ok_or_else(|| {
        lockstep_types::PortError::invalid("role", "choose viewer, operator or admin")
    })?;
    let made = desk
        .plane
        .accounts
        .create_automation(&desk.actor, &name, role)
        .await;
    desk.answer(made)?;
    leptos_axum::redirect("/settings?tab=accounts");
    Ok(())
}

/// All accounts.
#[server(prefix = "/sfn", endpoint = "users", input = Json)]
pub async fn users() -> Result<Vec<UserView>, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.accounts.users(&desk.actor).await)
}

/// Makes an account.
#[server(prefix = "/sfn", endpoint = "create_user")]
pub async fn create_user(name: String, password: String, role: String) -> Result<(), ApiError> {
    use lockstep_types::account::Role;
    let desk = crate::context::desk()?;
    let role = Role::from_word(&role).ok_or_else(|| {
        lockstep_types::PortError::invalid("role", "choose viewer, operator or admin")
    })?;
    desk.answer(
        desk.plane
            .accounts
            .create_user(&desk.actor, &name, &password, role)
            .await,
    )?;
    leptos_axum::redirect("/settings?tab=accounts");
    Ok(())
}

/// Disables an account or enables it again.
#[server(prefix = "/sfn", endpoint = "set_disabled")]
pub async fn set_disabled(user: UserId, disabled: bool) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .accounts
            .set_disabled(&desk.actor, user, disabled)
            .await,
    )
}

/// Sets a password; all sessions of that account end.
#[server(prefix = "/sfn", endpoint = "set_password")]
pub async fn set_password(
    user: UserId,
    #[server(default)] old: String,
    new: String,
) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .accounts
            .set_password(&desk.actor, user, &old, &new)
            .await,
    )
}

/// One's tokens.
#[server(prefix = "/sfn", endpoint = "tokens", input = Json)]
pub async fn tokens() -> Result<Vec<TokenView>, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.accounts.tokens(&desk.actor).await)
}

/// Makes a token; the answer is the only time it can be seen. Without `role` it may what its owner may; `projects` are
/// separated by commas or spaces.
#[server(prefix = "/sfn", endpoint = "create_token")]
pub async fn create_token(
    label: String,
    #[server(default)] days: u32,
    #[server(default)] role: String,
    #[server(default)] projects: String,
    #[server(default)] of: String,
) -> Result<String, ApiError> {
    use lockstep_types::account::{NewToken, Role};
    use lockstep_types::policy::TokenScope;
    let desk = crate::context::desk()?;
    let projects: Vec<String> = projects
        .split([',', ' '])
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    let scope = match (role.as_str(), projects.is_empty()) {
        ("", true) => None,
        ("", false) => Some(Role::Admin),
        (word, _) => Some(Role::from_word(word).ok_or_else(|| {
            lockstep_types::PortError::invalid("role", "choose viewer, operator or admin")
        })?),
    };
    let of = match of.as_str() {
        "" => None,
        id => Some(
            id.parse()
                .map_err(|_| lockstep_types::PortError::NotFound("this account".to_owned()))?,
        ),
    };
    let new = NewToken {
        label,
        of,
        days: (days > 0).then_some(days),
        scope: scope.map(|role| TokenScope { role, projects }),
    };
    desk.answer(desk.plane.accounts.create_token(&desk.actor, &new).await)
}

/// Automation accounts for which one may make tokens, by id and name: none for whoever may not.
#[server(prefix = "/sfn", endpoint = "programs", input = Json)]
pub async fn programs() -> Result<Vec<(String, String)>, ApiError> {
    let desk = crate::context::desk()?;
    // Not seeing accounts is no failure of the page that asks.
    let all = desk.plane.accounts.users(&desk.actor).await;
    let programs = all
        .unwrap_or_default()
        .into_iter()
        .filter(|user| user.automation && !user.disabled);
    Ok(programs
        .map(|user| (user.id.to_string(), user.name))
        .collect())
}

/// Ends a token.
#[server(prefix = "/sfn", endpoint = "revoke_token")]
pub async fn revoke_token(token: TokenId) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.accounts.revoke_token(&desk.actor, token).await)
}

/// A new token in place of one that works on for `minutes`; the answer is the only time it can be seen.
#[server(prefix = "/sfn", endpoint = "rotate_token")]
pub async fn rotate_token(
    token: TokenId,
    #[server(default)] minutes: u32,
) -> Result<String, ApiError> {
    let desk = crate::context::desk()?;
    let rotated = desk
        .plane
        .accounts
        .rotate_token(&desk.actor, token, minutes)
        .await;
    desk.answer(rotated)
}
