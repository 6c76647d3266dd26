//! The dialogs of the page beside that of a sync: hold, and a word about a revision.

use super::Address;
use super::sync_dialog::{is_open, sync_dialog};
use crate::api::rollbacks::{Hold, MarkRevision};
use crate::components::button::{LinkButton, Look, Submit, refusal_on};
use crate::components::dialog::{BODY, Dialog, FOOT};
use crate::components::feedback::ActionFailure;
use crate::components::form::{SelectField, TextField};
use crate::components::loaded::Loading;
use crate::components::target_link::target_words;
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::{ApplicationView, ChangesView, HoldKind, TargetSummary};
use lockstep_types::revision::Revision;

/// The word before the revision that a dialog is to mark.
pub const MARK: &str = "mark-";

/// The open dialog, if any.
pub fn dialogs(
    target: TargetSummary,
    view: &ApplicationView,
    address: &Address,
    actor: Option<&Actor>,
    plan: Loading<Option<ChangesView>>,
) -> AnyView {
    match address.dialog.as_str() {
        sync if is_open(sync) => sync_dialog(target, view.policy.prune, address, actor, plan),
        "hold" => hold_dialog(target, address, actor),
        other => match other.strip_prefix(MARK) {
            Some(revision) => mark_dialog(target, revision, address, actor),
            None => ().into_any(),
        },
    }
}

fn hold_dialog(target: TargetSummary, address: &Address, actor: Option<&Actor>) -> AnyView {
    let action = ServerAction::<Hold>::new();
    let failed = Signal::derive(move || action.value().get().and_then(Result::err));
    let close = address.dialog_link("");
    let refused = refusal_on(actor, Permission::Hold, &target.target.application);
    let id = target.target.id.to_string();
    let (cancel, back) = (close.clone(), close.clone());
    let kinds = [
        (HoldKind::Both, "All writes"),
        (HoldKind::Sync, "Syncs; drift is still put back"),
        (
            HoldKind::Heal,
            "Self-heal; what is new in Git is still brought",
        ),
    ];
    let hours = [
        ("1", "1 hour"),
        ("4", "4 hours"),
        ("12", "12 hours"),
        ("24", "1 day"),
        ("72", "3 days"),
        ("168", "1 week"),
    ];
    view! {
        <Dialog id="hold" title=format!("Hold {}", target_words(&target.target)) close=close>
            <ActionForm action=action attr:class="contents">
                <div class=BODY>
                    <input type="hidden" name="target" value=id />
                    <input type="hidden" name="back" value=back />
                    <p class="text-muted">
                        "What is held is not written to this target meanwhile. It is still compared, and drift is still recorded. When the hold ends, what it held back waits for a yes; it is never deployed unseen."
                    </p>
                    <TextField name="reason" label="Reason" required=true autofocus=true placeholder="Why, for those who find it held" />
                    <SelectField
                        name="kind"
                        label="What"
                        options=kinds.into_iter().map(|(kind, words)| (kind.word().to_owned(), words.to_owned())).collect()
                        selected="both"
                    />
                    <SelectField
                        name="hours"
                        label="For"
                        options=hours.into_iter().map(|(value, words)| (value.to_owned(), words.to_owned())).collect()
                        selected="4"
                    />
                    <ActionFailure error=failed />
                </div>
                {foot("Hold", refused, action.pending(), cancel)}
            </ActionForm>
        </Dialog>
    }
    .into_any()
}

fn mark_dialog(
    target: TargetSummary,
    revision: &str,
    address: &Address,
    actor: Option<&Actor>,
) -> AnyView {
    let action = ServerAction::<MarkRevision>::new();
    let failed = Signal::derive(move || action.value().get().and_then(Result::err));
    let close = address.dialog_link("");
    let refused = refusal_on(actor, Permission::Rollback, &target.target.application);
    let (cancel, back) = (close.clone(), close.clone());
    let words = [
        ("good", "Good: offered to go back to"),
        ("bad", "Bad: not offered, although it was healthy"),
        ("none", "Neither: go by its health"),
    ];
    let revision = Revision(revision.to_owned());
    view! {
        <Dialog id="mark" title=format!("Mark {} on {}", revision.short(), target.target.cluster) close=close>
            <ActionForm action=action attr:class="contents">
                <div class=BODY>
                    <input type="hidden" name="target" value=target.target.id.to_string() />
                    <input type="hidden" name="revision" value=revision.0.clone() />
                    <input type="hidden" name="back" value=back />
                    <p class="text-muted">
                        "Health does not know everything. What you say here decides what a rollback offers first; it changes nothing in Git or in the cluster."
                    </p>
                    <SelectField
                        name="judgement"
                        label="This revision is"
                        options=words.into_iter().map(|(value, words)| (value.to_owned(), words.to_owned())).collect()
                        selected="good"
                    />
                    <TextField name="reason" label="Reason" placeholder="For those who look at it later" />
                    <ActionFailure error=failed />
                </div>
                {foot("Mark", refused, action.pending(), cancel)}
            </ActionForm>
        </Dialog>
    }
    .into_any()
}

/// The button that does it, and the way out.
pub(super) fn foot(
    label: &'static str,
    refused: Option<String>,
    pending: Memo<bool>,
    cancel: String,
) -> AnyView {
    view! {
        <footer class=FOOT>
            <Submit look=Look::Primary refused=refused pending=pending>
                {label}
            </Submit>
            <LinkButton href=cancel look=Look::Plain>
                "Cancel"
            </LinkButton>
        </footer>
    }
    .into_any()
}
