//! `lockstep app leftovers` and `remove`: what applications left behind when their definitions left Git.

use super::Global;
use crate::api::{Api, ClientError, segment};
use crate::exit::Exit;
use crate::table::{Table, remark, say};
use crate::wire::{RemovalBody, Started};
use clap::Args;
use lockstep_types::leftover::{Leftovers, RemovalPreview};
use lockstep_types::plan::{Action, Plan};
use serde_json::json;

/// Decide what becomes of what an application left: without a choice, show what each would do.
#[derive(Debug, Args)]
pub struct Remove {
    /// `project/name`, or `name` where that is unambiguous; the application's definition has left Git.
    #[arg(value_name = "APP")]
    app: String,
    /// Which of the clusters on which it left something.
    #[arg(short, long)]
    cluster: Option<String>,
    /// Keep the objects as they are and forget them.
    #[arg(long, conflicts_with = "delete")]
    leave: bool,
    /// Delete exactly what the plan with this digest shows; run the command without a choice to see both.
    #[arg(long, value_name = "DIGEST", requires = "confirm")]
    delete: Option<String>,
    /// The application's name once more, to confirm the deletion.
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
    /// Why, for the audit log.
    #[arg(long, default_value = "")]
    reason: String,
}

impl Remove {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let left = self.find(&api).await?;
        let path = format!("/leftovers/{}", segment(&left.target.id.to_string()));
        if self.leave {
            let started: Started = api.post(&format!("{path}/leave"), &json!({})).await?;
            return global.show(&started, |_| {
                format!("{} is being forgotten; its objects stay", name(&left))
            });
        }
        if let Some(digest) = &self.delete {
            let body = RemovalBody {
                digest: digest.clone(),
                typed: self.confirm.clone().unwrap_or_default(),
                reason: self.reason.clone(),
            };
            let started: Started = api.post(&format!("{path}/remove"), &body).await?;
            return global.show(&started, |started| {
                format!("removal asked for: operation {}", started.operation)
            });
        }
        let preview: RemovalPreview = api.get(&path, &[]).await?;
        if !preview.error.is_empty() {
            remark(&preview.error);
        }
        global.show(&preview, shown)
    }

    async fn find(&self, api: &Api) -> Result<Leftovers, ClientError> {
        let all: Vec<Leftovers> = api.get("/leftovers", &[]).await?;
        self.choose(all).map_err(ClientError::Usage)
    }

    fn choose(&self, all: Vec<Leftovers>) -> Result<Leftovers, String> {
        let mut named: Vec<Leftovers> = all
            .into_iter()
            .filter(|left| {
                let application = &left.target.application;
                application.name == self.app
                    || name(left) == self.app
                    || application.id.to_string() == self.app
            })
            .filter(|left| {
                let cluster = self.cluster.as_ref();
                cluster.is_none_or(|cluster| *cluster == left.target.cluster)
            })
            .collect();
        match (named.pop(), named.is_empty()) {
            (Some(only), true) => Ok(only),
            (None, _) => Err(format!(
                "“{}” left nothing behind, is still defined in Git, or you may not see it; lockstep app leftovers shows all",
                self.app
            )),
            (Some(one), false) => {
                named.push(one);
                let places: Vec<String> = named
                    .iter()
                    .map(|left| format!("{} on {}", name(left), left.target.cluster))
                    .collect();
                Err(format!(
                    "“{}” may be {}; write project/name and --cluster",
                    self.app,
                    places.join(", ")
                ))
            }
        }
    }
}

/// `project/name`.
fn name(left: &Leftovers) -> String {
    let application = &left.target.application;
    format!("{}/{}", application.project, application.name)
}

fn shown(preview: &RemovalPreview) -> String {
    let Some(plan) = &preview.plan else {
        return "there is no plan".to_owned();
    };
    let mut table = Table::new(&["PHASE", "ACTION", "OBJECT", "WHY"]);
    for step in &plan.steps {
        let (action, why) = match &step.action {
            Action::Skip(why) => ("keep".to_owned(), why.clone()),
            Action::Prune => ("delete".to_owned(), step.why.clone()),
            other => (other.word().to_owned(), step.why.clone()),
        };
        table.row([step.phase.word().to_owned(), action, step.key.short(), why]);
    }
    format!("{}\n{}", table.text().trim_end(), next(preview, plan))
}

fn next(preview: &RemovalPreview, plan: &Plan) -> String {
    let left = &preview.leftovers;
    let mut lines: Vec<String> = plan
        .gate
        .iter()
        .map(|finding| format!("{}: {}", finding.rule, finding.message))
        .collect();
    let command = format!(
        "lockstep app remove {} --cluster {}",
        name(left),
        left.target.cluster
    );
    lines.push(format!("keep and forget:  {command} --leave"));
    if plan.writes() {
        lines.push(format!(
            "delete all above:  {command} --delete {} --confirm {}",
            plan.digest, left.target.application.name
        ));
    }
    lines.join("\n")
}

/// Everything that was left behind.
pub(super) async fn list(global: &Global) -> Result<Exit, ClientError> {
    let all: Vec<Leftovers> = global.open()?.get("/leftovers", &[]).await?;
    if all.is_empty() && matches!(global.output, crate::table::Format::Table) {
        say("nothing is left behind")?;
        return Ok(Exit::Done);
    }
    global.show(&all, |all| {
        let mut table = Table::new(&["APP", "CLUSTER", "OBJECTS", "SINCE", "WHY"]);
        for left in all {
            table.row([
                name(left),
                left.target.cluster.clone(),
                left.objects.len().to_string(),
                left.since.rfc3339(),
                match left.run {
                    Some(run) => format!("its removal is under way: {run}"),
                    None => left.why.words().to_owned(),
                },
            ]);
        }
        table.text()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::Micros;
    use lockstep_types::application::{ApplicationRef, TargetRef};
    use lockstep_types::id::{ApplicationId, TargetId};
    use lockstep_types::leftover::LeftBehind;
    use uuid::Uuid;

    fn left(project: &str, cluster: &str) -> Leftovers {
        Leftovers {
            target: TargetRef {
                id: TargetId(Uuid::nil()),
                application: ApplicationRef {
                    id: ApplicationId(Uuid::nil()),
                    name: "web".to_owned(),
                    project: project.to_owned(),
                },
                cluster: cluster.to_owned(),
            },
            why: LeftBehind::Removed,
            since: Micros(0),
            objects: Vec::new(),
            run: None,
        }
    }

    fn choose(app: &str, cluster: Option<&str>) -> Result<String, String> {
        let remove = Remove {
            app: app.to_owned(),
            cluster: cluster.map(str::to_owned),
            leave: false,
            delete: None,
            confirm: None,
            reason: String::new(),
        };
        let all = vec![left("shop", "eu"), left("shop", "us"), left("blog", "eu")];
        remove
            .choose(all)
            .map(|found| format!("{}@{}", name(&found), found.target.cluster))
    }

    #[test]
    fn what_is_meant_is_found_or_explained() {
        assert_eq!(choose("blog/web", None).unwrap(), "blog/web@eu");
        assert_eq!(choose("shop/web", Some("us")).unwrap(), "shop/web@us");
        for (app, expected) in [
            ("web", "write project/name and --cluster"),
            ("nothing", "left nothing behind"),
        ] {
            let refusal = choose(app, None).unwrap_err();
            assert!(refusal.contains(expected), "{refusal}");
        }
    }
}
