//! Editing a definition, or adding an application: text, preview, reason, commit.
//!
//! One plain form that the page itself takes as POST, so that all of it works without WASM and nothing that was typed is
//! lost when a step is refused.

mod editor;
mod new_form;
#[cfg(feature = "ssr")]
mod posted;
mod preview;

#[cfg(feature = "ssr")]
pub use posted::{EditForm, Posted, answer};

use crate::api::edits::{draft, template};
use crate::components::loaded::{Loading, loaded_for};
use crate::components::panel::{LINK, PageHead};
use crate::components::target_link::application_address;
use crate::error::ApiError;
use crate::format;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::edit::{Edit, EditDraft, EditKind, EditPreview, EditSubject, NewApplication};
use serde::{Deserialize, Serialize};

/// What the address asks for.
#[derive(Debug, Clone, PartialEq)]
struct Wanted {
    subject: Option<EditSubject>,
    /// What the form of a new application was filled in with; `None` before it was sent.
    new: Option<NewApplication>,
}

/// A step that was taken with a plain form, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// As it was typed.
    pub edit: Edit,
    pub reason: String,
    pub preview: Option<EditPreview>,
    pub failure: Option<ApiError>,
}

/// Everything the page shows, read together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Data {
    draft: EditDraft,
    new: NewApplication,
    /// What is wrong with the form of a new application.
    unfit: Option<ApiError>,
    step: Option<Step>,
}

async fn read(wanted: Wanted) -> Result<Data, ApiError> {
    #[cfg(feature = "ssr")]
    let step = use_context::<Posted>().map(|posted| posted.0);
    #[cfg(not(feature = "ssr"))]
    let step = None;
    let subject = wanted
        .subject
        .ok_or_else(|| PortError::NotFound("what is to be edited".into()))?;
    let mut draft = draft(subject).await?;
    let mut new = wanted.new.clone().unwrap_or_else(|| NewApplication {
        repo_url: draft.repo_url.clone(),
        automated: true,
        self_heal: true,
        ..NewApplication::default()
    });
    if new.repo_url.is_empty() {
        new.repo_url.clone_from(&draft.repo_url);
    }
    let mut unfit = None;
    if draft.application.is_none() && wanted.new.is_some() {
        match template(new.clone()).await {
            Ok(text) => {
                draft.text = text;
                draft.path = proposed(&draft.folder, &new.name);
            }
            Err(error) => unfit = Some(error),
        }
    }
    Ok(Data {
        draft,
        new,
        unfit,
        step,
    })
}

/// Where a new definition would lie.
fn proposed(folder: &str, name: &str) -> String {
    let name = name.trim();
    if folder.is_empty() {
        format!("{name}.yaml")
    } else {
        format!("{folder}/{name}.yaml")
    }
}

/// The page of an application's definition.
#[component]
pub fn EditPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let wanted = Memo::new(move |_| {
        let id = params.with(|params| params.get("id").and_then(|id| id.parse().ok()));
        Wanted {
            subject: id.map(|id| match query.with(|query| query.get("revision")) {
                Some(revision) => EditSubject::Revision(id, revision),
                None => EditSubject::Application(id),
            }),
            new: None,
        }
    });
    view! {
        <Title text="Edit definition" />
        {page(wanted)}
    }
}

/// The page of a new application.
#[component]
pub fn AddPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let wanted = Memo::new(move |_| Wanted {
        subject: params
            .with(|params| params.get("id").and_then(|id| id.parse().ok()))
            .map(EditSubject::New),
        new: query.with(|query| {
            let text = |name: &str| query.get(name).unwrap_or_default();
            let on = |name: &str| query.get(name).is_some();
            query.get("name").map(|name| NewApplication {
                name,
                project: text("project"),
                repo_url: text("repository"),
                path: text("folder"),
                target_revision: text("revision"),
                cluster: text("cluster"),
                namespace: text("namespace"),
                automated: on("automated"),
                prune: on("prune"),
                self_heal: on("heal"),
                create_namespace: on("create"),
            })
        }),
    });
    view! {
        <Title text="Add application" />
        {page(wanted)}
    }
}

fn page(wanted: Memo<Wanted>) -> AnyView {
    // Not live on purpose: what is being edited must not change under the hand. The digest guards it.
    let data: Loading<Data> = Resource::new(move || wanted.get(), read);
    loaded_for(data, show)
}

fn show(data: Data, actor: Option<&Actor>) -> AnyView {
    let draft = &data.draft;
    let repository = format::repository(&draft.repo_url).to_owned();
    let place = if draft.branch.is_empty() {
        format!("{repository}, source {}", draft.source_name)
    } else {
        format!(
            "{repository}, branch {}, source {}",
            draft.branch, draft.source_name
        )
    };
    let (title, back, words) = match &draft.application {
        Some(application) => (
            format!("Edit {}", application.name),
            application_address(application, &[("tab", "definition")]),
            application.name.clone(),
        ),
        None => (
            "Add application".to_owned(),
            "/settings?tab=sources".to_owned(),
            "Sources".to_owned(),
        ),
    };
    let crumbs = view! { <a class=LINK href=back.clone()>{words}</a> }.into_any();
    let below = view! {
        <p class="mt-1 text-sm break-words text-muted">
            "A commit to " {place} ". It is shown in full before it is written."
        </p>
    }
    .into_any();
    let form = draft
        .application
        .is_none()
        .then(|| new_form::new_form(&data.new, draft, data.unfit.clone(), data.step.is_none()));
    let kind = if draft.application.is_some() {
        EditKind::Replace
    } else {
        EditKind::Add
    };
    view! {
        <PageHead title=title crumbs=crumbs below=below />
        {form}
        {editor::editor(data.draft, kind, data.step, back, actor)}
    }
    .into_any()
}
