//! Makers for tests. They stop the test when something is wrong, as tests do.

mod renderers;
mod repository;

pub use renderers::{renderer_path, renderers};
pub use repository::Repository;
