//! Clusters of the made-up fleet, what lives in them, and what of it nobody declares.

use super::NOW;
use super::answers::{Fake, allowed};
use super::applications as apps;
use super::fleet::{ago, target_ref};
use async_trait::async_trait;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::{ApplicationRef, TargetRef};
use lockstep_types::cluster::{ClusterView, NewCluster};
use lockstep_types::id::{ApplicationId, ClusterId, RunId, TargetId};
use lockstep_types::orphan::{Orphan, OrphansView};
use lockstep_types::ports::{Answer, Clusters};
use lockstep_types::rebuild::{Missing, MovingImage, RebuildView};
use lockstep_types::reestablish::{
    Begun, Identity, MemberState, Rank, ReestablishRequest, ReestablishView, Stage, StageMember,
};
use lockstep_types::resource::ResourceKey;
use uuid::Uuid;

fn key_of(text: &str) -> ResourceKey {
    ResourceKey::parse(text).unwrap_or_else(|| ResourceKey::new("", "Unreadable", "", text))
}

fn orphan(key: &str, made_by: &str, minutes: i64) -> Orphan {
    Orphan {
        key: key_of(key),
        created_at: Some(ago(minutes)),
        made_by: made_by.into(),
    }
}

/// What lives around a target.
pub fn orphans(target: TargetRef) -> OrphansView {
    OrphansView {
        namespace: "shop".into(),
        rules: "shop (projects/shop.yaml:1)".into(),
        orphans: vec![
            orphan("/ConfigMap:shop/debug-flags", "kubectl-create", 90),
            orphan(
                "apps/Deployment:shop/load-test",
                "kubectl-client-side-apply",
                60 * 26,
            ),
            orphan("/Secret:shop/old-token", "", 60 * 24 * 90),
        ],
        unread: vec![(
            "Widget.acme.dev".into(),
            "the API server answered 403: forbidden".into(),
        )],
        unsure: Vec::new(),
        at: NOW,
        target,
    }
}

/// What a new cluster would lack.
fn proof(name: &str) -> RebuildView {
    let target = target_ref("checkout", "shop", "prod-eu");
    let by = |key: &str| vec![(target.clone(), key_of(key))];
    RebuildView {
        cluster: name.into(),
        at: NOW,
        score: 96,
        declared: 214,
        given: 391,
        owned: 172,
        undeclared: orphans(target.clone()).orphans,
        missing: vec![
            Missing {
                key: key_of("/Secret:shop/pull-secret"),
                live: true,
                needed_by: by("apps/Deployment:shop/checkout"),
                count: 7,
            },
            Missing {
                key: key_of(
                    "apiextensions.k8s.io/CustomResourceDefinition:/certificates.cert-manager.io",
                ),
                live: false,
                needed_by: by("cert-manager.io/Certificate:shop/checkout-tls"),
                count: 1,
            },
        ],
        images: vec![
            MovingImage {
                image: "registry.example.com/shop/checkout".into(),
                always: true,
                used_by: by("apps/Deployment:shop/checkout"),
                count: 1,
            },
            MovingImage {
                image: "registry.example.com/shop/cart:2.9.1".into(),
                always: false,
                used_by: by("apps/Deployment:shop/cart"),
                count: 3,
            },
        ],
        volumes: 4,
        unread: Vec::new(),
        unsure: vec!["search".into()],
    }
}

