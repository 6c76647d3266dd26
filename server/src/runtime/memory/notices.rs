//! Alerts, routes and texts as sources and renders have them.

use super::{Memory, locked};
use engine::definition::Notices;
use lockstep_types::id::{SourceId, TargetId};
use std::collections::BTreeSet;

impl Memory {
    /// Takes over the alerts in the files of a source (`None`) or in the render of a target.
    pub(crate) fn set_notices(&self, source: SourceId, by: Option<TargetId>, notices: Notices) {
        let mut known = locked(&self.notices);
        let of_source = known.entry(source).or_default();
        if notices.is_empty() {
            of_source.remove(&by);
        } else {
            of_source.insert(by, notices);
        }
    }

    /// All of them, by source. What a source says in its own files counts before what is rendered by the same name.
    pub(crate) fn notices(&self) -> Vec<(SourceId, Notices)> {
        let known = locked(&self.notices);
        let all = known.iter().map(|(source, by)| {
            let mut whole = Notices::default();
            let (mut providers, mut alerts) = (BTreeSet::new(), BTreeSet::new());
            let (mut routes, mut texts) = (BTreeSet::new(), BTreeSet::new());
            for notices in by.values() {
                for provider in &notices.providers {
                    if providers.insert((&provider.namespace, &provider.name)) {
                        whole.providers.push(provider.clone());
                    }
                }
                for alert in &notices.alerts {
                    if alerts.insert((&alert.namespace, &alert.name)) {
                        whole.alerts.push(alert.clone());
                    }
                }
                for route in &notices.routes {
                    if routes.insert(&route.name) {
                        whole.routes.push(route.clone());
                    }
                }
                for text in &notices.texts {
                    if texts.insert(&text.name) {
                        whole.texts.push(text.clone());
                    }
                }
            }
            (*source, whole)
        });
        all.collect()
    }

    /// Forgets what a target rendered.
    pub(super) fn forget_notices(&self, target: TargetId) {
        for by in locked(&self.notices).values_mut() {
            by.remove(&Some(target));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::definition::NoticeProvider;
    use uuid::Uuid;

    #[test]
    fn files_count_before_renders_and_what_is_gone_is_forgotten() {
        let provider = |name: &str, kind: &str| NoticeProvider {
            namespace: "flux-system".to_owned(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            suspend: false,
        };
        let with = |providers: Vec<NoticeProvider>| Notices {
            providers,
            ..Notices::default()
        };
        let memory = Memory::default();
        let source = SourceId(Uuid::from_u128(1));
        let target = TargetId(Uuid::from_u128(2));
        let rendered = with(vec![
            provider("chat", "generic"),
            provider("mail", "generic"),
        ]);
        memory.set_notices(source, Some(target), rendered);
        memory.set_notices(source, None, with(vec![provider("chat", "slack")]));
        let kinds = || -> Vec<String> {
            let all = memory.notices().into_iter();
            all.flat_map(|(_, notices)| notices.providers)
                .map(|provider| format!("{} {}", provider.name, provider.kind))
                .collect()
        };
        assert_eq!(kinds(), ["chat slack", "mail generic"]);
        memory.set_notices(source, None, Notices::default());
        assert_eq!(kinds(), ["chat generic", "mail generic"]);
        memory.forget_target(target);
        assert_eq!(kinds(), [""; 0]);
    }
}
