//! The second factor: codes by time (RFC 6238: SHA-1, six digits, 30 seconds), and recovery codes for whoever has lost
//! what makes them.
//!
//! The secret is sealed for its account. No code is taken twice, nor one older than the last that was taken; recovery
//! codes are stored as hashes and used up.

use super::login::LoginRefusal;
use super::{AccountService, act, internal, refusal};
use crate::secrets::{Sealed, Vault};
use crate::store::user::UserRow;
use crate::store::{credential, factor, identity, user};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::id::UserId;
use lockstep_types::login::{Enrolment, FactorView, OwnAccount};
use lockstep_types::ports::Answer;
use qrcode::{Color, EcLevel, QrCode};
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use totp_rs::{Builder, Secret, Totp};

/// As RFC 4226 asks for.
const SECRET_BYTES: usize = 20;
const RECOVERY_CODES: usize = 10;
/// Characters of a recovery code: 80 bits, so that a plain hash is enough.
const RECOVERY_LENGTH: usize = 16;
/// Base32 without what is easily mistaken.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Light modules around the picture.
const QUIET: usize = 4;

fn sealed_as(user: UserId) -> String {
    format!("second factor:{user}")
}

/// Codes one step before and after are taken: clocks differ.
fn codes(secret: &[u8], name: &str) -> Result<Totp, PortError> {
    Builder::new()
        .with_secret(Secret::from(secret.to_vec()))
        .with_skew(1)
        .with_account_name(name)
        .with_issuer(Some("Lockstep"))
        .build()
        .map_err(|error| internal(&error))
}

/// What a typed recovery code is compared by: case, spaces and dashes do not count.
fn recovery_hash(user: UserId, typed: &str) -> Option<String> {
    let plain: String = typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .flat_map(char::to_lowercase)
        .collect();
    if plain.len() != RECOVERY_LENGTH || !plain.bytes().all(|byte| LETTERS.contains(&byte)) {
        return None;
    }
    let digest = Sha256::digest(format!("recovery code\n{user}\n{plain}"));
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A new code, in groups of four.
fn recovery_code() -> Result<String, PortError> {
    let mut bytes = [0_u8; RECOVERY_LENGTH];
    OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| internal(&error))?;
    let mut code = String::new();
    for (place, byte) in bytes.iter().enumerate() {
        if place > 0 && place % 4 == 0 {
            code.push('-');
        }
        let letter = LETTERS.get(usize::from(byte % 32)).copied();
        code.push(char::from(letter.unwrap_or(b'a')));
    }
    Ok(code)
}

/// The dark modules of the picture as an SVG path, and the length of its sides.
fn picture(address: &str) -> Result<(u32, String), PortError> {
    let code = QrCode::with_error_correction_level(address, EcLevel::M)
        .map_err(|error| internal(&error))?;
    let width = code.width();
    let mut path = String::new();
    for (place, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            // Writing to a String cannot fail.
            let _ = write!(
                path,
                "M{} {}h1v1h-1z",
                place % width + QUIET,
                place / width + QUIET
            );
        }
    }
    let size = u32::try_from(width + 2 * QUIET).unwrap_or_default();
    Ok((size, path))
}

fn in_the_browser(actor: &Actor) -> Answer<()> {
    if actor.token.is_some() {
        return Err(PortError::Conflict(
            "a token changes no second factor; log in in the browser for that".to_owned(),
        ));
    }
    Ok(())
}

impl AccountService {
    fn sealing(&self) -> Answer<&Vault> {
        self.vault.as_ref().ok_or_else(|| {
            PortError::Unavailable("this server has no key for second factors".to_owned())
        })
    }

    pub(super) async fn own(&self, actor: &Actor) -> Answer<OwnAccount> {
        let row = user::get(&self.store, actor.user).await.map_err(refusal)?;
        let identity = identity::of_user(&self.store, row.id)
            .await
            .map_err(refusal)?;
        let (provider, groups) = identity
            .map(|identity| (identity.provider, identity.groups))
            .unzip();
        Ok(OwnAccount {
            id: row.id,
            role: actor.role,
            provider,
            groups: groups.unwrap_or_default(),
            password: row.password_hash.is_some(),
            factor: self.factor_of(row.id).await?,
            name: row.name,
        })
    }

