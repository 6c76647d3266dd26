//! One repository as a root source: read, rendered, and held against the stock programs and an independent count.

use crate::checkout::{Checkout, Means};
use crate::count::{self, Counted};
use crate::report::{Folder, Problem, reason};
use crate::stock;
use engine::definition::{
    DefinedSource, Definition, DefinitionFile, Definitions, DirectoryOptions, KustomizeOptions,
    SourceKind, read_rendered, read_source, referred_to,
};
use engine::render::{
    Complete, MoreSource, RenderError, RenderInput, Renderer, SandboxSettings, Tools,
};
use engine::source::{Credential, Mirrors};
use lockstep_types::revision::{Revision, TargetRevision};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};

/// The home cluster of every folder.
const HOME: &str = "home";
/// Applications that render applications.
const LEVELS: usize = 6;

/// A root source.
struct Root<'r> {
    home: &'r str,
    url: &'r str,
    /// Documents of its files that rendered definitions may refer to.
    around: Vec<DefinitionFile>,
}

/// Everything that all folders share.
pub struct Corpus {
    pub(crate) mirrors: Mirrors,
    pub(crate) renderer: Renderer,
    kustomize: PathBuf,
    work: PathBuf,
    /// Address of each folder's repository.
    pub(crate) addresses: BTreeMap<String, String>,
}

/// Programs that are called.
pub struct Programs {
    pub child: PathBuf,
    pub helm: PathBuf,
    pub kustomize: PathBuf,
}

impl Corpus {
    pub fn new(
        work: &Path,
        programs: Programs,
        addresses: BTreeMap<String, String>,
    ) -> Result<Self, Box<dyn Error>> {
        let tools = Tools::new(Some(programs.helm), Some(programs.kustomize.clone()));
        let sandbox = SandboxSettings::new(programs.child);
        Ok(Self {
            mirrors: Mirrors::for_tests(work.join("mirrors"))?,
            renderer: Renderer::new(tools, sandbox, work.join("renders")),
            kustomize: programs.kustomize,
            work: work.to_owned(),
            addresses,
        })
    }

    /// Everything about one folder.
    pub async fn folder(&self, name: &str) -> Result<Folder, Box<dyn Error>> {
        let url = self.addresses.get(name).ok_or("there is no such folder")?;
        let head = self.head(url).await?;
        let at = self.work.join("checkouts").join(name);
        let checkout = Checkout::make(&self.mirrors, url, &head, at).await?;
        let mut folder = Folder {
            name: name.to_owned(),
            files: checkout.files.len(),
            yaml_files: checkout.readable.len(),
            directories: checkout.kinds_of_directories(),
            ..Folder::default()
        };
        for submodule in checkout.submodules() {
            folder.leave_out(
                &submodule.path,
                "it is a submodule: its files are elsewhere",
            );
        }
        let main = TargetRevision("main".to_owned());
        let root = Root {
            home: HOME,
            url,
            around: referred_to(&checkout.readable),
        };
        let mut definitions = read_source(&checkout.readable, HOME, url, &main);
        folder.generated += self.expand(&mut definitions, HOME).await?;
        count_definitions(&mut folder, &checkout, &definitions);
        problems(&mut folder, &definitions);
        self.applications(&mut folder, &root, definitions.applications)
            .await?;
        for below in checkout.cluster_roots() {
            let files: Vec<DefinitionFile> = checkout.below(&below).cloned().collect();
            let home = below.rsplit('/').next().unwrap_or(HOME);
            let root = Root {
                home,
                url,
                around: referred_to(&files),
            };
            let mut found = read_source(&files, home, url, &main);
            folder.generated += self.expand(&mut found, home).await?;
            problems(&mut folder, &found);
            folder.cluster_roots.push(below.clone());
            self.applications(&mut folder, &root, found.applications)
                .await?;
        }
        for (directory, means) in checkout.directories() {
            self.directory(&mut folder, &checkout, (url, &head), &directory, means)
                .await?;
        }
        folder.finish();
        Ok(folder)
    }

    pub(crate) async fn head(&self, url: &str) -> Result<Revision, Box<dyn Error>> {
        let main = TargetRevision("main".to_owned());
        let wanted = std::slice::from_ref(&main);
        let mut found = self.mirrors.fetch(url, &Credential::None, wanted).await?;
        Ok(found.remove(&main).ok_or("main is missing")??)
    }

    /// Renders the applications, and those that they render.
    async fn applications(
        &self,
        folder: &mut Folder,
        root: &Root<'_>,
        mut waiting: Vec<Definition>,
    ) -> Result<(), Box<dyn Error>> {
        let mut seen = BTreeSet::new();
        let mut level = 0;
        while !waiting.is_empty() && level < LEVELS {
            let mut next = Vec::new();
            for definition in waiting {
                if !seen.insert(definition.key.to_string()) {
                    continue;
                }
                let dialect = definition.dialect.words().to_owned();
                *folder.applications.entry(dialect).or_default() += 1;
                folder.children += usize::from(level > 0);
                if let Some(complete) = self.application(folder, &definition).await? {
                    folder.rendered.applications += 1;
                    folder.rendered.objects += complete.objects.len() + complete.encrypted.len();
                    next.extend(self.children(folder, root, &definition, &complete).await?);
                }
            }
            waiting = next;
            level += 1;
        }
        for definition in waiting {
            folder.leave_out(
                &format!("{} {}", definition.dialect.words(), definition.name),
                format!("{LEVELS} applications lie above it, each rendered by the one before"),
            );
        }
        Ok(())
    }

