//! In which order the applications of an emptied or replaced cluster come back: what others build on first. Pure.
//!
//! Two things decide. What a member cannot do without comes before it: the definition of a custom kind, its namespace, a
//! Secret or a service account that another member brings, and what its definition names in `dependsOn`. Among those
//! that wait for nothing, the ones that bring custom kinds come first, then namespaces, then what serves the whole
//! cluster, then applications.

use crate::manifest::Manifest;
use crate::needs;
use lockstep_types::id::TargetId;
use lockstep_types::reestablish::Rank;
use lockstep_types::resource::ResourceKey;
use std::collections::{BTreeMap, BTreeSet};

/// One target of the cluster.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    pub id: TargetId,
    pub name: &'a str,
    /// What Git declares for it; `None`: not known.
    pub objects: Option<&'a [Manifest]>,
    /// Its namespace is made when it is missing.
    pub makes_namespaces: bool,
    /// Targets that its definition names in `dependsOn`.
    pub depends_on: &'a [TargetId],
}

/// Where a member comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub target: TargetId,
    /// From 1.
    pub stage: u32,
    pub rank: Rank,
    /// Why here, in one sentence without a full stop.
    pub why: String,
    /// Members without which it cannot come back.
    pub after: Vec<TargetId>,
}

/// Kinds of which the whole cluster makes use.
const PLATFORM: [(&str, &str); 12] = [
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
    (
        "admissionregistration.k8s.io",
        "MutatingWebhookConfiguration",
    ),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
    (
        "admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration",
    ),
    ("apiregistration.k8s.io", "APIService"),
    ("gateway.networking.k8s.io", "GatewayClass"),
    ("networking.k8s.io", "IngressClass"),
    ("node.k8s.io", "RuntimeClass"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("snapshot.storage.k8s.io", "VolumeSnapshotClass"),
    ("storage.k8s.io", "CSIDriver"),
    ("storage.k8s.io", "StorageClass"),
];
/// Named of a longer list.
const NAMED: usize = 3;

/// The places of all members, by stage and name.
pub fn order(members: &[Member<'_>]) -> Vec<Place> {
    let brought = Brought::of(members);
    let ranks: Vec<(Rank, String)> = members.iter().map(rank).collect();
    let before: Vec<BTreeMap<usize, String>> = (0..members.len())
        .map(|index| brought.before(members, index))
        .collect();
    let mut places: Vec<Option<Place>> = vec![None; members.len()];
    let mut stage = 0;
    while places.iter().any(Option::is_none) {
        stage += 1;
        let open = |index: &usize| places[*index].is_none();
        let waiting: Vec<usize> = (0..members.len()).filter(open).collect();
        let ready: Vec<usize> = waiting
            .iter()
            .copied()
            .filter(|index| before[*index].keys().all(|other| !open(other)))
            .collect();
        let circle = ready.is_empty();
        let now = if circle {
            first_of_circle(members, &ranks, &before, &waiting)
        } else {
            let least = ready.iter().map(|index| ranks[*index].0).min();
            ready
                .into_iter()
                .filter(|index| Some(ranks[*index].0) == least)
                .collect()
        };
        for index in now {
            let (rank, what) = &ranks[index];
            let needs = before[index].values().cloned();
            let mut whys: Vec<String> = needs.collect();
            if circle {
                let others = others(members, &before[index], &places);
                whys = vec![format!(
                    "needs {others} and is needed there: it begins the circle"
                )];
            } else if whys.is_empty() {
                whys.push(what.clone());
            }
            places[index] = Some(Place {
                target: members[index].id,
                stage,
                rank: *rank,
                why: some(&whys, "; "),
                after: before[index]
                    .keys()
                    .filter(|other| {
                        places[**other]
                            .as_ref()
                            .is_some_and(|one| one.stage < stage)
                    })
                    .map(|other| members[*other].id)
                    .collect(),
            });
        }
    }
    let mut named: Vec<(&str, Place)> = members
        .iter()
        .zip(places)
        .filter_map(|(member, place)| Some((member.name, place?)))
        .collect();
    named.sort_by(|(a, one), (b, other)| (one.stage, a).cmp(&(other.stage, b)));
    named.into_iter().map(|(_, place)| place).collect()
}

/// Of members that need each other: the one that brings what most need, and among equals the first by name.
fn first_of_circle(
    members: &[Member<'_>],
    ranks: &[(Rank, String)],
    before: &[BTreeMap<usize, String>],
    waiting: &[usize],
) -> Vec<usize> {
    // Only who waits for nobody but others that wait for it is in the circle; who merely stands behind it is not.
    let reaches = |from: usize| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(index) = open.pop() {
            for other in before[index].keys().filter(|other| waiting.contains(other)) {
                if seen.insert(*other) {
                    open.push(*other);
                }
            }
        }
        seen
    };
    let ahead: BTreeMap<usize, BTreeSet<usize>> = waiting
        .iter()
        .map(|index| (*index, reaches(*index)))
        .collect();
    let foremost = waiting.iter().copied().filter(|index| {
        ahead[index]
            .iter()
            .all(|other| ahead[other].contains(index))
    });
    foremost
        .min_by_key(|index| (ranks[*index].0, members[*index].name))
        .into_iter()
        .collect()
}

fn others(
    members: &[Member<'_>],
    before: &BTreeMap<usize, String>,
    places: &[Option<Place>],
) -> String {
    let names: Vec<String> = before
        .keys()
        .filter(|other| places[**other].is_none())
        .map(|other| members[*other].name.to_owned())
        .collect();
    some(&names, ", ")
}

fn some(list: &[String], between: &str) -> String {
    let mut text = list[..list.len().min(NAMED)].join(between);
    if list.len() > NAMED {
        text.push_str(&format!("{between}and {} more", list.len() - NAMED));
    }
    text
}

/// What a member is to the others, and why in words.
fn rank(member: &Member<'_>) -> (Rank, String) {
    let Some(objects) = member.objects else {
        return (
            Rank::Application,
            "what it declares is not known yet".to_owned(),
        );
    };
    let of = |wanted: &dyn Fn(&ResourceKey) -> bool, said: &dyn Fn(&ResourceKey) -> String| {
        let found = objects.iter().filter(|object| wanted(&object.key));
        let names: BTreeSet<String> = found.map(|object| said(&object.key)).collect();
        let names: Vec<String> = names.into_iter().collect();
        (!names.is_empty()).then(|| some(&names, ", "))
    };
    let name = |key: &ResourceKey| key.name.clone();
    let kind = |key: &ResourceKey| (key.group.clone(), key.kind.clone());
    let is =
        |key: &ResourceKey, named: (&str, &str)| (key.group.as_str(), key.kind.as_str()) == named;
    if let Some(names) = of(&|key| is(key, needs::DEFINITION), &name) {
        return (
            Rank::Definitions,
            format!("brings the custom kinds {names}"),
        );
    }
    if let Some(names) = of(&|key| is(key, ("", "Namespace")), &name) {
        return (Rank::Namespaces, format!("brings the namespaces {names}"));
    }
    let serves = |key: &ResourceKey| {
        let (group, kind) = kind(key);
        PLATFORM.contains(&(group.as_str(), kind.as_str()))
    };
    match of(&serves, &ResourceKey::short) {
        Some(names) => (
            Rank::Platform,
            format!("the whole cluster makes use of {names}"),
        ),
        None => (Rank::Application, "needs no other application".to_owned()),
    }
}

/// Who brings what others need.
struct Brought {
    kinds: BTreeMap<(String, String), usize>,
    objects: BTreeMap<ResourceKey, usize>,
}

impl Brought {
    fn of(members: &[Member<'_>]) -> Self {
        let mut brought = Self {
            kinds: BTreeMap::new(),
            objects: BTreeMap::new(),
        };
        for (index, member) in members.iter().enumerate() {
            for object in member.objects.unwrap_or_default() {
                if let Some(kind) = needs::defined_kind(object) {
                    brought.kinds.entry(kind).or_insert(index);
                }
                for made in needs::made(object) {
                    brought.objects.entry(made).or_insert(index);
                }
                brought.objects.entry(object.key.clone()).or_insert(index);
            }
        }
        brought
    }

    /// Those that a member cannot do without, each with the reason.
    fn before(&self, members: &[Member<'_>], index: usize) -> BTreeMap<usize, String> {
        let member = &members[index];
        let mut before: BTreeMap<usize, String> = BTreeMap::new();
        let mut note = |other: Option<usize>, why: &dyn Fn(&str) -> String| {
            if let Some(other) = other.filter(|other| *other != index) {
                before
                    .entry(other)
                    .or_insert_with(|| why(members[other].name));
            }
        };
        for depends_on in member.depends_on {
            let other = members.iter().position(|other| other.id == *depends_on);
            note(other, &|name| format!("depends on {name}"));
        }
        for object in member.objects.unwrap_or_default() {
            let kind = (object.key.group.clone(), object.key.kind.clone());
            note(self.kinds.get(&kind).copied(), &|name| {
                format!("uses {} of {name}", object.key.kind)
            });
            if !object.key.namespace.is_empty() && !member.makes_namespaces {
                let namespace = ResourceKey::new("", "Namespace", "", &object.key.namespace);
                note(self.objects.get(&namespace).copied(), &|name| {
                    format!("lies in the namespace {} of {name}", namespace.name)
                });
            }
            for needed in needs::needed(object) {
                note(self.objects.get(&needed).copied(), &|name| {
                    format!("needs {} of {name}", needed.short())
                });
            }
        }
        before
    }
}

#[cfg(test)]
mod tests;
