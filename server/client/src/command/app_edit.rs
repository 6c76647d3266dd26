//! `lockstep app create` and `lockstep app edit`: a file of a root source, previewed, then committed.

use super::Global;
use crate::api::{Api, ClientError};
use crate::apps::Which;
use crate::exit::Exit;
use crate::prompt;
use crate::table::{Table, plain, remark};
use crate::wire::EditBody;
use clap::Args;
use lockstep_types::edit::{Edit, EditDraft, EditKind, EditOutcome, EditPreview};
use lockstep_types::source::SourceView;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How an edit is carried out.
#[derive(Debug, Args)]
struct How {
    /// Only show what the commit would do. Exit code 1 when it could not be made.
    #[arg(long)]
    preview: bool,
    /// Why; goes into the commit message and the audit log.
    #[arg(long, default_value = "")]
    reason: String,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// Add an application: a new file in a root source.
#[derive(Debug, Args)]
pub struct Create {
    /// File with the manifest; `-` reads it from standard input.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// The root source that it is added to; needed when there are several.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Where it lies in the repository; without it: the file's own name in the source's folder.
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    #[command(flatten)]
    how: How,
}

/// Change the definition of an application: the whole file that holds it.
#[derive(Debug, Args)]
pub struct EditFile {
    #[command(flatten)]
    which: Which,
    /// File with the new text; `-` reads it from standard input.
    #[arg(short, long, value_name = "FILE", required_unless_present_any = ["remove", "revision"])]
    file: Option<PathBuf>,
    /// Remove the file from Git. Nothing is deleted from clusters.
    #[arg(long, conflicts_with = "file")]
    remove: bool,
    /// Instead of a file: ask for this revision, the version of a chart, a tag or a branch.
    #[arg(long, conflicts_with_all = ["file", "remove"], value_name = "REVISION")]
    revision: Option<String>,
    #[command(flatten)]
    how: How,
}

impl Create {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let text = text_of(&self.file)?;
        let api = global.open()?;
        let sources: Vec<SourceView> = api.get("/sources", &[]).await?;
        let source = self.choose(&sources)?;
        let draft: EditDraft = api.get(&format!("/sources/{}/new", source.id), &[]).await?;
        let path = match &self.path {
            Some(path) => path.clone(),
            None => self.proposed(&draft.folder)?,
        };
        let edit = Edit {
            source: source.id,
            kind: EditKind::Add,
            path,
            text,
            base: draft.head,
        };
        self.how.carry_out(global, &api, edit).await
    }

    fn choose<'a>(&self, sources: &'a [SourceView]) -> Result<&'a SourceView, ClientError> {
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        match (&self.source, sources) {
            (Some(name), _) => sources
                .iter()
                .find(|source| source.name == *name)
                .ok_or_else(|| {
                    let names = names.join(", ");
                    ClientError::Usage(format!("no source “{name}”; there is {names}"))
                }),
            (None, [only]) => Ok(only),
            (None, []) => Err(ClientError::Usage(
                "no root source is registered; lockstep source add registers one".to_owned(),
            )),
            (None, _) => Err(ClientError::Usage(format!(
                "choose a source with --source: {}",
                names.join(", ")
            ))),
        }
    }

    fn proposed(&self, folder: &str) -> Result<String, ClientError> {
        let name = self.file.file_name().and_then(|name| name.to_str());
        let name = name.filter(|name| *name != "-").ok_or_else(|| {
            ClientError::Usage("say with --path where the file lies in the repository".to_owned())
        })?;
        Ok(if folder.is_empty() {
            name.to_owned()
        } else {
            format!("{folder}/{name}")
        })
    }
}

