//! Reads the definitions of a root source at its newest revision and records applications and problems together.

use super::sets::{self, Expanded, Owner};
use crate::reconcile::{definitions, inputs, permit};
use crate::runtime::memory::Failing;
use crate::runtime::{Runtime, now};
use crate::store::application::{ApplicationRow, SeenApplication};
use crate::store::source::SourceRow;
use crate::store::{self, StoreError};
use engine::check::UserCheck;
use engine::definition::project::{Project, Rules};
use engine::definition::{Definition, DefinitionFile, DefinitionProblem, ImageRules, Notices};
use engine::masking::MaskingRules;
use engine::source::{FileKind, SourceError};
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::id::{ApplicationId, SourceId};
use lockstep_types::revision::{PathChange, PathChangeKind, Revision};
use std::collections::BTreeSet;

/// More files than any root source has.
const FILES: usize = 20_000;
/// Changed files that are looked into one by one before all are read anew.
const CHANGES: usize = 100;

/// Brings the applications of a source up to date with the revision its repository was fetched at; gives those whose
/// definition changed.
pub(super) async fn definitions(
    runtime: &Runtime,
    key: &str,
    id: SourceId,
) -> Result<Vec<ApplicationId>, StoreError> {
    let source = match store::source::get(runtime.store(), id).await {
        Ok(source) => source,
        Err(StoreError::NotFound { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let Some(known) = runtime.memory().resolution(key, &source.target_revision) else {
        return Ok(Vec::new());
    };
    if let Some(failing) = &known.failing {
        failed(runtime, id, failing).await?;
    }
    let Some(revision) = known.revision else {
        return Ok(Vec::new());
    };
    let owner = Owner::source(id);
    let clusters = runtime.memory().clusters_changed();
    let listed = sets::standing(runtime, &runtime.memory().sets(&owner).listed);
    let read = (revision.clone(), clusters, listed);
    if runtime.memory().was_read(id, &read) && (source.error.is_empty() || known.failing.is_some())
    {
        store::source::touch_read(runtime.store(), id, now()).await?;
        return Ok(Vec::new());
    }
    if source.error.is_empty()
        && let Some((before, clusters, listed)) = runtime.memory().last_read(id)
        && (clusters, &listed) == (read.1, &read.2)
        && defines_the_same(runtime, &source, &before, &revision).await
    {
        let mut tx = runtime.store().begin().await?;
        store::source::set_read(&mut tx, id, &revision, &source.problems).await?;
        tx.commit().await?;
        runtime.memory().has_read(id, read);
        return Ok(Vec::new());
    }
    match files(runtime, &source, &revision).await {
        Ok(files) => {
            let changed = record(runtime, &source, &revision, &files).await?;
            let listed = runtime.memory().sets(&owner).standing.clone();
            let read = (revision, clusters, listed);
            runtime.memory().has_read(id, read);
            let literal = !files
                .iter()
                .any(|file| engine::definition::may_generate(&file.path, &file.bytes));
            runtime.memory().is_literal(id, literal);
            runtime.activator().activate_all();
            Ok(changed)
        }
        Err(error) => {
            let failing = Failing {
                since: now(),
                error: error.to_string(),
                next: error.next().to_owned(),
            };
            failed(runtime, id, &failing).await?;
            Ok(Vec::new())
        }
    }
}

/// Whether no file that could define anything differs between two revisions. Files that come or go are looked at, and
/// so is a commit that changes very many.
async fn defines_the_same(
    runtime: &Runtime,
    source: &SourceRow,
    before: &Revision,
    now: &Revision,
) -> bool {
    let url = &source.repo_url;
    let Some(changes) = inputs::changes(runtime, url, before, now).await else {
        return false;
    };
    let below: Vec<&PathChange> = changes
        .iter()
        .filter(|change| is_within(&change.path, &source.path))
        .collect();
    if below.len() > CHANGES
        || below
            .iter()
            .any(|change| change.kind != PathChangeKind::Modified)
    {
        return false;
    }
    for change in below {
        for revision in [before, now] {
            let Ok(snapshot) = runtime.mirrors().snapshot(url, revision).await else {
                return false;
            };
            let path = change.path.clone();
            let may = tokio::task::spawn_blocking(move || {
                let files = snapshot.files(&path).ok()?;
                let bytes = snapshot.read(files.first()?).ok()?;
                Some(engine::definition::may_define(&path, &bytes))
            });
            if may.await.ok().flatten() != Some(false) {
                return false;
            }
        }
    }
    true
}

fn is_within(path: &str, folder: &str) -> bool {
    let folder = folder.trim_matches('/');
    folder.is_empty()
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Notes why a source cannot be read; its applications stay.
pub(super) async fn failed(
    runtime: &Runtime,
    id: SourceId,
    failing: &Failing,
) -> Result<(), StoreError> {
    let text = if failing.next.is_empty() {
        format!("{}.", failing.error)
    } else {
        format!("{}. {}", failing.error, failing.next)
    };
    let known = match store::source::get(runtime.store(), id).await {
        Ok(source) => source.error,
        Err(StoreError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    if known == text {
        return Ok(());
    }
    let mut tx = runtime.store().begin().await?;
    store::source::set_error(&mut tx, id, &text).await?;
    tx.commit().await?;
    Ok(())
}

pub(super) async fn files(
    runtime: &Runtime,
    source: &SourceRow,
    revision: &Revision,
) -> Result<Vec<DefinitionFile>, SourceError> {
    let found = runtime
        .mirrors()
        .files(&source.repo_url, revision, &source.path)
        .await?;
    let yaml = |path: &str| {
        [".yaml", ".yml", ".json"]
            .iter()
            .any(|ending| path.ends_with(ending))
    };
    let mut files = Vec::new();
    for file in found.into_iter().filter(|file| {
        matches!(file.kind, FileKind::File | FileKind::Executable) && yaml(&file.path)
    }) {
        if files.len() == FILES {
            return Err(SourceError::Unsupported(format!(
                "{} holds more than {FILES} YAML files; give the folder of the definitions as path of the source",
                source.name
            )));
        }
        let bytes = runtime.mirrors().read(&source.repo_url, &file.oid).await?;
        files.push(DefinitionFile {
            path: file.path,
            bytes,
        });
    }
    Ok(files)
}

/// What a source defines at a revision: rows as they would be recorded, and what is broken. Records nothing.
///
/// # Errors
/// The outer error when the database cannot be read; the inner one when the files cannot.
pub(crate) async fn defined_at(
    runtime: &Runtime,
    source: &SourceRow,
    revision: &Revision,
) -> Result<Result<Found, SourceError>, StoreError> {
    match files(runtime, source, revision).await {
        Ok(files) => {
            let mut defined = defined(runtime, source, &files).await?;
            let known = store::application::by_source(runtime.store(), source.id).await?;
            defined.keep(source, &known);
            Ok(Ok((defined.seen, defined.problems)))
        }
        Err(error) => Ok(Err(error)),
    }
}

/// Applications that are defined, and problems with the other documents.
pub(crate) type Found = (Vec<SeenApplication>, Vec<DefinitionProblem>);

/// What the files of a source say, before anything of it is recorded.
struct Defined {
    seen: Vec<SeenApplication>,
    problems: Vec<DefinitionProblem>,
    projects: Vec<Project>,
    health_scripts: Vec<UserCheck>,
    notices: Notices,
    image_rules: ImageRules,
    masking: MaskingRules,
    sets: Expanded,
}

impl Defined {
    /// A definition that is broken now is not gone: it stays as it was last read. So does an application of a set that
    /// could not be generated whole. What is hidden in its objects is that of now.
    fn keep(&mut self, source: &SourceRow, known: &[ApplicationRow]) {
        let broken_keys: BTreeSet<String> = self
            .problems
            .iter()
            .filter_map(|problem| problem.key.as_ref())
            .map(|key| definitions::row_key(source, key))
            .collect();
        let present: BTreeSet<String> = self.seen.iter().map(|row| row.key.clone()).collect();
        self.seen.extend(
            known
                .iter()
                .filter(|row| {
                    (broken_keys.contains(&row.key) || self.sets.unfinished.holds(row))
                        && !present.contains(&row.key)
                })
                .map(|row| as_seen(row).hiding(&self.masking)),
        );
    }
}

async fn defined(
    runtime: &Runtime,
    source: &SourceRow,
    files: &[DefinitionFile],
) -> Result<Defined, StoreError> {
    let engine::definition::Definitions {
        applications: mut defined,
        sets: defined_sets,
        mut projects,
        problems: mut broken,
        unreadable,
        health_scripts,
        mut masking,
        notices,
        image_rules,
        material,
        ..
    } = engine::definition::read_source(
        files,
        &source.home_cluster,
        &source.repo_url,
        &source.target_revision,
    );
    let clusters = store::cluster::list(runtime.store()).await?;
    let mut expanded = sets::expand(runtime, source, None, &defined_sets, &clusters).await;
    expanded.unfinished.note_files(unreadable);
    projects.extend(unread_projects(runtime, source, &expanded, &projects).await?);
    // The template of a chart holds no rules, broken or not.
    let mut unread = MaskingRules::unread(files).into_iter();
    if unread.any(|path| !material.contains(&path)) {
        let known = store::application::by_source(runtime.store(), source.id).await?;
        known_masking(
            &mut masking,
            known.iter().map(|row| row.definition.as_str()),
        );
    }
    defined.append(&mut expanded.members);
    broken.append(&mut expanded.problems);
    for definition in &mut defined {
        Rules::give(definition, &projects);
        definition.masking.clone_from(&masking);
    }
    let mut seen: Vec<SeenApplication> = Vec::new();
    let mut keys = BTreeSet::new();
    for definition in &defined {
        if !keys.insert(definition.key.clone()) {
            broken.push(twice(definition));
            continue;
        }
        let cluster = match definitions::places(definition, &source.home_cluster, &clusters) {
            // A name over several clusters has none of them in it.
            Ok(mut places) if places.len() == 1 => places.pop().map(|(cluster, _)| cluster),
            Ok(_) => None,
            Err((message, next)) => {
                broken.push(DefinitionProblem {
                    key: None,
                    path: definition.path.clone(),
                    line: definition.line,
                    field: match definition.placement {
                        Some(_) => "spec.targets",
                        None => "spec.destination",
                    }
                    .to_owned(),
                    message,
                    next,
                });
                None
            }
        };
        if let Some(cluster) = &cluster {
            let home = &source.home_cluster;
            broken.extend(permit::problem(definition, home, cluster, &clusters));
        }
        match definitions::seen(source, definition, cluster.as_deref(), None) {
            Ok(row) => seen.push(row),
            Err(error) => broken.push(unwritable(definition, &error)),
        }
    }
    Ok(Defined {
        seen,
        problems: broken,
        projects,
        health_scripts,
        notices,
        image_rules,
        masking,
        sets: expanded,
    })
}

/// Adds what is hidden in the applications that are known: rules that cannot be read now show nothing.
fn known_masking<'d>(masking: &mut MaskingRules, definitions: impl Iterator<Item = &'d str>) {
    for definition in definitions {
        if let Ok(known) = serde_json::from_str::<Definition>(definition) {
            masking.add(&known.masking);
        }
    }
}

impl SeenApplication {
    /// A row that is kept as it was, but for what is hidden in its objects.
    pub(crate) fn hiding(mut self, masking: &MaskingRules) -> Self {
        if let Ok(mut definition) = serde_json::from_str::<Definition>(&self.definition)
            && definition.masking != *masking
        {
            definition.masking.clone_from(masking);
            if let Ok(definition) = serde_json::to_string(&definition) {
                self.definition = definition;
            }
        }
        self
    }
}

/// Projects of files that cannot be read now, as they were last read: a broken file lifts no limits.
async fn unread_projects(
    runtime: &Runtime,
    source: &SourceRow,
    expanded: &Expanded,
    read: &[Project],
) -> Result<Vec<Project>, StoreError> {
    if !expanded.unfinished.has_files() {
        return Ok(Vec::new());
    }
    let mut unread: Vec<Project> = Vec::new();
    for row in store::application::by_source(runtime.store(), source.id).await? {
        let rules = serde_json::from_str::<Definition>(&row.definition)
            .ok()
            .and_then(|definition| definition.rules);
        if let Some(Rules { project, .. }) = rules.map(|rules| *rules)
            && project.is_defined()
            && expanded.unfinished.misses(&project.path)
            && !read
                .iter()
                .chain(&unread)
                .any(|known| known.name == project.name)
        {
            unread.push(project);
        }
    }
    Ok(unread)
}

async fn record(
    runtime: &Runtime,
    source: &SourceRow,
    revision: &Revision,
    files: &[DefinitionFile],
) -> Result<Vec<ApplicationId>, StoreError> {
    let offers_news =
        runtime
            .memory()
            .offer(source.id, None, engine::definition::referred_to(files));
    let mut defined = defined(runtime, source, files).await?;
    let projects = std::mem::take(&mut defined.projects);
    let scripts = std::mem::take(&mut defined.health_scripts);
    let other_checks = runtime
        .memory()
        .set_health_scripts(source.id, None, scripts);
    let notices = std::mem::take(&mut defined.notices);
    runtime.memory().set_notices(source.id, None, notices);
    let rules = std::mem::take(&mut defined.image_rules);
    runtime.memory().set_image_rules(source.id, None, rules);
    let other_limits = runtime.memory().set_projects(source.id, projects);
    sets::remember(runtime, Owner::source(source.id), &mut defined.sets);
    let _alone = runtime.limits().definitions.lock().await;
    // What applications render stays defined as long as they are; their own passes bring it up to date.
    let known = store::application::by_source(runtime.store(), source.id).await?;
    defined.keep(source, &known);
    let Defined {
        mut seen,
        problems: broken,
        masking,
        ..
    } = defined;
    let children = children_of(&known, &seen);
    seen.extend(children.into_iter().map(|row| row.hiding(&masking)));
    let now = now();
    let problems: Vec<_> = broken
        .into_iter()
        .map(|found| definitions::problem(source, found, None, now))
        .collect();
    let mut tx = runtime.store().begin().await?;
    let reconciled = store::application::reconcile(&mut tx, source.id, revision, &seen).await?;
    store::source::set_read(&mut tx, source.id, revision, &problems).await?;
    if reconciled != store::application::Reconciled::default() {
        tx.announce(Subject::Source(source.name.clone()), EventKind::Changed);
    }
    tx.commit().await?;
    tracing::info!(
        event.name = "source.read", source.name = %source.name, revision = %revision,
        applications = seen.len(), problems = problems.len(), added = reconciled.added.len(),
        changed = reconciled.changed.len(), gone = reconciled.gone.len(), "definitions were read"
    );
    let mut changed = reconciled.changed;
    if offers_news {
        // What an application renders may refer to it: each looks at its children again.
        changed = seen.iter().map(|row| row.id).collect();
    }
    let woken = if other_limits || other_checks {
        // Children get the limits of their projects when their parents are looked at; health scripts are for all.
        seen.iter().map(|row| row.id).collect()
    } else {
        changed.clone()
    };
    for id in &woken {
        for target in store::target::of_application(runtime.store(), *id).await? {
            runtime.activator().activate_target(target.id);
        }
    }
    Ok(changed)
}

/// Rows of children whose parents (and their parents) are still defined.
fn children_of(known: &[ApplicationRow], roots: &[SeenApplication]) -> Vec<SeenApplication> {
    let mut alive: BTreeSet<_> = roots.iter().map(|row| row.id).collect();
    let mut kept = Vec::new();
    loop {
        let before = kept.len();
        for row in known {
            if row.parent.is_some_and(|parent| alive.contains(&parent)) && alive.insert(row.id) {
                kept.push(as_seen(row));
            }
        }
        if kept.len() == before {
            return kept;
        }
    }
}

/// A stored row as it was seen.
pub(crate) fn as_seen(row: &ApplicationRow) -> SeenApplication {
    SeenApplication {
        id: row.id,
        key: row.key.clone(),
        group: row.group.clone(),
        name: row.name.clone(),
        project: row.project.clone(),
        dialect: row.dialect,
        definition: row.definition.clone(),
        path: row.path.clone(),
        line: row.line,
        parent: row.parent,
    }
}

fn twice(definition: &Definition) -> DefinitionProblem {
    DefinitionProblem {
        key: None,
        path: definition.path.clone(),
        line: definition.line,
        field: "metadata.name".to_owned(),
        message: format!(
            "{} {} is defined twice; the first one counts",
            definition.dialect.words(),
            definition.name
        ),
        next: "Remove one of the two, or rename it.".to_owned(),
    }
}

fn unwritable(definition: &Definition, error: &serde_json::Error) -> DefinitionProblem {
    DefinitionProblem {
        key: None,
        path: definition.path.clone(),
        line: definition.line,
        field: String::new(),
        message: format!("the definition cannot be stored: {error}"),
        next: "Correct the definition in Git.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::masking::FieldRule;
    use lockstep_types::application::Dialect;
    use lockstep_types::revision::TargetRevision;

    const APPLICATION: &str = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop, namespace: argocd}\nspec:\n  project: default\n  source: {repoURL: 'https://git.example.org/shop', path: a, targetRevision: main}\n  destination: {name: home, namespace: shop}\n";

    fn rules(field: &str) -> MaskingRules {
        MaskingRules {
            annotations: Vec::new(),
            fields: vec![FieldRule {
                group: String::new(),
                kind: "ConfigMap".to_owned(),
                path: vec!["data".to_owned(), field.to_owned()],
            }],
        }
    }

    fn row(masking: &MaskingRules) -> SeenApplication {
        let files = [DefinitionFile {
            path: "apps/shop.yaml".to_owned(),
            bytes: APPLICATION.as_bytes().to_vec(),
        }];
        let main = TargetRevision("main".to_owned());
        let url = "https://git.example.org/root";
        let mut read = engine::definition::read_source(&files, "home", url, &main);
        let mut definition = read.applications.pop().unwrap();
        definition.masking.clone_from(masking);
        let source = SourceId(uuid::Uuid::nil());
        SeenApplication {
            id: definition.key.application_id(source),
            key: String::new(),
            group: String::new(),
            name: definition.name.clone(),
            project: String::new(),
            dialect: Dialect::ArgoApplication,
            definition: serde_json::to_string(&definition).unwrap(),
            path: definition.path.clone(),
            line: definition.line,
            parent: None,
        }
    }

    #[test]
    fn attack_64_rules_that_cannot_be_read_hide_what_they_hid() {
        let known = [row(&rules("a")), row(&rules("b"))];
        let mut masking = rules("c");
        known_masking(
            &mut masking,
            known.iter().map(|row| row.definition.as_str()),
        );
        let mut fields = masking.fields.iter().map(|rule| rule.path[1].as_str());
        assert!(fields.by_ref().eq(["c", "a", "b"]), "{masking:?}");
    }

    #[test]
    fn attack_64_rows_that_are_kept_hide_what_is_hidden_now() {
        let kept = row(&rules("a")).hiding(&rules("b"));
        let definition: Definition = serde_json::from_str(&kept.definition).unwrap();
        assert_eq!(definition.masking, rules("b"));
        assert_eq!(row(&rules("b")).definition, kept.definition);
        // What cannot be read is left alone.
        let mut odd = row(&rules("a"));
        odd.definition = "{}".to_owned();
        assert_eq!(odd.hiding(&rules("b")).definition, "{}");
    }
}
