//! The real router in process, with its own SQLite file and a fake control plane behind the ports that are not
//! about accounts.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test they serve"
)]

#[path = "http/fake.rs"]
mod fake;
#[path = "http/harness.rs"]
mod harness;
#[path = "http/lines.rs"]
mod lines;
#[path = "http/provider.rs"]
mod provider;

#[path = "http/accounts.rs"]
mod accounts;
#[path = "http/advisories.rs"]
mod advisories;
#[path = "http/attacks_login.rs"]
mod attacks_login;
#[path = "http/attacks_pages.rs"]
mod attacks_pages;
#[path = "http/attacks_wire.rs"]
mod attacks_wire;
#[path = "http/audit.rs"]
mod audit;
#[path = "http/command_line.rs"]
mod command_line;
#[path = "http/cross_site.rs"]
mod cross_site;
#[path = "http/doors.rs"]
mod doors;
#[path = "http/factor.rs"]
mod factor;
#[path = "http/log.rs"]
mod log;
#[path = "http/login.rs"]
mod login;
#[path = "http/sessions.rs"]
mod sessions;
#[path = "http/setup.rs"]
mod setup;
#[path = "http/sso.rs"]
mod sso;
#[path = "http/sso_forged.rs"]
mod sso_forged;
#[path = "http/streams.rs"]
mod streams;
#[path = "http/sync_once.rs"]
mod sync_once;
#[path = "http/throttle.rs"]
mod throttle;
#[path = "http/tokens.rs"]
mod tokens;
#[path = "http/webhooks.rs"]
mod webhooks;
