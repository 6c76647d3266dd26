//! Receivers: where messages go.

use super::Actions;
use crate::api::alerts::PreviewTemplate;
use crate::components::button::{Look, Submit};
use crate::components::clock::ago;
use crate::components::feedback::Empty;
use crate::components::form::{FIELD, SelectField, TextField};
use crate::components::icon::Icon;
use crate::components::panel::{Fold, PANEL, Part, TABLE, TD, heads, tag};
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::notify::{Channel, ReceiverView};

/// List and form.
pub(super) fn part(
    receivers: Vec<ReceiverView>,
    actions: Actions,
    refused: Option<String>,
) -> AnyView {
    let list = if receivers.is_empty() {
        view! {
            <Empty title="Nobody is told yet" shape=Icon::Bell>
                "Alerts are shown at the bell in any case. Add a receiver to have them sent: without a route it gets all of them."
            </Empty>
        }
        .into_any()
    } else {
        table(receivers, actions, refused.clone())
    };
    view! {
        <Part title="Receivers">
            {list}
            {form(actions, refused.clone())}
            {preview(refused)}
        </Part>
    }
    .into_any()
}

fn table(receivers: Vec<ReceiverView>, actions: Actions, refused: Option<String>) -> AnyView {
    let rows = receivers
        .into_iter()
        .map(|receiver| {
            let id = receiver.id.to_string();
            let same_id = id.clone();
            let refused = refused.clone();
            let refused_too = refused.clone();
            view! {
                <tr>
                    <td class=TD>
                        <span class="font-medium">{receiver.name.clone()}</span>
                        {(!receiver.template.is_empty()).then(|| view! { " " {tag("own text")} })}
                    </td>
                    <td class=TD data-label="by">{receiver.channel.title()}</td>
                    <td class=format!("{TD} font-mono text-sm break-all") data-label="to">{receiver.place.clone()}</td>
                    <td class=format!("{TD} text-muted") data-label="made">{ago(receiver.created_at)}</td>
                    <td class=format!("{TD} text-right")>
                        <span class="inline-flex flex-wrap justify-end gap-1">
                            <ActionForm action=actions.test_receiver attr:class="contents">
                                <input type="hidden" name="receiver" value=id />
                                <Submit look=Look::Plain refused=refused>"Send a test"</Submit>
                            </ActionForm>
                            <ActionForm action=actions.remove_receiver attr:class="contents">
                                <input type="hidden" name="receiver" value=same_id />
                                <Submit look=Look::Quiet refused=refused_too>"Remove"</Submit>
                            </ActionForm>
                        </span>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class=format!("{PANEL} overflow-x-auto")>
            <table class=TABLE>
                <thead>
                    <tr>{heads(&["Receiver", "By", "To", "Made", ""])}</tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn form(actions: Actions, refused: Option<String>) -> AnyView {
    let channels = Channel::ALL
        .into_iter()
        .map(|channel| (channel.word().to_owned(), channel.title().to_owned()))
        .collect();
    view! {
        <Fold title="Add a receiver">
            <ActionForm action=actions.add_receiver attr:class="grid max-w-3xl gap-3 md:grid-cols-2">
                <TextField name="new[name]" label="Name" required=true placeholder="on-call" />
                <SelectField name="new[channel]" label="By" options=channels />
                <div class="md:col-span-2">
                    <TextField
                        name="new[address]"
                        label="Address"
                        placeholder="https://hooks.example.com/…"
                        hint="Kept encrypted; only its host is shown again. For mail smtp://host:587 or smtps://host. Empty for PagerDuty."
                    />
                </div>
                <TextField
                    name="new[secret]"
                    label="Secret"
                    kind="password"
                    autocomplete="new-password"
                    hint="Signing key of a webhook, routing key of PagerDuty, password of the mail server. Kept encrypted, never shown again."
                />
                <TextField name="new[username]" label="User of the mail server" />
                <TextField name="new[from]" label="Mail from" placeholder="lockstep@example.com" />
                <TextField name="new[to]" label="Mail to" placeholder="team@example.com, …" />
                <div class="md:col-span-2">{template_field("new[template]", "Text of its own (optional)")}</div>
                <div>
                    <Submit look=Look::Primary refused=refused pending=actions.add_receiver.pending()>
                        "Add"
                    </Submit>
                </div>
            </ActionForm>
        </Fold>
    }
    .into_any()
}

fn template_field(name: &'static str, label: &'static str) -> AnyView {
    let id = format!("field-{name}");
    let hint_id = format!("{id}-hint");
    view! {
        <div class="flex min-w-0 flex-col gap-1">
            <label class="text-sm font-medium" for=id.clone()>
                {label}
            </label>
            <textarea class=format!("{FIELD} font-mono text-sm") id=id name=name rows="4" spellcheck="false" aria-describedby=hint_id.clone()></textarea>
            <p class="text-xs text-muted" id=hint_id>
                "Jinja: title, opened, resolved, left_out, link, and items with news, title, severity, subject, cause, since, labels, link. When it fails, the usual text is sent and the log says why."
            </p>
        </div>
    }
    .into_any()
}

fn preview(refused: Option<String>) -> AnyView {
    let action = ServerAction::<PreviewTemplate>::new();
    view! {
        <Fold title="Try a text">
            <ActionForm action=action attr:class="flex max-w-3xl flex-col gap-3">
                {template_field("template", "Template")}
                <div>
                    <Submit look=Look::Plain refused=refused pending=action.pending()>
                        "Preview"
                    </Submit>
                </div>
            </ActionForm>
            <div aria-live="polite">
                {move || {
                    action
                        .value()
                        .get()
                        .map(|answer| match answer {
                            Err(error) => view! { <p class="mt-3 text-sm text-bad">{error.to_string()}</p> }.into_any(),
                            Ok(made) => {
                                view! {
                                    {(!made.error.is_empty())
                                        .then(|| {
                                            view! {
                                                <p class="mt-3 text-sm text-bad">
                                                    {made.error.clone()} ". This would be sent instead:"
                                                </p>
                                            }
                                        })}
                                    <pre class="mt-3 max-w-3xl overflow-x-auto rounded-md bg-sunken p-3 text-sm whitespace-pre-wrap">{made.text}</pre>
                                }
                                    .into_any()
                            }
                        })
                }}
            </div>
        </Fold>
    }
    .into_any()
}
