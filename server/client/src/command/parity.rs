//! `lockstep parity` and `lockstep promote`: what runs where, and making one environment's versions another's.

use super::Global;
use crate::api::{Api, ClientError, segment};
use crate::exit::Exit;
use crate::prompt;
use crate::table::{Table, plain, remark};
use crate::wire::PromoteBody;
use clap::Args;
use lockstep_types::application::TargetRef;
use lockstep_types::parity::{
    ParityCell, ParityDifference, ParityKind, ParityRow, ParityView, PromotionPreview,
};
use lockstep_types::proposal::CommitOutcome;

/// What runs where, application by environment, unexpected differences first. Exit code 1 when there are any.
#[derive(Debug, Args)]
pub struct Parity {
    /// As on the page: `project:shop words`.
    #[arg(num_args = 0..)]
    filter: Vec<String>,
    /// Label of clusters whose values are the environments, or `cluster`; without it `env` where any cluster has it.
    #[arg(long, default_value = "", value_name = "LABEL")]
    by: String,
    /// Also what is the same everywhere.
    #[arg(long)]
    all: bool,
}

/// Make the images that one environment runs those of another: as a pull request, or with --commit at once.
#[derive(Debug, Args)]
pub struct Promote {
    /// As `lockstep parity` names it: `project/name`, or `name` where that is unambiguous.
    #[arg(value_name = "APP")]
    app: String,
    /// The environment, or the cluster, whose versions are meant.
    #[arg(long, value_name = "ENVIRONMENT")]
    from: String,
    /// The environment, or the cluster, that shall have them.
    #[arg(long, value_name = "ENVIRONMENT")]
    to: String,
    /// Label of clusters whose values are the environments, or `cluster`; without it `env` where any cluster has it.
    #[arg(long, default_value = "", value_name = "LABEL")]
    by: String,
    /// Why; goes into the commit message.
    #[arg(long, default_value = "")]
    reason: String,
    /// On the tracked branch at once, instead of a pull request.
    #[arg(long)]
    commit: bool,
    /// Also where other applications read the file that states it.
    #[arg(long)]
    everywhere: bool,
    /// Write nothing, say what would be written.
    #[arg(long)]
    preview: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl Parity {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let filter = self.filter.join(" ");
        let api = global.open()?;
        let view = asked(&api, &filter, &self.by, self.all).await?;
        global.show(&view, text)?;
        Ok(match view.rows.iter().any(|row| row.unexpected() > 0) {
            true => Exit::Failed,
            false => Exit::Done,
        })
    }
}

async fn asked(api: &Api, filter: &str, by: &str, all: bool) -> Result<ParityView, ClientError> {
    let all = if all { "true" } else { "false" };
    let query = [("filter", filter), ("by", by), ("all", all)];
    let view: ParityView = api.get("/parity", &query).await?;
    match &view.filter_error {
        Some((at, why)) => Err(ClientError::Usage(format!("the filter, at {at}: {why}"))),
        None => Ok(view),
    }
}

fn text(view: &ParityView) -> String {
    if view.rows.is_empty() {
        return match view.folded {
            0 => "nothing runs in more than one place\n".to_owned(),
            number => format!("all {number} applications run the same everywhere\n"),
        };
    }
    let names: Vec<String> = view
        .environments
        .iter()
        .map(|environment| match environment.name.is_empty() {
            true => format!("(WITHOUT {})", view.by.to_uppercase()),
            false => environment.name.to_uppercase(),
        })
        .collect();
    let mut heads = vec!["APP", "DIFFERENCE", "NAME"];
    heads.extend(names.iter().map(String::as_str));
    heads.push("WHY");
    let mut table = Table::new(&heads);
    for row in &view.rows {
        let app = named(row);
        if row.differences.is_empty() {
            table.row([app, "none".to_owned()]);
            continue;
        }
        for found in &row.differences {
            let mut cells = vec![app.clone(), kind(found), found.name.clone()];
            cells.extend(found.values.iter().map(|values| shown(found.kind, values)));
            cells.push(found.why.clone());
            table.row(cells);
        }
    }
    let mut text = table.text();
    if view.folded > 0 {
        text.push_str(&format!(
            "{} more run the same everywhere; --all shows them\n",
            view.folded
        ));
    }
    if view.cut > 0 {
        text.push_str(&format!(
            "{} more were not looked at; a filter brings them\n",
            view.cut
        ));
    }
    text
}

fn kind(found: &ParityDifference) -> String {
    match found.unexpected {
        true => found.kind.word().to_owned(),
        false => format!("{} (expected)", found.kind.word()),
    }
}

fn shown(kind: ParityKind, values: &[String]) -> String {
    if values.is_empty() {
        return "-".to_owned();
    }
    let each: Vec<&str> = values
        .iter()
        .map(|value| match kind {
            ParityKind::Revision => value.get(..8).unwrap_or(value),
            _ => value,
        })
        .collect();
    each.join(", ")
}

/// `project/name`.
fn named(row: &ParityRow) -> String {
    format!("{}/{}", row.project, row.group)
}

