//! Outlines on a grid of 24, one shape per state, so that colour is never alone.

use leptos::prelude::*;

/// A shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    Synced,
    OutOfSync,
    Unknown,
    Healthy,
    Progressing,
    Degraded,
    Suspended,
    Missing,
    Drift,
    Pin,
    Hold,
    Eye,
    Fleet,
    Activity,
    Clusters,
    Clock,
    Approve,
    Problem,
    Settings,
    Bell,
    Search,
    Commit,
    Back,
    Refresh,
    Copy,
    Close,
    Chevron,
    Plus,
    Minus,
    Fit,
    Trash,
    Sun,
    Moon,
    System,
    Out,
    External,
    Person,
    More,
}

impl Icon {
    fn outline(self) -> &'static str {
        match self {
            Self::Synced => "M4 12.5l5 5L20 6.5",
            Self::OutOfSync => {
                "M20 7v5h-5M4 17v-5h5M18.5 9A7 7 0 0 0 6 7.5L4 12M5.5 15A7 7 0 0 0 18 16.5L20 12"
            }
            Self::Unknown => "M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 18h.01",
            Self::Healthy => "M4 12a8 8 0 1 0 16 0a8 8 0 1 0-16 0M8.5 12.5l2.5 2.5 4.5-5",
            Self::Progressing => "M12 4a8 8 0 1 1-7.5 5.3",
            Self::Degraded => "M12 3l9 9-9 9-9-9zM12 8v5M12 16h.01",
            Self::Suspended => "M9 6v12M15 6v12",
            Self::Missing => {
                "M20 12a8 8 0 0 1-.9 3.7M16 18.9a8 8 0 0 1-3.7 1.1M8.6 19.2a8 8 0 0 1-2.9-2.3M4.2 13.8a8 8 0 0 1 .3-3.9M6.6 6.1a8 8 0 0 1 3.2-1.8M13.6 4.2a8 8 0 0 1 3.7 1.8"
            }
            Self::Drift => "M12 4L3.5 19h17z",
            Self::Pin => "M12 15v6M8 4h8l-1 6 3 3v2H6v-2l3-3z",
            Self::Hold => {
                "M8 11V6a1.5 1.5 0 0 1 3 0v5m0-6a1.5 1.5 0 0 1 3 0v6m0-4a1.5 1.5 0 0 1 3 0v7a6 6 0 0 1-6 6c-3 0-4.5-2-6-5l-1-2a1.5 1.5 0 0 1 2.6-1.5L8 14"
            }
            Self::Eye => {
                "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM9.5 12a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0"
            }
            Self::Fleet => "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z",
            Self::Activity => "M3 12h4l3-8 4 16 3-8h4",
            Self::Clusters => "M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9",
            Self::Clock => "M4 12a8 8 0 1 0 16 0a8 8 0 1 0-16 0M12 7.5V12l3 2",
            Self::Approve => "M9 12l2 2 4-5M12 3l7 3v6c0 4.5-3 7.5-7 9-4-1.5-7-4.5-7-9V6z",
            Self::Problem => "M12 4L3 20h18zM12 10v4M12 17h.01",
            Self::Settings => {
                "M9 12a3 3 0 1 0 6 0a3 3 0 1 0-6 0M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1M18.4 5.6l-2.1 2.1M7.7 16.3l-2.1 2.1"
            }
            Self::Bell => "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
            Self::Search => "M5 11a6 6 0 1 0 12 0a6 6 0 1 0-12 0M20 20l-4.5-4.5",
            Self::Commit => "M8.5 12a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0M3 12h5.5M15.5 12H21",
            Self::Back => "M9 6L4 11l5 5M4 11h10a6 6 0 0 1 6 6v1",
            Self::Refresh => "M20 5v5h-5M19.5 10A8 8 0 1 0 20 14",
            Self::Copy => "M9 9h10v11H9zM5 15V4h10",
            Self::Close => "M6 6l12 12M18 6L6 18",
            Self::Chevron => "M9 5l7 7-7 7",
            Self::Plus => "M12 5v14M5 12h14",
            Self::Minus => "M5 12h14",
            Self::Fit => "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
            Self::Trash => "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13",
            Self::Sun => {
                "M8 12a4 4 0 1 0 8 0a4 4 0 1 0-8 0M12 3v1M12 20v1M3 12h1M20 12h1M5.6 5.6l.7.7M17.7 17.7l.7.7M18.4 5.6l-.7.7M6.3 17.7l-.7.7"
            }
            Self::Moon => "M19.5 14A8 8 0 0 1 10 4.5a8 8 0 1 0 9.5 9.5z",
            Self::System => "M4 5h16v11H4zM9 20h6M12 16v4",
            Self::Out => "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
            Self::External => "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
            Self::Person => {
                "M8 8a4 4 0 1 0 8 0a4 4 0 1 0-8 0M4.5 20c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5"
            }
            Self::More => "M5 12h.01M12 12h.01M19 12h.01",
        }
    }
}

/// A shape of 15 px in the colour of its text. It is decoration: the word stands beside it or in `title`.
pub fn icon(icon: Icon) -> AnyView {
    icon_with(icon, "")
}

/// A shape with more classes.
pub fn icon_with(icon: Icon, class: &'static str) -> AnyView {
    view! {
        <svg
            class=format!(
                "size-[15px] flex-none stroke-current fill-none stroke-[1.75] [stroke-linecap:round] [stroke-linejoin:round] {class}",
            )
            viewBox="0 0 24 24"
            aria-hidden="true"
        >
            <path d=icon.outline() />
        </svg>
    }
    .into_any()
}

/// A shape that carries meaning by itself: screen readers get `word`, the mouse gets `title`.
pub fn meaning(shape: Icon, class: &'static str, word: &'static str, title: String) -> AnyView {
    view! {
        <span class=format!("inline-flex {class}") title=title>
            {icon(shape)}
            <span class="sr-only">{word}</span>
        </span>
    }
    .into_any()
}
