//! Shows what a resource holds: the view, the error, or lines while waiting. Old content stays while new
//! content is on its way.

use super::feedback::{Failure, waiting};
use super::layout::{acting, use_session};
use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::account::Actor;
use std::sync::Arc;

/// What a server function answered, kept for the page.
pub type Loading<T> = Resource<Result<T, ApiError>>;

/// The view of a resource's value.
pub fn loaded<T>(
    resource: Loading<T>,
    show: impl Fn(T) -> AnyView + Send + Sync + 'static,
) -> AnyView
where
    T: Clone + Send + Sync + 'static,
{
    let show = Arc::new(show);
    view! {
        <Transition fallback=waiting>
            {move || {
                let show = Arc::clone(&show);
                Suspend::new(async move {
                    match resource.await {
                        Ok(value) => show(value),
                        Err(error) => view! { <Failure error=error /> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
    .into_any()
}

/// The same for a view that shows what whoever looks may do.
pub fn loaded_for<T>(
    resource: Loading<T>,
    show: impl Fn(T, Option<&Actor>) -> AnyView + Send + Sync + 'static,
) -> AnyView
where
    T: Clone + Send + Sync + 'static,
{
    let session = use_session();
    let show = Arc::new(show);
    view! {
        <Transition fallback=waiting>
            {move || {
                let show = Arc::clone(&show);
                Suspend::new(async move {
                    let actor = acting(session).await;
                    match resource.await {
                        Ok(value) => show(value, actor.as_ref()),
                        Err(error) => view! { <Failure error=error /> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
    .into_any()
}
