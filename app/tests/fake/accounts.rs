//! Accounts, tokens and sessions of the made-up fleet.

use super::NOW;
use super::answers::{Fake, allowed};
use super::fleet::ago;
use async_trait::async_trait;
use lockstep_types::account::{Actor, NewToken, Permission, Role, TokenView, UserView};
use lockstep_types::id::{SessionId, TokenId, UserId};
use lockstep_types::login::{Enrolment, FactorView, OwnAccount, SessionView};
use lockstep_types::ports::{Accounts, Answer};
use uuid::Uuid;

#[async_trait]
impl Accounts for Fake {
    async fn users(&self, actor: &Actor) -> Answer<Vec<UserView>> {
        allowed(actor, Permission::Account)?;
        let user = |number: u128, name: &str, role, disabled| UserView {
            id: UserId(Uuid::from_u128(number)),
            name: name.into(),
            role,
            disabled,
            created_at: ago(100_000),
            last_seen: Some(ago(i64::try_from(number).unwrap_or_default() * 9)),
            provider: (number == 8).then(|| "company".to_owned()),
            factor: number == 7,
            automation: false,
        };
        Ok(vec![
            user(7, "maria", Role::Admin, false),
            user(8, "jon", Role::Operator, false),
            user(9, "ana", Role::Viewer, true),
        ])
    }
    async fn create_user(&self, actor: &Actor, _: &str, _: &str, _: Role) -> Answer<UserId> {
        allowed(actor, Permission::Account)?;
        Ok(UserId(Uuid::from_u128(10)))
    }
    async fn set_disabled(&self, actor: &Actor, _: UserId, _: bool) -> Answer<()> {
        allowed(actor, Permission::Account)
    }
    async fn set_password(&self, _: &Actor, _: UserId, _: &str, _: &str) -> Answer<()> {
        Ok(())
    }
    async fn tokens(&self, _: &Actor) -> Answer<Vec<TokenView>> {
        Ok(vec![TokenView {
            id: TokenId(Uuid::from_u128(1)),
            user: "maria".into(),
            label: "pipeline of shop".into(),
            created_at: ago(20_000),
            last_used: Some(ago(6)),
            expires_at: Some(NOW.plus_seconds(60 * 86_400)),
            revoked: false,
            scope: None,
            replaced: false,
        }])
    }
    async fn create_token(&self, _: &Actor, _: &NewToken) -> Answer<String> {
        Ok("lst_example_shown_once".into())
    }
    async fn revoke_token(&self, _: &Actor, _: TokenId) -> Answer<()> {
        Ok(())
    }
    async fn rotate_token(&self, _: &Actor, _: TokenId, _: u32) -> Answer<String> {
        Ok("lst_example_shown_once".into())
    }
    async fn create_automation(&self, actor: &Actor, _: &str, _: Role) -> Answer<UserId> {
        allowed(actor, Permission::Account)?;
        Ok(UserId(Uuid::from_u128(11)))
    }
    async fn own_account(&self, actor: &Actor) -> Answer<OwnAccount> {
        Ok(OwnAccount {
            id: actor.user,
            name: actor.name.clone(),
            role: actor.role,
            provider: None,
            groups: Vec::new(),
            password: true,
            factor: (actor.role == Role::Operator).then_some(FactorView {
                since: ago(50_000),
                codes_left: 3,
            }),
        })
    }
    async fn sessions(&self, _: &Actor, _: UserId) -> Answer<Vec<SessionView>> {
        Ok(vec![SessionView {
            id: SessionId(Uuid::from_u128(77)),
            began_at: ago(300),
            last_used: ago(2),
            expires_at: NOW.plus_seconds(6 * 86_400),
            address: "192.0.2.7".into(),
            browser: "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0".into(),
            by: "password".into(),
        }])
    }
    async fn end_session(&self, _: &Actor, _: UserId, _: SessionId) -> Answer<()> {
        Ok(())
    }
    async fn end_sessions(&self, _: &Actor, _: UserId, _: Option<SessionId>) -> Answer<u32> {
        Ok(1)
    }
    async fn begin_factor(&self, _: &Actor, _: &str) -> Answer<Enrolment> {
        Ok(Enrolment {
            secret: "JBSWY3DPEHPK3PXP".into(),
            address: "otpauth://totp/Lockstep:maria?secret=JBSWY3DPEHPK3PXP".into(),
            size: 8,
            path: "M4 4h1v1h-1z".into(),
        })
    }
    async fn confirm_factor(&self, _: &Actor, _: &str) -> Answer<Vec<String>> {
        Ok(vec!["abcd-efgh-ijkm-npqr".into()])
    }
    async fn remove_factor(&self, _: &Actor, _: UserId, _: &str) -> Answer<()> {
        Ok(())
    }
}
