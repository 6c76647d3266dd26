//! A rollback that waits for a second person, with everything that the one who asks was shown.

use crate::api::rollbacks::DecideAsk;
use crate::components::button::{Look, Submit, refusal_on};
use crate::components::clock::ago;
use crate::components::panel::{More, PANEL};
use crate::components::target_link::target_address;
use crate::format;
use crate::pages::rollback::{cannot_undo, contents, plans, undone};
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::ask::{AskWay, RollbackAskView, second_person};
use std::collections::BTreeSet;

/// What it is, why, what it does, and the two answers.
pub(super) fn card(
    view: RollbackAskView,
    actor: Option<&Actor>,
    decide: ServerAction<DecideAsk>,
) -> AnyView {
    let RollbackAskView { ask, preview, own } = view;
    let may = refusal_on(actor, Permission::Approve, &ask.target.application);
    let yes_refused = match own {
        true => Some("You asked for it; the second person has to be somebody else.".to_owned()),
        // As the server asks: of every application whose project wants the second person.
        false => may.clone().or_else(|| {
            let reached = preview.plans(ask.way == AskWay::Pin);
            let mut asking = reached
                .into_iter()
                .filter(|plan| ask.projects.contains(&plan.target.application.project));
            asking.find_map(|plan| refusal_on(actor, Permission::Approve, &plan.target.application))
        }),
    };
    let no_refused = may.filter(|_| !own);
    let form = |yes: &'static str, look: Look, words: &'static str, refused: Option<String>| {
        let (id, digest) = (ask.id.to_string(), ask.digest.clone());
        view! {
            <ActionForm action=decide attr:class="contents">
                <input type="hidden" name="ask" value=id />
                <input type="hidden" name="digest" value=digest />
                <input type="hidden" name="yes" value=yes />
                <Submit look=look refused=refused pending=decide.pending()>
                    {words}
                </Submit>
            </ActionForm>
        }
    };
    let yes = match ask.way {
        AskWay::Pin => "Approve, and pin",
        AskWay::Commit | AskWay::Undo => "Approve, and commit",
    };
    let no = if own { "Withdraw" } else { "Reject" };
    let buttons = view! {
        {form("true", Look::Primary, yes, yes_refused)}
        {form("false", Look::Plain, no, no_refused)}
    };
    let pin = ask.way == AskWay::Pin;
    // The same window on several clusters is one line; what is overridden stands first.
    let in_the_way: BTreeSet<(bool, String)> = preview
        .in_the_way(pin)
        .into_iter()
        .map(|obstacle| match ask.overrides.contains(&obstacle.name) {
            true => (false, format!("Overrides {}", obstacle.words)),
            false => (true, format!("Waits: {}", obstacle.words)),
        })
        .collect();
    let beside = match pin {
        true => cannot_undo(&preview),
        false => undone(&preview),
    };
    let commit = (!pin).then(|| contents(preview.files.len(), &preview.patch, &preview.message));
    view! {
        <article id=ask.id.to_string() class=format!("{PANEL} flex flex-col gap-3 px-4 py-3")>
            <header class="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
                <h2 class="text-lg font-semibold">
                    <a class="hover:underline" href=target_address(&ask.target) data-row>
                        {format!("{} wants to {}", ask.by, ask.words())}
                    </a>
                </h2>
                <span class="text-sm text-muted">"asked " {ago(ask.asked_at)} " ago"</span>
            </header>
            {(!ask.reason.is_empty()).then(|| view! { <p class="break-words">{format!("“{}”", ask.reason)}</p> })}
            <p class="break-words">{preview.first_line.clone()}</p>
            {(!in_the_way.is_empty())
                .then(|| {
                    view! {
                        <ul class="list-disc pl-4.5 text-sm">
                            {in_the_way
                                .into_iter()
                                .map(|(_, words)| view! { <li class="break-words">{words}</li> })
                                .collect_view()}
                        </ul>
                    }
                })}
            {plans(&preview.plans(pin))}
            {beside}
            {commit.map(|commit| view! { <More title="The commit">{commit}</More> })}
            <p class="text-sm text-muted">
                {format!("{}. Shown as ", format::sentence_case(&second_person(&ask.projects)))}
                <span class="font-mono" title=ask.digest.clone()>
                    {ask.digest.get(..12).unwrap_or_default().to_owned()}
                </span>
                {format!(", good until {}.", format::absolute(ask.until))}
            </p>
            <footer class="flex flex-wrap items-center gap-2">
                {buttons}
                <span class="text-sm text-muted">"The yes is for exactly this, once. If the branch moves, it is asked for again."</span>
            </footer>
        </article>
    }
    .into_any()
}
