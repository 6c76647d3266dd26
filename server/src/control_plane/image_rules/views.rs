//! Rules for images as the pages show them.

use super::super::allow::allow_named;
use super::super::{Plane, refuse};
use crate::store;
use crate::store::source::SourceRow;
use engine::definition::{Automation, ImageRule, RuleWrites};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::image::{ImageRuleDeed, ImageRuleView};

impl Plane {
    /// Those of sources that the actor may see: with problems first, then by source and place.
    pub(in super::super) async fn image_rule_views(
        &self,
        actor: &Actor,
    ) -> Result<Vec<ImageRuleView>, PortError> {
        let sources = store::source::list(self.runtime.store())
            .await
            .map_err(refuse::store)?;
        let mut views = Vec::new();
        for (id, rules) in self.runtime.memory().image_rules() {
            let seen = sources.iter().find(|source| {
                let may = allow_named(actor, Permission::SeeSources, &source.repo_url);
                source.id == id && may.is_ok()
            });
            let Some(source) = seen else { continue };
            let of_rules = rules.rules.iter().map(|rule| of_rule(source, rule));
            let automations = rules.automations.iter();
            let of_automations = automations.map(|one| of_automation(source, one));
            views.extend(
                of_rules
                    .chain(of_automations)
                    .map(|view| self.with_state(view)),
            );
        }
        views.sort_by(|one, other| {
            let place = |view: &ImageRuleView| {
                let name = view.source_name.clone();
                (view.problem.is_empty(), name, view.path.clone(), view.line)
            };
            place(one).cmp(&place(other))
        });
        Ok(views)
    }

    fn with_state(&self, view: ImageRuleView) -> ImageRuleView {
        let state = self.runtime.memory().image_rule(view.source, &view.rule);
        let problem = match view.problem.is_empty() {
            true => state.problem,
            false => view.problem.clone(),
        };
        ImageRuleView {
            newest: state.newest,
            looked_at: state.looked_at,
            deeds: state
                .deeds
                .into_iter()
                .map(|(at, what)| ImageRuleDeed { at, what })
                .collect(),
            problem,
            ..view
        }
    }
}

fn of_rule(source: &SourceRow, rule: &ImageRule) -> ImageRuleView {
    let writes = match &rule.writes {
        RuleWrites::Targets {
            applications,
            clusters,
            propose,
        } => {
            let what = match propose {
                true => "pull requests for",
                false => "commits for",
            };
            let on = match clusters.is_empty() {
                true => String::new(),
                false => format!(" on {}", clusters.join(", ")),
            };
            format!("{what} {}{on}", applications.join(", "))
        }
        RuleWrites::Markers { namespace, name } => {
            format!("values before markers of {namespace}:{name}")
        }
    };
    ImageRuleView {
        rule: rule.title.clone(),
        source: source.id,
        source_name: source.name.clone(),
        path: rule.path.clone(),
        line: rule.line,
        image: rule.image.clone(),
        chooses: rule.choice.words(),
        writes,
        suspended: rule.suspend,
        interval_seconds: rule.interval,
        newest: String::new(),
        looked_at: None,
        problem: rule.problem.clone(),
        deeds: Vec::new(),
    }
}

fn of_automation(source: &SourceRow, one: &Automation) -> ImageRuleView {
    let folder = match one.folder.is_empty() {
        true => "all files".to_owned(),
        false => one.folder.clone(),
    };
    let writes = match one.push_branch.is_empty() {
        true => format!("markers in {folder}"),
        false => format!("markers in {folder}, on {} for review", one.push_branch),
    };
    ImageRuleView {
        rule: one.title.clone(),
        source: source.id,
        source_name: source.name.clone(),
        path: one.path.clone(),
        line: one.line,
        image: String::new(),
        chooses: String::new(),
        writes,
        suspended: one.suspend,
        interval_seconds: one.interval,
        newest: String::new(),
        looked_at: None,
        problem: one.problem.clone(),
        deeds: Vec::new(),
    }
}
