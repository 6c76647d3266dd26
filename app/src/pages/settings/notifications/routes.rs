//! Routes: which alerts go to a receiver, and when.

use super::Actions;
use crate::components::button::{Look, Submit};
use crate::components::form::{SelectField, TextField};
use crate::components::panel::{Fold, PANEL, Part, TABLE, TD, heads};
use crate::format;
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::alert::{Condition, Severity};
use lockstep_types::notify::{Quiet, Route, RouteView};

/// List and form; nothing without receivers.
pub(super) fn part(
    routes: Vec<RouteView>,
    receivers: Vec<(String, String)>,
    actions: Actions,
    refused: Option<String>,
) -> AnyView {
    if receivers.is_empty() {
        return ().into_any();
    }
    let list = if routes.is_empty() {
        view! { <p class="text-sm text-muted">"Every receiver gets every alert. A route limits what its receiver gets."</p> }
            .into_any()
    } else {
        table(routes, actions, refused.clone())
    };
    view! { <Part title="Routes">{list} {form(receivers, actions, refused)}</Part> }.into_any()
}

fn table(routes: Vec<RouteView>, actions: Actions, refused: Option<String>) -> AnyView {
    let rows = routes
        .into_iter()
        .map(|view| {
            let id = view.id.to_string();
            let refused = refused.clone();
            view! {
                <tr>
                    <td class=format!("{TD} font-medium")>{view.receiver_name.clone()}</td>
                    <td class=TD data-label="which">{which(&view.route)}</td>
                    <td class=format!("{TD} text-muted") data-label="when">{when(&view.route)}</td>
                    <td class=format!("{TD} text-right")>
                        <ActionForm action=actions.remove_route attr:class="contents">
                            <input type="hidden" name="route" value=id />
                            <Submit look=Look::Quiet refused=refused>"Remove"</Submit>
                        </ActionForm>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class=format!("{PANEL} overflow-x-auto")>
            <table class=TABLE>
                <thead>
                    <tr>{heads(&["Receiver", "Gets", "When", ""])}</tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn which(route: &Route) -> String {
    let mut words = if route.conditions.is_empty() {
        "every condition".to_owned()
    } else {
        let titles: Vec<_> = route
            .conditions
            .iter()
            .map(|condition| condition.title())
            .collect();
        titles.join(", ")
    };
    if route.least > Severity::Info {
        words.push_str(&format!(", {} and worse", route.least.word()));
    }
    for (key, value) in &route.labels {
        words.push_str(&format!(", {key}={value}"));
    }
    words
}

fn when(route: &Route) -> String {
    let mut words = if route.after_seconds == 0 {
        "at once".to_owned()
    } else {
        format!(
            "when still open after {}",
            format::span(route.after_seconds.into())
        )
    };
    if let Some(Quiet { from, until, zone }) = &route.quiet {
        let clock = |minute: &u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        words.push_str(&format!(
            "; from {} to {} ({zone}) only what is critical",
            clock(from),
            clock(until)
        ));
    }
    words
}

fn form(receivers: Vec<(String, String)>, actions: Actions, refused: Option<String>) -> AnyView {
    let mut conditions = vec![(String::new(), "Every condition".to_owned())];
    conditions.extend(
        Condition::ALL
            .into_iter()
            .map(|condition| (condition.word().to_owned(), condition.title().to_owned())),
    );
    let severities = [Severity::Info, Severity::Warning, Severity::Critical]
        .into_iter()
        .map(|severity| {
            let words = match severity {
                Severity::Critical => "critical".to_owned(),
                other => format!("{} and worse", other.word()),
            };
            (severity.word().to_owned(), words)
        })
        .collect();
    view! {
        <Fold title="Add a route">
            <ActionForm action=actions.add_route attr:class="grid max-w-3xl gap-3 md:grid-cols-2">
                <SelectField name="new[receiver]" label="Receiver" options=receivers />
                <SelectField name="new[condition]" label="Condition" options=conditions />
                <SelectField name="new[least]" label="Severity" options=severities />
                <TextField
                    name="new[labels]"
                    label="Labels"
                    placeholder="team=a, cluster=prod-*"
                    hint="All must hold. Labels of the application, and application, project and cluster."
                />
                <TextField
                    name="new[quiet]"
                    label="Quiet hours"
                    placeholder="22:00-07:00 Europe/Berlin"
                    hint="Only critical alerts are sent then; the others wait for the end."
                />
                <TextField
                    name="new[after_minutes]"
                    label="Escalate after (minutes)"
                    kind="number"
                    value="0"
                    hint="Sent only if the alert is still open then."
                />
                <div>
                    <Submit look=Look::Primary refused=refused pending=actions.add_route.pending()>
                        "Add"
                    </Submit>
                </div>
            </ActionForm>
        </Fold>
    }
    .into_any()
}
