//! Accepts connections and ends those that keep a place without using it: no more at a time than memory allows, no
//! idle ones, and none that send their request byte by byte.
//!
//! Once a response has begun only silence ends a connection; the event stream says something every 15 seconds.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// How much a connection may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at the same time.
    pub at_once: usize,
    /// Nothing read and nothing written. Longer than the longest answer takes.
    pub silence: Duration,
    /// From the first byte of a request to the first byte of its response.
    pub request: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            at_once: 8192,
            silence: Duration::from_secs(140),
            request: Duration::from_secs(150),
        }
    }
}

/// A TCP listener whose connections have limits.
pub struct TimedListener {
    inner: TcpListener,
    places: Arc<Semaphore>,
    limits: Limits,
}

impl TimedListener {
    /// Around a bound listener.
    pub fn new(inner: TcpListener, limits: Limits) -> Self {
        Self {
            inner,
            places: Arc::new(Semaphore::new(limits.at_once)),
            limits,
        }
    }
}

impl axum::serve::Listener for TimedListener {
    type Io = TimedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TimedStream, SocketAddr) {
        // The semaphore is never closed; without a permit the connection is simply not counted.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let (stream, address) = axum::serve::Listener::accept(&mut self.inner).await;
        // Answers are written whole; waiting for more would only delay the last packet.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        (TimedStream::new(stream, place, self.limits), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

/// A connection with two clocks.
pub struct TimedStream {
    inner: TcpStream,
    _place: Option<OwnedSemaphorePermit>,
    limits: Limits,
    alarm: Pin<Box<Sleep>>,
    last: Instant,
    /// Since when a request is being received.
    receiving: Option<Instant>,
}

impl TimedStream {
    fn new(inner: TcpStream, place: Option<OwnedSemaphorePermit>, limits: Limits) -> Self {
        let now = Instant::now();
        Self {
            inner,
            _place: place,
            limits,
            alarm: Box::pin(tokio::time::sleep_until(
                now + limits.silence.min(limits.request),
            )),
            last: now,
            receiving: None,
        }
    }

    fn deadline(&self) -> Instant {
        let silence = self.last + self.limits.silence;
        match self.receiving {
            Some(since) => silence.min(since + self.limits.request),
            None => silence,
        }
    }

    /// Ready when the time is over.
    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.alarm.as_mut().poll(cx).is_ready() {
            let deadline = self.deadline();
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            // The clock was set back by traffic in the meantime.
            self.alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let this = &mut *self;
        match Pin::new(&mut this.inner).poll_read(cx, buf) {
            Poll::Pending => {}
            ready => {
                if buf.filled().len() > before {
                    let now = Instant::now();
                    this.last = now;
                    this.receiving.get_or_insert(now);
                }
                return ready;
            }
        }
        match this.poll_alarm(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        match Pin::new(&mut this.inner).poll_write(cx, buf) {
            Poll::Pending => {}
            ready => {
                this.last = Instant::now();
                this.receiving = None;
                return ready;
            }
        }
        match this.poll_alarm(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::serve::Listener;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const BRIEF: Limits = Limits {
        at_once: 1,
        silence: Duration::from_millis(400),
        request: Duration::from_millis(900),
    };

    async fn listener() -> (TimedListener, SocketAddr) {
        let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = inner.local_addr().unwrap();
        (TimedListener::new(inner, BRIEF), address)
    }

    /// Reads until the other side or a clock ends it, and says how.
    async fn outcome(mut stream: TimedStream) -> io::ErrorKind {
        let mut buffer = [0; 64];
        loop {
            match stream.read(&mut buffer).await {
                Ok(0) => return io::ErrorKind::UnexpectedEof,
                Ok(_) => {}
                Err(error) => return error.kind(),
            }
        }
    }

    #[tokio::test]
    async fn silence_ends_a_connection() {
        let (mut listener, address) = listener().await;
        let _client = TcpStream::connect(address).await.unwrap();
        let (stream, _) = listener.accept().await;
        let began = Instant::now();
        assert_eq!(outcome(stream).await, io::ErrorKind::TimedOut);
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn a_request_byte_by_byte_ends_too() {
        let (mut listener, address) = listener().await;
        let mut client = TcpStream::connect(address).await.unwrap();
        let (stream, _) = listener.accept().await;
        let drip = tokio::spawn(async move {
            // Never silent for long, never done.
            while client.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let ended = tokio::time::timeout(Duration::from_secs(10), outcome(stream)).await;
        assert_eq!(ended.unwrap(), io::ErrorKind::TimedOut);
        drip.await.unwrap();
    }

    #[tokio::test]
    async fn places_are_given_back() {
        let (mut listener, address) = listener().await;
        let _one = TcpStream::connect(address).await.unwrap();
        let _two = TcpStream::connect(address).await.unwrap();
        let (first, _) = listener.accept().await;
        let full = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
        assert!(full.is_err());
        drop(first);
        let freed = tokio::time::timeout(Duration::from_secs(5), listener.accept()).await;
        assert!(freed.is_ok());
    }
}
