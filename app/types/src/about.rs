//! What a server says of itself and of the system it runs on.

use serde::{Deserialize, Serialize};

/// How the programs that render, helm and kustomize, are kept in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cage {
    /// They see their own files and nothing else.
    #[default]
    Closed,
    /// The kernel cannot close the cage, and the operator permits to go without.
    Open,
    /// The kernel cannot close the cage, so they are not started.
    Missing,
}

impl Cage {
    /// What the kernel can do, and what the operator permits.
    pub fn of(can_close: bool, may_go_without: bool) -> Self {
        match (can_close, may_go_without) {
            (true, _) => Self::Closed,
            (false, true) => Self::Open,
            (false, false) => Self::Missing,
        }
    }

    /// A sentence for people, with what to do.
    pub fn words(self) -> &'static str {
        match self {
            Self::Closed => {
                "helm and kustomize run caged, without network, environment and other files"
            }
            Self::Open => {
                "helm and kustomize run without a cage: this kernel has no landlock for files and TCP (Linux 6.7 or newer has it), and tools.uncaged permits it"
            }
            Self::Missing => {
                "helm and kustomize are not started: this kernel has no landlock for files and TCP (Linux 6.7 or newer has it), and the configuration does not permit to go without (tools.uncaged)"
            }
        }
    }
}
