//! Logs of a made-up Pod.

use super::answers::{Fake, allowed};
use super::fleet::ago;
use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use lockstep_types::account::{Actor, Permission};
use lockstep_types::action::ActionRequest;
use lockstep_types::id::{OperationId, TargetId};
use lockstep_types::log::{LogChoices, LogContainer, LogLine, LogPod, LogQuery, LogView};
use lockstep_types::ports::{Answer, Objects};

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

#[async_trait]
impl Objects for Fake {
    async fn act(&self, actor: &Actor, _: &ActionRequest) -> Answer<OperationId> {
        allowed(actor, Permission::Action)?;
        Ok(OperationId(uuid::Uuid::from_u128(91)))
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
