//! Git hosts that are told how commits fare, and where pull requests are opened.

use super::Actions;
use crate::components::button::{Look, Submit};
use crate::components::form::{SelectField, TextField};
use crate::components::panel::{Fold, PANEL, Part, TABLE, TD, heads};
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::notify::{StatusHostView, StatusProvider};

/// List and form.
pub(super) fn part(
    hosts: Vec<StatusHostView>,
    actions: Actions,
    refused: Option<String>,
) -> AnyView {
    let list = if hosts.is_empty() {
        ().into_any()
    } else {
        table(hosts, actions, refused.clone())
    };
    let providers = StatusProvider::ALL
        .into_iter()
        .map(|provider| (provider.word().to_owned(), provider.title().to_owned()))
        .collect();
    view! {
        <Part title="Git hosts: commit statuses and pull requests">
            <p class="max-w-3xl text-sm text-muted">
                "A Git host named here shows on each commit whether it is live, cluster by cluster: pending, success, or failure with the reason. Targets that are only observed have no status. Rollbacks and accepted drift that are proposed for review become pull requests there. Pull requests can have a comment with what their merge would do."
            </p>
            {list}
            <Fold title="Add a Git host">
                <ActionForm action=actions.add_host attr:class="grid max-w-3xl gap-3 md:grid-cols-2">
                    <TextField
                        name="new[prefix]"
                        label="Repositories"
                        required=true
                        placeholder="https://git.example.com/team/"
                        hint="How their addresses begin."
                    />
                    <SelectField name="new[provider]" label="Host" options=providers />
                    <div class="md:col-span-2">
                        <TextField
                            name="new[token]"
                            label="Token (optional)"
                            kind="password"
                            autocomplete="new-password"
                            hint="May write commit statuses, open pull requests and comment on them. Kept encrypted, never shown again. Without one the login of the source is used."
                        />
                    </div>
                    <div class="flex flex-col gap-0.5 md:col-span-2">
                        <label class="flex items-center gap-2 text-sm">
                            <input type="checkbox" name="new[comments]" value="true" />
                            "Comment on pull requests"
                        </label>
                        <p class="text-sm text-muted">
                            "Each open pull request for a followed branch gets one comment, kept up to date, with what its merge would do on which cluster. Whoever reads the repository reads it, without values. Not for branches of forks."
                        </p>
                    </div>
                    <div>
                        <Submit look=Look::Primary refused=refused pending=actions.add_host.pending()>
                            "Add"
                        </Submit>
                    </div>
                </ActionForm>
            </Fold>
        </Part>
    }
    .into_any()
}

fn table(hosts: Vec<StatusHostView>, actions: Actions, refused: Option<String>) -> AnyView {
    let rows = hosts
        .into_iter()
        .map(|host| {
            let id = host.id.to_string();
            let refused = refused.clone();
            view! {
                <tr>
                    <td class=format!("{TD} font-mono text-sm break-all")>{host.prefix.clone()}</td>
                    <td class=TD data-label="host">{host.provider.title()}</td>
                    <td class=format!("{TD} text-muted") data-label="with">
                        {if host.has_token { "its own token" } else { "the login of the source" }}
                    </td>
                    <td class=format!("{TD} text-muted") data-label="comments">
                        {if host.comments { "one a pull request" } else { "none" }}
                    </td>
                    <td class=format!("{TD} text-right")>
                        <ActionForm action=actions.remove_host attr:class="contents">
                            <input type="hidden" name="host" value=id />
                            <Submit look=Look::Quiet refused=refused>"Remove"</Submit>
                        </ActionForm>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class=format!("{PANEL} overflow-x-auto")>
            <table class=TABLE>
                <thead>
                    <tr>{heads(&["Repositories", "Host", "With", "Comments", ""])}</tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
