//! Fields with labels, hints and errors.

use leptos::prelude::*;

/// The look of a text field.
pub const FIELD: &str =
    "w-full rounded-md border border-control bg-page px-2.5 py-1.5 text-ink disabled:opacity-60";

/// One line of text.
#[component]
pub fn TextField(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(optional)] hint: Option<&'static str>,
    #[prop(optional, into)] value: Option<String>,
    #[prop(optional)] kind: Option<&'static str>,
    #[prop(optional)] autocomplete: Option<&'static str>,
    #[prop(optional)] required: bool,
    #[prop(optional)] autofocus: bool,
    #[prop(optional)] minlength: Option<&'static str>,
    #[prop(optional)] placeholder: Option<&'static str>,
    /// Where two forms of a page have a field of the same name.
    #[prop(optional)]
    id: Option<&'static str>,
) -> impl IntoView {
    let id = id.map_or_else(|| format!("field-{name}"), str::to_owned);
    let hint_id = format!("{id}-hint");
    let described = hint.map(|_| hint_id.clone());
    view! {
        <div class="flex min-w-0 flex-col gap-1">
            <label class="text-sm font-medium" for=id.clone()>
                {label}
            </label>
            <input
                class=FIELD
                id=id
                name=name
                type=kind.unwrap_or("text")
                value=value
                autocomplete=autocomplete.unwrap_or("off")
                required=required
                autofocus=autofocus
                minlength=minlength
                placeholder=placeholder
                aria-describedby=described
            />
            {hint
                .map(|hint| {
                    view! {
                        <p id=hint_id class="text-xs text-muted">
                            {hint}
                        </p>
                    }
                })}
        </div>
    }
}

/// A choice of one among many, as a drop-down.
#[component]
pub fn SelectField(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    /// Value and words.
    options: Vec<(String, String)>,
    #[prop(optional, into)] selected: Option<String>,
    #[prop(optional)] hint: &'static str,
    /// Where two forms of a page have a field of the same name.
    #[prop(optional)]
    id: Option<&'static str>,
) -> impl IntoView {
    let id = id.map_or_else(|| format!("field-{name}"), str::to_owned);
    let hint_id = format!("{id}-hint");
    let described = (!hint.is_empty()).then(|| hint_id.clone());
    view! {
        <div class="flex min-w-0 flex-col gap-1">
            <label class="text-sm font-medium" for=id.clone()>
                {label}
            </label>
            <select class=FIELD id=id name=name aria-describedby=described>
                {options
                    .into_iter()
                    .map(|(value, words)| {
                        let chosen = selected.as_deref() == Some(value.as_str());
                        view! {
                            <option value=value selected=chosen>
                                {words}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
            {(!hint.is_empty()).then(|| view! { <p class="text-xs text-muted" id=hint_id>{hint}</p> })}
        </div>
    }
}
