//! Helm and Kustomize as the rig builds them.

use crate::render::Tools;
use std::path::PathBuf;

/// Both renderers: from `LOCKSTEP_TEST_HELM` and `LOCKSTEP_TEST_KUSTOMIZE`, or from the rig's cache.
///
/// # Panics
/// When one is absent: a test without it would prove nothing.
pub fn renderers() -> Tools {
    Tools::new(
        Some(renderer_path("helm")),
        Some(renderer_path("kustomize")),
    )
}

/// The path of one renderer, `helm` or `kustomize`.
///
/// # Panics
/// As [`renderers`].
pub fn renderer_path(name: &str) -> PathBuf {
    let variable = format!("LOCKSTEP_TEST_{}", name.to_uppercase());
    find(name, &variable)
}

fn find(name: &str, variable: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return PathBuf::from(path);
    }
    let cache = std::env::var_os("LOCKSTEP_CACHE")
        .map(PathBuf::from)
        .or_else(|| {
            let home = std::env::var_os("HOME")?;
            Some(PathBuf::from(home).join(".cache/lockstep"))
        });
    let built = cache.into_iter().flat_map(|cache| {
        std::fs::read_dir(cache.join("rig"))
            .into_iter()
            .flatten()
            .flatten()
    });
    built
        .map(|folder| folder.path().join("bin").join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| {
            unreachable!(
                "{name} is needed: build the rig's renderers, or set {variable} to its path"
            )
        })
}
