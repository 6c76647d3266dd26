//! May somebody do something? A plain form that leads to its own answer.

use crate::api::access::can;
use crate::components::button::{Look, Submit};
use crate::components::feedback::{Failure, waiting};
use crate::components::form::TextField;
use crate::components::loaded::Loading;
use crate::components::panel::PANEL;
use crate::components::reason::Banner;
use crate::components::tone::Tone;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use lockstep_types::access::QuestionAnswer;

/// The question and its answer.
#[component]
pub fn QuestionPart() -> impl IntoView {
    let query = use_query_map();
    let asked = Memo::new(move |_| {
        query.with(|query| {
            let field = |name: &str| query.get(name).unwrap_or_default();
            (field("subject"), field("action"), field("object"))
        })
    });
    let answer: Loading<Option<QuestionAnswer>> = Resource::new(
        move || asked.get(),
        |(subject, action, object)| async move {
            if action.trim().is_empty() {
                return Ok(None);
            }
            can(subject, action, object).await.map(Some)
        },
    );
    let (subject, action, object) = asked.get_untracked();
    view! {
        <section class=format!("{PANEL} px-4 py-3")>
            <h2 class="font-semibold">"May somebody do something?"</h2>
            <form method="get" action="/settings" class="mt-3 grid items-end gap-3 md:grid-cols-[1fr_1fr_1fr_auto]">
                <input type="hidden" name="tab" value="access" />
                <TextField name="subject" label="Who (empty: you)" value=subject placeholder="maria, my-org:team, role:shop" />
                <TextField name="action" label="Does what" value=action required=true placeholder="sync, clusters/get" />
                <TextField name="object" label="On what" value=object placeholder="project/application" />
                <Submit look=Look::Plain>"Ask"</Submit>
            </form>
            <Transition fallback=waiting>
                {move || Suspend::new(async move {
                    match answer.await {
                        Ok(None) => ().into_any(),
                        Ok(Some(answer)) => said(answer),
                        Err(error) => view! { <Failure error=error /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
}

fn said(answer: QuestionAnswer) -> AnyView {
    let (tone, verb) = if answer.verdict.allowed {
        (Tone::Ok, "may")
    } else {
        (Tone::Bad, "may not")
    };
    let on = if answer.object.is_empty() {
        "on anything".to_owned()
    } else {
        format!("on {}", answer.object)
    };
    let lead = format!(
        "{} {verb} {}, {} {on}: {}.",
        answer.subject, answer.resource, answer.action, answer.verdict.why
    )
    .into_any();
    let rest = answer
        .verdict
        .line
        .map(|line| view! { <code class="font-mono text-xs break-all">{line.text}</code> })
        .into_any();
    view! {
        <div class="mt-3">
            <Banner tone=tone lead=lead rest=rest />
        </div>
    }
    .into_any()
}