    async fn factor_of(&self, user: UserId) -> Answer<Option<FactorView>> {
        let row = factor::get(&self.store, user).await.map_err(refusal)?;
        let Some(since) = row.and_then(|row| row.confirmed_at) else {
            return Ok(None);
        };
        let left = factor::recovery_left(&self.store, user)
            .await
            .map_err(refusal)?;
        Ok(Some(FactorView {
            since,
            codes_left: u32::try_from(left).unwrap_or(u32::MAX),
        }))
    }

    pub(super) async fn enrol(&self, actor: &Actor, password: &str) -> Answer<Enrolment> {
        in_the_browser(actor)?;
        let vault = self.sealing()?;
        let row = user::get(&self.store, actor.user).await.map_err(refusal)?;
        if row.password_hash.is_none() {
            return Err(PortError::Conflict(
                "this account has no password here; the provider of the login asks for a second factor"
                    .to_owned(),
            ));
        }
        self.check_own_password("password", &row, &SecretString::from(password))
            .await?;
        let mut secret = [0_u8; SECRET_BYTES];
        OsRng
            .try_fill_bytes(&mut secret)
            .map_err(|error| internal(&error))?;
        let totp = codes(&secret, &row.name)?;
        let address = totp.to_url().map_err(|error| internal(&error))?;
        let (size, path) = picture(&address)?;
        let sealed = vault
            .seal(&sealed_as(row.id), &secret)
            .map_err(|error| internal(&error))?;
        let mut tx = self.store.begin().await.map_err(refusal)?;
        let begun = factor::begin(&mut tx, row.id, &sealed.key_id, &sealed.blob)
            .await
            .map_err(refusal)?;
        if !begun {
            return Err(PortError::Conflict(
                "there is a second factor already; remove it first".to_owned(),
            ));
        }
        tx.record(act(actor, "begin second factor", row.name));
        tx.commit().await.map_err(refusal)?;
        Ok(Enrolment {
            secret: Secret::from(secret.to_vec()).to_base32(),
            address,
            size,
            path,
        })
    }

    pub(super) async fn confirm(&self, actor: &Actor, code: &str) -> Answer<Vec<String>> {
        in_the_browser(actor)?;
        let row = user::get(&self.store, actor.user).await.map_err(refusal)?;
        let begun = factor::get(&self.store, row.id).await.map_err(refusal)?;
        if begun.is_none_or(|begun| begun.confirmed_at.is_some()) {
            return Err(PortError::Conflict(
                "no second factor waits for its first code; begin anew".to_owned(),
            ));
        }
        match self.count_guess(&row.name, "own code").await {
            Ok(()) => {}
            Err(LoginRefusal::Port(error)) => return Err(error),
            Err(_) => {
                return Err(PortError::Conflict(
                    "too many attempts; try again in five minutes".to_owned(),
                ));
            }
        }
        let wrong = || PortError::invalid("code", "is not the present one; wait for the next");
        let step = self.step_of(&row, code).await?.ok_or_else(wrong)?;
        let plain = (0..RECOVERY_CODES)
            .map(|_| recovery_code())
            .collect::<Answer<Vec<_>>>()?;
        let hashes: Vec<String> = plain
            .iter()
            .filter_map(|code| recovery_hash(row.id, code))
            .collect();
        let mut tx = self.store.begin().await.map_err(refusal)?;
        let fresh = factor::take_step(&mut tx, row.id, step)
            .await
            .map_err(refusal)?;
        if !fresh
            || !factor::confirm(&mut tx, row.id, &hashes)
                .await
                .map_err(refusal)?
        {
            return Err(wrong());
        }
        tx.record(act(actor, "add second factor", row.name.clone()));
        tx.commit().await.map_err(refusal)?;
        crate::store::login::clear(&self.store, &row.name, "own code")
            .await
            .map_err(refusal)?;
        Ok(plain)
    }

