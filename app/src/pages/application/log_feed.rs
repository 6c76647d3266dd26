//! The lines of a log that is followed. Kept by the page, so that what is drawn anew with every event loses nothing.

use crate::format;
use leptos::prelude::*;
use lockstep_types::Micros;
use lockstep_types::id::{ApplicationId, TargetId};
use lockstep_types::log::{LogLine, LogQuery};
use std::collections::VecDeque;

/// Lines that are kept of a log that is followed.
const KEPT: usize = 2000;

/// How the feed is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedState {
    /// Nobody follows.
    Still,
    Following,
    /// The containers have ended, or the connection has.
    Ended,
    Failed(String),
}

/// A line with a number that no other line of the feed has.
pub type Numbered = (u64, LogLine);

/// The feed of a page. There is one; what it follows changes.
#[derive(Debug, Clone, Copy)]
pub struct LogFeed {
    pub state: RwSignal<FeedState>,
    pub lines: RwSignal<VecDeque<Numbered>>,
    /// What is being followed: the address of its stream.
    address: RwSignal<Option<String>>,
}

/// Where the lines of a query come from.
pub fn stream_address(
    application: ApplicationId,
    target: TargetId,
    query: &LogQuery,
    download: bool,
) -> String {
    let object = query
        .object
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let word = |yes: bool| if yes { "true" } else { "" };
    format::link(
        &format!("/api/v1/apps/{application}/targets/{target}/logs"),
        &[
            ("object", &object),
            ("pod", &query.pod),
            ("container", &query.container),
            ("previous", word(query.previous)),
            ("tail", &query.tail.to_string()),
            ("follow", word(query.follow)),
            ("download", word(download)),
        ],
    )
}

impl LogFeed {
    /// A feed that follows nothing yet.
    pub fn new() -> Self {
        let feed = Self {
            state: RwSignal::new(FeedState::Still),
            lines: RwSignal::new(VecDeque::new()),
            address: RwSignal::new(None),
        };
        #[cfg(feature = "hydrate")]
        browser::attach(feed);
        feed
    }

    /// Follows the stream at this address, from its beginning.
    pub fn follow(self, address: String) {
        self.lines.set(VecDeque::new());
        self.state.set(FeedState::Following);
        self.address.set(Some(address));
    }

    /// Follows nothing any more; the lines stay.
    pub fn stop(self) {
        self.address.set(None);
        self.state.set(FeedState::Still);
    }

    /// Takes new lines in the order of their times: those of several containers come one container after the other first.
    pub fn take(self, new: Vec<LogLine>) {
        self.lines.update(|lines| insert(lines, new));
    }
}

impl Default for LogFeed {
    fn default() -> Self {
        Self::new()
    }
}

fn insert(lines: &mut VecDeque<Numbered>, new: Vec<LogLine>) {
    let next = lines.iter().map(|(number, _)| number + 1).max();
    for (number, line) in (next.unwrap_or(0)..).zip(new) {
        let place = match line.at {
            Some(at) => behind(lines, at),
            None => lines.len(),
        };
        lines.insert(place, (number, line));
    }
    let over = lines.len().saturating_sub(KEPT);
    lines.drain(..over);
}

/// The place behind the last line that is not younger, and behind what belongs to that line without a time of its own.
fn behind(lines: &VecDeque<Numbered>, at: Micros) -> usize {
    let older = |(_, line): &Numbered| line.at.is_some_and(|before| before <= at);
    let from = lines.iter().rposition(older).map_or(0, |place| place + 1);
    let untimed = lines.iter().skip(from);
    from + untimed.take_while(|(_, line)| line.at.is_none()).count()
}

#[cfg(feature = "hydrate")]
mod browser {
    use super::{FeedState, LogFeed};
    use leptos::prelude::*;
    use lockstep_types::log::LogLine;
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;
    use web_sys::{EventSource, MessageEvent};

    /// One open stream with what listens to it. Dropping it closes the stream.
    struct Open {
        source: EventSource,
        _listeners: Vec<Closure<dyn FnMut(MessageEvent)>>,
    }

    impl Drop for Open {
        fn drop(&mut self) {
            self.source.set_onmessage(None);
            self.source.set_onerror(None);
            self.source.close();
        }
    }

    pub fn attach(feed: LogFeed) {
        let open: StoredValue<Option<Open>, LocalStorage> = StoredValue::new_local(None);
        Effect::new(move |_| {
            let next = feed
                .address
                .get()
                .and_then(|address| connect(feed, &address));
            open.set_value(next);
        });
        on_cleanup(move || {
            open.try_update_value(|open| *open = None);
        });
    }

    fn connect(feed: LogFeed, address: &str) -> Option<Open> {
        let Ok(source) = EventSource::new(address) else {
            feed.state.set(FeedState::Ended);
            return None;
        };
        let ended = move |state: FeedState| {
            if feed.state.get_untracked() == FeedState::Following {
                feed.state.set(state);
            }
            feed.address.set(None);
        };
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let text = event.data().as_string().unwrap_or_default();
            if let Ok(lines) = serde_json::from_str::<Vec<LogLine>>(&text) {
                feed.take(lines);
            }
        });
        let on_failed = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let why = event.data().as_string().unwrap_or_default();
            feed.state.set(FeedState::Failed(why));
        });
        let on_end = Closure::<dyn FnMut(MessageEvent)>::new(move |_| ended(FeedState::Ended));
        let on_error = Closure::<dyn FnMut(MessageEvent)>::new(move |_| ended(FeedState::Ended));
        source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        // Refused only for names that are not strings.
        let _listening =
            source.add_event_listener_with_callback("failed", on_failed.as_ref().unchecked_ref());
        let _listening =
            source.add_event_listener_with_callback("end", on_end.as_ref().unchecked_ref());
        Some(Open {
            source,
            _listeners: vec![on_message, on_failed, on_end, on_error],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_in_the_order_of_their_times() {
        let line = |at: Option<i64>, text: &str| LogLine {
            pod: "web".to_owned(),
            container: "web".to_owned(),
            at: at.map(Micros),
            text: text.to_owned(),
        };
        let mut lines = VecDeque::new();
        insert(
            &mut lines,
            vec![line(Some(1), "a1"), line(Some(5), "a5"), line(None, "  at")],
        );
        insert(&mut lines, vec![line(Some(2), "b2"), line(Some(5), "b5")]);
        insert(&mut lines, vec![line(Some(9), "a9")]);
        let texts: Vec<_> = lines.iter().map(|(_, line)| line.text.as_str()).collect();
        assert_eq!(texts, ["a1", "b2", "a5", "  at", "b5", "a9"]);
        let numbers: std::collections::BTreeSet<_> =
            lines.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers.len(), lines.len());
        insert(
            &mut lines,
            (0..3000).map(|at| line(Some(100 + at), "x")).collect(),
        );
        assert_eq!(lines.len(), KEPT);
    }

    #[test]
    fn names_are_escaped_in_the_address() {
        let query = LogQuery {
            pod: "web&follow=true".to_owned(),
            ..LogQuery::default()
        };
        let address = stream_address(
            ApplicationId(uuid::Uuid::nil()),
            TargetId(uuid::Uuid::nil()),
            &query,
            true,
        );
        assert!(address.contains("pod=web%26follow"), "{address}");
        assert!(address.ends_with("tail=200&download=true"), "{address}");
    }
}
