//! The renderers on this machine, and which versions they are: part of every key.

use super::{RenderError, SandboxSettings, sandbox};
use std::path::{Path, PathBuf};
use tokio::sync::OnceCell;

/// Paths of the renderers. Absent ones fail only the applications that need them.
#[derive(Debug, Default)]
pub struct Tools {
    helm: Option<PathBuf>,
    kustomize: Option<PathBuf>,
    helm_version: OnceCell<String>,
    kustomize_version: OnceCell<String>,
}

/// A renderer that is a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Helm,
    Kustomize,
}

impl Tool {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Helm => "helm",
            Self::Kustomize => "kustomize",
        }
    }
}

impl Tools {
    /// Takes the paths as they are.
    pub fn new(helm: Option<PathBuf>, kustomize: Option<PathBuf>) -> Self {
        Self {
            helm,
            kustomize,
            ..Self::default()
        }
    }

    /// Looks for both on `PATH`.
    pub fn on_path() -> Self {
        let find = |name: &str| {
            let folders = std::env::var_os("PATH")?;
            std::env::split_paths(&folders)
                .map(|folder| folder.join(name))
                .find(|file| file.is_file())
        };
        Self::new(find("helm"), find("kustomize"))
    }

    pub(super) fn path(&self, tool: Tool) -> Result<&Path, RenderError> {
        let (path, tool) = match tool {
            Tool::Helm => (&self.helm, "helm"),
            Tool::Kustomize => (&self.kustomize, "kustomize"),
        };
        path.as_deref().ok_or_else(|| RenderError::NoTool {
            tool,
            why: "it is not installed".to_owned(),
        })
    }

    /// The version as the program says it, asked once.
    pub(super) async fn version(
        &self,
        tool: Tool,
        settings: &SandboxSettings,
        work: &Path,
    ) -> Result<&str, RenderError> {
        let (cell, arguments) = match tool {
            Tool::Helm => (
                &self.helm_version,
                ["version", "--template={{.Version}}"].as_slice(),
            ),
            Tool::Kustomize => (&self.kustomize_version, ["version"].as_slice()),
        };
        let program = self.path(tool)?;
        let version = cell
            .get_or_try_init(|| async move {
                let folder = super::stage::Folder::new(work)?;
                let arguments = arguments
                    .iter()
                    .map(|argument| (*argument).to_owned())
                    .collect();
                let output =
                    sandbox::run(settings, tool, program, &folder, arguments, "its version")
                        .await?;
                Ok::<_, RenderError>(output.trim().to_owned())
            })
            .await?;
        Ok(version)
    }
}
