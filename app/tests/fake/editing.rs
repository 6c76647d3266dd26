//! Editing of the made-up fleet: one draft, and previews that hang on words of the text.

use super::answers::{Fake, allowed};
use super::fleet::{sha, target_ref};
use super::{applications, objects};
use async_trait::async_trait;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::edit::{
    Edit, EditDraft, EditEffect, EditOutcome, EditPreview, EditProblem, EditSubject,
    EditedApplication, NewApplication,
};
use lockstep_types::ports::{Answer, Editing};
use lockstep_types::revision::{PathChange, PathChangeKind};
use lockstep_types::rollback::TargetPlan;
use lockstep_types::source::Mode;

const TEXT: &str = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: checkout\nspec:\n  destination:\n    namespace: shop\n";

#[async_trait]
impl Editing for Fake {
    async fn draft(&self, _: &Actor, subject: EditSubject) -> Answer<EditDraft> {
        let source = applications::sources()
            .into_iter()
            .next()
            .ok_or_else(|| PortError::NotFound("this source".into()))?;
        let application = match subject {
            EditSubject::Application(id)
                if id == target_ref("nothing", "shop", "x").application.id =>
            {
                return Err(PortError::NotFound("this application".into()));
            }
            EditSubject::Revision(_, revision) if revision == "2.9.1" => {
                return Err(PortError::Conflict(
                    "the definition at line 1 asks for 2.9.1 already".into(),
                ));
            }
            EditSubject::Application(_) | EditSubject::Revision(..) => {
                Some(target_ref("checkout", "shop", "prod-eu").application)
            }
            EditSubject::New(_) => None,
        };
        let edits = application.is_some();
        Ok(EditDraft {
            source: source.id,
            source_name: source.name,
            repo_url: source.repo_url,
            folder: "apps".into(),
            mode: Mode::Managed,
            application,
            path: if edits {
                "apps/checkout.yaml".into()
            } else {
                String::new()
            },
            text: if edits { TEXT.into() } else { String::new() },
            line: edits.then_some(1),
            branch: "main".into(),
            head: sha("3fa91c2"),
            clusters: vec!["prod-eu".into(), "staging-eu".into()],
            refused: String::new(),
        })
    }
    async fn template(&self, _: &Actor, new: &NewApplication) -> Answer<String> {
        if new.name.contains(' ') {
            return Err(PortError::invalid("name", "use small letters"));
        }
        Ok(format!(
            "kind: Application\nmetadata:\n  name: {}\n",
            new.name
        ))
    }
    async fn preview_edit(&self, actor: &Actor, edit: &Edit) -> Answer<EditPreview> {
        allowed(actor, Permission::Edit)?;
        let broken = edit.text.contains("broken");
        let same = edit.text == TEXT;
        let target = target_ref("checkout", "shop", "prod-eu");
        Ok(EditPreview {
            source_name: "fleet".into(),
            branch: "main".into(),
            head: sha("3fa91c2"),
            first_line: "This commit changes checkout.".into(),
            problems: if broken {
                vec![EditProblem {
                    path: edit.path.clone(),
                    line: 3,
                    field: "spec.source".into(),
                    message: "Application checkout: spec.source is missing".into(),
                    next: "Add it to the definition.".into(),
                    new: true,
                }]
            } else {
                Vec::new()
            },
            files: vec![PathChange {
                path: edit.path.clone(),
                kind: PathChangeKind::Modified,
            }],
            patch: format!(
                "diff --git a/{0} b/{0}\n--- a/{0}\n+++ b/{0}\n@@ -7,1 +7,1 @@\n-    namespace: shop\n+    namespace: store\n",
                edit.path
            ),
            message: "Change checkout\n".into(),
            applications: if same || broken {
                Vec::new()
            } else {
                vec![EditedApplication {
                    application: target.application.clone(),
                    effect: EditEffect::Changed,
                    targets: vec![TargetPlan {
                        plan: Some(objects::plan(target.id)),
                        target,
                        error: String::new(),
                        automated: true,
                    }],
                }]
            },
            notes: vec!["checkout no longer goes to prod-us; what it deployed there stays.".into()],
            refused: if same {
                "Nothing is changed: there is nothing to commit.".into()
            } else if broken {
                "The edit brings a problem; mend it first.".into()
            } else {
                String::new()
            },
            digest: "e1".repeat(32),
            edit: edit.clone(),
        })
    }
    async fn commit_edit(
        &self,
        actor: &Actor,
        edit: &Edit,
        digest: &str,
        reason: &str,
    ) -> Answer<EditOutcome> {
        let preview = self.preview_edit(actor, edit).await?;
        if preview.digest != digest {
            return Err(PortError::Conflict(
                "it has changed since it was shown".into(),
            ));
        }
        Ok(match reason {
            "protected" => EditOutcome::PushRefused {
                message: "branch main is protected".into(),
            },
            "moved" => EditOutcome::Moved {
                head: sha("deadbee"),
            },
            _ => EditOutcome::Committed {
                revision: sha("0ff1ce0"),
            },
        })
    }
}
