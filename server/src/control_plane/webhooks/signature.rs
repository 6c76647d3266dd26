//! Whether a delivery bears the secret, compared in constant time and before a byte of it is parsed. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use lockstep_types::webhook::{WebhookPost, WebhookProvider};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Whether the delivery was made by somebody who holds `secret`. An empty secret opens nothing.
pub(super) fn holds(post: &WebhookPost, secret: &[u8]) -> bool {
    if secret.is_empty() {
        return false;
    }
    let header = |name: &str| header(post, name);
    let signed = |name: &str| {
        header(name).is_some_and(|value| {
            let hex = value.strip_prefix("sha256=").unwrap_or(value);
            signature_holds(hex, secret, &post.body)
        })
    };
    let shown = |name: &str| header(name).is_some_and(|value| same(value.as_bytes(), secret));
    match post.provider {
        WebhookProvider::Github => signed("x-hub-signature-256"),
        WebhookProvider::Gitea => signed("x-gitea-signature") || signed("x-hub-signature-256"),
        WebhookProvider::Bitbucket => signed("x-hub-signature"),
        WebhookProvider::Gitlab => shown("x-gitlab-token"),
        WebhookProvider::AzureDevops => header("authorization")
            .and_then(password)
            .is_some_and(|password| same(&password, secret)),
        WebhookProvider::Generic => signed("x-lockstep-signature-256") || shown("x-lockstep-token"),
    }
}

/// A header of the delivery; twice the same one is none.
pub(super) fn header<'a>(post: &'a WebhookPost, name: &str) -> Option<&'a str> {
    let mut found = post.headers.iter().filter(|(known, _)| known == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value.as_str()),
        _ => None,
    }
}

fn signature_holds(hex: &str, secret: &[u8], body: &[u8]) -> bool {
    let Some(given) = unhex(hex) else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return false;
    };
    mac.update(body);
    mac.verify_slice(&given).is_ok()
}

fn same(given: &[u8], secret: &[u8]) -> bool {
    given.ct_eq(secret).into()
}

/// The password of `Basic`; the name does not matter.
fn password(value: &str) -> Option<Vec<u8>> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = STANDARD.decode(encoded.trim()).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    pair.get(colon + 1..).map(<[u8]>::to_vec)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use WebhookProvider::{AzureDevops, Bitbucket, Generic, Gitea, Github, Gitlab};

    const SECRET: &[u8] = b"It's a Secret to Everybody";
    // The example of GitHub's own documentation.
    const HELLO: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn post(provider: WebhookProvider, headers: &[(&str, &str)]) -> WebhookPost {
        WebhookPost {
            provider,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: b"Hello, World!".to_vec(),
        }
    }

    #[test]
    fn each_host_proves_the_secret_in_its_own_way() {
        let prefixed = format!("sha256={HELLO}");
        let basic = format!(
            "Basic {}",
            STANDARD.encode("any:It's a Secret to Everybody")
        );
        let plain = "It's a Secret to Everybody";
        for (provider, name, value) in [
            (Github, "x-hub-signature-256", prefixed.as_str()),
            (Gitea, "x-gitea-signature", HELLO),
            (Bitbucket, "x-hub-signature", &prefixed),
            (Gitlab, "x-gitlab-token", plain),
            (AzureDevops, "authorization", &basic),
            (Generic, "x-lockstep-signature-256", &prefixed),
            (Generic, "x-lockstep-token", plain),
        ] {
            let good = post(provider, &[(name, value)]);
            assert!(holds(&good, SECRET), "{provider:?}");
            assert!(!holds(&good, b"another"), "{provider:?}");
            assert!(!holds(&good, b""), "{provider:?}");
            assert!(!holds(&post(provider, &[]), SECRET), "{provider:?}");
            let twice = post(provider, &[(name, value), (name, value)]);
            assert!(!holds(&twice, SECRET), "{provider:?}");
            for bad in [
                "",
                "sha256=",
                "Basic",
                "Basic !",
                "ü",
                "sha256=zz",
                &value[1..],
            ] {
                assert!(
                    !holds(&post(provider, &[(name, bad)]), SECRET),
                    "{provider:?} {bad}"
                );
            }
        }
    }

    #[test]
    fn attack_66_a_signature_is_of_one_body_and_one_host() {
        let mut bent = post(Github, &[("x-hub-signature-256", HELLO)]);
        assert!(holds(&bent, SECRET));
        bent.body.push(b' ');
        assert!(!holds(&bent, SECRET));
        // The weak signature of old, and the header of another host.
        for name in ["x-hub-signature", "x-gitlab-token", "authorization"] {
            assert!(!holds(&post(Github, &[(name, HELLO)]), SECRET), "{name}");
        }
    }
}
