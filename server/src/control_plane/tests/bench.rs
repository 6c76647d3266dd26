//! One server's worth of parts in a temporary folder.

use crate::control_plane::{Plane, Registration};
use crate::reconcile::definitions;
use crate::runtime::{Access, AccessRefused, ClusterAccess, GitAccess, Parts, Runtime, Settings};
use crate::secrets::Vault;
use crate::store::source::SourceFields;
use crate::store::target::{Deployed, TargetState};
use crate::store::{self, Store};
use async_trait::async_trait;
use engine::definition::DefinitionFile;
use engine::definition::project::Rules;
use engine::live::ClusterPolicy;
use engine::render::{Renderer, SandboxSettings, Tools};
use engine::source::{Committer, Credential, Mirrors};
use engine::testing::Repository;
use lockstep_types::account::{Actor, Role};
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::Health;
use lockstep_types::id::{ApplicationId, SourceId, TargetId, UserId};
use lockstep_types::revision::{Revision, TargetRevision};
use lockstep_types::source::Mode;
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

pub(super) struct Bench {
    pub plane: Plane,
    pub repository: Repository,
    pub source: SourceId,
    dir: tempfile::TempDir,
}

struct NoSecrets;

#[async_trait]
impl Access for NoSecrets {
    async fn git(&self, _repo_url: &str) -> Result<GitAccess, AccessRefused> {
        Ok(GitAccess::default())
    }

    async fn cluster(&self, name: &str) -> Result<ClusterAccess, AccessRefused> {
        Err(AccessRefused(format!("{name} has no credentials")))
    }
}

pub(super) fn actor(role: Role) -> Actor {
    Actor {
        user: UserId(Uuid::from_u128(1)),
        name: "maria".to_owned(),
        role,
        token: None,
        rights: Default::default(),
    }
}

/// A definition of an application.
pub(super) struct App<'a> {
    pub name: &'a str,
    pub cluster: &'a str,
    pub group: &'a str,
    pub revision: &'a str,
    pub automated: bool,
    pub project: &'a str,
    /// The folder that it reads.
    pub path: &'a str,
}

impl<'a> App<'a> {
    pub fn new(name: &'a str, cluster: &'a str) -> Self {
        Self {
            name,
            cluster,
            group: "",
            revision: "main",
            automated: true,
            project: "shop",
            path: "apps/cart",
        }
    }

    fn yaml(&self, url: &str) -> String {
        let labels = if self.group.is_empty() {
            String::new()
        } else {
            format!("\n  labels: {{lockstep.dev/group: {}}}", self.group)
        };
        let policy = if self.automated {
            "\n  syncPolicy: {automated: {}}"
        } else {
            ""
        };
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {}\n  namespace: argocd{labels}\nspec:\n  project: {}\n  source: {{repoURL: \"{url}\", path: {}, targetRevision: {}}}\n  destination: {{name: {}, namespace: shop}}{policy}\n",
            self.name, self.project, self.path, self.revision, self.cluster
        )
    }
}

impl Bench {
    /// A repository with one ConfigMap below `apps/cart` in three commits, fetched, and a managed source over it.
    pub async fn new() -> Self {
        Self::by(Committer::default()).await
    }

    /// The same, where commits of our own are by somebody else.
    pub async fn by(committer: Committer) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = database(dir.path()).await;
        store.migrate().await.unwrap();
        let repository = Repository::new();
        for (number, subject) in ["one", "two", "three"].into_iter().enumerate() {
            repository.write("apps/cart/config.yaml", &config(subject));
            repository.write("README.md", &number.to_string());
            repository.commit(subject);
        }
        let plane = plane(dir.path(), store.clone(), committer);
        let mut tx = store.begin().await.unwrap();
        let fields = SourceFields {
            name: "root".to_owned(),
            repo_url: repository.url(),
            path: "definitions".to_owned(),
            target_revision: TargetRevision("main".to_owned()),
            home_cluster: String::new(),
        };
        let source = store::source::create(&mut tx, &fields).await.unwrap().id;
        store::source::set_mode(&mut tx, source, Mode::Managed)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let bench = Self {
            plane,
            repository,
            source,
            dir,
        };
        bench.fetch("main").await;
        bench
    }

    /// Where its database and its mirrors are.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// The server as it starts again over the same folder: nothing is in its memory.
    pub async fn started_again(self) -> Self {
        self.store().close().await;
        Self {
            plane: started(self.dir.path()).await,
            ..self
        }
    }

    pub fn store(&self) -> &Store {
        self.plane.runtime.store()
    }

    /// Fetches a revision and lets the runtime know what it resolves to.
    pub async fn fetch(&self, name: &str) -> Revision {
        fetched(&self.plane, &self.repository.url(), name).await
    }

    /// Commits of the repository, oldest first.
    pub fn commits(&self) -> Vec<Revision> {
        self.repository
            .git(&["rev-list", "--reverse", "main"])
            .lines()
            .map(|line| Revision(line.to_owned()))
            .collect()
    }

