//! The sync dialog: what it would do, and what may be different this time.

use super::address::Address;
use super::dialogs::foot;
use crate::api::syncs::SyncTarget;
use crate::components::button::refusal_on;
use crate::components::dialog::{BODY, Dialog};
use crate::components::feedback::{ActionFailure, Failure, waiting};
use crate::components::form::TextField;
use crate::components::loaded::Loading;
use crate::components::panel::LINK;
use crate::components::plan_view::PlanTable;
use crate::components::reason::Banner;
use crate::components::target_link::target_words;
use crate::components::tone::Tone;
use crate::format;
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::{ChangesView, TargetSummary};
use lockstep_types::plan::{Action, Plan, Step};

/// The word before a choice of objects in the address: `sync-all`, `sync-out-of-sync`, `sync-none`.
pub const CHOOSING: &str = "sync-";
/// Objects that can be ticked; the rest is chosen by label or with the command.
const LISTED: usize = 300;

/// Which objects are ticked to begin with; `None`: the sync is of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ticked {
    All,
    OutOfSync,
    None,
}

const TICKED: [(Ticked, &str, &str); 3] = [
    (Ticked::All, "all", "All"),
    (Ticked::OutOfSync, "out-of-sync", "Out of sync"),
    (Ticked::None, "none", "None"),
];

/// Whether the address opens this dialog.
pub fn is_open(dialog: &str) -> bool {
    dialog == "sync" || ticked(dialog).is_some()
}

fn ticked(dialog: &str) -> Option<Ticked> {
    let word = dialog.strip_prefix(CHOOSING)?;
    TICKED
        .iter()
        .find(|(_, name, _)| *name == word)
        .map(|(ticked, ..)| *ticked)
}

/// The dialog.
pub fn sync_dialog(
    target: TargetSummary,
    prunes: bool,
    address: &Address,
    actor: Option<&Actor>,
    plan: Loading<Option<ChangesView>>,
) -> AnyView {
    let action = ServerAction::<SyncTarget>::new();
    let failed = Signal::derive(move || action.value().get().and_then(Result::err));
    let close = address.dialog_link("");
    let refusal = |permission| refusal_on(actor, permission, &target.target.application);
    let refused = refusal(Permission::Sync);
    let no_prune = refusal(Permission::Prune);
    let no_force = refusal(Permission::Force).is_some();
    let id = target.target.id.to_string();
    // The same dialog, sent twice, starts one sync: the key names what was looked at.
    let revision = target
        .revision
        .as_ref()
        .map(|revision| revision.0.clone())
        .unwrap_or_default();
    let head = view_key(&target, &revision);
    let cancel = close.clone();
    let chosen = ticked(&address.dialog);
    let links = Links {
        whole: address.dialog_link("sync"),
        some: TICKED.map(|(_, word, _)| address.dialog_link(&format!("{CHOOSING}{word}"))),
    };
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
                    // Beside what is still being read: some objects never become all of them.
                    {chosen
                        .is_some()
                        .then(|| view! { <input type="hidden" name="options[scope]" value="chosen" /> })}
                    <Transition fallback=waiting>
                        {move || {
                            let links = links.clone();
                            Suspend::new(async move {
                                match plan.await {
                                    Ok(Some(changes)) => view! {
                                        {consequence(changes.plan.clone())}
                                        {scope(changes.plan.as_ref(), chosen, &links)}
                                    }
                                    .into_any(),
                                    Ok(None) => ().into_any(),
                                    Err(error) => view! { <Failure error=error /> }.into_any(),
                                }
                            })
                        }}
                    </Transition>
                    {tick(
                        "prune",
                        "Prune what left Git",
                        "Deletes go through the prune gate; what it doubts waits for an approval.",
                        prunes,
                        no_prune.is_some(),
                    )}
                    {tick(
                        "options[dry_run]",
                        "Dry run",
                        "The cluster is asked what it would do with each object, and nothing is written.",
                        false,
                        false,
                    )}
                    {tick(
                        "options[force]",
                        "Force",
                        "What cannot be changed in place is deleted and made anew, with everything it owns: its pods stop first.",
                        false,
                        no_force,
                    )}
                    {tick(
                        "options[replace]",
                        "Replace",
                        "What differs is replaced instead of applied: fields that others have added to it go. With Force it is deleted and made anew.",
                        false,
                        no_force,
                    )}
                    <p class="text-sm text-muted">
                        "Only what is out of sync is written, always. Dry run, Force and Replace are for this sync alone; an object that says Force=false or Replace=false keeps its word."
                    </p>
                    <ActionFailure error=failed />
                </div>
                {foot("Sync", refused, action.pending(), cancel)}
            </ActionForm>
        </Dialog>
    }
    .into_any()
}

/// Addresses of the dialog with other objects ticked.
#[derive(Clone)]
struct Links {
    whole: String,
    some: [String; 3],
}

