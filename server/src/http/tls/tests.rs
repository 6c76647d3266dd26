use super::*;
use crate::http::{Limits, TimedListener};
use axum::serve::Listener;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsConnector;

const ONE: (&str, &str) = (include_str!("one.crt"), include_str!("one.key"));
const TWO: (&str, &str) = (include_str!("two.crt"), include_str!("two.key"));

/// Takes any certificate: the tests look at which one came.
#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(pair: (&str, &str)) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.put(pair);
        folder
    }

    fn put(&self, (certificate, key): (&str, &str)) {
        let files = self.files();
        std::fs::write(files.certificate, certificate).unwrap();
        std::fs::write(files.key, key).unwrap();
    }

    fn files(&self) -> TlsFiles {
        TlsFiles {
            certificate: self.0.path().join("server.crt"),
            key: self.0.path().join("server.key"),
        }
    }
}

fn der((certificate, _): (&str, &str)) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()
}

fn connector() -> TlsConnector {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate))
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// One request over TLS: the certificate that came, and the answer.
async fn ask(address: SocketAddr) -> (CertificateDer<'static>, String) {
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = connector().connect(name, stream).await.unwrap();
    let sent = stream.get_ref().1.peer_certificates().unwrap()[0]
        .clone()
        .into_owned();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    (sent, answer)
}

#[tokio::test]
async fn requests_are_answered_under_tls_and_only_there() {
    let folder = Folder::with(ONE);
    let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = inner.local_addr().unwrap();
    let listener = TimedListener::new(inner, Limits::default())
        .under_tls(Some(Tls::open(folder.files()).unwrap()));
    let router = axum::Router::new().route("/", axum::routing::get(async || "kept secret"));
    let server = tokio::spawn(axum::serve(listener, router).into_future());
    let (sent, answer) = ask(address).await;
    assert_eq!(sent, der(ONE));
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("kept secret"),
        "{answer}"
    );
    // In the clear there is nothing but the end.
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(
        !String::from_utf8_lossy(&answer).contains("HTTP/1.1"),
        "{answer:?}"
    );
    let (_, again) = ask(address).await;
    assert!(again.ends_with("kept secret"), "{again}");
    server.abort();
}

#[tokio::test]
async fn attack_67_a_handshake_that_is_never_made_ends() {
    let folder = Folder::with(ONE);
    let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = inner.local_addr().unwrap();
    let limits = Limits {
        headers: Duration::from_millis(300),
        ..Limits::default()
    };
    let mut listener =
        TimedListener::new(inner, limits).under_tls(Some(Tls::open(folder.files()).unwrap()));
    let _silent = TcpStream::connect(address).await.unwrap();
    let (mut stream, _) = listener.accept().await;
    let ended = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut [0; 8])).await;
    assert_eq!(ended.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
}

#[test]
fn a_renewed_certificate_is_taken_and_a_broken_one_is_not() {
    let folder = Folder::with(ONE);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let fresh = Fresh {
        current: Mutex::new(Current {
            key: Arc::new(read(&folder.files(), &provider).unwrap()),
            made: [None, None],
            told: None,
            looked: Instant::now(),
        }),
        files: folder.files(),
        provider,
    };
    let now = || fresh.key(Duration::ZERO).cert[0].clone().into_owned();
    assert_eq!(now(), der(ONE));
    folder.put(TWO);
    assert_eq!(
        fresh.key(Duration::from_secs(3600)).cert[0],
        der(ONE),
        "not looked at yet"
    );
    // File systems may have coarse clocks.
    fresh.current.lock().unwrap().made = [None, None];
    assert_eq!(now(), der(TWO));
    for broken in [
        (TWO.0, ONE.1),
        (TWO.0, ""),
        ("", TWO.1),
        ("-----BEGIN CERTIFICATE-----\n", TWO.1),
    ] {
        folder.put(broken);
        fresh.current.lock().unwrap().made = [None, None];
        assert_eq!(now(), der(TWO));
    }
    // What could not be used at first is tried again, though nobody wrote it anew.
    let files = folder.files();
    folder.put(ONE);
    std::fs::rename(&files.key, files.key.with_extension("away")).unwrap();
    assert_eq!(now(), der(TWO));
    std::fs::rename(files.key.with_extension("away"), &files.key).unwrap();
    assert_eq!(now(), der(ONE));
}

#[test]
fn files_that_cannot_be_used_are_named() {
    for (pair, part) in [
        ((ONE.0, TWO.1), "does not belong to the certificate"),
        (("nothing", ONE.1), "server.crt holds no certificate"),
        ((ONE.0, "nothing"), "server.key holds no private key"),
    ] {
        let folder = Folder::with(pair);
        let error = Tls::open(folder.files()).err().unwrap().to_string();
        assert!(error.contains(part), "{error}");
    }
    let missing = Folder::with(ONE);
    std::fs::remove_file(missing.files().key).unwrap();
    assert!(matches!(
        Tls::open(missing.files()),
        Err(TlsError::Key { .. })
    ));
}