    async fn application(
        &self,
        folder: &mut Folder,
        definition: &Definition,
    ) -> Result<Option<Complete>, Box<dyn Error>> {
        let what = format!("{} {}", definition.dialect.words(), definition.name);
        let mut sources = Vec::new();
        for source in std::iter::once(&definition.source).chain(&definition.more_sources) {
            if source.kind != SourceKind::Git {
                folder.leave_out(
                    &what,
                    "its chart is in a registry, and the corpus needs no network",
                );
                return Ok(None);
            }
            let url = match self.address(&source.repo_url) {
                Ok(url) => url,
                Err(why) => {
                    folder.leave_out(&what, why);
                    return Ok(None);
                }
            };
            sources.push(MoreSource {
                repo_url: url.clone(),
                revision: self.head(url).await?,
                source: DefinedSource {
                    repo_url: url.clone(),
                    ..source.clone()
                },
            });
        }
        let more = sources.split_off(1);
        let Some(first) = sources.pop() else {
            return Ok(None);
        };
        let input = RenderInput {
            more,
            ..input(
                (&first.repo_url, &first.revision),
                first.source,
                &definition.name,
                &definition.destination.namespace,
            )
        };
        match self.render(&input).await {
            Ok(complete) => Ok(Some(complete)),
            Err(error) => {
                let message = error.to_string();
                folder.problems.push(Problem {
                    stage: "render",
                    reason: reason(&message),
                    place: format!("{}:{}", definition.path, definition.line),
                    message: format!("{what}: {message}"),
                });
                Ok(None)
            }
        }
    }

    /// What an application renders that is a definition.
    async fn children(
        &self,
        folder: &mut Folder,
        root: &Root<'_>,
        parent: &Definition,
        complete: &Complete,
    ) -> Result<Vec<Definition>, Box<dyn Error>> {
        let files: Vec<DefinitionFile> = complete
            .objects
            .iter()
            .map(|manifest| DefinitionFile {
                path: manifest
                    .origin
                    .as_ref()
                    .map_or_else(|| parent.source.path.clone(), |origin| origin.path.clone())
                    + ".json",
                bytes: manifest.body.to_string().into_bytes(),
            })
            .collect();
        let main = TargetRevision("main".to_owned());
        // What it renders itself, and what the files of the source offer besides.
        let mut around = root.around.clone();
        around.extend(referred_to(&files));
        let mut definitions = read_rendered(&files, &around, root.home, root.url, &main);
        folder.generated += self.expand(&mut definitions, root.home).await?;
        problems(folder, &definitions);
        Ok(definitions.applications)
    }

    async fn render(&self, input: &RenderInput) -> Result<Complete, RenderError> {
        let inputs = self.renderer.inputs(&self.mirrors, input).await?;
        self.renderer.render(&self.mirrors, input, &inputs).await
    }

    /// Renders a directory by itself and compares.
    async fn directory(
        &self,
        folder: &mut Folder,
        checkout: &Checkout,
        at: (&str, &Revision),
        path: &str,
        means: Means,
    ) -> Result<(), Box<dyn Error>> {
        let source = DefinedSource {
            repo_url: at.0.to_owned(),
            path: path.to_owned(),
            ..DefinedSource::default()
        };
        let (printed, source) = match means {
            Means::Helm => {
                // Helm itself prints what the renderer reads; what can differ is tested with the renderer.
                match self.render(&input(at, source, "release", "default")).await {
                    Ok(_) => folder.rendered.charts += 1,
                    Err(error) => folder.leave_out(path, format!("chart: {error}")),
                }
                return Ok(());
            }
            Means::Kustomize => {
                let source = DefinedSource {
                    kustomize: Some(KustomizeOptions::default()),
                    ..source
                };
                let printed = stock::build(&self.kustomize, &checkout.on_disk(path));
                (printed, source)
            }
            Means::Plain => {
                let source = DefinedSource {
                    directory: Some(DirectoryOptions::default()),
                    ..source
                };
                match self.as_kustomization(checkout, path)? {
                    Ok(made) => (stock::build(&self.kustomize, &made), source),
                    Err(why) => {
                        folder.leave_out(path, why);
                        return Ok(());
                    }
                }
            }
        };
        let theirs = match printed {
            Ok(printed) => stock::objects(&printed)?,
            Err(why) => {
                folder.leave_out(
                    path,
                    format!(
                        "stock kustomize: {}",
                        why.replace(&*self.work.to_string_lossy(), "")
                    ),
                );
                return Ok(());
            }
        };
        let different = match self.render(&input(at, source, "release", "")).await {
            Ok(ours) => stock::differences(&ours, &theirs),
            Err(error) if theirs.is_empty() => {
                folder.leave_out(
                    path,
                    format!("the stock program makes nothing of it: {error}"),
                );
                return Ok(());
            }
            Err(error) => vec![format!("not rendered here: {error}")],
        };
        let stock = &mut folder.stock;
        match means {
            Means::Kustomize => stock.kustomizations += 1,
            Means::Plain | Means::Helm => stock.plain += 1,
        }
        stock.objects += theirs.len();
        if !different.is_empty() {
            stock.different.push((path.to_owned(), different));
        }
        Ok(())
    }

