//! Logs of a made-up Pod, and who wrote a made-up Deployment.

use super::answers::{Fake, allowed};
use super::fleet::ago;
use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use lockstep_types::accept::{AcceptPreview, AcceptRequest};
use lockstep_types::account::{Actor, Permission};
use lockstep_types::action::ActionRequest;
use lockstep_types::application::TargetRef;
use lockstep_types::blame::{BlameLine, BlameView, BlamedOn};
use lockstep_types::diff::{DiffClass, FieldChange, Impact};
use lockstep_types::id::{OperationId, TargetId};
use lockstep_types::image::{ImageAnswer, ImageRequest};
use lockstep_types::log::{LogChoices, LogContainer, LogLine, LogPod, LogQuery, LogView};
use lockstep_types::parity::{PromotionPreview, PromotionRequest};
use lockstep_types::ports::{Answer, Objects};
use lockstep_types::proposal::{CommitOutcome, Proposal};
use lockstep_types::resource::{Origin, ResourceKey};
use lockstep_types::revision::{CommitInfo, Revision};

fn choices() -> LogChoices {
    let container = |name: &str, init: bool, restarts: u32| LogContainer {
        name: name.to_owned(),
        init,
        restarts,
    };
    let pod = |name: &str, restarts: u32| LogPod {
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        containers: vec![
            container("checkout", false, restarts),
            container("proxy", false, 0),
            container("migrate", true, 0),
        ],
        first: "checkout".to_owned(),
    };
    LogChoices {
        pods: vec![
            pod("checkout-7d9f8b-x2x4q", 7),
            pod("checkout-7d9f8b-k8s2p", 0),
        ],
    }
}

fn lines(query: &LogQuery) -> Vec<LogLine> {
    let choices = choices();
    let meant = choices.meant(query).unwrap_or_default();
    let texts = [
        "configuration read",
        "connected to <b>orders</b> in 12 ms",
        "panic: cannot parse FEATURE_FLAGS: unexpected end of input",
    ];
    (0..)
        .zip(texts)
        .flat_map(|(index, text)| {
            meant.iter().map(move |(pod, container)| LogLine {
                pod: pod.name.clone(),
                container: (*container).to_owned(),
                at: Some(ago(300 - 10 * index)),
                text: text.to_owned(),
            })
        })
        .collect()
}

fn commit(digit: &str, author: &str, minutes: i64) -> CommitInfo {
    CommitInfo {
        revision: Revision(digit.repeat(40)),
        parents: Vec::new(),
        subject: "Say <b>how</b> many".to_owned(),
        body: String::new(),
        author: author.to_owned(),
        author_email: "x@example.com".to_owned(),
        authored_at: ago(minutes),
        committer: author.to_owned(),
        committed_at: ago(minutes),
    }
}

fn change(path: &str, declared: Option<u32>) -> FieldChange {
    FieldChange {
        path: path.to_owned(),
        declared: declared.map(Into::into),
        live: Some(5.into()),
        class: DiffClass::Drift,
        manager: Some("kubectl-scale".to_owned()),
        operation: Some("Update".to_owned()),
        at: Some(ago(3)),
        impact: Impact::Scales,
    }
}

fn blame(key: &ResourceKey) -> BlameView {
    let file = |line| {
        BlamedOn::File(Origin {
            path: "base/checkout.yaml".to_owned(),
            line,
        })
    };
    let line = |text: &str, path: &str, by, commit| BlameLine {
        text: text.to_owned(),
        path: path.to_owned(),
        by,
        commit,
        live: None,
    };
    BlameView {
        key: key.clone(),
        revision: Revision("c".repeat(40)),
        repo: "shop".to_owned(),
        lines: vec![
            line("kind: Deployment", "kind", file(Some(2)), Some(0)),
            line("metadata:", "", BlamedOn::Nothing, None),
            line(
                "  namespace: shop",
                "metadata.namespace",
                BlamedOn::Definition,
                None,
            ),
            line("spec:", "", BlamedOn::Nothing, None),
            BlameLine {
                live: Some(change("spec.replicas", Some(3))),
                ..line("  replicas: 3", "spec.replicas", file(Some(7)), Some(1))
            },
            line("  paused: false", "spec.paused", file(None), Some(0)),
        ],
        commits: vec![commit("a", "Ana", 9000), commit("b", "Ben", 30)],
        cluster_only: vec![change("spec.minReadySeconds", None)],
        note: String::new(),
    }
}

