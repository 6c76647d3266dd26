//! What this is, in which version, and how it looks.

use crate::components::layout::use_session;
use crate::components::panel::{PANEL, facts};
use crate::components::theme::ThemeSwitch;
use leptos::prelude::*;

/// The part.
#[component]
pub fn AboutPart() -> impl IntoView {
    let session = use_session();
    view! {
        <section class=format!("{PANEL} max-w-xl px-4 py-3")>
            <Transition>
                {move || Suspend::new(async move {
                    let known = match session {
                        Some(session) => session.await.ok(),
                        None => None,
                    };
                    let (version, name, role, cage) = known
                        .map(|session| (session.version, session.actor.name, session.actor.role.word(), session.cage.words()))
                        .unwrap_or_default();
                    facts(
                        vec![
                            ("Lockstep", format!("version {version}").into_any()),
                            ("You are", format!("{name}, {role}").into_any()),
                            ("Rendering", cage.into_any()),
                            ("Theme", view! { <ThemeSwitch /> }.into_any()),
                            ("Keys", view! { "Press " <kbd class="rounded border border-line-strong px-1.5 font-mono text-2xs">"?"</kbd> " for all of them" }.into_any()),
                            ("Fonts", "Inter and JetBrains Mono, SIL Open Font License".into_any()),
                        ],
                    )
                })}
            </Transition>
            <form method="post" action="/logout" class="mt-4 md:hidden">
                <button type="submit" class=crate::components::button::Look::Plain.class()>"Log out"</button>
            </form>
        </section>
    }
}