fn view_key(target: &TargetSummary, revision: &str) -> String {
    let compared = target.last_compared.map_or(0, |at| at.0);
    format!("{}-{revision}-{compared}", target.target.id)
}

fn tick(
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    on: bool,
    disabled: bool,
) -> AnyView {
    view! {
        <label class="flex items-start gap-2">
            <input class="mt-1" type="checkbox" name=name value="true" checked=on disabled=disabled />
            <span>
                {label}
                <span class="block text-sm text-muted">{hint}</span>
            </span>
        </label>
    }
    .into_any()
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

/// Everything, or objects to tick: what is out of sync comes first.
fn scope(plan: Option<&Plan>, chosen: Option<Ticked>, links: &Links) -> AnyView {
    let Some(plan) = plan else {
        return ().into_any();
    };
    let mut objects: Vec<&Step> = plan
        .steps
        .iter()
        .filter(|step| !step.action.is_of_hook() && !matches!(step.action, Action::Skip(_)))
        .collect();
    objects.sort_by_key(|step| !step.action.writes());
    let count = objects.len();
    let Some(chosen) = chosen else {
        let [all, differing, none] = links.some.clone();
        return view! {
            <p class="flex flex-wrap items-baseline gap-x-3 gap-y-1">
                <span class="font-medium">"Objects: everything, with hooks."</span>
                <span class="text-sm text-muted">
                    "Choose some: "
                    <a class=LINK href=differing>"out of sync"</a>
                    ", "
                    <a class=LINK href=all>"all"</a>
                    ", "
                    <a class=LINK href=none>"none"</a>
                    " ticked"
                </span>
            </p>
        }
        .into_any();
    };
    let listed = objects.into_iter().take(LISTED).enumerate();
    let lines: Vec<AnyView> = listed
        .map(|(index, step)| object(index, step, chosen))
        .collect();
    let tabs: Vec<AnyView> = TICKED
        .iter()
        .zip(&links.some)
        .map(|((ticked, _, words), link)| {
            let here = (*ticked == chosen).then_some("true");
            view! {
                <a class=format!("{LINK} aria-[current]:font-semibold aria-[current]:no-underline") href=link.clone() aria-current=here>
                    {*words}
                </a>
            }
            .into_any()
        })
        .collect();
    let more = count.saturating_sub(LISTED);
    view! {
        <fieldset class="flex min-w-0 flex-col gap-2 rounded-md border border-line px-3 py-2.5">
            <legend class="px-1 font-medium">"Only these objects"</legend>
            <p class="text-sm text-muted">
                "A sync of chosen objects runs no hooks, and the revision does not count as deployed by it. "
                <a class=LINK href=links.whole.clone()>"Sync everything instead"</a>
            </p>
            <p class="flex flex-wrap gap-3 text-sm">{tabs}</p>
            <ul class="flex max-h-64 min-w-0 flex-col gap-1 overflow-auto">{lines}</ul>
            {(more > 0)
                .then(|| {
                    let words = format::plural(more as u64, "more object is", "more objects are");
                    view! { <p class="text-sm text-muted">{words} " not listed; choose by label, or with the command."</p> }
                })}
            <TextField
                name="options[labels]"
                label="And all that carry these labels"
                placeholder="tier=web,team=shop"
            />
        </fieldset>
    }
    .into_any()
}

fn object(index: usize, step: &Step, chosen: Ticked) -> AnyView {
    let out_of_sync = step.action.writes();
    let on = match chosen {
        Ticked::All => true,
        Ticked::OutOfSync => out_of_sync,
        Ticked::None => false,
    };
    let key = &step.key;
    let place = match key.namespace.as_str() {
        "" => key.name.clone(),
        namespace => format!("{namespace}/{}", key.name),
    };
    let state = match &step.action {
        Action::Create => "missing",
        Action::Prune => "left Git",
        _ if out_of_sync => "out of sync",
        _ => "in sync",
    };
    view! {
        <li>
            <label class="flex items-baseline gap-2">
                <input type="checkbox" name=format!("options[resources][{index}]") value=key.to_string() checked=on />
                <span class="min-w-0 flex-1 break-words">
                    <span class="text-muted">{key.kind.clone()}</span>
                    " "
                    {place}
                </span>
                <span class="text-sm whitespace-nowrap text-muted">{state}</span>
            </label>
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_says_what_is_ticked() {
        for (dialog, open, expected) in [
            ("sync", true, None),
            ("sync-all", true, Some(Ticked::All)),
            ("sync-out-of-sync", true, Some(Ticked::OutOfSync)),
            ("sync-none", true, Some(Ticked::None)),
            ("sync-", false, None),
            ("hold", false, None),
            ("", false, None),
        ] {
            assert_eq!(
                (is_open(dialog), ticked(dialog)),
                (open, expected),
                "{dialog}"
            );
        }
    }
}
