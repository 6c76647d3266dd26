//! Names that Fleet makes up, and addresses that mean the same repository.

use super::super::folders::{join, name};
use crate::definition::helm_release::release_name;

/// Name of a repository's bundle in a folder, as Fleet makes it: it is the name of a Helm release too.
pub(super) fn bundle_name(repository: &str, folder: &str) -> String {
    let mut name = String::new();
    for c in join(repository, folder).trim_end_matches('/').chars() {
        let c = c.to_ascii_lowercase();
        let c = if c.is_ascii_alphanumeric() { c } else { '-' };
        if c != '-' || !name.ends_with('-') {
            name.push(c);
        }
    }
    release_name("", "", name.trim_matches('-'))
}

/// What stands for the name of the `GitRepo` where there is none.
pub(super) fn unnamed(folder: &str, url: &str) -> String {
    if folder.is_empty() {
        name(url.trim_end_matches('/').trim_end_matches(".git")).to_owned()
    } else {
        folder.to_owned()
    }
}

/// Whether two addresses lead to one repository, as far as that can be seen from them.
pub(super) fn same_repository(one: &str, other: &str) -> bool {
    let bare = |url: &str| {
        let url = url.trim().trim_end_matches('/');
        let url = url.strip_suffix(".git").unwrap_or(url);
        let url = url.split_once("://").map_or(url, |(_, rest)| rest);
        let url = url.rsplit_once('@').map_or(url, |(_, rest)| rest);
        url.replacen(':', "/", 1).to_lowercase()
    };
    bare(one) == bare(other)
}