impl Promote {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let view = asked(&api, "", &self.by, true).await?;
        let row = self.row(&view).map_err(ClientError::Usage)?;
        let origin = self.origin(&view, row).map_err(ClientError::Usage)?;
        let places = cells(&view, row, &self.to).map_err(ClientError::Usage)?;
        let mut exit = Exit::Done;
        for place in places.iter().filter(|cell| cell.target.id != origin.id) {
            if self.one(global, &api, origin, &place.target).await? != Exit::Done {
                exit = Exit::Failed;
            }
        }
        Ok(exit)
    }

    fn row<'v>(&self, view: &'v ParityView) -> Result<&'v ParityRow, String> {
        let is_it = |row: &&ParityRow| row.group == self.app || named(row) == self.app;
        let found: Vec<&ParityRow> = view.rows.iter().filter(is_it).collect();
        match found.as_slice() {
            [row] => Ok(row),
            [] => Err(format!(
                "{:?} is not in more than one place; lockstep parity --all shows what is",
                self.app
            )),
            several => {
                let names: Vec<String> = several.iter().map(|row| named(row)).collect();
                Err(format!("{:?} may be {}", self.app, names.join(" or ")))
            }
        }
    }

    /// The one target whose versions are meant; several will do while they run the same.
    fn origin<'v>(&self, view: &ParityView, row: &'v ParityRow) -> Result<&'v TargetRef, String> {
        let cells = cells(view, row, &self.from)?;
        let images = |cell: &&ParityCell| cell.versions.as_ref().map(|it| it.images.clone());
        let first = cells.first().ok_or("nothing runs there")?;
        if cells.iter().any(|cell| images(cell) != images(first)) {
            let clusters: Vec<&str> = cells
                .iter()
                .map(|cell| cell.target.cluster.as_str())
                .collect();
            return Err(format!(
                "{} runs several versions in {}; say --from one of {}",
                named(row),
                self.from,
                clusters.join(", ")
            ));
        }
        Ok(&first.target)
    }

    async fn one(
        &self,
        global: &Global,
        api: &Api,
        from: &TargetRef,
        to: &TargetRef,
    ) -> Result<Exit, ClientError> {
        let address = format!("/apps/{}/targets/{}/promote", to.application.id, to.id);
        let preview = format!(
            "{address}/preview?from={}&everywhere={}",
            segment(&from.id.to_string()),
            self.everywhere
        );
        let preview: PromotionPreview = api.get(&preview, &[]).await?;
        if self.preview {
            global.show(&preview, summary)?;
        } else {
            remark(&summary(&preview));
        }
        if !preview.refused.is_empty() {
            return Ok(Exit::Failed);
        }
        if self.preview || preview.is_done() {
            return Ok(Exit::Done);
        }
        if !self.yes && prompt::line("Promote that? Type yes")? != "yes" {
            remark("nothing was changed");
            return Ok(Exit::Failed);
        }
        let body = PromoteBody {
            from: from.id,
            digest: preview.digest,
            reason: self.reason.clone(),
            commit: self.commit,
            everywhere: self.everywhere,
        };
        let outcome: CommitOutcome = api.post(&address, &body).await?;
        super::app_rollback::tell(global, &outcome)
    }
}

/// The targets of an environment, or of a cluster, in a row.
fn cells<'v>(
    view: &ParityView,
    row: &'v ParityRow,
    named_so: &str,
) -> Result<Vec<&'v ParityCell>, String> {
    let column = view
        .environments
        .iter()
        .position(|environment| environment.name == named_so && !named_so.is_empty());
    let found: Vec<&ParityCell> = match column {
        Some(column) => row.cells.get(column).into_iter().flatten().collect(),
        None => row
            .cells
            .iter()
            .flatten()
            .filter(|cell| cell.target.cluster == named_so)
            .collect(),
    };
    if found.is_empty() {
        let names: Vec<&str> = view
            .environments
            .iter()
            .map(|environment| environment.name.as_str())
            .filter(|name| !name.is_empty())
            .collect();
        return Err(format!(
            "{} is not in {named_so:?}; environments are {}, and clusters can be named too",
            named(row),
            names.join(", ")
        ));
    }
    Ok(found)
}

fn summary(preview: &PromotionPreview) -> String {
    let mut text = format!(
        "{} on {} → {} on {}\n",
        preview.from.application.name,
        preview.from.cluster,
        preview.to.application.name,
        preview.to.cluster
    );
    if preview.refused.is_empty() {
        text.push_str(&format!("{}\n", preview.first_line));
    } else {
        text.push_str(&format!("not possible: {}\n", preview.refused));
    }
    for note in &preview.notes {
        text.push_str(&format!("{note}\n"));
    }
    if let Some(revision) = &preview.revision {
        let to = &preview.to.application;
        text.push_str(&format!(
            "lockstep app edit {}/{} --revision {revision} asks for it there\n",
            to.project, to.name
        ));
    }
    if let Some(commit) = &preview.commit {
        text.push_str(&format!("\n{}", commit.patch));
    }
    plain(&text)
}
