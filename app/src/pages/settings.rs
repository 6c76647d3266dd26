//! Settings: root sources, sets of applications, rules for images, clusters, webhooks, notifications, one's own account,
//! accounts, access, tokens, how long history is kept, about. What Git owns is not here.

mod about;
mod access;
mod account;
mod accounts;
mod clusters;
mod history;
mod images;
mod notifications;
pub mod sets;
mod sources;
mod take_over;
mod tokens;
mod webhooks;

use crate::components::panel::PageHead;
use crate::components::switcher::{Choice, Tabs};
use crate::format;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

const TABS: [(&str, &str); 12] = [
    ("sources", "Root sources"),
    ("sets", "Sets"),
    ("images", "Images"),
    ("clusters", "Clusters"),
    ("webhooks", "Webhooks"),
    ("notifications", "Notifications"),
    ("account", "Your account"),
    ("accounts", "Accounts"),
    ("access", "Access"),
    ("tokens", "Tokens"),
    ("history", "History"),
    ("about", "About"),
];

/// The page.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let query = use_query_map();
    let chosen = Memo::new(move |_| {
        let tab = query.with(|query| query.get("tab").unwrap_or_default());
        TABS.into_iter()
            .map(|(word, _)| word)
            .find(|word| *word == tab)
            .unwrap_or("sources")
    });
    let add =
        Memo::new(move |_| query.with(|query| query.get("add").is_some_and(|add| add == "1")));
    let take = Memo::new(move |_| query.with(|query| query.get("take").unwrap_or_default()));
    view! {
        <Title text="Settings" />
        <PageHead title="Settings" />
        {move || {
            let choices = TABS
                .into_iter()
                .map(|(word, words)| Choice::words(words, format::link("/settings", &[("tab", word)]), chosen.get() == word))
                .collect();
            view! { <Tabs label="Parts of the settings" choices=choices /> }
        }}
        {move || match (chosen.get(), take.get()) {
            ("sources", source) if !source.is_empty() => view! { <take_over::TakeOverPart source=source /> }.into_any(),
            ("images", _) => view! { <images::ImagesPart /> }.into_any(),
            ("sets", _) => view! { <sets::SetsPart /> }.into_any(),
            ("clusters", _) => view! { <clusters::ClustersPart open=add.get() /> }.into_any(),
            ("webhooks", _) => view! { <webhooks::WebhooksPart /> }.into_any(),
            ("notifications", _) => view! { <notifications::NotificationsPart /> }.into_any(),
            ("account", _) => view! { <account::AccountPart /> }.into_any(),
            ("accounts", _) => view! { <accounts::AccountsPart /> }.into_any(),
            ("access", _) => view! { <access::AccessPart /> }.into_any(),
            ("tokens", _) => view! { <tokens::TokensPart /> }.into_any(),
            ("history", _) => view! { <history::HistoryPart /> }.into_any(),
            ("about", _) => view! { <about::AboutPart /> }.into_any(),
            _ => view! { <sources::SourcesPart open=add.get() /> }.into_any(),
        }}
    }
}
