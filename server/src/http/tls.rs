//! TLS by files: certificate chain and key in PEM form, read again when they change, so that a renewed certificate needs
//! no restart. Files that cannot be used are said once in the log, and the last good ones stay in force.

use crate::config::TlsFiles;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// Between two looks at the files.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Why files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path} holds no certificate in PEM form that can be used")]
    Certificate {
        path: String,
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    #[error("{path} holds no certificate")]
    Empty { path: String },
    #[error("{path} holds no private key in PEM form that can be used")]
    Key {
        path: String,
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    #[error(
        "the key in {key} does not belong to the certificate in {certificate}, or is of an unknown kind"
    )]
    Pair {
        certificate: String,
        key: String,
        #[source]
        source: rustls::Error,
    },
    #[error("this TLS version or cipher cannot be used")]
    Protocol(#[source] rustls::Error),
}

/// The server's side of TLS, over files that may change.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // First the times: what is written while it is read is read again.
        let made = stamp(&files);
        let key = read(&files, &provider)?;
        let current = Current {
            key: Arc::new(key),
            made,
            told: None,
            looked: Instant::now(),
        };
        let fresh = Fresh {
            files,
            provider: Arc::clone(&provider),
            current: Mutex::new(current),
        };
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Protocol)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(fresh));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }

    /// A connection whose handshake happens as it is read.
    pub(super) fn wire(&self, stream: TcpStream) -> Wire {
        Wire::Shaking(Box::new(self.acceptor.accept(stream)))
    }
}

fn read(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let shown = |path: &Path| path.display().to_string();
    let unreadable = |source| TlsError::Certificate {
        path: shown(&files.certificate),
        source,
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .map_err(unreadable)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    if chain.is_empty() {
        return Err(TlsError::Empty {
            path: shown(&files.certificate),
        });
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|source| TlsError::Key {
        path: shown(&files.key),
        source,
    })?;
    CertifiedKey::from_der(chain, key, provider).map_err(|source| TlsError::Pair {
        certificate: shown(&files.certificate),
        key: shown(&files.key),
        source,
    })
}

/// When certificate and key were written.
type Stamp = [Option<SystemTime>; 2];

/// When the files were written, as far as that can be told.
fn stamp(files: &TlsFiles) -> Stamp {
    [&files.certificate, &files.key].map(|path| {
        std::fs::metadata(path)
            .and_then(|found| found.modified())
            .ok()
    })
}

/// What is in force, and what it was read from.
struct Current {
    key: Arc<CertifiedKey>,
    made: Stamp,
    /// Files that could not be used and were complained about.
    told: Option<Stamp>,
    looked: Instant,
}

/// Gives the certificate of the files as they are now.
struct Fresh {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    current: Mutex<Current>,
}

impl fmt::Debug for Fresh {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Fresh")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl Fresh {
    fn key(&self, again: Duration) -> Arc<CertifiedKey> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.looked.elapsed() >= again {
            current.looked = Instant::now();
            let made = stamp(&self.files);
            if made != current.made {
                // What fails is tried again, since rights may follow the content, and is said once.
                match read(&self.files, &self.provider) {
                    Ok(key) => {
                        tracing::info!(event.name = "tls.renewed", certificate = %self.files.certificate.display(), "the certificate was read again");
                        current.key = Arc::new(key);
                        current.made = made;
                    }
                    Err(error) if current.told != Some(made) => {
                        current.told = Some(made);
                        tracing::error!(
                            event.name = "tls.not_renewed",
                            error = &error as &dyn std::error::Error,
                            "the changed certificate cannot be used; the one before stays in force, and it is tried again"
                        );
                    }
                    Err(_) => {}
                }
            }
        }
        Arc::clone(&current.key)
    }
}

impl ResolvesServerCert for Fresh {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.key(LOOK_AGAIN))
    }
}

/// A connection in the clear or under TLS. A handshake that fails is an error of the first read.
pub(super) enum Wire {
    Plain(TcpStream),
    Shaking(Box<Accept<TcpStream>>),
    Secret(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// Ready when bytes can be read and written.
    fn poll_shaken(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Self::Shaking(accept) = self {
            match Pin::new(accept.as_mut()).poll(cx) {
                Poll::Ready(Ok(stream)) => *self = Self::Secret(Box::new(stream)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        std::task::ready!(self.poll_shaken(cx))?;
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Secret(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
            Self::Shaking(_) => Poll::Pending,
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        std::task::ready!(self.poll_shaken(cx))?;
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Secret(stream) => Pin::new(stream.as_mut()).poll_write(cx, buf),
            Self::Shaking(_) => Poll::Pending,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Secret(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
            // Nothing has been written.
            Self::Shaking(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Secret(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
            // It is closed as it is dropped.
            Self::Shaking(_) => Poll::Ready(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests;
