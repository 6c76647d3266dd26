//! The text with its line numbers, the preview below it, and the buttons: all one plain form. Every step is sent by the
//! browser itself: what is previewed is what the field holds, with WASM and without.

use super::{Step, preview};
use crate::components::button::{LinkButton, Look, refusal};
use crate::components::feedback::ActionFailure;
use crate::components::form::{FIELD, TextField};
use crate::components::panel::PANEL;
use crate::components::reason::Banner;
use crate::components::tone::Tone;
use leptos::html;
use leptos::prelude::*;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::edit::{EditDraft, EditKind};

/// Lines that are numbered; longer files scroll in their field.
const NUMBERED: usize = 600;

/// The form.
pub fn editor(
    draft: EditDraft,
    kind: EditKind,
    step: Option<Step>,
    back: String,
    actor: Option<&Actor>,
) -> AnyView {
    let (path, text, base) = match &step {
        // What was typed, and at which commit its file was read.
        Some(step) if step.edit.kind != EditKind::Remove => (
            step.edit.path.clone(),
            step.edit.text.clone(),
            step.edit.base.clone(),
        ),
        _ => (draft.path.clone(), draft.text.clone(), draft.head.clone()),
    };
    let (first_path, first_text) = (path.clone(), text.clone());
    let (path, text) = (RwSignal::new(path), RwSignal::new(text));
    let shown = step.as_ref().and_then(|step| step.preview.clone());
    let failed = step.as_ref().and_then(|step| step.failure.clone());
    // What the preview was made of; as soon as something else is typed it no longer holds.
    let asked = (first_path.clone(), normal(&first_text));
    let previewed = shown.is_some();
    let stale =
        Memo::new(move |_| previewed && (asked.0 != path.get() || asked.1 != normal(&text.get())));
    // What was typed before the script arrived stays, and counts.
    let path_node = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        if let Some(field) = path_node.get() {
            path.set(field.value());
        }
    });
    let refused = refusal(actor, Permission::Edit);
    let why = refused.clone();
    let refused_there = shown.as_ref().map(|shown| shown.refused.clone());
    let blocked = Memo::new(move |_| blocked(refused_there.as_deref(), stale.get()));
    let may = refused.is_none();
    let person = actor.map(|actor| actor.name.clone()).unwrap_or_default();
    let notice = (!draft.refused.is_empty()).then(|| {
        view! { <Banner tone=Tone::Warn lead=draft.refused.clone().into_any() rest="It can be previewed all the same.".into_any() /> }
    });
    let edits = kind == EditKind::Replace;
    let begins = draft.line.filter(|line| *line > 1);
    let fields: Vec<(&'static str, String)> = vec![
        ("source", draft.source.to_string()),
        ("base", base.0),
        ("back", back.clone()),
    ];
    let kind_word = shown.as_ref().map_or(kind, |shown| shown.edit.kind).word();
    let digest = shown
        .as_ref()
        .map(|shown| shown.digest.clone())
        .unwrap_or_default();
    let removes = shown
        .as_ref()
        .is_some_and(|shown| shown.edit.kind == EditKind::Remove);
    let reason = step.map(|step| step.reason).unwrap_or_default();
    view! {
        <form method="post" class="flex min-w-0 flex-col gap-4">
            {fields.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> }).collect_view()}
            <input type="hidden" name="kind" value=kind_word />
            <input type="hidden" name="digest" value=digest />
            {notice}
            <section class=format!("{PANEL} flex flex-col gap-3 px-4 py-3")>
                <div class="flex min-w-0 flex-col gap-1">
                    <label class="text-sm font-medium" for="edit-path">"File"</label>
                    <input
                        id="edit-path"
                        class=format!("{FIELD} font-mono read-only:bg-sunken")
                        name="path"
                        required=true
                        readonly=edits
                        autocomplete="off"
                        spellcheck="false"
                        value=first_path
                        on:input=move |event| path.set(event_target_value(&event))
                        node_ref=path_node
                    />
                </div>
                <div class="flex min-w-0 flex-col gap-1">
                    <label class="text-sm font-medium" for="edit-text">"Text"</label>
                    {begins
                        .map(|line| {
                            view! { <p class="text-xs text-muted">{format!("This application begins at line {line} of the file.")}</p> }
                        })}
                    {area(text, first_text)}
                </div>
                <div class="flex flex-wrap items-center gap-2.5">
                    <button
                        type="submit"
                        name="step"
                        value="preview"
                        class=Look::Primary.class()
                        disabled=!may
                        title=why.clone()
                    >
                        "Preview"
                    </button>
                    {edits
                        .then(|| {
                            view! {
                                <button
                                    type="submit"
                                    name="step"
                                    value="remove"
                                    class=Look::Quiet.class()
                                    disabled=!may
                                    title=why.clone().unwrap_or_else(|| "Shows what removing this file from Git would do".to_owned())
                                >
                                    "Preview removing the file"
                                </button>
                            }
                        })}
                    <LinkButton href=back.clone() look=Look::Quiet>"Cancel"</LinkButton>
                    {why.clone().map(|why| view! { <span class="text-sm text-muted">{why}</span> })}
                </div>
            </section>
            <ActionFailure error=Signal::stored(failed) />
            {shown
                .map(|shown| {
                    view! {
                        {move || {
                            stale
                                .get()
                                .then(|| {
                                    view! {
                                        <div aria-live="polite">
                                            <Banner
                                                tone=Tone::Warn
                                                lead="The text has changed since this preview.".into_any()
                                                rest="Preview it again.".into_any()
                                            />
                                        </div>
                                    }
                                })
                        }}
                        {preview::preview(shown)}
                    }
                })}
            <section
                class=format!("{PANEL} flex flex-col gap-3 px-4 py-3")
                class:hidden=!previewed
            >
                <TextField
                    name="reason"
                    label="Reason"
                    value=reason
                    placeholder="For the commit message and for those who ask later"
                />
                <div class="flex flex-wrap items-center gap-2.5">
                    <button
                        type="submit"
                        name="step"
                        value="commit"
                        class=if removes { Look::Danger.class() } else { Look::Primary.class() }
                        disabled=move || !may || blocked.with(Option::is_some)
                        title=move || blocked.get()
                    >
                        {if removes { "Commit the removal" } else { "Commit" }}
                    </button>
                    <span class="text-sm text-muted">{move || blocked.get()}</span>
                    <span class="ml-auto text-sm text-muted max-md:hidden">{format!("as {person}")}</span>
                </div>
            </section>
        </form>
    }
    .into_any()
}

