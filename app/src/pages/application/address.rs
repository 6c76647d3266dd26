//! What the address of the application page says, and addresses made from it. Pure.

use crate::components::moment::in_address;
use crate::components::target_link::{accept_path, application_path, edit_address};
use crate::error::ApiError;
use crate::format;
use leptos_router::params::ParamsMap;
use lockstep_types::id::ApplicationId;
use lockstep_types::log::LogQuery;
use lockstep_types::resource::ResourceKey;
use lockstep_types::{Micros, PortError};

/// The parts of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Tree,
    Changes,
    History,
    Definition,
}

impl Tab {
    /// The word in the address.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tree => "",
            Self::Changes => "changes",
            Self::History => "history",
            Self::Definition => "definition",
        }
    }

    /// The word on screen.
    pub fn words(self) -> &'static str {
        match self {
            Self::Tree => "Tree",
            Self::Changes => "Changes",
            Self::History => "History",
            Self::Definition => "Definition",
        }
    }
}

/// Everything the address can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub id: Option<ApplicationId>,
    pub name: String,
    pub cluster: String,
    pub tab: Tab,
    pub node: Option<ResourceKey>,
    /// Part of the drawer: empty is the summary.
    pub pane: String,
    /// Whose log is shown: a Pod, a container, and whether of the run before; empty for those that suggest themselves.
    pub pod: String,
    pub container: String,
    pub previous: bool,
    /// `sync`, `hold` and what else opens one, or none.
    pub dialog: String,
    /// The tree as a list.
    pub list: bool,
    /// The compared pair.
    pub from: String,
    pub to: String,
    /// A page of history.
    pub before: String,
    /// An earlier time that is looked at instead of a tab; empty for now.
    pub at: String,
}

impl Address {
    /// Reads path and query.
    pub fn read(params: &ParamsMap, query: &ParamsMap) -> Self {
        let get = |name: &str| query.get(name).unwrap_or_default();
        Self {
            id: params.get("id").and_then(|id| id.parse().ok()),
            name: params.get("name").unwrap_or_default(),
            cluster: get("cluster"),
            tab: match get("tab").as_str() {
                "changes" => Tab::Changes,
                "history" => Tab::History,
                "definition" => Tab::Definition,
                _ => Tab::Tree,
            },
            node: query.get("node").and_then(|node| ResourceKey::parse(&node)),
            pane: get("pane"),
            pod: get("pod"),
            container: get("container"),
            previous: !get("previous").is_empty(),
            dialog: get("dialog"),
            list: get("list") == "1",
            from: get("from"),
            to: get("with"),
            before: get("before"),
            at: get("at"),
        }
    }

    /// The application, or that the address names none.
    pub fn id(&self) -> Result<ApplicationId, ApiError> {
        self.id
            .ok_or_else(|| PortError::NotFound(format!("an application “{}”", self.name)).into())
    }

    /// The parts that the tab's data depends on.
    pub fn of_body(&self) -> Self {
        Self {
            node: None,
            pane: String::new(),
            pod: String::new(),
            container: String::new(),
            previous: false,
            dialog: String::new(),
            list: false,
            ..self.clone()
        }
    }

    /// Where the page is, whatever it shows.
    pub fn path(&self) -> String {
        self.id
            .map_or_else(|| "/".to_owned(), |id| application_path(id, &self.name))
    }

    /// This address as text.
    pub fn link(&self) -> String {
        let path = self.path();
        let node = self
            .node
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        format::link(
            &path,
            &[
                ("cluster", &self.cluster),
                ("tab", self.tab.word()),
                ("node", &node),
                ("pane", &self.pane),
                ("pod", &self.pod),
                ("container", &self.container),
                ("previous", if self.previous { "1" } else { "" }),
                ("list", if self.list { "1" } else { "" }),
                ("from", &self.from),
                ("with", &self.to),
                ("before", &self.before),
                ("at", &self.at),
                ("dialog", &self.dialog),
            ],
        )
    }

    /// The log that the address asks for; `None` when it asks for none.
    pub fn log(&self) -> Option<LogQuery> {
        (self.pane == "logs").then(|| LogQuery {
            object: self.node.clone(),
            pod: self.pod.clone(),
            container: self.container.clone(),
            previous: self.previous,
            ..LogQuery::default()
        })
    }

    /// Editing the definition.
    pub fn edit_link(&self) -> String {
        self.id
            .map_or_else(|| "/".to_owned(), |id| edit_address(id, &self.name))
    }

    /// Making a commit of what the cluster has instead of a field of the chosen object.
    pub fn accept_link(&self, field: &str) -> String {
        let (Some(id), Some(node)) = (self.id, &self.node) else {
            return "/drift".to_owned();
        };
        accept_path(id, &self.name, &self.cluster, node, field)
    }

    /// Another tab of the same target.
    pub fn tab_link(&self, tab: Tab) -> String {
        Self {
            tab,
            node: None,
            pane: String::new(),
            pod: String::new(),
            container: String::new(),
            previous: false,
            from: String::new(),
            to: String::new(),
            before: String::new(),
            at: String::new(),
            dialog: String::new(),
            ..self.clone()
        }
        .link()
    }

    /// How it was at another time.
    pub fn past_link(&self, at: Micros) -> String {
        Self {
            tab: Tab::Tree,
            at: in_address(at),
            ..self.of_body()
        }
        .link()
    }

    /// With an object's drawer open.
    pub fn node_link(&self, node: Option<ResourceKey>, pane: &str) -> String {
        Self {
            node,
            pane: pane.to_owned(),
            pod: String::new(),
            container: String::new(),
            previous: false,
            dialog: String::new(),
            ..self.clone()
        }
        .link()
    }

    /// With a dialog open; empty closes it.
    pub fn dialog_link(&self, dialog: &str) -> String {
        Self {
            dialog: dialog.to_owned(),
            ..self.clone()
        }
        .link()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> ParamsMap {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn an_address_survives_reading_and_writing() {
        let id = "6b1c0d5e-0000-5000-8000-000000000001";
        let address = Address::read(
            &map(&[("id", id), ("name", "checkout")]),
            &map(&[
                ("cluster", "prod-eu"),
                ("node", "apps/Deployment:shop/checkout"),
                ("pane", "logs"),
                ("container", "proxy"),
                ("previous", "1"),
                ("dialog", "sync"),
                ("at", "2026-03-04T14:02:00Z"),
            ]),
        );
        assert_eq!(
            address.link(),
            format!(
                "/apps/{id}/checkout?cluster=prod-eu&node=apps/Deployment:shop/checkout&pane=logs&container=proxy&previous=1&at=2026-03-04T14:02:00Z&dialog=sync"
            )
        );
        let log = address.log();
        assert!(log.is_some_and(|log| log.container == "proxy" && log.previous));
        // Another object has other containers.
        assert!(!address.node_link(None, "logs").contains("proxy"));
        assert_eq!(
            address.tab_link(Tab::History),
            format!("/apps/{id}/checkout?cluster=prod-eu&tab=history")
        );
        assert!(address.id().is_ok());
    }

    #[test]
    fn a_broken_id_is_not_found() {
        let address = Address::read(&map(&[("id", "nonsense"), ("name", "web")]), &map(&[]));
        assert!(matches!(
            address.id(),
            Err(ApiError::Port(PortError::NotFound(_)))
        ));
    }
}
