//! What a page can do, a program and a person at a terminal can do too: every server function has its route and its command.

use crate::http::{api, functions};
use client::ClientCommand;
use std::collections::BTreeSet;

/// Function, route and command. `api` is the command for any address of the API; `-` and a reason: there is nothing to do
/// outside of a page.
const ACTIONS: &[(&str, &str, &str)] = &[
    ("session", "GET /me", "api"),
    ("theme", "-", "-"), // the colours of the page
    ("fleet", "GET /fleet", "fleet"),
    ("problems", "GET /problems", "source problems"),
    ("upcoming", "GET /preview", "preview"),
    ("parity", "GET /parity", "parity"),
    (
        "promotion",
        "GET /apps/{id}/targets/{target}/promote/preview",
        "promote",
    ),
    (
        "promote",
        "POST /apps/{id}/targets/{target}/promote",
        "promote",
    ),
    ("drift", "GET /drift", "drift"),
    ("activity", "GET /activity", "audit"),
    ("commit", "GET /commits/{repo}/{sha}", "commit"),
    ("retention", "GET /retention", "retention"),
    ("set_retention", "POST /retention", "retention"),
    ("application", "GET /apps/{id}", "app get"),
    ("tree", "GET /apps/{id}/targets/{target}/tree", "app tree"),
    (
        "orphans",
        "GET /apps/{id}/targets/{target}/orphans",
        "app orphans",
    ),
    (
        "resource",
        "GET /apps/{id}/targets/{target}/resource",
        "app manifests",
    ),
    (
        "blame",
        "GET /apps/{id}/targets/{target}/blame",
        "app blame",
    ),
    (
        "accept_preview",
        "GET /apps/{id}/targets/{target}/accept/preview",
        "app accept",
    ),
    (
        "accept",
        "POST /apps/{id}/targets/{target}/accept",
        "app accept",
    ),
    (
        "log_view",
        "GET /apps/{id}/targets/{target}/logs",
        "app logs",
    ),
    (
        "changes",
        "GET /apps/{id}/targets/{target}/changes",
        "app diff",
    ),
    (
        "history",
        "GET /apps/{id}/targets/{target}/history",
        "app history",
    ),
    ("definition", "GET /apps/{id}/definition", "api"),
    ("past", "GET /apps/{id}/targets/{target}/past", "app past"),
    ("compare", "GET /apps/{id}/targets/{target}/compare", "api"),
    ("run", "GET /runs/{id}", "app sync"),
    ("operation_run", "GET /operations/{id}", "app sync"),
    ("approvals", "GET /approvals", "api"),
    (
        "refresh",
        "POST /apps/{id}/targets/{target}/refresh",
        "app refresh",
    ),
    ("act", "POST /apps/{id}/targets/{target}/act", "app act"),
    ("sync", "POST /apps/{id}/targets/{target}/sync", "app sync"),
    ("terminate", "POST /runs/{id}/terminate", "app terminate"),
    ("decide", "POST /approvals/{id}", "api"),
    ("edit_draft", "GET /apps/{id}/edit", "app edit"),
    ("edit_template", "POST /edits/template", "app create"),
    ("clusters", "GET /clusters", "cluster list"),
    ("cluster", "GET /clusters/{name}", "api"),
    ("rebuild", "GET /clusters/{name}/rebuild", "cluster rebuild"),
    (
        "reestablishing",
        "GET /clusters/{name}/reestablish",
        "cluster reestablish",
    ),
    (
        "reestablish",
        "POST /clusters/{name}/reestablish",
        "cluster reestablish",
    ),
    (
        "stop_reestablish",
        "DELETE /clusters/{name}/reestablish",
        "cluster reestablish",
    ),
    ("add_cluster", "POST /clusters", "cluster add"),
    (
        "remove_cluster",
        "DELETE /clusters/{name}",
        "cluster remove",
    ),
    ("sources", "GET /sources", "source list"),
    ("sets", "GET /sets", "source sets"),
    ("image_rules", "GET /image-rules", "image rules"),
    ("add_source", "POST /sources", "source add"),
    ("remove_source", "DELETE /sources/{id}", "source remove"),
    ("refresh_source", "POST /sources/{id}/refresh", "api"),
    (
        "take_over_preview",
        "GET /sources/{id}/take-over",
        "source take-over",
    ),
    (
        "take_over",
        "POST /sources/{id}/take-over",
        "source take-over",
    ),
    ("webhooks", "GET /webhooks", "api"),
    ("renew_webhook_secret", "POST /webhooks/secret", "api"),
    ("alerts", "GET /alerts", "alerts"),
    ("notify", "GET /notify", "api"),
    ("set_rules", "POST /notify/rules", "api"),
    ("add_receiver", "POST /notify/receivers", "api"),
    ("remove_receiver", "DELETE /notify/receivers/{id}", "api"),
    ("test_receiver", "POST /notify/receivers/{id}/test", "api"),
    ("preview_template", "POST /notify/preview", "api"),
    ("add_route", "POST /notify/routes", "api"),
    ("remove_route", "DELETE /notify/routes/{id}", "api"),
    ("add_status_host", "POST /notify/status-hosts", "api"),
    (
        "remove_status_host",
        "DELETE /notify/status-hosts/{id}",
        "api",
    ),
    ("access", "GET /access", "access show"),
    ("access_can", "GET /access/can", "access can"),
    ("choose_policy_source", "POST /access/source", "api"),
    ("users", "GET /users", "api"),
    ("create_user", "POST /users", "api"),
    ("set_disabled", "POST /users/{id}/disabled", "api"),
    ("set_password", "POST /users/{id}/password", "api"),
    ("tokens", "GET /tokens", "api"),
    ("create_token", "POST /tokens", "token create"),
    ("revoke_token", "DELETE /tokens/{id}", "api"),
    (
        "candidates",
        "GET /apps/{id}/targets/{target}/rollback/candidates",
        "app rollback",
    ),
    (
        "preview",
        "GET /apps/{id}/targets/{target}/rollback/preview",
        "app rollback",
    ),
    (
        "roll_back",
        "POST /apps/{id}/targets/{target}/rollback",
        "app rollback",
    ),
    ("asks", "GET /rollbacks", "rollback list"),
    ("decide_ask", "POST /rollbacks/{id}", "rollback approve"),
    ("mark", "POST /apps/{id}/targets/{target}/mark", "app mark"),
    ("hold", "POST /apps/{id}/targets/{target}/hold", "app hold"),
    ("release", "DELETE /holds/{id}", "app release"),
    ("unpin", "DELETE /pins/{id}", "api"),
    ("holds", "GET /holds", "app holds"),
    ("leftovers", "GET /leftovers", "app leftovers"),
    ("removal", "GET /leftovers/{target}", "app remove"),
    (
        "remove_leftovers",
        "POST /leftovers/{target}/remove",
        "app remove",
    ),
    (
        "leave_leftovers",
        "POST /leftovers/{target}/leave",
        "app remove",
    ),
    ("own_account", "GET /account", "api"),
    ("begin_factor", "-", "-"), // a code to photograph
    ("confirm_factor", "-", "-"),
    ("remove_factor", "DELETE /users/{id}/factor", "api"),
    ("sessions", "GET /sessions", "session list"),
    ("end_session", "DELETE /sessions/{id}", "session end"),
    ("end_sessions", "DELETE /sessions", "session end"),
    ("programs", "GET /users", "api"),
    ("create_automation", "POST /automation", "api"),
    ("rotate_token", "POST /tokens/{id}/rotate", "token rotate"),
    ("doors", "-", "-"), // the ways in, before the login
];

/// All commands, as `app list`.
fn commands() -> BTreeSet<String> {
    use clap::Subcommand;
    fn below(command: &clap::Command, words: &str, found: &mut BTreeSet<String>) {
        for one in command.get_subcommands() {
            let words = format!("{words} {}", one.get_name());
            found.insert(words.trim().to_owned());
            below(one, &words, found);
        }
    }
    let mut found = BTreeSet::new();
    let whole = ClientCommand::augment_subcommands(clap::Command::new("lockstep"));
    below(&whole, "", &mut found);
    found
}

#[test]
fn every_action_of_a_page_is_in_the_api_and_on_the_command_line() {
    let listed: BTreeSet<&str> = ACTIONS.iter().map(|(name, _, _)| *name).collect();
    let functions: BTreeSet<&str> = functions::FUNCTIONS.iter().map(|(name, _)| *name).collect();
    assert_eq!(listed, functions);
    let routes: BTreeSet<String> = api::table()
        .finish()
        .1
        .iter()
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    let commands = commands();
    for (name, route, command) in ACTIONS {
        if *route == "-" {
            continue;
        }
        assert!(routes.contains(*route), "{name}: there is no {route}");
        assert!(commands.contains(*command), "{name}: there is no {command}");
    }
}
