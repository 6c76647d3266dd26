//! Settings: root sources, accounts, tokens. Clusters have a page of their own.

mod accounts;
mod sources;
mod take_over;
mod tokens;

pub use take_over::TakeOverPage;

use crate::components::layout::use_session;
use crate::components::panel::PageHead;
use crate::components::switcher::{Choice, Tabs};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lockstep_types::account::Actor;

/// The page.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let query = use_query_map();
    let tab = Memo::new(move |_| query.with(|query| query.get("tab").unwrap_or_else(|| "sources".to_owned())));
    let adding = Memo::new(move |_| query.with(|query| query.get("add").is_some()));
    let tabs = move || {
        let choices = [("sources", "Root sources"), ("accounts", "Accounts"), ("tokens", "API tokens")]
            .into_iter()
            .map(|(value, words)| Choice::words(words, format!("/settings?tab={value}"), tab.get() == value))
            .chain([Choice::words("Clusters", "/clusters".to_owned(), false)])
            .collect();
        view! { <Tabs label="Settings" choices=choices /> }
    };
    view! {
        <Title text="Settings" />
        <PageHead title="Settings" />
        {tabs}
        {move || match tab.get().as_str() {
            "accounts" => view! { <accounts::AccountsTab /> }.into_any(),
            "tokens" => view! { <tokens::TokensTab /> }.into_any(),
            _ => view! { <sources::SourcesTab adding=adding /> }.into_any(),
        }}
    }
}

/// Who is here, once known.
fn current_actor() -> Option<Actor> {
    use_session().and_then(|session| session.get()).and_then(Result::ok).map(|session| session.actor)
}
