//! Putting parameters into every text of a document, in the language of the set.
//!
//! Plain templates are filled in here. Go templates are asked for: all texts of one document with one set of parameters
//! are one [`TemplateRun`].

use super::{Known, Need, Parameters, plain};
use crate::manifest;
use serde_json::{Value, json};
use std::cell::RefCell;

/// Texts to fill with one set of parameters, by Go's templates with the functions that Argo CD adds.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateRun {
    pub texts: Vec<String>,
    pub parameters: Parameters,
    /// Looking up a parameter that is not there is an error.
    pub strict: bool,
}

impl TemplateRun {
    /// Equal for equal runs.
    pub fn key(&self) -> String {
        manifest::hash_of(&json!([self.texts, self.parameters, self.strict]))
    }
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// Something is asked for.
    Waiting,
    /// It is not generated here, because ….
    Elsewhere(String),
    /// What is wrong and what to do; the field below the generator or template, if one is to blame.
    Wrong {
        field: String,
        message: String,
        next: String,
    },
}

impl Stop {
    pub(super) fn wrong(field: &str, message: impl Into<String>, next: &str) -> Self {
        Self::Wrong {
            field: field.to_owned(),
            message: message.into(),
            next: next.to_owned(),
        }
    }
}

/// The language of one set, and where its needs are gathered.
pub(super) struct Language<'k> {
    pub go: bool,
    pub strict: bool,
    pub known: &'k Known,
    pub needs: RefCell<Vec<Need>>,
}

impl Language<'_> {
    pub(super) fn need(&self, need: Need) -> Stop {
        let mut needs = self.needs.borrow_mut();
        if !needs.contains(&need) {
            needs.push(need);
        }
        Stop::Waiting
    }

    /// The document with parameters in its texts and in the keys of its maps.
    pub(super) fn fill(&self, document: &Value, parameters: &Parameters) -> Result<Value, Stop> {
        if !self.go {
            return Ok(map_texts(document, &mut |text| {
                plain::fill(text, parameters)
            }));
        }
        let mut texts = Vec::new();
        map_texts(document, &mut |text| {
            if text.contains("{{") {
                texts.push(text.to_owned());
            }
            String::new()
        });
        if texts.is_empty() {
            return Ok(document.clone());
        }
        let run = TemplateRun {
            texts,
            parameters: parameters.clone(),
            strict: self.strict,
        };
        match self.known.texts.get(&run.key()) {
            None => Err(self.need(Need::Texts(run))),
            Some(Err(message)) => Err(Stop::wrong(
                "",
                message.clone(),
                "Correct the template, or give the parameters that it asks for.",
            )),
            Some(Ok(filled)) => {
                let mut filled = filled.iter();
                Ok(map_texts(document, &mut |text| {
                    if text.contains("{{") {
                        filled.next().cloned().unwrap_or_default()
                    } else {
                        text.to_owned()
                    }
                }))
            }
        }
    }
}

/// Every text, in an order that depends on the document alone.
fn map_texts(value: &Value, change: &mut impl FnMut(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| map_texts(item, change)).collect())
        }
        Value::Object(entries) => Value::Object(
            entries
                .iter()
                .map(|(key, value)| (change(key), map_texts(value, change)))
                .collect(),
        ),
        other => other.clone(),
    }
}
