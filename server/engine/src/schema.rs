//! What a cluster's own OpenAPI documents say about the shape of its objects, as a compact graph per cluster:
//! how lists merge, which fields exist, what is defaulted. Pure: it is handed parsed documents and never fetches
//! one. The owner of a cluster's [`Schema`] is `live`; `diff` only reads it.

mod read;

use crate::prediction::{Rule, is_on};
use lockstep_types::resource::ResourceKey;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// The kinds of one cluster.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// Named parts of the documents; references are resolved through it, so a cycle costs nothing.
    components: HashMap<Arc<str>, Arc<Node>>,
    kinds: HashMap<Gvk, Arc<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Gvk {
    group: String,
    version: String,
    kind: String,
}

/// One place in an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub shape: Shape,
    pub default: Option<Value>,
    pub nullable: bool,
}

/// What may stand in a place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// Anything: unknown fields are kept as written; maps merge by key and lists are replaced whole.
    Any,
    /// Anything, as one whole that is kept as written.
    Raw,
    Scalar,
    /// Base64 text.
    Bytes,
    /// A number or a text, kept as written.
    IntOrString,
    /// A resource quantity that the API server writes in canonical form.
    Quantity,
    /// A time that it writes in canonical form, to the second or finer.
    Time {
        micros: bool,
    },
    /// Named fields.
    Struct(Fields),
    /// Free keys with values of one shape.
    Map {
        value: Box<Node>,
        atomic: bool,
    },
    List {
        item: Box<Node>,
        kind: ListKind,
    },
    /// A named component, looked up when it is walked.
    Reference(Arc<str>),
}

/// The fields of a struct, sorted by name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fields {
    pub known: Box<[(Box<str>, Node)]>,
    /// Shape of the fields that are not named, when there may be such.
    pub rest: Option<Box<Node>>,
    /// Replaced whole by whoever applies it.
    pub atomic: bool,
}

/// How a list merges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListKind {
    /// Replaced whole.
    Atomic,
    /// Scalars, each at most once.
    Set,
    /// Objects told apart by these fields.
    Map(Box<[Box<str>]>),
}

/// A place in an object together with the schema it is from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    schema: &'a Schema,
    node: &'a Node,
    /// Default that stands beside a reference; it wins over the component's own.
    default: Option<&'a Value>,
    /// A kind built into the API server: decoded into a struct, so zero values and empty maps may vanish.
    pub typed: bool,
}

/// What a field of an object is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field<'a> {
    Known(View<'a>),
    /// The schema has no such field.
    Unknown,
}

impl Schema {
    /// All of these documents; see [`Schema::add_openapi_v3`].
    pub fn from_openapi_v3<'a>(documents: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut schema = Self::default();
        for document in documents {
            schema.add_openapi_v3(document);
        }
        schema
    }

    /// Adds one document of `/openapi/v3/…`; kinds it had before are replaced. Returns how many kinds it holds.
    pub fn add_openapi_v3(&mut self, document: &Value) -> usize {
        read::add(self, document)
    }

    /// Whether the cluster described this kind.
    pub fn knows(&self, api_version: &str, kind: &str) -> bool {
        self.component_of(api_version, kind).is_some()
    }

    /// How many kinds are described.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether nothing is described.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// The root of a kind; `None` when the cluster did not describe it.
    pub(crate) fn view(&self, api_version: &str, kind: &str) -> Option<View<'_>> {
        let node = self.component_of(api_version, kind)?;
        let group = crate::manifest::group_of(api_version);
        Some(
            View {
                schema: self,
                node,
                default: None,
                typed: is_built_in(group),
            }
            .resolved(),
        )
    }

    fn component_of(&self, api_version: &str, kind: &str) -> Option<&Node> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let gvk = Gvk {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        };
        self.components.get(self.kinds.get(&gvk)?).map(Arc::as_ref)
    }
}

/// Groups that the API server compiles in. Everything else is a custom resource or an aggregated API.
pub fn is_built_in(group: &str) -> bool {
    const DOTTED: [&str; 14] = [
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
    ];
    const REST: [&str; 4] = [
        "internal.apiserver.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    ];
    !group.contains('.') || DOTTED.contains(&group) || REST.contains(&group)
}

/// Whether an object is of a kind that a custom resource definition (or an aggregated API) defines.
pub fn is_custom(key: &ResourceKey) -> bool {
    !is_built_in(&key.group)
}

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

impl<'a> View<'a> {
    /// Follows references. A reference to nothing, or a chain without end, stands for anything.
    fn resolved(mut self) -> Self {
        const ANYTHING: &Node = &Node {
            shape: Shape::Any,
            default: None,
            nullable: true,
        };
        for _ in 0..16 {
            let Shape::Reference(name) = &self.node.shape else {
                return self;
            };
            self.default = self.default.or(self.node.default.as_ref());
            // Custom resources have metadata of the built-in type.
            self.typed |= name.as_ref() == OBJECT_META && is_on(Rule::CustomMetadata);
            match self.schema.components.get(name) {
                Some(node) => self.node = node,
                None => break,
            }
        }
        self.node = ANYTHING;
        self
    }

    fn to(self, node: &'a Node) -> Self {
        View {
            node,
            default: None,
            ..self
        }
        .resolved()
    }

    /// What may stand here.
    pub fn shape(self) -> &'a Shape {
        &self.node.shape
    }

    /// What the API server puts here when nothing is given, as far as the document says.
    pub fn default(self) -> Option<&'a Value> {
        self.default.or(self.node.default.as_ref())
    }

    /// Whether an explicit null is kept.
    pub fn nullable(self) -> bool {
        self.node.nullable
    }

    /// A field of a struct, map or free-form object.
    pub fn field(self, name: &str) -> Field<'a> {
        match &self.node.shape {
            Shape::Struct(fields) => match fields
                .known
                .binary_search_by(|(known, _)| known.as_ref().cmp(name))
            {
                Ok(at) => fields
                    .known
                    .get(at)
                    .map_or(Field::Unknown, |(_, node)| Field::Known(self.to(node))),
                Err(_) => fields
                    .rest
                    .as_ref()
                    .map_or(Field::Unknown, |rest| Field::Known(self.to(rest))),
            },
            Shape::Map { value, .. } => Field::Known(self.to(value)),
            Shape::Any | Shape::Raw => Field::Known(self),
            _ => Field::Unknown,
        }
    }

    /// The items of a list; `self` for free-form values.
    pub fn item(self) -> Self {
        match &self.node.shape {
            Shape::List { item, .. } => self.to(item),
            _ => self,
        }
    }

    /// How a list here merges.
    pub fn list(self) -> &'a ListKind {
        match &self.node.shape {
            Shape::List { kind, .. } => kind,
            _ => &ListKind::Atomic,
        }
    }

    /// Whether the whole object is replaced by whoever applies it.
    pub fn atomic_map(self) -> bool {
        match &self.node.shape {
            Shape::Struct(fields) => fields.atomic,
            Shape::Map { atomic, .. } => *atomic,
            _ => false,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
