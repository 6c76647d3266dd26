//! Makers for tests. They stop the test when something is wrong, as tests do.

mod renderers;
mod repository;

pub use renderers::renderers;
pub use repository::Repository;
