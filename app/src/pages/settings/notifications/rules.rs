//! How long a condition must last before it is an alert.

use super::Actions;
use crate::components::button::{Look, Submit};
use crate::components::form::TextField;
use crate::components::panel::{Fold, Part};
use crate::format;
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::alert::{AlertRules, Condition};

/// What is set, and the form that sets it.
pub(super) fn part(rules: AlertRules, actions: Actions, refused: Option<String>) -> AnyView {
    let words: Vec<String> = [Condition::Drift, Condition::OutOfSync, Condition::Degraded]
        .into_iter()
        .map(|condition| {
            format!(
                "{} after {}",
                condition.title(),
                format::span(rules.dwell(condition).into())
            )
        })
        .collect();
    let fields = Condition::ALL
        .into_iter()
        .map(|condition| {
            let hint = match condition {
                Condition::HoldEnding => "So long before its end.",
                _ => "",
            };
            let label = format!("{} (seconds)", condition.title());
            let name = format!("rules[dwell][{}]", condition.word());
            let value = rules.dwell(condition).to_string();
            if hint.is_empty() {
                view! { <TextField name=name label=label kind="number" value=value required=true /> }
                    .into_any()
            } else {
                view! { <TextField name=name label=label kind="number" value=value required=true hint=hint /> }
                    .into_any()
            }
        })
        .collect_view();
    view! {
        <Part title="When something is an alert">
            <p class="text-sm text-muted">{words.join(" · ")}</p>
            <Fold title="Change how long conditions must last">
                <ActionForm action=actions.set_rules attr:class="grid max-w-3xl gap-3 md:grid-cols-3">
                    {fields}
                    <TextField
                        name="rules[gather_seconds]"
                        label="Gather for (seconds)"
                        kind="number"
                        value=rules.gather_seconds.to_string()
                        required=true
                        hint="What opens meanwhile goes into one message."
                    />
                    <TextField
                        name="rules[apart_seconds]"
                        label="Apart (seconds)"
                        kind="number"
                        value=rules.apart_seconds.to_string()
                        required=true
                        hint="Between two messages to one receiver."
                    />
                    <div class="md:col-span-3">
                        <Submit look=Look::Primary refused=refused pending=actions.set_rules.pending()>
                            "Save"
                        </Submit>
                    </div>
                </ActionForm>
            </Fold>
        </Part>
    }
    .into_any()
}
