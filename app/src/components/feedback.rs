//! Empty pages, errors and waiting: each says what it is about and what to do next.

use super::button::{LinkButton, Look};
use super::icon::{Icon, icon_with};
use super::panel::PANEL;
use crate::error::ApiError;
use leptos::prelude::*;
use leptos_router::hooks::use_url;

/// Nothing to show, with the next step.
#[component]
pub fn Empty(
    #[prop(into)] title: String,
    #[prop(optional)] shape: Option<Icon>,
    children: Children,
) -> impl IntoView {
    view! {
        <div class=format!("{PANEL} flex flex-col items-center gap-1.5 px-6 py-12 text-center")>
            <span class="text-faint">{icon_with(shape.unwrap_or(Icon::Synced), "size-6!")}</span>
            <p class="text-lg font-medium">{title}</p>
            <div class="max-w-[62ch] text-muted">{children()}</div>
        </div>
    }
}

/// A whole part of a page that could not be had.
#[component]
pub fn Failure(error: ApiError) -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::context::tell_status(&error);
    let url = use_url();
    let login = error.is_unauthenticated();
    let here = move || {
        url.with(|url| {
            format!(
                "{}{}{}",
                url.path(),
                if url.search().is_empty() { "" } else { "?" },
                url.search()
            )
        })
    };
    let title = error.title();
    let next = error.next();
    let text = crate::format::sentence_case(&error.to_string());
    view! {
        <div role="alert" class=format!("{PANEL} border-l-[3px] border-l-bad px-4 py-3")>
            <p class="font-semibold">{title}</p>
            <p class="mt-0.5 break-words">{text}"."</p>
            <p class="mt-0.5 text-muted">{next}</p>
            <div class="mt-3 flex gap-2">
                {move || {
                    if login {
                        let href = crate::format::link("/login", &[("next", &here())]);
                        view! {
                            <a class=Look::Primary.class() href=href rel="external">
                                "Log in"
                            </a>
                        }
                            .into_any()
                    } else {
                        view! {
                            <a class=Look::Plain.class() href=here rel="external">
                                "Load again"
                            </a>
                            <LinkButton href="/".to_owned() look=Look::Quiet>
                                "Fleet"
                            </LinkButton>
                        }
                            .into_any()
                    }
                }}
            </div>
        </div>
    }
}

/// An action that failed, beside its button.
#[component]
pub fn ActionFailure(#[prop(into)] error: Signal<Option<ApiError>>) -> impl IntoView {
    view! {
        <div role="alert" aria-live="assertive" class="contents">
            {move || {
                error
                    .get()
                    .map(|error| {
                        view! {
                            <p class="rounded-md border border-l-[3px] border-line border-l-bad px-3 py-2 text-sm">
                                <b class="font-semibold">{error.title()}": "</b>
                                {error.to_string()}
                                ". "
                                <span class="text-muted">{error.next()}</span>
                            </p>
                        }
                    })
            }}
        </div>
    }
}

/// Lines where content will be.
pub fn waiting() -> AnyView {
    view! {
        <div class="flex flex-col gap-3" role="status">
            <span class="sr-only">"Loading"</span>
            <div class="h-6 w-48 rounded bg-sunken"></div>
            <div class="h-4 w-96 max-w-full rounded bg-sunken"></div>
            <div class="h-64 rounded-lg bg-sunken"></div>
        </div>
    }
    .into_any()
}
