//! What a fresh server shows instead of a matrix: three steps to the first synced application, each by a
//! form or by a command. Knows only which clusters are there.

use crate::components::button::{ActLink, refusal};
use crate::components::icon::{Icon, icon};
use crate::components::panel::{ACTION_LINK, LINK, PANEL};
use crate::components::sha::CopyButton;
use leptos::prelude::*;
use lockstep_types::account::{Actor, Permission};

/// One step of the path.
struct Step {
    title: &'static str,
    /// What is known to be behind the person; such a step is folded to its title.
    done: Option<String>,
    text: &'static str,
    href: &'static str,
    link: &'static str,
    command: &'static str,
    /// Whoever lacks it is told who can do the step.
    permission: Permission,
}

/// The path; `clusters` are the names of the registered ones.
pub fn first_steps(clusters: &[String], actor: Option<&Actor>) -> AnyView {
    let done = match clusters {
        [] => None,
        [one] => Some(format!("{one} is registered")),
        [one, rest @ ..] => Some(format!("{one} and {} more are registered", rest.len())),
    };
    let steps = [
        Step {
            title: "Add a cluster",
            done,
            text: "Paste a kubeconfig. Rights to get, list and watch are enough to begin; nothing is installed in the cluster.",
            href: "/settings?tab=clusters&add=1",
            link: "Paste a kubeconfig",
            command: "lockstep cluster add NAME --kubeconfig FILE --label env=prod",
            permission: Permission::Cluster,
        },
        Step {
            title: "Add a repository",
            done: None,
            text: "Its Argo CD, Flux and Fleet manifests are read as they are, and compared with the cluster. It is only observed; nothing is written.",
            href: "/settings?tab=sources&add=1",
            link: "Add a root source",
            command: "lockstep source add NAME --repo URL --path PATH",
            permission: Permission::Source,
        },
        Step {
            title: "Take over",
            done: None,
            text: "Look at the comparison for as long as you like. Taking over shows first what the first sync would change and prune.",
            href: "/settings?tab=sources",
            link: "Root sources",
            command: "lockstep source take-over NAME",
            permission: Permission::TakeOver,
        },
    ];
    let next = steps.iter().position(|step| step.done.is_none());
    view! {
        <section class=format!("{PANEL} max-w-4xl") aria-labelledby="first-steps">
            <div class="border-b border-line px-4 py-3">
                <h2 id="first-steps" class="text-lg font-semibold">
                    "No applications yet"
                </h2>
                <p class="text-muted">"Three steps to the first one that is in sync."</p>
            </div>
            <ol>
                {steps
                    .into_iter()
                    .enumerate()
                    .map(|(index, step)| {
                        let refused = refusal(actor, step.permission);
                        step_view(index, step, next == Some(index), refused)
                    })
                    .collect_view()}
            </ol>
            <p class="bg-page px-4 py-2.5 text-sm text-muted">
                "A repository is there and nothing appears? "
                <a class=LINK href="/problems">
                    "Problems"
                </a>
                " says what could not be read, and where."
            </p>
        </section>
    }
    .into_any()
}

fn step_view(index: usize, step: Step, next: bool, refused: Option<String>) -> AnyView {
    let number = if step.done.is_some() {
        view! { <span class="flex size-6 flex-none items-center justify-center rounded-full bg-ok-soft text-ok">{icon(Icon::Synced)}</span> }.into_any()
    } else {
        let colours = if next {
            "border-accent text-accent"
        } else {
            "border-line-strong text-muted"
        };
        view! {
            <span class=format!(
                "flex size-6 flex-none items-center justify-center rounded-full border text-sm font-semibold tabular-nums {colours}",
            )>{index + 1}</span>
        }
        .into_any()
    };
    let body = match step.done {
        Some(words) => view! {
            <p class="text-muted">
                {words} ". "
                <ActLink class=LINK href=step.href.to_owned() refused=refused>
                    "Add another"
                </ActLink>
            </p>
        }
        .into_any(),
        None => view! {
            <p class="text-muted">{step.text}</p>
            <p class="mt-1.5 flex flex-wrap items-center gap-x-3 gap-y-1.5">
                <ActLink class=ACTION_LINK href=step.href.to_owned() refused=refused>
                    {step.link}
                </ActLink>
                {command(step.command)}
            </p>
        }
        .into_any(),
    };
    view! {
        <li class="flex gap-3 border-b border-line px-4 py-3" aria-current=next.then_some("step")>
            {number} <div class="min-w-0">
                <h3 class="font-medium">{step.title}</h3>
                {body}
            </div>
        </li>
    }
    .into_any()
}

/// A command with a button that copies it.
fn command(text: &'static str) -> AnyView {
    view! {
        <span class="group/sha relative inline-flex max-w-full items-center text-sm text-muted">
            "or "
            <code class="ml-1.5 rounded border border-line bg-page px-2 py-0.5 font-mono text-sm break-words text-ink">{text}</code>
            <CopyButton text=text.to_owned() what="the command" />
        </span>
    }
    .into_any()
}
