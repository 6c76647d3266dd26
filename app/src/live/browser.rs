//! The browser's end of the stream: one `EventSource`, reopened after the last event seen.

use super::{Batch, Live, LiveState};
use crate::components::clock::Clock;
use leptos::prelude::*;
use lockstep_types::event::Event;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{EventSource, MessageEvent};

/// Events that arrive within this time are shown by one reading.
const GATHER: Duration = Duration::from_millis(250);
const LONGEST_WAIT: u64 = 30;

struct Stream {
    live: Live,
    clock: Clock,
    source: Option<EventSource>,
    /// Kept while the source may call them.
    listeners: Vec<Closure<dyn FnMut(MessageEvent)>>,
    last: u64,
    wait: u64,
    gathered: Batch,
    flush_due: bool,
}

type Shared = Rc<RefCell<Stream>>;

thread_local! {
    static STARTED: RefCell<Option<Shared>> = const { RefCell::new(None) };
}

/// Opens the stream once per document.
pub fn start(live: Live, head: u64) {
    let stream = STARTED.with(|started| {
        let mut started = started.borrow_mut();
        if started.is_some() {
            return None;
        }
        let stream = Rc::new(RefCell::new(Stream {
            live,
            clock: Clock::current(),
            source: None,
            listeners: Vec::new(),
            last: head,
            wait: 1,
            gathered: Batch::default(),
            flush_due: false,
        }));
        *started = Some(Rc::clone(&stream));
        Some(stream)
    });
    let Some(stream) = stream else { return };
    open(&stream);
    follow_visibility(stream);
}

fn hidden() -> bool {
    document().visibility_state() == web_sys::VisibilityState::Hidden
}

fn open(stream: &Shared) {
    if hidden() || stream.borrow().source.is_some() {
        return;
    }
    let address = format!("/events?after={}", stream.borrow().last);
    let Ok(source) = EventSource::new(&address) else {
        return lost(stream);
    };
    let listen = |shared: &Shared, handler: fn(&Shared, MessageEvent)| {
        let shared = Rc::clone(shared);
        Closure::<dyn FnMut(MessageEvent)>::new(move |event| handler(&shared, event))
    };
    let on_open = listen(stream, |stream, _| {
        let mut stream = stream.borrow_mut();
        stream.wait = 1;
        stream.live.state.set(LiveState::Connected);
    });
    let on_message = listen(stream, |stream, event| arrived(stream, &event));
    let on_reset = listen(stream, |stream, event| reset(stream, &event));
    let on_error = listen(stream, |stream, _| lost(stream));
    source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
    source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    // Refused only for names that are not strings.
    let _listening =
        source.add_event_listener_with_callback("reset", on_reset.as_ref().unchecked_ref());
    let mut stream = stream.borrow_mut();
    stream.source = Some(source);
    stream.listeners = vec![on_open, on_message, on_reset, on_error];
}

fn close(stream: &Shared) {
    if let Some(source) = stream.borrow_mut().source.take() {
        source.close();
    }
}

fn arrived(stream: &Shared, message: &MessageEvent) {
    let Some(event) = message
        .data()
        .as_string()
        .and_then(|text| serde_json::from_str::<Event>(&text).ok())
    else {
        return;
    };
    {
        let mut stream = stream.borrow_mut();
        stream.last = stream.last.max(event.seq);
        if !stream.gathered.subjects.contains(&event.subject) {
            stream.gathered.subjects.push(event.subject);
        }
    }
    flush_soon(stream);
}

/// The log no longer reaches back to us: its data is the newest sequence number.
fn reset(stream: &Shared, message: &MessageEvent) {
    {
        let mut stream = stream.borrow_mut();
        if let Some(head) = message
            .data()
            .as_string()
            .and_then(|text| text.trim().parse().ok())
        {
            stream.last = head;
        }
        stream.gathered.everything = true;
    }
    flush_soon(stream);
}

fn flush_soon(stream: &Shared) {
    if std::mem::replace(&mut stream.borrow_mut().flush_due, true) {
        return;
    }
    let stream = Rc::clone(stream);
    set_timeout(
        move || {
            let (live, batch) = {
                let mut stream = stream.borrow_mut();
                stream.flush_due = false;
                let next = Batch {
                    number: stream.gathered.number + 1,
                    ..Batch::default()
                };
                let mut batch = std::mem::replace(&mut stream.gathered, next.clone());
                batch.number = next.number;
                (stream.live, batch)
            };
            live.batch.set(batch);
        },
        GATHER,
    );
}

fn lost(stream: &Shared) {
    close(stream);
    let wait = {
        let mut stream = stream.borrow_mut();
        let since = match stream.live.state.get_untracked() {
            LiveState::Cut(since) => since,
            _ => stream.clock.0.get_untracked(),
        };
        stream.live.state.set(LiveState::Cut(since));
        let wait = stream.wait;
        stream.wait = (wait * 2).min(LONGEST_WAIT);
        wait
    };
    let stream = Rc::clone(stream);
    set_timeout(move || open(&stream), Duration::from_secs(wait));
}

fn follow_visibility(stream: Shared) {
    let handler = Closure::<dyn FnMut()>::new(move || {
        if hidden() {
            close(&stream);
            stream.borrow().live.state.set(LiveState::Paused);
        } else {
            open(&stream);
        }
    });
    // Refused only for names that are not strings.
    let _listening = document()
        .add_event_listener_with_callback("visibilitychange", handler.as_ref().unchecked_ref());
    // The stream lives as long as the document.
    handler.forget();
}
