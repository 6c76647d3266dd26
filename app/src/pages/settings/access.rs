//! Who may do what: the policy in force with its commit, what is wrong with a newer one, roles, people, and a question to
//! all of it. Whoever may not see the policy may still ask about themselves.

mod question;

use crate::api::access::{ChoosePolicySource, read_access};
use crate::components::button::{Look, Submit, refusal};
use crate::components::clock::ago;
use crate::components::feedback::{ActionFailure, Failure, waiting};
use crate::components::form::SelectField;
use crate::components::layout::{acting, use_session};
use crate::components::loaded::Loading;
use crate::components::panel::{Fold, PANEL, Part, TABLE, TD, heads, tag};
use crate::components::reason::Banner;
use crate::components::sha::Sha;
use crate::components::tone::Tone;
use crate::error::ApiError;
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::PortError;
use lockstep_types::access::{AccessView, PersonView, RoleView};
use lockstep_types::account::{Actor, Permission};

/// The part.
#[component]
pub fn AccessPart() -> impl IntoView {
    let choose = ServerAction::<ChoosePolicySource>::new();
    let chosen = choose.version();
    let access: Loading<AccessView> = Resource::new(move || chosen.get(), |_| read_access());
    let session = use_session();
    let failed = Signal::derive(move || choose.value().get().and_then(Result::err));
    view! {
        <ActionFailure error=failed />
        <Transition fallback=waiting>
            {move || Suspend::new(async move {
                let actor = acting(session).await;
                match access.await {
                    Ok(view) => whole(view, actor.as_ref(), choose),
                    Err(ApiError::Port(PortError::Denied { .. })) => own(actor.as_ref()),
                    Err(error) => view! { <Failure error=error /> }.into_any(),
                }
            })}
        </Transition>
        <question::QuestionPart />
    }
}

fn whole(
    view: AccessView,
    actor: Option<&Actor>,
    choose: ServerAction<ChoosePolicySource>,
) -> AnyView {
    let refused = refusal(actor, Permission::Policy);
    view! {
        {problems(&view)}
        {source_part(&view, refused, choose)}
        {in_force(&view)}
        <Part title="Roles">{roles(view.roles)}</Part>
        <Part title="People">{people(view.people)}</Part>
    }
    .into_any()
}

/// For those who do not see the policy: their own rights.
fn own(actor: Option<&Actor>) -> AnyView {
    let Some(actor) = actor else {
        return ().into_any();
    };
    let lines = actor.rights.policy.as_ref().map(|lines| {
        let items = lines
            .floor
            .iter()
            .chain(&lines.own)
            .map(|rule| view! { <li class="font-mono text-xs break-all">{rule.place.text.clone()}</li> })
            .collect_view();
        view! { <ul class="mt-2 flex flex-col gap-1">{items}</ul> }
    });
    let words = match &actor.rights.policy {
        None => format!("Your account has the role {}.", actor.role.word()),
        Some(lines) if lines.own.is_empty() && lines.floor.is_empty() => {
            "No line of the policy gives you a right yet. Whoever may change the policy in Git can add one.".to_owned()
        }
        Some(_) => "These lines of the policy concern you.".to_owned(),
    };
    view! {
        <section class=format!("{PANEL} px-4 py-3")>
            <h2 class="font-semibold">"What you may do"</h2>
            <p class="text-sm text-muted">{words}</p>
            {lines}
        </section>
    }
    .into_any()
}

fn problems(view: &AccessView) -> AnyView {
    if view.problems.is_empty() {
        return ().into_any();
    }
    let at = view.tried.clone();
    let kept = if view.in_force.is_some() {
        "The policy before it stays in force."
    } else {
        "No policy is in force: the roles of the accounts count."
    };
    let lead = view! {
        "The newest policy has problems"
        {at.map(|at| view! { ", at " <Sha revision=at /> })}
        ". "
        {kept}
    }
    .into_any();
    let items = view
        .problems
        .iter()
        .map(|problem| {
            view! {
                <li class="break-words">
                    <span class="font-mono text-xs break-all">{format!("{}:{}", problem.file, problem.line)}</span>
                    {format!(" {}. {}", problem.message, problem.next)}
                </li>
            }
        })
        .collect_view();
    let rest = view! { <ul class="mt-1 flex flex-col gap-1">{items}</ul> }.into_any();
    view! { <Banner tone=Tone::Bad lead=lead rest=rest /> }.into_any()
}

