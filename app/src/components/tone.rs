//! What a colour means. Never used without a shape and a word.

/// The six state colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Ok,
    Run,
    Warn,
    Bad,
    Idle,
    Unknown,
}

impl Tone {
    /// Text and outline.
    pub fn text(self) -> &'static str {
        match self {
            Self::Ok => "text-ok",
            Self::Run => "text-run",
            Self::Warn => "text-warn",
            Self::Bad => "text-bad",
            Self::Idle => "text-idle",
            Self::Unknown => "text-unk",
        }
    }

    /// Text on its soft ground.
    pub fn chip(self) -> &'static str {
        match self {
            Self::Ok => "text-ok bg-ok-soft",
            Self::Run => "text-run bg-run-soft",
            Self::Warn => "text-warn bg-warn-soft",
            Self::Bad => "text-bad bg-bad-soft",
            Self::Idle => "text-idle bg-idle-soft",
            Self::Unknown => "text-unk bg-unk-soft",
        }
    }

    /// A bar at the left edge.
    pub fn bar(self) -> &'static str {
        match self {
            Self::Ok => "border-l-ok",
            Self::Run => "border-l-run",
            Self::Warn => "border-l-warn",
            Self::Bad => "border-l-bad",
            Self::Idle => "border-l-idle",
            Self::Unknown => "border-l-unk",
        }
    }
}
