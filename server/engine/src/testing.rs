//! Makers for tests. They stop the test when something is wrong, as tests do.

mod keys;
mod renderers;
mod repository;

pub use keys::{OpenPgpKey, openpgp_key, ssh_key};
pub use renderers::{renderer_path, renderers};
pub use repository::Repository;
