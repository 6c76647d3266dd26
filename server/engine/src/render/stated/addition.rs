//! What the cluster has and Git does not say: a field or an item of a list, and where it would stand in Git. Pure.

use super::lookup::{self, Step, value_at};
use super::{Reshaped, Within, pointer, reshape};
use serde_json::{Value, json};

/// A field or an item that Git does not say, and its place in the object as it is rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// The map or list that it is added to.
    above: Vec<Step>,
    /// Its name there; an item comes at the end of its list.
    name: Option<String>,
    /// What it stands in and Git lacks too, from the outside.
    around: Vec<Step>,
    pointer: String,
}

impl Addition {
    /// Its place by its path in the live object. `None` when it stands in an item that Git does not have, which would come into
    /// Git as a part of one.
    pub fn of(body: &Value, live: &Value, path: &str) -> Option<Self> {
        let steps = lookup::steps(live, path)?;
        let known = |end: &usize| Some((*end, lookup::alike(live, body, steps.get(..*end)?)?));
        let (end, above) = (0..steps.len()).rev().find_map(|end| known(&end))?;
        let (first, around) = steps.get(end..)?.split_first()?;
        let name = match (first, value_at(body, &above)?) {
            (Step::Field(name), Value::Object(map)) if !map.contains_key(name) => {
                Some(name.clone())
            }
            (Step::Index(index), Value::Array(items)) if around.is_empty() => {
                let item = value_at(live, steps.get(..end)?)?.get(*index)?;
                if items.contains(item) || lookup::alike(live, body, &steps).is_some() {
                    return None;
                }
                None
            }
            _ => return None,
        };
        let inner = around.split_last().map_or(&[][..], |(_, inner)| inner);
        if inner.iter().any(|step| matches!(step, Step::Index(_))) {
            return None;
        }
        let last = name
            .clone()
            .map_or_else(|| "/-".to_owned(), |name| pointer(&[Step::Field(name)]));
        Some(Self {
            pointer: pointer(&above) + &last,
            above,
            name,
            around: around.to_vec(),
        })
    }

    /// As in a JSON patch.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// A map or list comes with it.
    pub fn brings_more(&self) -> bool {
        !self.around.is_empty()
    }

    /// The file with it.
    pub fn within(&self, text: &str, object: &Within<'_>, value: &Value) -> Option<Reshaped> {
        let value = self
            .around
            .iter()
            .rev()
            .fold(value.clone(), |value, step| match step {
                Step::Field(name) => json!({ name: value }),
                Step::Index(_) => json!([value]),
            });
        match &self.name {
            Some(name) => reshape::with(text, object, &self.above, name, &value),
            None => reshape::with_items(text, object, &self.above, &[value]),
        }
    }
}

/// The file with more at the end of a list of the object, when that is all by which `live` differs from what Git says at the
/// path.
pub fn appended(text: &str, object: &Within<'_>, path: &str, live: &Value) -> Option<Reshaped> {
    let steps = lookup::steps(object.body, path)?;
    let declared = value_at(object.body, &steps)?.as_array()?;
    let more = live.as_array()?.strip_prefix(declared.as_slice())?;
    if more.is_empty() {
        return None;
    }
    reshape::with_items(text, object, &steps, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_lacks_has_a_place_where_nothing_is_guessed() {
        let body = json!({
            "metadata": {"name": "web", "finalizers": ["one"]},
            "spec": {"containers": [{"name": "web", "env": [{"name": "A"}], "args": []}]},
        });
        let live = json!({
            "metadata": {"name": "web", "finalizers": ["one", "two"], "annotations": {"a.b/c": "d"}},
            "spec": {
                "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["x"]}],
                "containers": [
                    {"name": "log", "image": "l:1"},
                    {"name": "web", "tty": true, "args": ["-a"],
                     "env": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
                     "ports": [{"containerPort": 80}]},
                ],
            },
        });
        for (path, place) in [
            ("metadata.finalizers[=two]", Some("/metadata/finalizers/-")),
            ("metadata.finalizers[=one]", None),
            ("metadata.annotations", Some("/metadata/annotations")),
            (
                "metadata.annotations[\"a.b/c\"]",
                Some("/metadata/annotations"),
            ),
            ("spec.containers[name=log]", Some("/spec/containers/-")),
            // Part of an item alone is none.
            ("spec.containers[name=log].image", None),
            (
                "spec.containers[name=web].tty",
                Some("/spec/containers/0/tty"),
            ),
            (
                "spec.containers[name=web].env[name=B]",
                Some("/spec/containers/0/env/-"),
            ),
            ("spec.containers[name=web].env[name=A]", None),
            (
                "spec.containers[name=web].env[name=A].value",
                Some("/spec/containers/0/env/0/value"),
            ),
            (
                "spec.containers[name=web].args[0]",
                Some("/spec/containers/0/args/-"),
            ),
            (
                "spec.containers[name=web].ports[containerPort=80]",
                Some("/spec/containers/0/ports"),
            ),
            ("spec.hostAliases[ip=10.0.0.1].hostnames", None),
            ("spec.nothing", None),
        ] {
            let found = Addition::of(&body, &live, path);
            assert_eq!(found.as_ref().map(Addition::pointer), place, "{path}");
        }
    }

    #[test]
    fn what_it_stands_in_comes_with_it() {
        let text = "kind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n    - name: web # ours\n      args: [-a]\n";
        let body = json!({
            "kind": "Pod",
            "metadata": {"name": "web"},
            "spec": {"containers": [{"name": "web", "args": ["-a"]}]},
        });
        let object = Within {
            kind: "Pod",
            name: "web",
            body: &body,
        };
        let mut live = body.clone();
        live["metadata"]["annotations"] = json!({"note": "x"});
        live["spec"]["containers"][0]["env"] = json!([{"name": "A", "value": "1"}]);
        live["spec"]["containers"][0]["args"] = json!(["-a", "-b"]);
        for (path, more) in [
            (
                "metadata.annotations.note",
                text.replace(
                    "  name: web\n",
                    "  name: web\n  annotations:\n    note: x\n",
                ),
            ),
            (
                "spec.containers[name=web].env[name=A]",
                format!("{text}      env:\n      - name: A\n        value: \"1\"\n"),
            ),
        ] {
            let place = Addition::of(&body, &live, path).unwrap();
            assert!(place.brings_more());
            let steps = lookup::steps(&live, path).unwrap();
            let value = value_at(&live, &steps).unwrap();
            let (now, _) = place.within(text, &object, value).unwrap();
            assert_eq!(now, more, "{path}");
        }
        let args = "spec.containers[name=web].args";
        for (live, now) in [
            (
                json!(["-a", "-b"]),
                Some(text.replace("[-a]", "[-a, \"-b\"]")),
            ),
            // Another list, and the same one.
            (json!(["-b", "-a"]), None),
            (json!("-a"), None),
        ] {
            let found = appended(text, &object, args, &live);
            assert_eq!(found.map(|(text, _)| text), now, "{live}");
        }
    }
}
