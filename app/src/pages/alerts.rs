//! Alerts: what somebody should know of now, and what was so and is over.

use crate::api::alerts::alerts;
use crate::components::clock::ago;
use crate::components::feedback::Empty;
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{LINK, PANEL, PageHead, TABLE, TD, heads};
use crate::components::status::{Mark, chip};
use crate::components::switcher::{Choice, Segments};
use crate::components::target_link::application_address;
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lockstep_types::alert::{
    AlertQuery, AlertsView, Condition, Incident, IncidentSubject, Severity,
};

/// The page.
#[component]
pub fn AlertsPage() -> impl IntoView {
    let query = use_query_map();
    let wanted = Memo::new(move |_| {
        query.with(|query| AlertQuery {
            filter: query.get("q").unwrap_or_default(),
            resolved: query
                .get("resolved")
                .is_some_and(|resolved| resolved == "1"),
            after: query.get("after").and_then(|after| after.parse().ok()),
        })
    });
    let tick = ticks(|| Topic::All);
    let view: Loading<AlertsView> = Resource::new(
        move || (wanted.get(), tick.get()),
        |(query, _)| alerts(query),
    );
    view! {
        <Title text="Alerts" />
        {loaded(view, move |view| page(view, wanted.get()))}
    }
}

fn page(view: AlertsView, query: AlertQuery) -> AnyView {
    let link = |filter: &str, resolved: bool| {
        format::link(
            "/alerts",
            &[("q", filter), ("resolved", if resolved { "1" } else { "" })],
        )
    };
    let below = view! {
        <p class="mt-1.5 text-lg">
            {if view.open == 0 {
                "Nothing needs to be known now.".to_owned()
            } else {
                format!("{} open.", format::plural(view.open.into(), "alert is", "alerts are"))
            }}
        </p>
        <p class="mt-0.5 text-sm text-muted">
            "Who is told of them is set in "
            <a class=LINK href="/settings?tab=notifications">"Settings"</a>
            "."
        </p>
    }
    .into_any();
    let severities = ["", "critical", "warning", "info"]
        .into_iter()
        .map(|word| {
            let words = if word.is_empty() { "All" } else { word };
            Choice::words(
                format::sentence_case(words),
                link(word, query.resolved),
                query.filter == word,
            )
        })
        .collect::<Vec<_>>();
    let actions = view! {
        <Segments label="How bad" choices=severities />
        <Segments
            label="Which"
            choices=vec![
                Choice::words("Open", link(&query.filter, false), !query.resolved),
                Choice::words("Resolved", link(&query.filter, true), query.resolved),
            ]
        />
    }
    .into_any();
    let next = view.next.map(|next| {
        let next = next.to_string();
        let resolved = if query.resolved { "1" } else { "" };
        let pairs = [
            ("q", query.filter.as_str()),
            ("resolved", resolved),
            ("after", next.as_str()),
        ];
        let to = format::link("/alerts", &pairs);
        view! {
            <p class="mt-3 text-sm">
                <a class=LINK href=to>
                    "Next page"
                </a>
            </p>
        }
    });
    let body = if view.incidents.is_empty() {
        empty(&query)
    } else {
        table(view.incidents)
    };
    view! {
        <PageHead title="Alerts" below=below actions=actions />
        {body}
        {next}
    }
    .into_any()
}

fn empty(query: &AlertQuery) -> AnyView {
    let title = match (query.filter.is_empty(), query.resolved) {
        (false, _) => "Nothing matches this filter",
        (true, false) => "No open alerts",
        (true, true) => "No alert has ended yet",
    };
    let filtered = !query.filter.is_empty();
    view! {
        <Empty title=title shape=Icon::Synced>
            {if filtered {
                view! { <a class=LINK href="/alerts">"Show all open alerts"</a> }.into_any()
            } else {
                "Drift that stays, bad health, failed syncs and clusters that do not answer appear here when they have lasted long enough, and leave by themselves."
                    .into_any()
            }}
        </Empty>
    }
    .into_any()
}

