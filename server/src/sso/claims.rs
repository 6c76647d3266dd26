//! From verified claims to a person.

use super::SsoError;
use crate::accounts::Person;
use crate::config::OidcEntry;
use serde_json::{Map, Value};

/// What a provider vouches for.
#[derive(Debug)]
pub(super) struct Told {
    issuer: String,
    subject: String,
    claims: Map<String, Value>,
}

impl Told {
    pub(super) fn new(issuer: String, subject: String, claims: Value) -> Self {
        Self {
            issuer,
            subject,
            claims: object(claims),
        }
    }

    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    /// Whether something is missing that another endpoint may know.
    pub(super) fn lacks(&self, entry: &OidcEntry) -> bool {
        let verified = entry.name_claim != "email" || self.claims.contains_key("email_verified");
        !self.claims.contains_key(&entry.groups_claim)
            || !self.claims.contains_key(&entry.name_claim)
            || !verified
    }

    /// Adds what is missing. What the signed token says is not changed.
    pub(super) fn add(&mut self, more: Value) {
        for (name, value) in object(more) {
            self.claims.entry(name).or_insert(value);
        }
    }

    /// The person, by the rules of the operator.
    pub(super) fn person(&self, entry: &OidcEntry) -> Result<Person, SsoError> {
        let name = match entry.name_claim.as_str() {
            "sub" => Some(self.subject.as_str()),
            claim => self.claims.get(claim).and_then(Value::as_str),
        };
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| SsoError::Nameless {
            provider: entry.name.clone(),
            claim: entry.name_claim.clone(),
        })?;
        // Somebody could give themselves the address of another person.
        let verified = self.claims.get("email_verified").and_then(Value::as_bool) == Some(true);
        if entry.name_claim == "email" && !verified && !entry.allow_unverified_email {
            return Err(SsoError::Unverified {
                provider: entry.name.clone(),
            });
        }
        Ok(Person {
            provider: entry.name.clone(),
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            name: name.to_owned(),
            groups: self.claims.get(&entry.groups_claim).and_then(words),
        })
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect(),
        _ => Map::new(),
    }
}

/// A list of words, or one word. Anything else is not guessed at.
fn words(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Array(all) => all
            .iter()
            .map(|one| one.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    }
}
