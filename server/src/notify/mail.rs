//! Messages as mail, over SMTP: to the checked addresses of the server, and encrypted unless plain connections are
//! allowed as for everything else.

use super::deliver::SendError;
use super::outgoing::Outgoing;
use super::secret::ReceiverSecret;
use engine::source::Mirrors;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use lockstep_types::id::MessageId;
use std::time::Duration;

/// A mail server as people write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MailServer {
    pub host: String,
    pub port: u16,
    /// Encrypted from the first byte.
    pub wrapped: bool,
}

/// Reads `smtp://host:587` or `smtps://host`.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn server(address: &str) -> Result<MailServer, String> {
    let (scheme, rest) = address
        .trim()
        .split_once("://")
        .ok_or("smtp://host:port or smtps://host is expected")?;
    let wrapped = match scheme {
        "smtp" => false,
        "smtps" => true,
        _ => return Err("smtp://host:port or smtps://host is expected".to_owned()),
    };
    let rest = rest.trim_end_matches('/');
    if rest.is_empty() || rest.contains(['/', '@', '?', '#']) {
        return Err("only host and port belong into the address of a mail server".to_owned());
    }
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !rest.ends_with(']') => (
            host,
            port.parse()
                .map_err(|_| "its port is no number".to_owned())?,
        ),
        _ => (rest, if wrapped { 465 } else { 587 }),
    };
    Ok(MailServer {
        host: host.to_owned(),
        port,
        wrapped,
    })
}

/// Reads addresses with commas between.
///
/// # Errors
/// The first that is none.
pub(crate) fn mailboxes(text: &str) -> Result<Vec<Mailbox>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            part.parse::<Mailbox>()
                .map_err(|_| format!("“{part}” is no mail address"))
        })
        .collect()
}

/// The mail itself; its id is the same for every attempt.
fn mail(secret: &ReceiverSecret, message: &Outgoing, id: MessageId) -> Result<Message, String> {
    let from: Mailbox = secret
        .from
        .parse()
        .map_err(|_| "the sender is no mail address".to_owned())?;
    let domain = from.email.domain().to_owned();
    let subject: String = format!("[{}] {}", message.severity.word(), message.title)
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(200)
        .collect();
    let mut mail = Message::builder()
        .from(from)
        .subject(subject)
        .message_id(Some(format!("<{id}@{domain}>")))
        .header(ContentType::TEXT_PLAIN);
    for to in mailboxes(&secret.to)? {
        mail = mail.to(to);
    }
    mail.body(message.text.clone())
        .map_err(|error| format!("the mail cannot be written: {error}"))
}

/// Sends one mail to all recipients.
pub(super) async fn send(
    mirrors: &Mirrors,
    secret: &ReceiverSecret,
    message: &Outgoing,
    id: MessageId,
    within: Duration,
) -> Result<(), SendError> {
    let server = server(&secret.address).map_err(SendError::refused)?;
    let mail = mail(secret, message, id).map_err(SendError::refused)?;
    let place = format!("https://{}:{}", server.host, server.port);
    let destination = mirrors
        .destination(&place)
        .await
        .map_err(|error| SendError::passing(error.to_string()))?;
    let address = destination
        .addresses
        .first()
        .ok_or_else(|| SendError::passing("the mail server has no address"))?;
    let tls = TlsParameters::new(destination.host.clone())
        .map_err(|error| SendError::refused(format!("no TLS for this host: {error}")))?;
    let tls = match (server.wrapped, mirrors.policy().allow_http) {
        (true, _) => Tls::Wrapper(tls),
        (false, false) => Tls::Required(tls),
        (false, true) => Tls::Opportunistic(tls),
    };
    // The name is for the certificate; the connection goes to the address that was checked.
    let mut transport =
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.to_string())
            .port(server.port)
            .hello_name(ClientId::Domain("lockstep".to_owned()))
            .timeout(Some(within))
            .tls(tls);
    if !secret.username.is_empty() {
        transport = transport.credentials(Credentials::new(
            secret.username.clone(),
            secret.secret.clone(),
        ));
    }
    match tokio::time::timeout(within, transport.build().send(mail)).await {
        Err(_) => Err(SendError::passing(
            "the mail server does not answer in time",
        )),
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if error.is_permanent() => Err(SendError::refused(format!(
            "the mail server refuses: {error}"
        ))),
        Ok(Err(error)) => Err(SendError::passing(format!("the mail server: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_mail_servers_are_read() {
        let read =
            |text: &str| server(text).map(|server| (server.host, server.port, server.wrapped));
        assert_eq!(
            read("smtp://mail.example.org"),
            Ok(("mail.example.org".to_owned(), 587, false))
        );
        assert_eq!(
            read("smtps://mail.example.org"),
            Ok(("mail.example.org".to_owned(), 465, true))
        );
        assert_eq!(
            read("smtp://127.0.0.1:25/").map(|(_, port, _)| port),
            Ok(25)
        );
        for bad in [
            "mail.example.org",
            "https://mail",
            "smtp://",
            "smtp://a@b",
            "smtp://a:b",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_subject_has_one_line_and_recipients_are_checked() {
        let mut message = crate::notify::example("https://lockstep.example.org");
        message.title = "x\r\nBcc: all@example.org".to_owned();
        let secret = ReceiverSecret {
            from: "Lockstep <lockstep@example.org>".to_owned(),
            to: "a@example.org, b@example.org".to_owned(),
            ..ReceiverSecret::default()
        };
        let mail = mail(&secret, &message, MessageId(uuid::Uuid::nil())).unwrap();
        assert_eq!(mail.envelope().to().len(), 2);
        let text = String::from_utf8(mail.formatted()).unwrap();
        assert!(!text.contains("\nBcc:"), "{text}");
        assert!(text.contains("Subject: [warning] x"), "{text}");
        assert!(mailboxes("nobody").is_err());
    }
}
