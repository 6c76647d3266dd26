//! The dialogs of the page: sync with its consequence, hold, and a word about a revision.

use super::Address;
use crate::api::rollbacks::{Hold, MarkRevision};
use crate::api::syncs::SyncTarget;
use crate::components::button::{LinkButton, Look, Submit, refusal_on};
use crate::components::dialog::{BODY, Dialog, FOOT};
use crate::components::feedback::{ActionFailure, Failure, waiting};
use crate::components::form::{SelectField, TextField};
use crate::components::loaded::Loading;
use crate::components::plan_view::PlanTable;
use crate::components::reason::Banner;
use crate::components::target_link::target_words;
use crate::components::tone::Tone;
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::{ApplicationView, ChangesView, HoldKind, TargetSummary};
use lockstep_types::plan::Plan;
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
        "sync" => sync_dialog(target, view.policy.prune, address, actor, plan),
        "hold" => hold_dialog(target, address, actor),
        other => match other.strip_prefix(MARK) {
            Some(revision) => mark_dialog(target, revision, address, actor),
            None => ().into_any(),
        },
    }
}

fn sync_dialog(
    target: TargetSummary,
    prunes: bool,
    address: &Address,
    actor: Option<&Actor>,
    plan: Loading<Option<ChangesView>>,
) -> AnyView {
    let action = ServerAction::<SyncTarget>::new();
    let failed = Signal::derive(move || action.value().get().and_then(Result::err));
    let close = address.dialog_link("");
    let (refused, no_prune) = (
        refusal_on(actor, Permission::Sync, &target.target.application),
        refusal_on(actor, Permission::Prune, &target.target.application),
    );
    let id = target.target.id.to_string();
    // The same dialog, sent twice, starts one sync: the key names what was looked at.
    let revision = target
        .revision
        .as_ref()
        .map(|revision| revision.0.clone())
        .unwrap_or_default();
    let head = view_key(&target, &revision);
    let cancel = close.clone();
    view! {
        <Dialog
            id="sync"
            title=format!("Sync {}", target_words(&target.target))
            subtitle=target.revision.as_ref().map(|revision| format!("to {}", revision.short()))
            close=close
        >
            <ActionForm action=action attr:class="contents">
                <div class=BODY>
                    <input type="hidden" name="target" value=id />
                    <input type="hidden" name="key" value=head />
                    <Transition fallback=waiting>
                        {move || Suspend::new(async move {
                            match plan.await {
                                Ok(Some(changes)) => consequence(changes.plan),
                                Ok(None) => ().into_any(),
                                Err(error) => view! { <Failure error=error /> }.into_any(),
                            }
                        })}
                    </Transition>
                    <label class="flex items-start gap-2">
                        <input class="mt-1" type="checkbox" name="prune" value="true" checked=prunes disabled=no_prune.is_some() />
                        <span>
                            "Prune what left Git"
                            <span class="block text-sm text-muted">
                                "Deletes go through the prune gate; what it doubts waits for an approval."
                            </span>
                        </span>
                    </label>
                    <ActionFailure error=failed />
                </div>
                {foot("Sync", refused, action.pending(), cancel)}
            </ActionForm>
        </Dialog>
    }
    .into_any()
}

fn view_key(target: &TargetSummary, revision: &str) -> String {
    let compared = target.last_compared.map_or(0, |at| at.0);
    format!("{}-{revision}-{compared}", target.target.id)
}

fn consequence(plan: Option<Plan>) -> AnyView {
    match plan {
        Some(plan) if !plan.writes() && plan.gate.is_empty() => view! {
            <Banner
                tone=Tone::Ok
                lead="This sync would write nothing.".into_any()
                rest="The cluster has what Git declares. It is compared once more before anything happens.".into_any()
            />
        }
        .into_any(),
        Some(plan) => view! { <PlanTable plan=plan /> }.into_any(),
        None => view! {
            <Banner
                tone=Tone::Warn
                lead="What this sync would do cannot be told now.".into_any()
                rest="It compares before it writes; deletes still go through the prune gate.".into_any()
            />
        }
        .into_any(),
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
fn foot(
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
