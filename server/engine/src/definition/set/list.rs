//! The list generator.

use super::language::Stop;
use super::{Parameters, plain};
use crate::yaml;
use serde_json::Value;

/// Elements as they stand; with plain templates only texts can be parameters.
pub(super) fn parameters(
    elements: &[Value],
    elements_yaml: &str,
    go: bool,
) -> Result<Vec<Parameters>, Stop> {
    let mut found = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        let field = format!("list.elements[{index}]");
        let Value::Object(element) = element else {
            return Err(Stop::wrong(
                &field,
                "it is no map",
                "Write `name: value` pairs.",
            ));
        };
        found.push(if go {
            element.clone()
        } else {
            texts_only(element, &field)?
        });
    }
    if !elements_yaml.trim().is_empty() {
        found.extend(from_yaml(elements_yaml)?);
    }
    Ok(found)
}

fn texts_only(element: &Parameters, field: &str) -> Result<Parameters, Stop> {
    let refuse = |name: &str, value: &Value| {
        let message = format!(
            "it is {} and must be text for templates without goTemplate",
            plain::printed(value)
        );
        Stop::wrong(
            &format!("{field}.{name}"),
            message,
            "Put it in quotes, or set goTemplate.",
        )
    };
    let mut texts = Parameters::new();
    for (name, value) in element {
        match value {
            Value::String(_) => {
                texts.insert(name.clone(), value.clone());
            }
            Value::Object(values) if name == "values" => {
                for (key, value) in values {
                    if !value.is_string() {
                        return Err(refuse(&format!("values.{key}"), value));
                    }
                    texts.insert(format!("values.{key}"), value.clone());
                }
            }
            value => return Err(refuse(name, value)),
        }
    }
    Ok(texts)
}

fn from_yaml(text: &str) -> Result<Vec<Parameters>, Stop> {
    let field = "list.elementsYaml";
    let wrong = |message: String| Stop::wrong(field, message, "Write a list of maps as YAML.");
    let documents = yaml::documents(text).map_err(|error| wrong(error.message))?;
    let Some(document) = documents.first() else {
        return Ok(Vec::new());
    };
    let elements = match document.value().map_err(|error| wrong(error.message))? {
        Value::Array(elements) => elements,
        Value::Null => return Ok(Vec::new()),
        _ => return Err(wrong("it is no list".to_owned())),
    };
    elements
        .into_iter()
        .map(|element| match element {
            Value::Object(element) => Ok(element),
            _ => Err(wrong("an element is no map".to_owned())),
        })
        .collect()
}
