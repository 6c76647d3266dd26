//! Plain `{{name}}` templates, and values as Go prints them.

use super::Parameters;
use serde_json::{Number, Value};
use std::collections::BTreeMap;

/// Puts parameters in. What is no parameter stays as it is written: templates of others pass through.
pub(super) fn fill(text: &str, parameters: &Parameters) -> String {
    let templated = text
        .lines()
        .any(|line| line.find("{{").is_some_and(|at| line[at..].contains("}}")));
    if !templated {
        return text.to_owned();
    }
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, tail)) = after.split_once("}}") else {
            break;
        };
        filled.push_str(before);
        match parameters.get(name.trim()) {
            Some(Value::String(value)) if !name.trim().is_empty() => filled.push_str(value),
            _ => {
                filled.push_str("{{");
                filled.push_str(name);
                filled.push_str("}}");
            }
        }
        rest = tail;
    }
    filled.push_str(rest);
    filled
}

/// `{a: {b: [1]}}` as `a.b.0 = 1`, values as text. Of empty maps and lists nothing is left, as in Argo CD.
pub(super) fn flat(parameters: &Parameters) -> BTreeMap<String, String> {
    let mut flat = BTreeMap::new();
    for (name, value) in parameters {
        flatten(name.clone(), value, &mut flat);
    }
    flat
}

fn flatten(name: String, value: &Value, flat: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                flatten(format!("{name}.{key}"), value, flat);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                flatten(format!("{name}.{index}"), value, flat);
            }
        }
        value => {
            flat.insert(name, printed(value));
        }
    }
}

/// As Go's `%v` prints what JSON holds.
pub(super) fn printed(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number_text(number),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(printed).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{key}:{}", printed(value)))
                .collect();
            format!("map[{}]", entries.join(" "))
        }
    }
}

/// All numbers are floating there, and large ones are written with an exponent.
fn number_text(number: &Number) -> String {
    let Some(value) = number.as_f64() else {
        return number.to_string();
    };
    if value == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific
        .split_once('e')
        .unwrap_or((scientific.as_str(), "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // The shortest form turns to exponents at seven digits before the point.
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// As `normalize` of Argo CD: what may be the name of an object.
pub(super) fn normalized(text: &str) -> String {
    let mut name: String = text
        .to_lowercase()
        .chars()
        .map(|c| match c {
            'a'..='z' | '0'..='9' | '-' | '.' => c,
            _ => '-',
        })
        .collect();
    name.truncate(253);
    name.trim_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parameters(value: Value) -> Parameters {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn only_known_parameters_are_put_in() {
        let known = parameters(json!({"name": "eu", "path[0]": "apps", "list": ["a"]}));
        for (text, expected) in [
            ("{{name}}-shop", "eu-shop"),
            ("{{ name }}/{{path[0]}}", "eu/apps"),
            (
                "{{ .Values.x }} {{list}} {{}}",
                "{{ .Values.x }} {{list}} {{}}",
            ),
            ("{{name", "{{name"),
            ("{{name}} and {{name", "eu and {{name"),
            ("a }} b {{name}}", "a }} b eu"),
            ("no template", "no template"),
        ] {
            assert_eq!(fill(text, &known), expected, "{text}");
        }
    }

    #[test]
    fn values_are_printed_as_go_does() {
        for (value, expected) in [
            (json!(123456), "123456"),
            (json!(1.5), "1.5"),
            (json!(0), "0"),
            (json!(-3), "-3"),
            (json!(1_234_567), "1.234567e+06"),
            (json!(1e21), "1e+21"),
            (json!(0.00001), "1e-05"),
            (json!(true), "true"),
            (json!(null), "<nil>"),
            (json!({}), "map[]"),
            (json!(["a", 1]), "[a 1]"),
        ] {
            assert_eq!(printed(&value), expected, "{value}");
        }
    }

    #[test]
    fn nested_values_get_dotted_names() {
        let nested = parameters(json!({
            "a": {"b": [1, {"c": true}]}, "none": null, "empty": {}, "list": [], "deep": {"er": []},
        }));
        let expected = [("a.b.0", "1"), ("a.b.1.c", "true"), ("none", "<nil>")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(flat(&nested), BTreeMap::from(expected));
    }

    #[test]
    fn names_are_made_fit_for_kubernetes() {
        assert_eq!(normalized("My_Cluster.01-"), "my-cluster.01");
        assert_eq!(normalized("Zürich"), "z-rich");
    }
}
