//! Worlds to plan in.

use super::*;

/// A world to plan in: what Git says, what the cluster holds and what was applied.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub desired: Vec<Manifest>,
    pub diffs: BTreeMap<ResourceKey, ResourceDiff>,
    pub live: BTreeMap<ResourceKey, LiveFact>,
    pub inventory: Vec<InventoryEntry>,
    pub policy: PlanPolicy,
    pub namespace_exists: Option<bool>,
    pub cascade: BTreeMap<ResourceKey, u32>,
    pub selection: Option<Selection>,
    pub approved: Option<String>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            desired: Vec::new(),
            diffs: BTreeMap::new(),
            live: BTreeMap::new(),
            inventory: Vec::new(),
            policy: PlanPolicy {
                prune: true,
                allow_empty: false,
                create_namespace: false,
                prune_last: false,
                prune_wish: Wish::Allowed,
                replace: false,
                force: false,
                hooks: HookRuns::WithChanges,
                removal: false,
                delete_wish: Wish::Allowed,
            },
            namespace_exists: Some(true),
            cascade: BTreeMap::new(),
            selection: None,
            approved: None,
        }
    }

    pub(super) fn input(&self) -> PlanInput<'_> {
        PlanInput {
            target: TargetId(Uuid::from_u128(1)),
            revision: Revision("0123456789abcdef0123456789abcdef01234567".to_owned()),
            installation: INSTALLATION,
            target_key: TARGET,
            desired: &self.desired,
            diffs: &self.diffs,
            live: &self.live,
            inventory: &self.inventory,
            policy: self.policy,
            destination_namespace: "shop",
            namespace_metadata: NamespaceMetadata::default(),
            namespace_exists: self.namespace_exists,
            cascade: &self.cascade,
            selection: self.selection.as_ref(),
            approved_digest: self.approved.as_deref(),
        }
    }

    /// Plans and checks.
    pub(super) fn plan(&self) -> Plan {
        let plan = plan(&self.input());
        assert_eq!(check(&plan, &self.input()), [], "{}", table(&plan));
        plan
    }

    pub(super) fn declare(&mut self, key: &str, annotations: &Value) -> ResourceKey {
        let manifest = manifest(key, annotations);
        let key = manifest.key.clone();
        self.desired.push(manifest);
        key
    }

    /// Declared, not live.
    pub(super) fn new_object(&mut self, key: &str) {
        let key = self.declare(key, &json!({}));
        self.live.insert(key, LiveFact::Absent);
    }

    /// Declared and live as declared.
    pub(super) fn synced(&mut self, key: &str) -> ResourceKey {
        let key = self.declare(key, &json!({}));
        self.deployed(&key);
        key
    }

    /// Live and in the inventory, not declared.
    pub(super) fn left_git(&mut self, key: &str) -> ResourceKey {
        let key = ResourceKey::parse(key).unwrap();
        self.deployed(&key);
        key
    }

    pub(super) fn deployed(&mut self, key: &ResourceKey) {
        let uid = format!("uid-of-{}", key.name);
        self.live
            .insert(key.clone(), LiveFact::Present(facts(key, &uid)));
        self.inventory.push(InventoryEntry {
            key: key.clone(),
            uid: Some(uid),
        });
    }

    pub(super) fn facts_of(&mut self, key: &ResourceKey) -> &mut PresentFacts {
        match self.live.get_mut(key) {
            Some(LiveFact::Present(facts)) => facts,
            other => panic!("{key} is {other:?}"),
        }
    }
}

pub(super) fn facts(key: &ResourceKey, uid: &str) -> PresentFacts {
    let id = tracking::TrackingId {
        installation: INSTALLATION,
        target_key: TARGET.to_owned(),
        key: key.clone(),
    };
    PresentFacts {
        uid: uid.to_owned(),
        api_version: "v1".to_owned(),
        tracking: Some(id.text()),
        ..PresentFacts::default()
    }
}

pub(super) fn manifest(key: &str, annotations: &Value) -> Manifest {
    let key = ResourceKey::parse(key).unwrap();
    let version = if key.group.is_empty() {
        "v1".to_owned()
    } else {
        format!("{}/v1", key.group)
    };
    let mut metadata = json!({"name": key.name, "annotations": annotations});
    if !key.namespace.is_empty() {
        metadata["namespace"] = json!(key.namespace);
    }
    let body = json!({"apiVersion": version, "kind": key.kind, "metadata": metadata});
    tracking::stamp(&Manifest::new(body, None).unwrap(), INSTALLATION, TARGET)
}

pub(super) fn differing(key: &ResourceKey, class: DiffClass) -> ResourceDiff {
    ResourceDiff {
        key: key.clone(),
        kind: ResourceDiffKind::Differs,
        changes: vec![FieldChange {
            path: "spec.replicas".to_owned(),
            declared: Some(json!(3)),
            live: Some(json!(2)),
            class,
            manager: None,
            operation: None,
            at: None,
            impact: Impact::Scales,
        }],
        origin: None,
        live_yaml: None,
        predicted_yaml: None,
    }
}