    /// A copy of a plain directory with a kustomization that names all its files, so that the stock program reads them.
    fn as_kustomization(
        &self,
        checkout: &Checkout,
        path: &str,
    ) -> Result<Result<PathBuf, String>, Box<dyn Error>> {
        let mut names = Vec::new();
        for file in checkout.right_in(path) {
            let documents = count::documents(&String::from_utf8_lossy(&file.bytes));
            let name = file.path.rsplit('/').next().unwrap_or_default();
            if documents.iter().all(|document| document.kind.is_empty()) && !name.ends_with(".json")
            {
                continue;
            }
            names.push(name.to_owned());
        }
        if names.is_empty() {
            return Ok(Err("none of its files holds a Kubernetes object".to_owned()));
        }
        let made = self.work.join("plain").join(path.replace('/', "_"));
        if made.exists() {
            std::fs::remove_dir_all(&made)?;
        }
        std::fs::create_dir_all(&made)?;
        for name in &names {
            std::fs::copy(checkout.on_disk(path).join(name), made.join(name))?;
        }
        let kustomization = serde_json::json!({"resources": names});
        std::fs::write(made.join("kustomization.yaml"), kustomization.to_string())?;
        Ok(Ok(made))
    }
}

fn input(
    (url, revision): (&str, &Revision),
    source: DefinedSource,
    name: &str,
    namespace: &str,
) -> RenderInput {
    RenderInput {
        repo_url: url.to_owned(),
        revision: revision.clone(),
        source,
        more: Vec::new(),
        release_name: name.to_owned(),
        namespace: namespace.to_owned(),
        kube_version: String::new(),
        api_versions: Vec::new(),
        project_name: String::new(),
        project: None,
    }
}

fn problems(folder: &mut Folder, definitions: &Definitions) {
    for problem in &definitions.problems {
        folder.problems.push(Problem {
            stage: "definition",
            reason: reason(&problem.message),
            place: format!("{}:{}", problem.path, problem.line),
            message: problem.message.clone(),
        });
    }
}

/// Counts documents, and finds those of which nothing is said.
fn count_definitions(folder: &mut Folder, checkout: &Checkout, definitions: &Definitions) {
    for file in &checkout.readable {
        let path = file.path.as_str();
        let documents = count::documents(&String::from_utf8_lossy(&file.bytes));
        folder.documents += documents.len();
        for document in documents.iter().filter(|document| document.is_definition()) {
            *folder.definitions.entry(document.kind.clone()).or_default() += 1;
            if definitions.material.iter().any(|file| file == path) {
                folder.leave_out(
                    &format!("{path}:{}", document.first),
                    "it is a patch of a kustomization or a template of a chart, read where that is rendered",
                );
            }
            if !is_said(definitions, path, document) {
                folder.dropped.push(format!(
                    "{path}:{}: {} {}",
                    document.first, document.kind, document.name
                ));
            }
        }
        if matches!(path.rsplit('/').next(), Some("fleet.yaml" | "fleet.yml")) {
            *folder
                .definitions
                .entry("fleet.yaml".to_owned())
                .or_default() += 1;
            if !is_named(definitions, path) {
                folder.dropped.push(format!("{path}: a bundle of Fleet"));
            }
        }
    }
}

fn is_said(definitions: &Definitions, path: &str, document: &Counted) -> bool {
    let deployed = definitions
        .applications
        .iter()
        .any(|one| one.path == path && document.holds(one.line));
    let refused = definitions
        .problems
        .iter()
        .any(|one| one.path == path && document.holds(one.line));
    let read = definitions
        .documents
        .iter()
        .any(|one| one.path == path && document.holds(one.line));
    // Those of a render are counted as children; a patch or a template is nothing by itself.
    let expanded = definitions
        .sets
        .iter()
        .any(|set| set.path == path && document.holds(set.line));
    let elsewhere = definitions.material.iter().any(|file| file == path)
        || definitions
            .documents
            .iter()
            .any(|one| one.rendered && one.path == path && document.holds(one.line));
    // A file that cannot be split into documents is one problem for all that it holds.
    let broken = !definitions.documents.iter().any(|one| one.path == path)
        && definitions.problems.iter().any(|one| one.path == path);
    deployed || refused || broken || elsewhere || expanded || (read && !document.deploys())
}

fn is_named(definitions: &Definitions, path: &str) -> bool {
    let applications = definitions.applications.iter().map(|one| &one.path);
    let problems = definitions.problems.iter().map(|one| &one.path);
    applications.chain(problems).any(|one| one == path)
}
