//! `lockstep app blame`: who changed what in the cluster, and of one object who wrote each line in Git.

use super::Global;
use super::look::drift;
use crate::api::ClientError;
use crate::apps::{Which, object, path};
use crate::exit::Exit;
use crate::table::Table;
use clap::Args;
use lockstep_types::blame::{BlameView, BlamedOn};
use lockstep_types::drift::DriftRow;

/// Who changed what in the cluster, field by field; with an object, who wrote each of its lines in Git.
#[derive(Debug, Args)]
pub struct Blame {
    #[command(flatten)]
    which: Which,
    /// The object, as `app tree` names it: `apps/Deployment:shop/cart`.
    object: Option<String>,
}

impl Blame {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let key = self.object.as_deref().map(object).transpose()?;
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        if let Some(key) = key {
            let address = path(&target, "/blame");
            let view: BlameView = api.get(&address, &[("key", &key.to_string())]).await?;
            return global.show(&view, lines);
        }
        let mut rows: Vec<DriftRow> = api.get("/drift", &[("all", "true")]).await?;
        rows.retain(|row| row.target.id == target.target.id);
        global.list(
            &rows,
            |rows, wide| drift(rows, wide),
            |rows| rows.iter().map(|row| row.key.to_string()).collect(),
        )
    }
}

/// As `git blame` writes it: commit, author, day, file and line, then the line itself.
fn lines(view: &BlameView) -> String {
    let mut table = Table::new(&["COMMIT", "AUTHOR", "DATE", "DECLARED IN", "LINE"]);
    for line in &view.lines {
        let commit = line
            .commit
            .and_then(|index| view.commits.get(usize::try_from(index).ok()?));
        let place = match &line.by {
            BlamedOn::Nothing => String::new(),
            BlamedOn::Definition => "the definition".to_owned(),
            BlamedOn::File(origin) => match origin.line {
                Some(number) => format!("{}:{number}", origin.path),
                None => origin.path.clone(),
            },
        };
        let day = |commit: &lockstep_types::revision::CommitInfo| {
            commit.committed_at.rfc3339().chars().take(10).collect()
        };
        table.row([
            commit.map_or_else(String::new, |it| it.revision.short().to_owned()),
            commit.map_or_else(String::new, |it| it.author.clone()),
            commit.map_or_else(String::new, day),
            place,
            line.text.clone(),
        ]);
        if let Some(change) = &line.live {
            let by = change.manager.as_deref().unwrap_or("nobody known");
            let value = change
                .live
                .as_ref()
                .map_or_else(|| "nothing".to_owned(), ToString::to_string);
            let text = format!("  ^ the cluster has {value}, written by {by}");
            let empty = String::new;
            table.row([empty(), empty(), empty(), empty(), text]);
        }
    }
    let mut text = table.text();
    if !view.note.is_empty() {
        text.push_str(&crate::table::plain(&view.note));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::blame::BlameLine;
    use lockstep_types::resource::{Origin, ResourceKey};
    use lockstep_types::revision::{CommitInfo, Revision};
    use lockstep_types::time::Micros;

    #[test]
    fn lines_stand_beside_their_commits() {
        let line = |text: &str, by, commit| BlameLine {
            text: text.to_owned(),
            path: String::new(),
            by,
            commit,
            live: None,
        };
        let file = |line| {
            BlamedOn::File(Origin {
                path: "base/cart.yaml".to_owned(),
                line,
            })
        };
        let view = BlameView {
            key: ResourceKey::new("apps", "Deployment", "shop", "cart"),
            revision: Revision("c".repeat(40)),
            repo: "shop".to_owned(),
            lines: vec![
                line("kind: Deployment", file(Some(2)), Some(0)),
                line("spec:", BlamedOn::Nothing, None),
                line("  replicas: 3", file(None), Some(0)),
                line("  paused: no\u{1b}[2J", BlamedOn::Definition, None),
            ],
            commits: vec![CommitInfo {
                revision: Revision("a".repeat(40)),
                parents: Vec::new(),
                subject: String::new(),
                body: String::new(),
                author: "Ana".to_owned(),
                author_email: String::new(),
                authored_at: Micros(0),
                committer: String::new(),
                committed_at: Micros(0),
            }],
            cluster_only: Vec::new(),
            note: String::new(),
        };
        let text = lines(&view);
        let said: Vec<Vec<&str>> = text
            .lines()
            .skip(1)
            .map(|line| {
                line.split("  ")
                    .map(str::trim)
                    .filter(|cell| !cell.is_empty())
                    .collect()
            })
            .collect();
        assert_eq!(
            said,
            [
                vec![
                    "aaaaaaa",
                    "Ana",
                    "1970-01-01",
                    "base/cart.yaml:2",
                    "kind: Deployment"
                ],
                vec!["spec:"],
                vec![
                    "aaaaaaa",
                    "Ana",
                    "1970-01-01",
                    "base/cart.yaml",
                    "replicas: 3"
                ],
                vec!["the definition", "paused: no\u{fffd}[2J"],
            ]
        );
    }
}