impl EditFile {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let text = match &self.file {
            Some(file) => Some(text_of(file)?),
            None => None,
        };
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let id = target.target.application.id;
        let wanted: Vec<(&str, &str)> = self
            .revision
            .iter()
            .map(|revision| ("revision", revision.as_str()))
            .collect();
        let draft: EditDraft = api.get(&format!("/apps/{id}/edit"), &wanted).await?;
        let edit = Edit {
            source: draft.source,
            kind: if self.remove {
                EditKind::Remove
            } else {
                EditKind::Replace
            },
            path: draft.path,
            text: match (text, self.remove) {
                (Some(text), _) => text,
                (None, true) => String::new(),
                // With the revision in it that was asked for.
                (None, false) => draft.text,
            },
            base: draft.head,
        };
        self.how.carry_out(global, &api, edit).await
    }
}

impl How {
    async fn carry_out(&self, global: &Global, api: &Api, edit: Edit) -> Result<Exit, ClientError> {
        let preview: EditPreview = api.post("/edits/preview", &edit).await?;
        if self.preview {
            global.show(&preview, summary)?;
            return Ok(if preview.refused.is_empty() {
                Exit::Done
            } else {
                Exit::Failed
            });
        }
        remark(&summary(&preview));
        if !preview.refused.is_empty() {
            return Ok(Exit::Failed);
        }
        if !self.yes && prompt::line("Commit? Type yes")? != "yes" {
            remark("nothing was changed");
            return Ok(Exit::Failed);
        }
        let body = EditBody {
            edit,
            digest: preview.digest,
            reason: self.reason.clone(),
        };
        let outcome: EditOutcome = api.post("/edits", &body).await?;
        global.show(&outcome, |outcome| match outcome {
            EditOutcome::Committed { revision } => {
                format!("committed as {}", revision.short())
            }
            EditOutcome::PushRefused { message } => format!(
                "the Git host refused the push, nothing was changed: {}",
                plain(message)
            ),
            EditOutcome::Moved { head } => format!(
                "the branch moved to {} meanwhile, nothing was changed; run it again",
                head.short()
            ),
        })?;
        Ok(match outcome {
            EditOutcome::Committed { .. } => Exit::Done,
            _ => Exit::Failed,
        })
    }
}

fn text_of(file: &Path) -> Result<String, ClientError> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(ClientError::local("read standard input"))?;
        return Ok(text);
    }
    std::fs::read_to_string(file).map_err(ClientError::local(format!("read {}", file.display())))
}

fn summary(preview: &EditPreview) -> String {
    let mut text = format!("{}\n", preview.first_line);
    for problem in &preview.problems {
        text.push_str(&format!(
            "  {}:{}: {}. {}\n",
            problem.path, problem.line, problem.message, problem.next
        ));
    }
    text.push_str(&preview.patch);
    let mut table = Table::new(&[
        "APP",
        "EFFECT",
        "CLUSTER",
        "CREATE",
        "CONFIGURE",
        "PRUNE",
        "NOTE",
    ]);
    for edited in &preview.applications {
        let name = format!("{}/{}", edited.application.project, edited.application.name);
        let effect = edited.effect.word().to_owned();
        if edited.targets.is_empty() {
            let nothing = String::new;
            table.row([
                name,
                effect,
                nothing(),
                nothing(),
                nothing(),
                nothing(),
                nothing(),
            ]);
            continue;
        }
        for target in &edited.targets {
            let counts = target
                .plan
                .as_ref()
                .map(|plan| plan.counts())
                .unwrap_or_default();
            let gate = target.plan.as_ref().and_then(|plan| plan.gate.first());
            table.row([
                name.clone(),
                effect.clone(),
                target.target.cluster.clone(),
                counts.create.to_string(),
                counts.configure.to_string(),
                counts.prune.to_string(),
                gate.map_or_else(|| target.error.clone(), |finding| finding.message.clone()),
            ]);
        }
    }
    if !preview.applications.is_empty() {
        text.push_str(&table.text());
    }
    for note in &preview.notes {
        text.push_str(&format!("\n{note}"));
    }
    if !preview.refused.is_empty() {
        text.push_str(&format!("\nno commit: {}", preview.refused));
    }
    plain(&text)
}
