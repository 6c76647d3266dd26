//! The event stream in the browser. Events say what to read again, never what to add up: each page asks
//! for the ticks of its topic and reads its data anew when they move.
//!
//! State is owned by [`Live`], one per document. The stream is closed while the tab is hidden and goes on
//! after the last event seen, so nothing is lost and nothing is polled.

use leptos::prelude::*;
use lockstep_types::Micros;
use lockstep_types::event::Subject;
use lockstep_types::id::{ApplicationId, RunId};

/// What a page is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    All,
    Application(Option<ApplicationId>),
    Run(Option<RunId>),
    Cluster(String),
}

impl Topic {
    /// Whether an event means that this page's data changed.
    pub fn concerns(&self, subject: &Subject) -> bool {
        match (self, subject) {
            (Self::All, _) => true,
            (
                Self::Application(Some(id)),
                Subject::Target { application, .. } | Subject::Run { application, .. },
            ) => id == application,
            // A source may redefine any application; a cluster may cut any target off.
            (Self::Application(_), Subject::Cluster(_) | Subject::Source(_)) => true,
            (Self::Run(Some(id)), Subject::Run { run, .. }) => id == run,
            (
                Self::Cluster(name),
                Subject::Cluster(cluster)
                | Subject::Target { cluster, .. }
                | Subject::Run { cluster, .. },
            ) => name == cluster,
            _ => false,
        }
    }
}

/// How the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveState {
    /// Before WASM, or without it.
    Still,
    Connected,
    /// Since when nothing has arrived.
    Cut(Micros),
    /// The tab is hidden.
    Paused,
}

/// Events that arrived together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Batch {
    number: u64,
    /// The log no longer reaches back to where we were: read everything again.
    everything: bool,
    subjects: Vec<Subject>,
}

/// The stream of this document.
#[derive(Debug, Clone, Copy)]
pub struct Live {
    state: RwSignal<LiveState>,
    batch: RwSignal<Batch>,
}

impl Live {
    /// Provides the stream to everything below; it starts with [`Live::start`].
    pub fn provide() -> Self {
        let live = Self {
            state: RwSignal::new(LiveState::Still),
            batch: RwSignal::default(),
        };
        provide_context(live);
        live
    }

    /// How the stream is, tracked.
    pub fn state(self) -> LiveState {
        self.state.get()
    }

    /// Listens from `head` on. Does nothing on the server.
    pub fn start(self, head: u64) {
        #[cfg(feature = "hydrate")]
        browser::start(self, head);
        #[cfg(not(feature = "hydrate"))]
        let _server_has_no_stream = head;
    }
}

/// A number that moves when something about the topic changed. Make it part of a resource's source.
pub fn ticks(topic: impl Fn() -> Topic + Send + Sync + 'static) -> Memo<u64> {
    let live = use_context::<Live>();
    Memo::new(move |before: Option<&u64>| {
        let before = before.copied().unwrap_or_default();
        let Some(live) = live else { return before };
        let topic = topic();
        live.batch.with(|batch| {
            let moved =
                batch.everything || batch.subjects.iter().any(|subject| topic.concerns(subject));
            if moved { batch.number } else { before }
        })
    })
}

#[cfg(feature = "hydrate")]
mod browser;

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::id::TargetId;
    use uuid::Uuid;

    #[test]
    fn a_page_hears_only_what_concerns_it() {
        let mine = ApplicationId(Uuid::from_u128(1));
        let event = |application| Subject::Target {
            target: TargetId(Uuid::nil()),
            application,
            cluster: "prod-eu".into(),
        };
        let topic = Topic::Application(Some(mine));
        assert!(topic.concerns(&event(mine)));
        assert!(!topic.concerns(&event(ApplicationId(Uuid::from_u128(2)))));
        assert!(topic.concerns(&Subject::Cluster("prod-eu".into())));
        assert!(!topic.concerns(&Subject::Account));
        assert!(Topic::All.concerns(&Subject::Account));
        assert!(Topic::Cluster("prod-eu".into()).concerns(&event(mine)));
        assert!(!Topic::Cluster("prod-us".into()).concerns(&event(mine)));
    }

    #[test]
    fn ticks_move_only_for_the_topic_and_for_everything() {
        let owner = Owner::new();
        owner.with(|| {
            let live = Live::provide();
            let ticks = ticks(|| Topic::Cluster("a".into()));
            assert_eq!(ticks.get_untracked(), 0);
            live.batch.set(Batch {
                number: 1,
                everything: false,
                subjects: vec![Subject::Cluster("b".into())],
            });
            assert_eq!(ticks.get_untracked(), 0);
            live.batch.set(Batch {
                number: 2,
                everything: false,
                subjects: vec![Subject::Cluster("a".into())],
            });
            assert_eq!(ticks.get_untracked(), 2);
            live.batch.set(Batch {
                number: 3,
                everything: true,
                subjects: Vec::new(),
            });
            assert_eq!(ticks.get_untracked(), 3);
        });
    }
}
