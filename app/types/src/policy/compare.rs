//! Whether one person may all that another may: who gets hold of an account gets its rights, so nobody may who has less.

use super::decide::{Lines, Rights};
use super::words::{self, ANYTHING};
use crate::account::{Permission, Role};

impl Rights {
    /// Whether somebody with these rights and this role may everything that the other may. When in doubt: no.
    pub fn cover(&self, role: Role, other: &Self, other_role: Role) -> bool {
        if other_role > role {
            return false;
        }
        if let (Some(own), Some(theirs), None) = (&self.policy, &other.policy, &self.scope)
            && own.contain(theirs)
        {
            return true;
        }
        Permission::ALL.into_iter().all(|permission| {
            let (resource, actions) = words::asks(permission);
            let needed = other
                .decide_words(other_role, resource, actions, ANYTHING)
                .allowed;
            !needed || self.on_all(role, permission)
        })
    }
}

impl Lines {
    /// All that allows them allows these too, and nothing else denies.
    fn contain(&self, theirs: &Self) -> bool {
        self.floor == theirs.floor
            && theirs
                .own
                .iter()
                .filter(|rule| rule.allow)
                .all(|rule| self.own.contains(rule))
            && self
                .own
                .iter()
                .filter(|rule| !rule.allow)
                .all(|rule| theirs.own.contains(rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Policy, PolicyFile, PolicyText};

    fn rights(text: &str, name: &str) -> Rights {
        let file = PolicyFile {
            name: "policy.csv".to_owned(),
            first_line: 1,
            text: text.to_owned(),
        };
        let policy = Policy::read(&PolicyText {
            files: vec![file],
            ..PolicyText::default()
        })
        .unwrap();
        Rights {
            policy: Some(policy.lines_of(&[name])),
            scope: None,
        }
    }

    #[test]
    fn less_never_covers_more() {
        let text = "p, few, accounts, update, *, allow\n\
                    p, shop, applications, sync, shop/*, allow\n\
                    p, shop, accounts, update, *, allow\n\
                    p, dev, applications, sync, shop/*, allow\n\
                    p, all, applications, *, *, allow\n\
                    p, but, applications, *, *, allow\n\
                    p, but, applications, sync, shop/cart, deny\n\
                    g, boss, role:admin\n\
                    g, twin, role:admin\n";
        let covers = |one: &str, other: &str| {
            rights(text, one).cover(Role::Viewer, &rights(text, other), Role::Viewer)
        };
        for (one, other) in [
            ("few", "nobody"),
            ("few", "few"),
            ("all", "dev"),
            ("boss", "twin"),
            ("boss", "all"),
            ("all", "but"),
        ] {
            assert!(covers(one, other), "{one} is no less than {other}");
        }
        for (one, other) in [
            ("few", "dev"),
            ("few", "boss"),
            ("dev", "all"),
            ("but", "all"),
            ("all", "boss"),
            ("all", "few"),
        ] {
            assert!(!covers(one, other), "{one} is less than {other}");
        }
    }

    #[test]
    fn without_a_policy_roles_are_compared_and_an_administrator_is_above() {
        let plain = Rights::default();
        assert!(plain.cover(Role::Admin, &plain, Role::Admin));
        assert!(plain.cover(Role::Operator, &plain, Role::Viewer));
        assert!(!plain.cover(Role::Viewer, &plain, Role::Operator));
        let all = rights("p, all, *, *, *, allow\n", "all");
        assert!(!all.cover(Role::Viewer, &plain, Role::Admin));
    }
}