fn source_part(
    view: &AccessView,
    refused: Option<String>,
    choose: ServerAction<ChoosePolicySource>,
) -> AnyView {
    let mut options = vec![(String::new(), "none: the roles of the accounts".to_owned())];
    options.extend(
        view.choices
            .iter()
            .map(|source| (source.id.to_string(), source.name.clone())),
    );
    let now = view.source.as_ref();
    if let Some(source) = now.filter(|source| !view.choices.contains(source)) {
        options.push((
            source.id.to_string(),
            format!("{} (no longer a source)", source.name),
        ));
    }
    let selected = now.map(|source| source.id.to_string()).unwrap_or_default();
    view! {
        <section class=format!("{PANEL} px-4 py-3")>
            <h2 class="font-semibold">"Where the policy is"</h2>
            <p class="max-w-3xl text-sm text-muted">
                "One root source holds it: .lockstep/policy.csv below its path, or Argo CD's ConfigMap argocd-rbac-cm. Whoever may push there decides who may do what; every change is in the audit log. Administrators of this server stay administrators."
            </p>
            <ActionForm action=choose attr:class="mt-3 flex max-w-xl flex-wrap items-end gap-3">
                <div class="min-w-0 flex-1">
                    <SelectField name="source" label="Source" options=options selected=selected />
                </div>
                <Submit look=Look::Plain refused=refused pending=choose.pending()>"Use it"</Submit>
            </ActionForm>
        </section>
    }
    .into_any()
}

fn in_force(view: &AccessView) -> AnyView {
    let Some(policy) = &view.in_force else {
        return ().into_any();
    };
    let default = policy.default_role.clone().map_or_else(
        || "none".to_owned(),
        |role| format!("{role}, which no line can take away"),
    );
    let (revision, since) = (policy.revision.clone(), policy.since);
    let files = policy
        .files
        .clone()
        .into_iter()
        .map(|file| {
            let lines = file
                .numbered()
                .map(|(number, line)| format!("{number:>4}  {line}\n"))
                .collect::<String>();
            view! {
                <h3 class="mt-2 font-mono text-xs break-all text-muted">{file.name}</h3>
                <pre class="mt-1 overflow-x-auto rounded-md bg-sunken p-3 font-mono text-xs" tabindex="0">{lines}</pre>
            }
        })
        .collect_view()
        .into_any();
    view! {
        <Fold title="The policy in force" open=true>
            <p class="text-sm">
                "Commit "
                <Sha revision=revision />
                {since.map(|since| view! { ", in force since " {ago(since)} " ago" })}
                {format!(". Everybody has: {default}.")}
            </p>
            {files}
        </Fold>
    }
    .into_any()
}

fn roles(roles: Vec<RoleView>) -> AnyView {
    let rows = roles
        .into_iter()
        .map(|role| {
            let places: Vec<String> = role
                .members
                .iter()
                .map(|member| format!("{}:{}", member.place.file, member.place.line))
                .collect();
            let members: Vec<String> = role.members.into_iter().map(|member| member.name).collect();
            let lines = role
                .lines
                .into_iter()
                .map(|line| {
                    let place = format!("{}:{}", line.file, line.line);
                    view! { <div class="font-mono text-xs break-all" title=place>{line.text}</div> }
                })
                .collect_view();
            view! {
                <tr>
                    <td class=TD>
                        <span class="font-medium break-all">{role.name}</span>
                        {role.built_in.then(|| view! { " " {tag("built in")} })}
                    </td>
                    <td class=TD data-label="who" title=places.join(", ")>{members.join(", ")}</td>
                    <td class=TD>{lines}</td>
                </tr>
            }
        })
        .collect_view();
    table(&["Role", "Who has it by a line", "Lines"], rows.into_any())
}

fn people(people: Vec<PersonView>) -> AnyView {
    let rows = people
        .into_iter()
        .map(|person| {
            view! {
                <tr>
                    <td class=TD>
                        <span class="font-medium">{person.name}</span>
                        {person.disabled.then(|| view! { " " {tag("disabled")} })}
                    </td>
                    <td class=TD data-label="account">{person.account.word()}</td>
                    <td class=TD data-label="roles now">{person.roles.join(", ")}</td>
                </tr>
            }
        })
        .collect_view();
    table(
        &["Account", "Role of the account", "Roles now"],
        rows.into_any(),
    )
}

fn table(titles: &[&'static str], rows: AnyView) -> AnyView {
    view! {
        <div class=format!("{PANEL} overflow-x-auto")>
            <table class=TABLE>
                <thead>
                    <tr>{heads(titles)}</tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
