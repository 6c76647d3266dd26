//! What each permission is called in a policy. The one table: `docs/access.md` is checked against it.

use crate::account::Permission;

/// The object of a question that is about no single thing: whether there is anything that it is allowed on.
pub const ANYTHING: &str = "";

/// The name of an application in a policy.
pub fn application(project: &str, name: &str) -> String {
    let project = if project.is_empty() {
        "default"
    } else {
        project
    };
    format!("{project}/{name}")
}

/// Resource and actions that a permission asks for. The first action about which a line says something decides; the
/// ones behind it are Argo CD's words that contain the same, so that an existing policy means what it meant.
pub fn asks(permission: Permission) -> (&'static str, &'static [&'static str]) {
    match permission {
        Permission::Get => ("applications", &["get"]),
        Permission::Sync => ("applications", &["sync"]),
        Permission::Prune => ("applications", &["prune", "delete"]),
        Permission::Force => ("applications", &["force", "delete"]),
        Permission::Rollback => ("applications", &["rollback"]),
        Permission::Override => ("applications", &["override"]),
        Permission::Create => ("applications", &["create"]),
        Permission::Edit => ("applications", &["update"]),
        Permission::Delete => ("applications", &["delete"]),
        Permission::Approve => ("applications", &["approve"]),
        Permission::Hold => ("applications", &["hold", "update"]),
        Permission::Terminate => ("applications", &["terminate", "sync"]),
        Permission::AcceptDrift => ("applications", &["accept-drift", "update"]),
        Permission::Action => ("applications", &["action/*"]),
        Permission::Logs => ("logs", &["get"]),
        Permission::Project => ("projects", &["update"]),
        Permission::SeeClusters => ("clusters", &["get"]),
        Permission::Cluster => ("clusters", &["create"]),
        Permission::ForgetCluster => ("clusters", &["delete"]),
        Permission::SeeSources => ("repositories", &["get"]),
        Permission::Source => ("repositories", &["create"]),
        Permission::ForgetSource => ("repositories", &["delete"]),
        Permission::TakeOver => ("repositories", &["take-over"]),
        Permission::Account => ("accounts", &["update"]),
        Permission::SeePolicy => ("policy", &["get"]),
        Permission::Policy => ("policy", &["update"]),
    }
}

/// The same for a word of a person: one of ours (`prune`), else an action of Argo CD as it is.
pub fn asks_of_word(resource: &str, action: &str) -> Vec<String> {
    Permission::ALL
        .into_iter()
        .map(asks)
        .find(|(on, actions)| *on == resource && actions.first() == Some(&action))
        .map_or_else(
            || vec![action.to_owned()],
            |(_, actions)| actions.iter().map(|action| (*action).to_owned()).collect(),
        )
}

/// Resource and action of a question as it is typed: `sync`, `applications/sync`, `clusters/get`,
/// `applications/action/apps/Deployment/restart`. Without a resource: that of the permission with this word.
pub fn parse_question(action: &str) -> (String, String) {
    let known = Permission::ALL
        .into_iter()
        .find(|permission| permission.word() == action);
    if let Some(permission) = known {
        let (resource, actions) = asks(permission);
        return (
            resource.to_owned(),
            actions.first().copied().unwrap_or_default().to_owned(),
        );
    }
    let resources = [
        "applications",
        "applicationsets",
        "logs",
        "exec",
        "clusters",
        "repositories",
        "projects",
        "accounts",
        "certificates",
        "gpgkeys",
        "extensions",
        "policy",
    ];
    match action.split_once('/') {
        Some((resource, action)) if resources.contains(&resource) => {
            (resource.to_owned(), action.to_owned())
        }
        _ => ("applications".to_owned(), action.to_owned()),
    }
}
