//! A rule watches the tags of an image in a real registry, the rig's Git host, and has the newest written where Git states
//! it: once, forwards, and with everything else of the file as it was.

use crate::AUTOMATED;
use crate::editing::maria;
use crate::world::{WITHIN, World};
use engine::live::ClusterPolicy;
use lockstep_types::image::ImageRuleView;
use lockstep_types::ports::ControlPlane;
use lockstep_types::source::Mode;
use serde_json::{Value, json};
use server::control_plane::Registration;
use server::secrets::Vault;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

impl World {
    /// Rules for images in Git are followed from now on.
    fn follow_image_rules(&self) {
        let registration = Registration {
            vault: Vault::open(self.folder.path(), None).expect("a vault"),
            policy: ClusterPolicy::default(),
        };
        server::control_plane::start_image_rules(&self.runtime, registration);
    }
}

/// A repository of the registry.
struct Registry {
    base: String,
    user: String,
    token: String,
    name: String,
    client: reqwest::Client,
}

fn digest(bytes: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl Registry {
    fn new(name: &str) -> Self {
        let path = std::env::var_os("LOCKSTEP_RIG").expect("LOCKSTEP_RIG names the rig's rig.json");
        let rig: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("rig.json"))
            .expect("rig.json is JSON");
        let text = |key: &str| rig["gitea"][key].as_str().expect("a word").to_owned();
        let (host, user) = (text("url"), text("adminUser"));
        Self {
            name: format!("{}/{name}", user.to_lowercase()),
            base: host.trim_end_matches('/').to_owned(),
            user,
            token: text("adminToken"),
            client: reqwest::Client::new(),
        }
    }

    /// As manifests name it.
    fn image(&self) -> String {
        let host = self.base.split("://").nth(1).expect("a host");
        format!("{host}/{}", self.name)
    }

    async fn blob(&self, bytes: &[u8]) -> Value {
        let sha = digest(bytes);
        let answer = self
            .client
            .post(format!(
                "{}/v2/{}/blobs/uploads/?digest={sha}",
                self.base, self.name
            ))
            .basic_auth(&self.user, Some(&self.token))
            .header("content-type", "application/octet-stream")
            .body(bytes.to_vec())
            .send()
            .await
            .expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        json!({"digest": sha, "size": bytes.len()})
    }

    /// Pushes an image of one small layer.
    async fn publish(&self, tag: &str) {
        let part = |kind: &str, mut blob: Value| {
            blob["mediaType"] = json!(format!("application/vnd.oci.image.{kind}"));
            blob
        };
        let config = json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}, "config": {"Labels": {"tag": tag}}});
        let config = self.blob(config.to_string().as_bytes()).await;
        let layer = self.blob(tag.as_bytes()).await;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": part("config.v1+json", config),
            "layers": [part("layer.v1.tar", layer)],
        });
        let answer = self
            .client
            .put(format!("{}/v2/{}/manifests/{tag}", self.base, self.name))
            .basic_auth(&self.user, Some(&self.token))
            .header("content-type", "application/vnd.oci.image.manifest.v1+json")
            .body(manifest.to_string())
            .send()
            .await
            .expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
    }
}