fn accepted(target: TargetRef, key: &ResourceKey, path: &str) -> AcceptPreview {
    let place = Origin {
        path: "production/checkout.yaml".to_owned(),
        line: Some(7),
    };
    AcceptPreview {
        target,
        key: key.clone(),
        change: change(path, Some(3)),
        first_line: "You become the author of what kubectl-scale wrote.".to_owned(),
        place: Some(place),
        branch: "main".to_owned(),
        head: Revision("c".repeat(40)),
        files: Vec::new(),
        patch: "--- a/x.yaml\n+++ b/x.yaml\n@@ -7 +7 @@\n-  replicas: 3\n+  replicas: 5\n"
            .to_owned(),
        message: "Accept replicas 5".to_owned(),
        also: Vec::new(),
        targets: Vec::new(),
        refused: match path {
            "metadata.name" => "Nothing says it.".to_owned(),
            _ => String::new(),
        },
        digest: "d".to_owned(),
    }
}

#[async_trait]
impl Objects for Fake {
    async fn act(&self, actor: &Actor, _: &ActionRequest) -> Answer<OperationId> {
        allowed(actor, Permission::Action)?;
        Ok(OperationId(uuid::Uuid::from_u128(91)))
    }

    async fn blame(&self, _: &Actor, _: TargetId, key: &ResourceKey) -> Answer<BlameView> {
        Ok(blame(key))
    }

    async fn preview_accept(
        &self,
        actor: &Actor,
        target: TargetId,
        key: &ResourceKey,
        path: &str,
    ) -> Answer<AcceptPreview> {
        allowed(actor, Permission::AcceptDrift)?;
        let target = super::applications::by_target(target)
            .ok_or_else(|| lockstep_types::PortError::NotFound("this target".into()))?;
        Ok(accepted(target, key, path))
    }

    async fn accept(&self, actor: &Actor, request: &AcceptRequest) -> Answer<CommitOutcome> {
        allowed(actor, Permission::AcceptDrift)?;
        let revision = Revision("d".repeat(40));
        Ok(match request.propose {
            false => CommitOutcome::Committed { revision },
            true => CommitOutcome::Proposed(Proposal {
                repo: "shop".to_owned(),
                onto: "main".to_owned(),
                branch: "lockstep/accept-checkout-1".to_owned(),
                revision,
                pull_request: "https://git.example.com/shop/pulls/7".to_owned(),
                note: String::new(),
            }),
        })
    }

    /// No page asks for it.
    async fn set_image(&self, actor: &Actor, _: &ImageRequest) -> Answer<ImageAnswer> {
        allowed(actor, Permission::Edit)?;
        Err(lockstep_types::PortError::NotFound("this image".into()))
    }

    async fn preview_promotion(
        &self,
        actor: &Actor,
        from: TargetId,
        to: TargetId,
        everywhere: bool,
    ) -> Answer<PromotionPreview> {
        allowed(actor, Permission::Edit)?;
        super::parity::promotion(from, to, everywhere)
    }

    async fn promote(&self, actor: &Actor, request: &PromotionRequest) -> Answer<CommitOutcome> {
        allowed(actor, Permission::Edit)?;
        let revision = Revision("d".repeat(40));
        Ok(match request.propose {
            false => CommitOutcome::Committed { revision },
            true => CommitOutcome::Proposed(Proposal {
                repo: "shop".to_owned(),
                onto: "main".to_owned(),
                branch: "lockstep/set-image-checkout-1".to_owned(),
                revision,
                pull_request: "https://git.example.com/shop/pulls/8".to_owned(),
                note: String::new(),
            }),
        })
    }

    async fn log_view(&self, actor: &Actor, _: TargetId, query: &LogQuery) -> Answer<LogView> {
        allowed(actor, Permission::Logs)?;
        Ok(LogView {
            choices: choices(),
            lines: lines(query),
            missing: Vec::new(),
        })
    }

    async fn log(
        &self,
        actor: &Actor,
        _: TargetId,
        query: &LogQuery,
    ) -> Answer<BoxStream<'static, Answer<LogLine>>> {
        allowed(actor, Permission::Logs)?;
        let lines: Vec<_> = lines(query).into_iter().map(Ok).collect();
        Ok(futures::stream::iter(lines).boxed())
    }
}