/// Why it cannot be committed now; `None` when it can. `refused` is what the preview says, if there is one.
fn blocked(refused: Option<&str>, stale: bool) -> Option<String> {
    match refused {
        None => Some("Preview it first.".to_owned()),
        Some(_) if stale => Some("Preview it again first.".to_owned()),
        Some("") => None,
        Some(refused) => Some(refused.to_owned()),
    }
}

/// Browsers send other line ends than they show.
fn normal(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// A plain text area (Tab goes on to the next field), as high as its text, with numbers beside it.
fn area(text: RwSignal<String>, first: String) -> AnyView {
    let node = NodeRef::<html::Textarea>::new();
    Effect::new(move |_| {
        if let Some(field) = node.get() {
            text.set(field.value());
        }
    });
    let lines = Memo::new(move |_| text.with(|text| text.split('\n').count().max(14)));
    let numbers = move || {
        let lines = lines.get();
        if lines > NUMBERED {
            return String::new();
        }
        (1..=lines)
            .map(|line| line.to_string())
            .collect::<Vec<_>>()
            .join("\n")
    };
    view! {
        <div class="flex min-w-0 overflow-hidden rounded-md border border-control bg-page font-mono text-xs leading-[1.6] focus-within:ring-2 focus-within:ring-accent-soft">
            <pre aria-hidden="true" class="flex-none border-r border-line bg-sunken px-2 py-2 text-right text-faint select-none">
                {numbers}
            </pre>
            <textarea
                id="edit-text"
                name="text"
                class="min-w-0 flex-1 resize-none overflow-x-auto bg-page px-2.5 py-2 whitespace-pre text-ink outline-none"
                rows=move || lines.get().min(NUMBERED).to_string()
                wrap="off"
                spellcheck="false"
                autocapitalize="off"
                autocomplete="off"
                on:input=move |event| text.set(event_target_value(&event))
                node_ref=node
            >
                {first}
            </textarea>
        </div>
    }
    .into_any()
}
