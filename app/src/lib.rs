//! The pages of Lockstep: rendered on the server, hydrated in the browser, then kept current by one
//! event stream.
//!
//! It must not know a database, a cluster or a repository: everything it shows comes through the ports
//! of `lockstep-types`, which the server puts into the context ([`context`]). Start with [`routes`]
//! (which page answers which address), then a page, then [`components`].

pub mod api;
pub mod components;
#[cfg(feature = "ssr")]
pub mod context;
pub mod error;
pub mod format;
pub mod live;
pub mod pages;
pub mod routes;
#[cfg(feature = "ssr")]
pub mod shell;

pub use routes::App;
#[cfg(feature = "ssr")]
pub use shell::{listed, shell};
