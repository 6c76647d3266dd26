//! Somebody who is told of everything, on a port of its own: what Lockstep sends out is an output too.

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What came in.
#[derive(Clone, Default)]
pub struct Receiver {
    heard: Arc<Mutex<String>>,
    pub url: String,
}

impl Receiver {
    pub async fn start() -> Self {
        let tcp = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}/hook", tcp.local_addr().expect("an address"));
        let receiver = Self {
            url,
            ..Self::default()
        };
        let heard = Arc::clone(&receiver.heard);
        let take = move |headers: HeaderMap, body: Bytes| {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.push_str(&format!(
                "{headers:?}\n{}\n",
                String::from_utf8_lossy(&body)
            ));
            std::future::ready("taken")
        };
        let service = Router::new().fallback(take);
        tokio::spawn(async move { axum::serve(tcp, service).await });
        receiver
    }

    /// Everything so far.
    pub fn heard(&self) -> String {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
