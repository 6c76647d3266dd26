//! The rules by which [`crate::diff::compare`] predicts what the API server would do, one by one. In tests each may be
//! switched off, to prove that its loss would be noticed; a release has no switch. Off means the plain guess that
//! somebody without the rule would make, never a question to the server.

macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident,)*) => {
        /// One rule of the prediction.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rule {
            $($(#[$doc])* $rule,)*
        }

        impl Rule {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$rule,)*];
        }
    };
}

rules! {
    /// `1.0` and `1` are one number.
    Numbers,
    /// `1000m` and `1` are one quantity.
    Quantities,
    /// `1Gi` and `1073741824` are written differently, and stay so.
    QuantityFamilies,
    /// … except where nothing of the suffix is left to write: `1.5Ki` becomes `1536`.
    PlainQuantities,
    /// Times are written in one form: `05:00+02:00` becomes `03:00Z`.
    Times,
    /// The old name of a service account changes nothing while the new one is there.
    ServiceAccounts,
    /// Line breaks in Base64 do not count.
    Base64,
    /// What the server writes into metadata is no part of a manifest.
    ServerSet,
    /// The status is no part of a manifest.
    Status,
    /// kubectl's copy of the object is no part of a manifest.
    LastApplied,
    /// A Secret's plain values are written into its data.
    StringData,
    /// A number or text of a custom resource is no quantity.
    IntOrString,
    /// Schemas inside of definitions are objects like any other.
    NestedSchemas,
    /// The metadata of custom resources is decoded into a struct.
    CustomMetadata,
    /// Custom resources keep zero values as they are written.
    CustomLiteral,
    /// The live object was read as the declared version.
    ReadVersion,
    /// A field that the schema does not have.
    UnknownFields,
    /// Null for what is not there says nothing.
    NullAbsent,
    /// Null in a map of texts becomes an empty text.
    NullInMap,
    /// Null for a map or a merged list takes nothing away.
    NullMerges,
    /// What is not described is one whole.
    Raw,
    /// Null where the schema allows it is kept.
    NullKept,
    /// Null for what is at its default changes nothing.
    NullDefault,
    /// Null for what the server fills in.
    NullUnsure,
    /// What is zero and not there may be so because zero vanishes.
    ZeroVanishes,
    /// An empty struct is kept.
    EmptyStructKept,
    /// Empty Base64 vanishes.
    EmptyBytes,
    /// In maps of texts, empty texts are kept.
    EmptyInMap,
    /// What we have applied and is not there has vanished.
    OwnedVanishes,
    /// … whatever it is: the server drops fields of features that are off.
    OwnedDropped,
    /// Where zero says something, it is kept.
    ZeroKept,
    /// Zero that the server may or may not keep.
    ZeroUnsure,
    /// Zero for what is allocated keeps what is there.
    ZeroAllocated,
    /// Zero that vanishes lets the default return.
    ZeroDefault,
    /// Zero for what the server fills in.
    ZeroComputed,
    /// An old controller without a selector selects by the labels of its template.
    OldSelectors,
    /// An empty list may be filled in.
    EmptyLists,
    /// Every pod is given tolerations of the cluster.
    Tolerations,
    /// Some maps are replaced whole.
    AtomicMaps,
    /// What is in a whole that is replaced and not declared goes.
    ExtraGoes,
    /// … unless the schema gives it as a default.
    ExtraSchemaDefault,
    /// … or the server's own types do.
    ExtraDefault,
    /// … or it came with our own apply.
    ExtraOurs,
    /// … or the server computes it in items of lists.
    ExtraComputed,
    /// What we applied inside of such a whole and no longer declare goes.
    ExtraLeftGit,
    /// Into a container's default limits the server writes what follows from others.
    FilledMaps,
    /// What may be a default or not.
    ExtraUnsure,
    /// Some lists merge item by item.
    ListMaps,
    /// Some lists are sets.
    Sets,
    /// Inside of what is replaced whole, nothing merges.
    Strict,
    /// Items of a list that is replaced whole have defaults, too.
    AtomicItems,
    /// A key that is left out has its default.
    KeyDefaults,
    /// An item without its key.
    KeyMissing,
    /// The same item twice.
    Duplicates,
    /// Lists that merge take the declared order.
    Order,
    /// What we owned and no longer declare goes.
    Removals,
    /// … unless somebody else owns it as well.
    CoOwned,
    /// … unless the schema's default takes its place.
    RemovedSchemaDefault,
    /// … unless the default of the server's own types takes its place.
    RemovedDefault,
    /// … unless the server fills it in.
    RemovedComputed,
    /// … unless it is an empty struct that the server always writes.
    RemovedEmptyStruct,
    /// Without a schema, what merges and what is replaced cannot be told.
    NoSchema,
    /// Replicas belong to the autoscaler.
    Replicas,
    /// Our apply stands, and the server itself keeps another value.
    Settled,
    /// … if nobody else has written it since.
    SettledOurs,
    /// … and if the live object is not older than our apply.
    SettledCurrent,
    /// A webhook may change what is applied.
    Webhooks,
}

#[cfg(not(any(test, feature = "testing")))]
pub(crate) const fn is_on(_: Rule) -> bool {
    true
}

#[cfg(any(test, feature = "testing"))]
mod switch {
    use super::Rule;
    use std::cell::Cell;

    thread_local! {
        /// The rule that is off in this thread, so that tests beside it keep all of theirs.
        static OFF: Cell<Option<Rule>> = const { Cell::new(None) };
    }

    pub(crate) fn is_on(rule: Rule) -> bool {
        OFF.get() != Some(rule)
    }

    /// What `work` says while one rule is off in this thread.
    pub fn without<T>(rule: Rule, work: impl FnOnce() -> T) -> T {
        OFF.set(Some(rule));
        let said = work();
        OFF.set(None);
        said
    }
}

#[cfg(any(test, feature = "testing"))]
pub(crate) use switch::is_on;
#[cfg(any(test, feature = "testing"))]
pub use switch::without;