/// Waits for the state of a rule.
async fn until_rule(
    ports: &ControlPlane,
    rule: &str,
    what: &str,
    holds: impl Fn(&ImageRuleView) -> bool,
) -> ImageRuleView {
    let deadline = Instant::now() + WITHIN;
    loop {
        let rules = ports.sources.image_rules(&maria()).await.expect("rules");
        let found = rules.iter().find(|view| view.rule == rule);
        if let Some(view) = found.filter(|view| holds(view)) {
            return view.clone();
        }
        assert!(
            Instant::now() < deadline,
            "not within {WITHIN:?}: {what}; {rules:#?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn deployment(name: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: 1\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers:\n        - name: {name}\n          {image}\n"
    )
}

async fn live(world: &World, name: &str, image: &str) {
    let path = "jsonpath={.spec.template.spec.containers[0].image}";
    let words = ["get", "deployment", name, "-o", path];
    world.until_kubectl(image, &words, image).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_tag_that_a_rule_wants_is_written_to_git_once_and_forwards() {
    let world = World::start("watch", Mode::Managed, AUTOMATED).await;
    let registry = Registry::new(&format!("web-{}", world.namespace()));
    let image = registry.image();
    for tag in ["1.0.0", "2.0.0", "latest"] {
        registry.publish(tag).await;
    }
    let kustomization = |tag: &str| {
        format!(
            "resources:\n  - web.yaml\n# by a rule\nimages:\n  - name: {image}\n    newTag: \"{tag}\" # quoted\n"
        )
    };
    world
        .repository
        .write("manifests/kustomization.yaml", &kustomization("1.0.0"));
    world.repository.write(
        "manifests/web.yaml",
        &deployment("web", &format!("image: {image}")),
    );
    let rule = |name: &str, image: &str| {
        format!(
            "apiVersion: lockstep.dev/v1\nkind: ImageRule\nmetadata: {{name: {name}}}\nspec:\n  image: {image}\n  insecure: true\n  semver: 1.x\n  applications: [default/shop]\n  way: commit\n  interval: 5s\n"
        )
    };
    world
        .repository
        .write("apps/rules.yaml", &rule("web", &image));
    let first = world.push("an image and a rule");
    world.until_deployed(&first).await;
    let ports = world.ports().await;
    world.follow_image_rules();
    let in_git = || {
        let text = world
            .repository
            .git(&["show", "main:manifests/kustomization.yaml"]);
        format!("{}\n", text.trim_end())
    };

    // What Git says is the newest that the rule wants: nothing is written.
    let name = "ImageRule web";
    let view = until_rule(&ports, name, "looked at", |view| view.looked_at.is_some()).await;
    assert_eq!(
        (
            view.newest.as_str(),
            view.problem.as_str(),
            view.deeds.len()
        ),
        ("1.0.0", "", 0)
    );
    assert_eq!(world.repository.git(&["rev-parse", "main"]).trim(), first.0);

    // A new one: a commit that changes the tag alone, and the cluster follows.
    let pushed = Instant::now();
    registry.publish("1.1.0").await;
    live(&world, "web", &format!("{image}:1.1.0")).await;
    println!(
        "push to the registry → live: {} ms",
        pushed.elapsed().as_millis()
    );
    assert_eq!(in_git(), kustomization("1.1.0"));
    let message = world
        .repository
        .git(&["log", "-1", "--format=%an|%B", "main"]);
    for part in [
        "ImageRule web|Set ",
        "→ 1.1.0 for shop",
        "ImageRule web (apps/rules.yaml:1) chose 1.1.0",
        "highest version in 1.x",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    let head = world.repository.git(&["rev-parse", "main"]);

    // Its own commit is no reason for another one.
    let view = until_rule(&ports, name, "written", |view| view.deeds.len() == 1).await;
    let before = view.looked_at;
    until_rule(&ports, name, "looked at again", |view| {
        view.looked_at > before
    })
    .await;
    assert_eq!(world.repository.git(&["rev-parse", "main"]), head);

    // Somebody is ahead of the registry: the rule does not go back.
    world.repository.git(&["checkout", "--quiet", "main"]);
    world
        .repository
        .git(&["reset", "--quiet", "--hard", head.trim()]);
    world
        .repository
        .write("manifests/kustomization.yaml", &kustomization("1.9.0"));
    let ahead = world.push("ahead");
    world.until_deployed(&ahead).await;
    let before = until_rule(&ports, name, "seen", |_| true).await.looked_at;
    until_rule(&ports, name, "looked at again", |view| {
        view.looked_at > before
    })
    .await;
    assert_eq!(in_git(), kustomization("1.9.0"));

    // By way of a review: one proposal, one act, however often it is looked at and wherever the line stands by then.
    registry.publish("1.10.0").await;
    let proposing = rule("web", &image).replace("way: commit", "way: pull-request");
    world.repository.write("apps/rules.yaml", &proposing);
    world.push("by review");
    let waits = until_rule(&ports, name, "proposed", |view| {
        view.deeds.iter().any(|deed| {
            deed.what
                .contains("1.10.0 awaits review on lockstep/set-image-shop-")
        })
    })
    .await;
    let acts = || async {
        let query = server::store::audit::AuditQuery {
            limit: 1000,
            ..Default::default()
        };
        let acts = server::store::audit::list(world.store(), &query)
            .await
            .expect("acts");
        let of_rule = acts.iter().filter(|entry| entry.act.actor == name);
        of_rule.count()
    };
    let before = acts().await;
    world.repository.write(
        "manifests/kustomization.yaml",
        &kustomization("1.9.0").replace("# by a rule", "# by a rule\n# that waits"),
    );
    let moved = world.push("another line");
    // Nothing of it is rendered otherwise, so nothing is deployed.
    world
        .until("the new head is seen", |state| {
            state.revision.as_ref() == Some(&moved)
        })
        .await;
    let looked = until_rule(&ports, name, "seen", |_| true).await.looked_at;
    let again = until_rule(&ports, name, "looked at again", |view| {
        view.looked_at > looked
    })
    .await;
    assert_eq!(
        (again.deeds.len(), again.problem.as_str()),
        (waits.deeds.len(), "")
    );
    assert_eq!(acts().await, before);
    let branches = world
        .repository
        .git(&["branch", "--list", "lockstep/set-image-*"]);
    assert_eq!(branches.lines().count(), 1, "{branches}");

    // Two rules for one image, an image that is not there, and a range that nothing fits: each by its name.
    let nothing = format!("{image}-nothing");
    world.repository.write(
        "apps/rules.yaml",
        &[
            rule("web", &image),
            rule("rival", &image),
            rule("gone", &nothing),
            rule("none", &image).replace("1.x", "7.x"),
            rule("lost", &image)
                .replace("default/shop", "default/other")
                .replace("1.x", "2.x"),
        ]
        .join("---\n"),
    );
    world.push("rules that come to nothing");
    for (rule, said) in [
        ("web", "wants to say its tag, too"),
        ("rival", "wants to say its tag, too"),
        ("gone", "the registry has nothing of this name"),
        ("none", "fits: highest version in 7.x"),
        ("lost", "defines no application that it names"),
    ] {
        let rule = format!("ImageRule {rule}");
        until_rule(&ports, &rule, said, |view| view.problem.contains(said)).await;
    }
    assert!(in_git().contains("newTag: \"1.9.0\""));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn markers_of_flux_are_followed_where_they_stand() {
    let world = World::start("marker", Mode::Managed, AUTOMATED).await;
    let registry = Registry::new(&format!("api-{}", world.namespace()));
    let image = registry.image();
    for tag in ["main-aa-9", "main-bb-10", "pr-cc-99"] {
        registry.publish(tag).await;
    }
    let marker = "# {\"$imagepolicy\": \"flux-system:api\"}";
    let file = |tag: &str| deployment("api", &format!("image: {image}:{tag}   {marker}"));
    world
        .repository
        .write("manifests/api.yaml", &file("main-aa-9"));
    world
        .repository
        .write("elsewhere/api.yaml", &file("main-aa-9"));
    let kind = |kind: &str, spec: &str| {
        format!(
            "apiVersion: image.toolkit.fluxcd.io/v1\nkind: {kind}\nmetadata: {{name: api, namespace: flux-system}}\nspec: {spec}\n"
        )
    };
    world.repository.write(
        "apps/images.yaml",
        &[
            kind("ImageRepository", &format!("{{image: '{image}', interval: 5s, insecure: true}}")),
            kind("ImagePolicy", "{imageRepositoryRef: {name: api}, filterTags: {pattern: '^main-[a-f]+-(?P<n>[0-9]+)$', extract: $n}, policy: {numerical: {order: asc}}}"),
            kind("ImageUpdateAutomation", "{interval: 5s, sourceRef: {kind: GitRepository, name: flux-system}, git: {checkout: {ref: {branch: main}}, commit: {author: {name: bot, email: bot@example.org}}}, update: {path: ./manifests, strategy: Setters}}"),
        ]
        .join("---\n"),
    );
    let first = world.push("a marker");
    world.until_deployed(&first).await;
    let ports = world.ports().await;
    world.follow_image_rules();
    live(&world, "api", &format!("{image}:main-bb-10")).await;
    let show = |path: &str| {
        let text = world.repository.git(&["show", &format!("main:{path}")]);
        format!("{}\n", text.trim_end())
    };
    assert_eq!(show("manifests/api.yaml"), file("main-bb-10"));
    assert_eq!(show("elsewhere/api.yaml"), file("main-aa-9"));
    let message = world
        .repository
        .git(&["log", "-1", "--format=%an|%B", "main"]);
    for part in [
        "ImageUpdateAutomation flux-system/api|Set ",
        "manifests/api.yaml:12: ",
        "(flux-system:api)",
        "Lockstep-Log: ",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    let name = "ImageUpdateAutomation flux-system/api";
    let view = until_rule(&ports, name, "written", |view| view.deeds.len() == 1).await;
    let head = world.repository.git(&["rev-parse", "main"]);
    let before = view.looked_at;
    until_rule(&ports, name, "looked at again", |view| {
        view.looked_at > before
    })
    .await;
    assert_eq!(world.repository.git(&["rev-parse", "main"]), head);

    // What would not render is not written.
    world.repository.git(&["checkout", "--quiet", "main"]);
    world
        .repository
        .git(&["reset", "--quiet", "--hard", head.trim()]);
    world.repository.write(
        "manifests/broken.yaml",
        &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: api}}\ndata:\n  image: {image}:main-aa-9 {marker}\n---\napiVersion: v1\nmetadata: {{name: broken}}\nkind: [\n"),
    );
    world.push("broken");
    let view = until_rule(&ports, name, "refused", |view| !view.problem.is_empty()).await;
    assert!(view.problem.contains("default/shop on"), "{}", view.problem);
    world.end().await;
}