/// `prod-eu` is emptied and not begun, `prod-us` is on its way, any other one was replaced.
fn reestablishing(cluster: &str) -> ReestablishView {
    use MemberState::{Back, Failed, LeftOut, Planned, Running, Waits};
    let going = cluster == "prod-us";
    let member =
        |name: &str, why: &str, state: MemberState, words: &str, absent: u32| StageMember {
            target: TargetRef {
                id: TargetId(Uuid::from_u128(name.len() as u128)),
                application: ApplicationRef {
                    id: ApplicationId(Uuid::from_u128(name.len() as u128)),
                    name: name.into(),
                    project: "shop".into(),
                },
                cluster: cluster.into(),
            },
            why: why.into(),
            declared: Some(12),
            absent: Some(absent),
            state: if going || state == LeftOut {
                state
            } else {
                Planned
            },
            words: if going { words.into() } else { String::new() },
            run: (going && state == Running).then(|| RunId(Uuid::from_u128(9))),
        };
    let stage = |number, rank, members| Stage {
        number,
        rank,
        members,
    };
    ReestablishView {
        cluster: cluster.into(),
        identity: if matches!(cluster, "prod-eu" | "prod-us") {
            Identity::Same
        } else {
            Identity::Replaced {
                known: "7d0c9a55-3f0b-4a3e-9f52-0b3c8f7b1a10".into(),
                found: "c1e6a0f4-8d8e-4d41-a1fb-6a0df0b7d2aa".into(),
            }
        },
        declared: 214,
        absent: if going { 96 } else { 201 },
        stuck: false,
        stages: vec![
            stage(
                1,
                Rank::Definitions,
                vec![
                    member(
                        "cert-manager",
                        "brings the custom kinds certificates.cert-manager.io, issuers.cert-manager.io",
                        Back,
                        "",
                        0,
                    ),
                    member(
                        "monitoring",
                        "brings the custom kinds servicemonitors.monitoring.coreos.com",
                        Failed,
                        "Deployment prometheus-operator: image pull failed",
                        3,
                    ),
                ],
            ),
            stage(
                2,
                Rank::Namespaces,
                vec![member(
                    "spaces",
                    "brings the namespaces search, shop",
                    Back,
                    "",
                    0,
                )],
            ),
            stage(
                3,
                Rank::Application,
                vec![
                    member(
                        "checkout",
                        "uses Certificate of cert-manager; lies in the namespace shop of spaces",
                        Running,
                        "waiting for wave 2: Deployment checkout: 1 of 3 ready",
                        7,
                    ),
                    member(
                        "dashboards",
                        "uses ServiceMonitor of monitoring",
                        Waits,
                        "Waits for monitoring, which failed; mend it and press Sync there",
                        12,
                    ),
                ],
            ),
            stage(
                0,
                Rank::Application,
                vec![member(
                    "legacy",
                    "it is only observed: nothing is written there",
                    LeftOut,
                    "",
                    5,
                )],
            ),
        ],
        begun: going.then(|| Begun {
            by: "maria".into(),
            reason: "etcd was lost".into(),
            at: NOW,
            ended_at: None,
            ending: String::new(),
        }),
    }
}

#[async_trait]
impl Clusters for Fake {
    async fn clusters(&self, _: &Actor) -> Answer<Vec<ClusterView>> {
        Ok(if self.empty {
            Vec::new()
        } else {
            apps::clusters()
        })
    }
    async fn cluster(&self, _: &Actor, name: &str) -> Answer<ClusterView> {
        apps::clusters()
            .into_iter()
            .find(|cluster| cluster.name == name)
            .ok_or_else(|| PortError::NotFound(format!("the cluster {name}")))
    }
    async fn rebuild(&self, actor: &Actor, name: &str) -> Answer<RebuildView> {
        allowed(actor, Permission::Cluster)?;
        Ok(proof(name))
    }
    async fn reestablishing(&self, actor: &Actor, name: &str) -> Answer<ReestablishView> {
        allowed(actor, Permission::Cluster)?;
        Ok(reestablishing(name))
    }
    async fn reestablish(
        &self,
        actor: &Actor,
        name: &str,
        request: &ReestablishRequest,
    ) -> Answer<()> {
        allowed(actor, Permission::Cluster)?;
        if name == request.typed {
            Ok(())
        } else {
            Err(PortError::invalid("typed", "type the name of the cluster"))
        }
    }
    async fn stop_reestablish(&self, actor: &Actor, _: &str) -> Answer<()> {
        allowed(actor, Permission::Cluster)
    }
    async fn add_cluster(&self, actor: &Actor, new: &NewCluster) -> Answer<ClusterId> {
        allowed(actor, Permission::Cluster)?;
        if new.kubeconfig.contains("exec:") {
            return Err(PortError::invalid(
                "kubeconfig",
                "exec plugins are closed; use inline credentials",
            ));
        }
        Ok(ClusterId(Uuid::from_u128(9)))
    }
    async fn remove_cluster(&self, actor: &Actor, name: &str, typed: &str) -> Answer<()> {
        allowed(actor, Permission::Cluster)?;
        if name == typed {
            Ok(())
        } else {
            Err(PortError::invalid("name", "type the name of the cluster"))
        }
    }
}
