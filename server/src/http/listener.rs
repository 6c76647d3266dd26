//! Accepts connections and ends those that keep a place without using it: no more at a time than memory allows, no
//! idle ones, and none that send their request byte by byte.
//!
//! Once a response has begun only silence ends a connection; the event stream says something every 15 seconds.

use super::tls::{Tls, Wire};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
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
    /// To the end of a request's headers: from its first byte, and before the first request from the connection on.
    pub headers: Duration,
    /// Connections of one address at the same time, where it is no trusted proxy.
    pub per_address: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            at_once: 8192,
            silence: Duration::from_secs(140),
            request: Duration::from_secs(150),
            headers: Duration::from_secs(15),
            per_address: 1024,
        }
    }
}

/// A TCP listener whose connections have limits.
pub struct TimedListener {
    inner: TcpListener,
    places: Arc<Semaphore>,
    limits: Limits,
    /// They speak for many.
    proxies: Vec<IpAddr>,
    open: Addresses,
    /// `None`: in the clear.
    tls: Option<Tls>,
}

impl TimedListener {
    /// Around a bound listener.
    pub fn new(inner: TcpListener, limits: Limits) -> Self {
        Self {
            inner,
            places: Arc::new(Semaphore::new(limits.at_once)),
            limits,
            proxies: Vec::new(),
            open: Addresses::default(),
            tls: None,
        }
    }

    /// The same under TLS, where it is given. The handshake has the time of a request's headers.
    #[must_use]
    pub fn under_tls(mut self, tls: Option<Tls>) -> Self {
        self.tls = tls;
        self
    }

    /// The same, where these addresses may have as many connections as all together.
    #[must_use]
    pub fn trusting(mut self, proxies: &[IpAddr]) -> Self {
        self.proxies = proxies.to_vec();
        self
    }
}

impl axum::serve::Listener for TimedListener {
    type Io = TimedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TimedStream, SocketAddr) {
        // The semaphore is never closed; without a permit the connection is simply not counted.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let (stream, address, counted) = loop {
            let (stream, address) = axum::serve::Listener::accept(&mut self.inner).await;
            let ip = address.ip().to_canonical();
            if self.proxies.contains(&ip) {
                break (stream, address, None);
            }
            match self.open.enter(ip, self.limits.per_address) {
                Some(counted) => break (stream, address, Some(counted)),
                // Closed at once: whoever holds so many places already gets no answer for one more.
                None => {
                    tracing::warn!(event.name = "connection.refused", address = %ip, "an address has too many connections")
                }
            }
        };
        // Answers are written whole; waiting for more would only delay the last packet.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let wire = match &self.tls {
            Some(tls) => tls.wire(stream),
            None => Wire::Plain(stream),
        };
        (
            TimedStream::new(wire, (place, counted), self.limits),
            address,
        )
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

/// Open connections by address.
#[derive(Debug, Clone, Default)]
struct Addresses(Arc<Mutex<HashMap<IpAddr, usize>>>);

impl Addresses {
    fn enter(&self, address: IpAddr, most: usize) -> Option<Counted> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Counted {
            addresses: self.clone(),
            address,
        })
    }
}

/// One connection of an address; its end counts it down.
struct Counted {
    addresses: Addresses,
    address: IpAddr,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self
            .addresses
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// Where a request is.
#[derive(Debug, Clone, Copy)]
enum Reading {
    /// None has begun; the first of the connection must soon.
    Nothing {
        first: bool,
    },
    Headers {
        since: Instant,
        line: Line,
    },
    Rest {
        since: Instant,
    },
}

/// How far the empty line is that ends headers.
#[derive(Debug, Clone, Copy)]
enum Line {
    Other,
    /// A line has just ended.
    Ended,
    /// And a carriage return came.
    Returned,
}

/// A connection with clocks.
pub struct TimedStream {
    inner: Wire,
    _place: (Option<OwnedSemaphorePermit>, Option<Counted>),
    limits: Limits,
    alarm: Pin<Box<Sleep>>,
    last: Instant,
    reading: Reading,
}

impl TimedStream {
    fn new(
        inner: Wire,
        place: (Option<OwnedSemaphorePermit>, Option<Counted>),
        limits: Limits,
    ) -> Self {
        let now = Instant::now();
        Self {
            inner,
            _place: place,
            limits,
            alarm: Box::pin(tokio::time::sleep_until(
                now + limits.silence.min(limits.headers),
            )),
            last: now,
            reading: Reading::Nothing { first: true },
        }
    }

