//! Fields that the server's schema does not know. A server-side apply is refused for them even where it is told not to
//! validate, and so they are left out where that was asked for: as a client's apply would drop them.

use serde_json::Value;

const SAID: &str = ": field not declared in schema";

/// The paths that a refusal names: `.spec.containers[name="main"].imge`.
pub(super) fn named(message: &str) -> Vec<String> {
    message
        .lines()
        .filter_map(|line| line.strip_suffix(SAID))
        .map(|head| head.rsplit_once("): ").map_or(head, |(_, path)| path))
        .map(|path| path.trim().to_owned())
        .filter(|path| path.starts_with('.'))
        .collect()
}

/// The body without these; `None` when one of them cannot be found in it.
pub(super) fn without(body: &Value, paths: &[String]) -> Option<Value> {
    let mut left = body.clone();
    for path in paths {
        remove(&mut left, path)?;
    }
    Some(left)
}

fn remove(body: &mut Value, path: &str) -> Option<()> {
    let rest = path.strip_prefix('.')?;
    let (name, rest) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
    if rest.is_empty() {
        return body.as_object_mut()?.remove(name).map(|_| ());
    }
    let mut inner = body.get_mut(name)?;
    let mut rest = rest;
    while let Some(keyed) = rest.strip_prefix('[') {
        let (keys, after) = keyed.split_once(']')?;
        inner = item(inner, keys)?;
        rest = after;
    }
    remove(inner, rest)
}

/// An item by its place, or by its keys: `0`, `name="main"`, `containerPort=80,protocol="TCP"`.
fn item<'v>(list: &'v mut Value, keys: &str) -> Option<&'v mut Value> {
    let list = list.as_array_mut()?;
    if let Ok(place) = keys.parse::<usize>() {
        return list.get_mut(place);
    }
    let wanted: Vec<(&str, Value)> = keys
        .split(',')
        .map(|key| {
            let (name, value) = key.split_once('=')?;
            Some((name, serde_json::from_str(value).ok()?))
        })
        .collect::<Option<_>>()?;
    // A key that has a default may be left out.
    list.iter_mut().find(|item| {
        wanted
            .iter()
            .all(|(name, value)| item.get(name).is_none_or(|own| own == value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_are_read_off_a_refusal() {
        let one = "failed to create typed patch object (shop/settings; /v1, Kind=ConfigMap): .dta: field not declared in schema";
        assert_eq!(named(one), [".dta"]);
        let many = "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): errors:\n  .spec.template.spec.containers[name=\"main\"].imge: field not declared in schema\n  .spec.replcas: field not declared in schema\n  .spec.x: expected numeric (int or float), got string";
        assert_eq!(
            named(many),
            [
                ".spec.template.spec.containers[name=\"main\"].imge",
                ".spec.replcas"
            ]
        );
        assert!(named("etcdserver: request timed out").is_empty());
    }

    #[test]
    fn they_are_left_out_and_nothing_else() {
        let body = json!({"a": 1, "spec": {"b": 2, "c": 3, "list": [
            {"name": "x", "d": 1}, {"name": "y", "d": 2, "e": 3, "ports": [{"port": 80, "f": 1}]}
        ]}});
        let gone = |paths: &[&str]| {
            let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
            without(&body, &paths)
        };
        let mut expected = body.clone();
        expected.as_object_mut().unwrap().remove("a");
        expected["spec"].as_object_mut().unwrap().remove("b");
        let second = &mut expected["spec"]["list"][1];
        second.as_object_mut().unwrap().remove("d");
        second["ports"][0].as_object_mut().unwrap().remove("f");
        assert_eq!(
            gone(&[
                ".a",
                ".spec.b",
                ".spec.list[name=\"y\"].d",
                ".spec.list[name=\"y\"].ports[port=80,protocol=\"TCP\"].f"
            ]),
            Some(expected.clone())
        );
        let first = expected["spec"]["list"][0].as_object_mut().unwrap();
        first.remove("d");
        for (path, found) in [
            (".spec.list[0].d", true),
            (".spec.list[7].d", false),
            (".spec.list[name=\"z\"].d", false),
            (".spec.list[name=].d", false),
            (".spec.list[name=\"y\"", false),
            (".nothing", false),
            ("spec", false),
            (".spec..b", false),
        ] {
            assert_eq!(gone(&[path]).is_some(), found, "{path}");
        }
    }
}
