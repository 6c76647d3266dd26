//! Finds the target that a person names: `project/name` or `name`, and a cluster when there are several.

use crate::api::{Api, ClientError};
use clap::Args;
use lockstep_types::application::TargetSummary;
use lockstep_types::resource::ResourceKey;

/// Names one target.
#[derive(Debug, Clone, Args)]
pub(crate) struct Which {
    /// `project/name`, or `name` where that is unambiguous.
    #[arg(value_name = "APP")]
    pub(crate) app: String,
    /// Which of the application's clusters.
    #[arg(short, long)]
    pub(crate) cluster: Option<String>,
}

impl Which {
    /// The one target that is meant.
    pub(crate) async fn find(&self, api: &Api) -> Result<TargetSummary, ClientError> {
        let all: Vec<TargetSummary> = api.get("/apps", &[]).await?;
        self.choose(all).map_err(ClientError::Usage)
    }

    fn choose(&self, all: Vec<TargetSummary>) -> Result<TargetSummary, String> {
        let named: Vec<TargetSummary> = all
            .into_iter()
            .filter(|summary| self.names(summary))
            .collect();
        let mut apps: Vec<String> = named.iter().map(full_name).collect();
        apps.sort();
        apps.dedup();
        if apps.len() > 1 {
            let list = apps.join(", ");
            return Err(format!("“{}” may be {list}; write project/name", self.app));
        }
        let mut clusters: Vec<String> = named
            .iter()
            .map(|summary| summary.target.cluster.clone())
            .collect();
        clusters.sort();
        let mut meant = named.into_iter().filter(|summary| {
            let cluster = self.cluster.as_ref();
            cluster.is_none_or(|cluster| *cluster == summary.target.cluster)
        });
        match (meant.next(), meant.next(), &self.cluster) {
            (Some(summary), None, _) => Ok(summary),
            (None, _, Some(cluster)) if !clusters.is_empty() => Err(format!(
                "{} has no target on cluster {cluster}; it has {}",
                self.app,
                clusters.join(", ")
            )),
            (None, _, _) => Err(format!(
                "no application “{}”, or you may not see it; lockstep app list shows all",
                self.app
            )),
            (Some(summary), Some(_), None) => Err(format!(
                "{} is on {}; choose one with --cluster",
                full_name(&summary),
                clusters.join(", ")
            )),
            (Some(summary), Some(_), Some(_)) => Err(format!(
                "{} is defined more than once on {}; rename one of the definitions",
                full_name(&summary),
                clusters.join(", ")
            )),
        }
    }

    fn names(&self, summary: &TargetSummary) -> bool {
        let application = &summary.target.application;
        application.name == self.app
            || full_name(summary) == self.app
            || application.id.to_string() == self.app
    }
}

/// An object as somebody names it.
pub(crate) fn object(text: &str) -> Result<ResourceKey, ClientError> {
    ResourceKey::parse(text).ok_or_else(|| {
        ClientError::Usage(format!(
            "{text:?} is no object; name it as lockstep app tree does: group/Kind:namespace/name"
        ))
    })
}

/// `project/name`.
pub(crate) fn full_name(summary: &TargetSummary) -> String {
    let application = &summary.target.application;
    format!("{}/{}", application.project, application.name)
}

/// The address of a target in the API.
pub(crate) fn path(summary: &TargetSummary, rest: &str) -> String {
    format!(
        "/apps/{}/targets/{}{rest}",
        summary.target.application.id, summary.target.id
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::application::{ApplicationRef, TargetRef};
    use lockstep_types::diff::SyncStatus;
    use lockstep_types::health::Health;
    use lockstep_types::id::{ApplicationId, TargetId};
    use lockstep_types::source::Mode;
    use uuid::Uuid;

    fn target(project: &str, name: &str, cluster: &str) -> TargetSummary {
        TargetSummary {
            target: TargetRef {
                id: TargetId(Uuid::nil()),
                application: ApplicationRef {
                    id: ApplicationId(Uuid::nil()),
                    name: name.to_owned(),
                    project: project.to_owned(),
                },
                cluster: cluster.to_owned(),
            },
            mode: Mode::Observe,
            sync: SyncStatus::Synced,
            health: Health::healthy(),
            reason: None,
            drifted: 0,
            out_of_sync: 0,
            objects: 0,
            revision: None,
            deployed: None,
            images: Vec::new(),
            last_compared: None,
            running: None,
            phase: None,
            hold: None,
            pin: None,
        }
    }

    fn choose(app: &str, cluster: Option<&str>) -> Result<String, String> {
        let which = Which {
            app: app.to_owned(),
            cluster: cluster.map(str::to_owned),
        };
        let all = vec![
            target("shop", "cart", "eu"),
            target("shop", "cart", "us"),
            target("shop", "web", "eu"),
            target("blog", "web", "eu"),
        ];
        which
            .choose(all)
            .map(|found| format!("{}@{}", full_name(&found), found.target.cluster))
    }

    #[test]
    fn names_are_resolved_or_explained() {
        assert_eq!(choose("blog/web", None).unwrap(), "blog/web@eu");
        assert_eq!(choose("cart", Some("us")).unwrap(), "shop/cart@us");
        for (app, cluster, expected) in [
            ("web", None, "may be blog/web, shop/web"),
            ("cart", None, "is on eu, us; choose one with --cluster"),
            (
                "cart",
                Some("asia"),
                "no target on cluster asia; it has eu, us",
            ),
            ("nothing", None, "no application “nothing”"),
        ] {
            let refusal = choose(app, cluster).unwrap_err();
            assert!(refusal.contains(expected), "{refusal}");
        }
    }
}