fn table(incidents: Vec<Incident>) -> AnyView {
    view! {
        <div class=format!("{PANEL} overflow-x-auto")>
            <table class=TABLE>
                <thead>
                    <tr>{heads(&["What", "Where", "Why", "Since", "Severity"])}</tr>
                </thead>
                <tbody>{incidents.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(incident: Incident) -> AnyView {
    let since = match incident.resolved_at {
        Some(end) => view! {
            <span>
                "for " {format::span(end.seconds_since(incident.since))}
                <span class="block text-xs">"ended " {ago(end)} " ago"</span>
            </span>
        }
        .into_any(),
        None => ago(incident.since),
    };
    let severity = if incident.resolved_at.is_some() {
        chip(
            Mark {
                icon: Icon::Synced,
                tone: Tone::Ok,
                word: "",
            },
            "resolved",
        )
    } else {
        severity_chip(incident.severity)
    };
    view! {
        <tr>
            <td class=format!("{TD} font-medium whitespace-nowrap")>{incident.condition.title()}</td>
            <td class=format!("{TD} break-words")>
                <a class="hover:underline" href=address(&incident) data-row>
                    {incident.subject.words()}
                </a>
            </td>
            <td class=format!("{TD} max-w-[62ch] break-words text-muted max-md:basis-full")>{incident.cause.clone()}</td>
            <td class=format!("{TD} whitespace-nowrap text-muted") data-label="since">{since}</td>
            <td class=TD>{severity}</td>
        </tr>
    }
    .into_any()
}

/// The severity as shape, word and colour.
fn severity_chip(severity: Severity) -> AnyView {
    let (icon, tone) = match severity {
        Severity::Critical => (Icon::Degraded, Tone::Bad),
        Severity::Warning => (Icon::Problem, Tone::Warn),
        Severity::Info => (Icon::Bell, Tone::Idle),
    };
    chip(
        Mark {
            icon,
            tone,
            word: "",
        },
        severity.word(),
    )
}

/// What it is about. Of what is over as it stood when it was opened: now there is nothing to see.
fn address(incident: &Incident) -> String {
    let at = match incident.resolved_at {
        Some(_) => incident.opened_at.exact(),
        None => String::new(),
    };
    match &incident.subject {
        IncidentSubject::Target(target) if incident.condition == Condition::Drift => {
            format::link("/drift", &[("q", &target.application.name), ("at", &at)])
        }
        IncidentSubject::Target(target) => application_address(
            &target.application,
            &[("cluster", &target.cluster), ("at", &at)],
        ),
        IncidentSubject::Cluster(name) => format!("/clusters/{}", format::encode(name)),
        IncidentSubject::Source(_) => "/problems".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::application::{ApplicationRef, TargetRef};
    use lockstep_types::id::{ApplicationId, IncidentId, TargetId};
    use lockstep_types::time::Micros;
    use uuid::Uuid;

    #[test]
    fn what_is_over_is_shown_as_it_was_and_what_is_open_as_it_is() {
        let target = TargetRef {
            id: TargetId(Uuid::nil()),
            application: ApplicationRef {
                id: ApplicationId(Uuid::nil()),
                name: "cart".to_owned(),
                project: "shop".to_owned(),
            },
            cluster: "prod-eu".to_owned(),
        };
        let mut incident = Incident {
            id: IncidentId(Uuid::nil()),
            subject: IncidentSubject::Target(target),
            condition: Condition::Degraded,
            severity: Severity::Critical,
            cause: String::new(),
            labels: Default::default(),
            since: Micros::from_seconds(0),
            opened_at: Micros(90_500_000),
            resolved_at: None,
        };
        let app = format!("/apps/{}/cart?cluster=prod-eu", Uuid::nil());
        assert_eq!(address(&incident), app);
        incident.resolved_at = Some(Micros::from_seconds(900));
        let at = "at=1970-01-01T00:01:30.5Z";
        assert_eq!(address(&incident), format!("{app}&{at}"));
        incident.condition = Condition::Drift;
        assert_eq!(address(&incident), format!("/drift?q=cart&{at}"));
    }
}
