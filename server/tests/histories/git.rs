//! The repository of the model: commits with what they render to.

use lockstep_types::revision::Revision;
use std::collections::BTreeMap;

/// Every object that may be declared, by its key. Their kinds are those that rules tell apart.
pub const NAMES: [&str; 14] = [
    "/ConfigMap:shop/a",
    "/ConfigMap:shop/b",
    "/ConfigMap:shop/c",
    "/ConfigMap:shop/d",
    "/Secret:shop/e",
    "/Service:shop/f",
    "/Service:shop/g",
    "/PersistentVolumeClaim:shop/data",
    "/Namespace:/extra",
    "apps/Deployment:shop/web",
    "apps/Deployment:shop/worker",
    "apps/StatefulSet:shop/queue",
    "batch/CronJob:shop/nightly",
    "apiextensions.k8s.io/CustomResourceDefinition:/widgets.example.com",
];

/// How an object is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    pub version: u32,
    /// 0: nothing; 1: `Prune=confirm`; 2: `Prune=false`.
    pub wish: u8,
}

pub type Objects = BTreeMap<&'static str, Declared>;

/// A commit; `None`: it cannot be rendered.
#[derive(Debug, Clone)]
pub struct Commit {
    pub parent: Option<usize>,
    pub objects: Option<Objects>,
}

/// All commits, and where the branch is.
#[derive(Debug, Clone)]
pub struct Git {
    pub commits: Vec<Commit>,
    pub head: usize,
}

impl Git {
    pub fn new(objects: Objects) -> Self {
        let first = Commit {
            parent: None,
            objects: Some(objects),
        };
        Self {
            commits: vec![first],
            head: 0,
        }
    }

    pub fn commit(&mut self, objects: Option<Objects>, parent: Option<usize>) {
        self.commits.push(Commit { parent, objects });
        self.head = self.commits.len() - 1;
    }

    /// What the newest commit that renders says.
    pub fn last_good(&self) -> Objects {
        let mut at = Some(self.head);
        while let Some(index) = at {
            if let Some(objects) = &self.commits[index].objects {
                return objects.clone();
            }
            at = self.commits[index].parent;
        }
        Objects::new()
    }

    /// Whether one is the other or comes before it.
    pub fn descends(&self, earlier: usize, later: usize) -> bool {
        let mut at = Some(later);
        while let Some(index) = at {
            if index == earlier {
                return true;
            }
            at = self.commits[index].parent;
        }
        false
    }
}

pub fn revision(commit: usize) -> Revision {
    Revision(format!("{commit:040x}"))
}