    pub(super) async fn drop_factor(
        &self,
        actor: &Actor,
        user: UserId,
        password: &str,
    ) -> Answer<()> {
        let row = user::get(&self.store, user).await.map_err(refusal)?;
        if actor.user == user {
            in_the_browser(actor)?;
            self.check_own_password("password", &row, &SecretString::from(password))
                .await?;
        } else {
            self.require_over(actor, &row.name, row.role).await?;
        }
        let mut tx = self.store.begin().await.map_err(refusal)?;
        if !factor::delete(&mut tx, user).await.map_err(refusal)? {
            return Err(PortError::Conflict(format!(
                "{} has no second factor",
                row.name
            )));
        }
        tx.record(act(actor, "remove second factor", row.name));
        tx.commit().await.map(|_| ()).map_err(refusal)
    }

    /// Takes a code of the factor or a recovery code, once. Gives words for the audit log; `None` when it is wrong.
    pub(super) async fn take_code(
        &self,
        row: &UserRow,
        code: &SecretString,
    ) -> Answer<Option<&'static str>> {
        let code = code.expose_secret();
        if code.len() > 64 {
            return Ok(None);
        }
        if let Some(hash) = recovery_hash(row.id, code) {
            let mut tx = self.store.begin().await.map_err(refusal)?;
            let used = factor::use_recovery(&mut tx, row.id, &hash)
                .await
                .map_err(refusal)?;
            tx.commit().await.map_err(refusal)?;
            return Ok(used.then_some("with a recovery code "));
        }
        let Some(step) = self.step_of(row, code).await? else {
            return Ok(None);
        };
        let mut tx = self.store.begin().await.map_err(refusal)?;
        let fresh = factor::take_step(&mut tx, row.id, step)
            .await
            .map_err(refusal)?;
        tx.commit().await.map_err(refusal)?;
        Ok(fresh.then_some("with a second factor "))
    }

    /// The step that a code belongs to; `None` when it is wrong.
    async fn step_of(&self, row: &UserRow, code: &str) -> Answer<Option<i64>> {
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(None);
        }
        let Some(stored) = credential::get(&self.store, row.id.0)
            .await
            .map_err(refusal)?
        else {
            return Ok(None);
        };
        let sealed = Sealed {
            key_id: stored.key_id,
            blob: stored.bytes,
        };
        let secret = self
            .sealing()?
            .open_sealed(&sealed_as(row.id), &sealed)
            .map_err(|error| internal(&error))?;
        let totp = codes(secret.expose_secret(), &row.name)?;
        let now = u64::try_from(super::now().0 / 1_000_000).unwrap_or_default();
        Ok(totp
            .check(&digits, now)
            .and_then(|step| i64::try_from(step).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_codes_are_typed_in_any_way_and_belong_to_one_account() {
        let user = UserId(uuid::Uuid::from_u128(1));
        let code = recovery_code().unwrap();
        assert_eq!(code.len(), RECOVERY_LENGTH + 3);
        let hash = recovery_hash(user, &code).unwrap();
        let typed = code.replace('-', " ").to_uppercase();
        assert_eq!(recovery_hash(user, &typed), Some(hash.clone()));
        let other = UserId(uuid::Uuid::from_u128(2));
        assert_ne!(recovery_hash(other, &code), Some(hash));
        for bad in ["", "123456", "0000-0000-0000-0000", &code[1..]] {
            assert_eq!(recovery_hash(user, bad), None, "{bad}");
        }
    }

    #[test]
    fn the_picture_has_a_quiet_edge() {
        let (size, path) = picture("otpauth://totp/Lockstep:ada?secret=ABC").unwrap();
        assert!(
            size > 29 && path.starts_with("M4 4h1v1h-1z"),
            "{size} {path:.20}"
        );
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        let totp = codes(b"12345678901234567890", "ada").unwrap();
        assert_eq!(totp.generate(59).to_string(), "287082");
        assert_eq!(totp.check("287082", 89), Some(1));
        assert_eq!(totp.check("287082", 150), None);
        assert!(totp.to_url().unwrap().starts_with("otpauth://totp/"));
    }
}
