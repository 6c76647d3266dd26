//! The form of a new application: it writes the manifest, which can then be changed as text.

use crate::components::button::{Look, Submit};
use crate::components::feedback::ActionFailure;
use crate::components::form::{SelectField, TextField};
use crate::components::panel::Fold;
use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::edit::{EditDraft, NewApplication};

/// A plain form of the page: its fields stand in the address.
pub fn new_form(
    new: &NewApplication,
    draft: &EditDraft,
    unfit: Option<ApiError>,
    open: bool,
) -> AnyView {
    let mut clusters = vec![(String::new(), "The source's home cluster".to_owned())];
    clusters.extend(
        draft
            .clusters
            .iter()
            .map(|name| (name.clone(), name.clone())),
    );
    let failed = Signal::derive(move || unfit.clone());
    let new = new.clone();
    view! {
        <Fold title="Write a manifest from a form" open=open>
            <form method="get" class="flex flex-col gap-4">
                <div class="grid gap-3 md:grid-cols-3">
                    <TextField name="name" label="Name" required=true value=new.name />
                    <TextField name="project" label="Project" placeholder="default" value=new.project />
                    <SelectField name="cluster" label="Cluster" options=clusters selected=new.cluster />
                    <TextField name="repository" label="Repository" required=true value=new.repo_url />
                    <TextField name="folder" label="Path in the repository" placeholder="." value=new.path />
                    <TextField name="revision" label="Revision" placeholder="HEAD" value=new.target_revision />
                    <TextField name="namespace" label="Namespace" value=new.namespace />
                </div>
                <fieldset class="flex flex-wrap gap-x-5 gap-y-2">
                    <legend class="sr-only">"Sync policy"</legend>
                    {flag("automated", "Sync by itself", new.automated)}
                    {flag("prune", "Prune what leaves Git", new.prune)}
                    {flag("heal", "Heal drift", new.self_heal)}
                    {flag("create", "Create the namespace", new.create_namespace)}
                </fieldset>
                <ActionFailure error=failed />
                <div>
                    <Submit look=Look::Plain>"Write the manifest"</Submit>
                </div>
            </form>
        </Fold>
    }
    .into_any()
}

fn flag(name: &'static str, words: &'static str, on: bool) -> AnyView {
    view! {
        <label class="flex items-center gap-2 text-sm">
            <input type="checkbox" name=name value="1" checked=on />
            {words}
        </label>
    }
    .into_any()
}