    fn deadline(&self) -> Instant {
        let silence = self.last + self.limits.silence;
        match self.reading {
            Reading::Nothing { first: false } => silence,
            Reading::Nothing { first: true } => silence.min(self.last + self.limits.headers),
            Reading::Headers { since, .. } => silence.min(since + self.limits.headers),
            Reading::Rest { since } => silence.min(since + self.limits.request),
        }
    }

    /// Notes what came. The end of headers is looked for here, since nobody behind tells.
    fn came(&mut self, bytes: &[u8], now: Instant) {
        self.last = now;
        let (since, mut line) = match self.reading {
            Reading::Nothing { .. } => (now, Line::Other),
            Reading::Headers { since, line } => (since, line),
            Reading::Rest { .. } => return,
        };
        for byte in bytes {
            // As the parser behind takes them, lines may end without a carriage return.
            line = match (byte, line) {
                (b'\n', Line::Other) => Line::Ended,
                (b'\n', _) => {
                    self.reading = Reading::Rest { since };
                    return;
                }
                (b'\r', Line::Ended) => Line::Returned,
                _ => Line::Other,
            };
        }
        self.reading = Reading::Headers { since, line };
    }

    /// Under TLS the last bytes may wait for a peer that does not read.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.poll_alarm(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
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
                if let Some(new @ [_, ..]) = buf.filled().get(before..) {
                    this.came(new, Instant::now());
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
                this.reading = Reading::Nothing { first: false };
                return ready;
            }
        }
        match this.poll_alarm(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match Pin::new(&mut this.inner).poll_flush(cx) {
            Poll::Pending => this.poll_end(cx),
            ready => ready,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match Pin::new(&mut this.inner).poll_shutdown(cx) {
            Poll::Pending => this.poll_end(cx),
            ready => ready,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::serve::Listener;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    const BRIEF: Limits = Limits {
        at_once: 1,
        silence: Duration::from_millis(400),
        request: Duration::from_millis(900),
        headers: Duration::from_millis(700),
        per_address: 2,
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
    async fn attack_67_silence_ends_a_connection() {
        let (mut listener, address) = listener().await;
        let _client = TcpStream::connect(address).await.unwrap();
        let (stream, _) = listener.accept().await;
        let began = Instant::now();
        assert_eq!(outcome(stream).await, io::ErrorKind::TimedOut);
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn attack_67_a_request_byte_by_byte_ends_too() {
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

    /// Writes `text` and then a byte of it again and again: when was the connection ended?
    async fn ended_after(text: &'static [u8]) -> Duration {
        let (mut listener, address) = listener().await;
        let mut client = TcpStream::connect(address).await.unwrap();
        let (stream, _) = listener.accept().await;
        let drip = tokio::spawn(async move {
            client.write_all(text).await.unwrap();
            while client.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let began = Instant::now();
        assert_eq!(outcome(stream).await, io::ErrorKind::TimedOut);
        drip.await.unwrap();
        began.elapsed()
    }

    #[tokio::test]
    async fn attack_67_headers_have_less_time_than_what_follows_them() {
        for (text, whole) in [
            (&b"GET / HTTP/1.1\r\nhost: a\r\nx: "[..], false),
            (b"GET / HTTP/1.1\r\nhost: a\r\n\r", false),
            (b"POST / HTTP/1.1\nhost: a\n\n", true),
            (
                b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 999999\r\n\r\n",
                true,
            ),
            (b"POST / HTTP/1.1\r\nhost: a\r\nx: \r\r\n\r\n", true),
        ] {
            let took = ended_after(text).await;
            assert_eq!(took >= BRIEF.request, whole, "{took:?}");
            assert!(took >= BRIEF.headers, "{took:?}");
        }
    }

    #[tokio::test]
    async fn attack_67_one_address_does_not_take_all_places() {
        let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = inner.local_addr().unwrap();
        let limits = Limits {
            at_once: 10,
            ..BRIEF
        };
        let mut listener = TimedListener::new(inner, limits);
        let mut clients = Vec::new();
        for _ in 0..3 {
            clients.push(TcpStream::connect(address).await.unwrap());
        }
        let (first, _) = listener.accept().await;
        let (_second, _) = listener.accept().await;
        let third = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
        assert!(
            third.is_err(),
            "a third connection of one address was let in"
        );
        drop(first);
        clients.push(TcpStream::connect(address).await.unwrap());
        let freed = tokio::time::timeout(Duration::from_secs(5), listener.accept()).await;
        assert!(freed.is_ok());
        // A proxy speaks for many.
        let mut listener = listener.trusting(&[address.ip()]);
        for _ in 0..3 {
            clients.push(TcpStream::connect(address).await.unwrap());
            let more = tokio::time::timeout(Duration::from_secs(5), listener.accept()).await;
            assert!(more.is_ok());
        }
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
