//! What the windows of an application say at one time, and when they will say something else.

use super::{Subject, SyncWindow, WindowKind};
use jiff::Timestamp;

/// How many changes are looked at until one lets a sync begin.
const CHANGES: usize = 1000;

/// Who wants to sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    ByPerson,
    ByItself,
}

/// The windows that match an application. The same time always gives the same answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<'w> {
    windows: Vec<&'w SyncWindow>,
    at: Timestamp,
}

impl<'w> Verdict<'w> {
    /// The verdict for one application at a time.
    pub fn of(windows: &'w [SyncWindow], subject: &Subject<'_>, at: Timestamp) -> Self {
        let windows = windows
            .iter()
            .filter(|window| window.is_for(subject))
            .collect();
        Self { windows, at }
    }

    /// Does any window matter for the application?
    pub fn has_windows(&self) -> bool {
        !self.windows.is_empty()
    }

    /// All of them, in words.
    pub fn words(&self) -> Vec<String> {
        self.windows.iter().map(|window| window.words()).collect()
    }

    /// May a sync begin?
    pub fn permits(&self, asked: Asked) -> bool {
        self.permits_at(self.at, asked)
    }

    /// The window that keeps automatic syncs away now: the one that denies, else the first that allows and is not open.
    pub fn closed_by(&self) -> Option<&'w SyncWindow> {
        self.closing(self.at).into_iter().next()
    }

    /// The windows that keep people away now, too.
    pub fn keeps_out(&self) -> Vec<&'w SyncWindow> {
        let mut closing = self.closing(self.at);
        closing.retain(|window| !window.manual_sync);
        closing
    }

    /// May a sync go on that began earlier?
    pub fn lets_finish(&self, began: Timestamp, asked: Asked) -> bool {
        if self.permits(asked) {
            return true;
        }
        if !self.permits_at(began, asked) {
            return false;
        }
        let mut in_the_way = self.active(self.at, WindowKind::Deny).peekable();
        if in_the_way.peek().is_some() {
            return in_the_way.all(|window| window.overrun);
        }
        let mut begun_in = self.active(began, WindowKind::Allow).peekable();
        begun_in.peek().is_some() && begun_in.all(|window| window.overrun)
    }

    /// When automatic syncs may begin that may not now; `None` also when no such time can be seen.
    pub fn opens(&self) -> Option<Timestamp> {
        (!self.permits(Asked::ByItself))
            .then(|| self.changes_to(true))
            .flatten()
    }

    /// When automatic syncs must wait that may begin now; `None` also when no such time can be seen.
    pub fn closes(&self) -> Option<Timestamp> {
        self.permits(Asked::ByItself)
            .then(|| self.changes_to(false))
            .flatten()
    }

    fn changes_to(&self, open: bool) -> Option<Timestamp> {
        let mut at = self.at;
        for _ in 0..CHANGES {
            at = self
                .windows
                .iter()
                .filter_map(|window| window.next_change(at))
                .min()?;
            if self.permits_at(at, Asked::ByItself) == open {
                return Some(at);
            }
        }
        None
    }

    fn permits_at(&self, at: Timestamp, asked: Asked) -> bool {
        let closing = self.closing(at);
        closing.is_empty()
            || (asked == Asked::ByPerson && closing.iter().all(|window| window.manual_sync))
    }

    /// The windows that keep syncs away at a time.
    fn closing(&self, at: Timestamp) -> Vec<&'w SyncWindow> {
        let denying: Vec<_> = self.active(at, WindowKind::Deny).collect();
        if !denying.is_empty() || self.active(at, WindowKind::Allow).next().is_some() {
            return denying;
        }
        self.kind(WindowKind::Allow).collect()
    }

    fn active(&self, at: Timestamp, kind: WindowKind) -> impl Iterator<Item = &'w SyncWindow> {
        self.kind(kind).filter(move |window| window.is_active(at))
    }

    fn kind(&self, kind: WindowKind) -> impl Iterator<Item = &'w SyncWindow> {
        self.windows
            .iter()
            .copied()
            .filter(move |window| window.kind == kind)
    }
}