    /// Defines exactly these applications, and makes their targets as the source's mode says.
    pub async fn define(&self, apps: &[App<'_>]) -> Vec<TargetId> {
        self.define_in(apps, "").await
    }

    /// The same with a file that holds their project.
    pub async fn define_in(&self, apps: &[App<'_>], project: &str) -> Vec<TargetId> {
        let row = store::source::get(self.store(), self.source).await.unwrap();
        let mut files: Vec<DefinitionFile> = apps
            .iter()
            .map(|app| DefinitionFile {
                path: format!("definitions/{}.yaml", app.name),
                bytes: app.yaml(&self.repository.url()).into_bytes(),
            })
            .collect();
        files.push(DefinitionFile {
            path: "definitions/project.yaml".to_owned(),
            bytes: project.as_bytes().to_vec(),
        });
        let engine::definition::Definitions {
            applications: mut found,
            projects,
            problems,
            ..
        } = engine::definition::read(&files, "");
        if !projects.is_empty() {
            let each = found.iter_mut();
            each.for_each(|definition| Rules::give(definition, &projects));
        }
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(found.len(), apps.len());
        let cluster = |name: &str| {
            apps.iter()
                .find(|app| app.name == name)
                .map(|app| app.cluster)
        };
        let seen: Vec<_> = found
            .iter()
            .map(|definition| {
                definitions::seen(&row, definition, cluster(&definition.name), None).unwrap()
            })
            .collect();
        let head = self.commits().pop().unwrap();
        let mut tx = self.store().begin().await.unwrap();
        store::application::reconcile(&mut tx, self.source, &head, &seen)
            .await
            .unwrap();
        let mut targets = Vec::new();
        for app in apps {
            let id = seen.iter().find(|seen| seen.name == app.name).unwrap().id;
            targets.push(
                store::target::ensure(&mut tx, id, app.cluster, row.mode)
                    .await
                    .unwrap()
                    .id,
            );
        }
        tx.commit().await.unwrap();
        targets
    }

    /// Records that a target is Synced and Healthy at a revision, or what `change` makes of that.
    pub async fn record(
        &self,
        target: TargetId,
        at: &Revision,
        change: impl FnOnce(&mut TargetState),
    ) {
        let mut state = TargetState {
            sync: SyncStatus::Synced,
            health: Health::healthy(),
            objects: 1,
            revision: Some(at.clone()),
            render_key: Some(format!("render of {at}")),
            ..TargetState::unknown()
        };
        change(&mut state);
        let mut tx = self.store().begin().await.unwrap();
        let generation = store::target::claim(&mut tx, target).await.unwrap();
        let deployed = Deployed {
            revision: at.clone(),
            render_key: format!("render of {at}"),
            images: vec!["cart:1.4.2".to_owned()],
        };
        if state.sync == SyncStatus::Synced {
            store::target::set_deployed(&mut tx, target, generation, &deployed)
                .await
                .unwrap();
        }
        store::target::record(&mut tx, target, generation, &state)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn application(&self, target: TargetId) -> ApplicationId {
        store::target::get(self.store(), target)
            .await
            .unwrap()
            .application
    }
}

async fn database(folder: &Path) -> Store {
    let url = format!("sqlite:{}", folder.join("db").display());
    Store::open(&url).await.unwrap()
}

/// A server over the folder of a bench.
pub(super) async fn started(folder: &Path) -> Plane {
    plane(folder, database(folder).await, Committer::default())
}

fn plane(folder: &Path, store: Store, committer: Committer) -> Plane {
    let runtime = Runtime::new(Parts {
        store,
        mirrors: Mirrors::for_tests(folder.join("mirrors"))
            .unwrap()
            .with_committer(committer),
        renderer: Renderer::new(
            Tools::new(None, None),
            SandboxSettings::new(folder.join("nothing")),
            folder.join("work"),
        ),
        access: Arc::new(NoSecrets),
        installation: Uuid::from_u128(7),
        settings: Settings::default(),
    });
    let registration = Registration {
        vault: Vault::open(folder, None).unwrap(),
        policy: ClusterPolicy::default(),
    };
    Plane {
        runtime,
        registration: Arc::new(registration),
        visits: Arc::default(),
        gatekeeper: Arc::default(),
    }
}

/// Fetches a branch and lets the runtime know what it resolves to.
pub(super) async fn fetched(plane: &Plane, url: &str, name: &str) -> Revision {
    let wanted = TargetRevision(name.to_owned());
    let mirrors = plane.runtime.mirrors();
    let mut found = mirrors
        .fetch(url, &Credential::None, std::slice::from_ref(&wanted))
        .await
        .unwrap();
    let revision = found.remove(&wanted).unwrap().unwrap();
    let key = plane.runtime.repository_key(url);
    plane.runtime.memory().resolve(&key, &wanted, |entry| {
        entry.revision = Some(revision.clone())
    });
    revision
}

/// What stands in `apps/cart/config.yaml`.
pub(super) fn config(greeting: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cart\ndata:\n  greeting: {greeting}\n"
    )
}
