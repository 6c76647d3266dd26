//! From a set to its applications: generators one after the other, each set of parameters for itself.

use super::super::fields::FieldProblem;
use super::super::{Definition, DefinitionKey, DefinitionProblem};
use super::generate::generate;
use super::language::{Language, Stop};
use super::member::{Member, member, template};
use super::{ApplicationSet, Generator, Known, Need, Parameters, plain, row};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What a set gives.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expansion {
    pub members: Vec<Definition>,
    pub problems: Vec<DefinitionProblem>,
    pub not_generated: Vec<NotGenerated>,
    /// What to find out before it can be finished; then all else here is preliminary.
    pub needs: Vec<Need>,
    /// Everything that is generated here was. If not, applications of the set that are missing are broken, not gone.
    pub whole: bool,
}

/// A generator whose applications are not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotGenerated {
    /// Dotted place in the document.
    pub generator: String,
    /// Why, without a full stop.
    pub why: String,
}

impl ApplicationSet {
    /// The applications of the set, as far as they can be told from what is known.
    pub fn expand(&self, known: &Known) -> Expansion {
        let mut expansion = Expansion {
            whole: !self.broken,
            ..Expansion::default()
        };
        if self.broken {
            return expansion;
        }
        let language = Language {
            go: self.go_template,
            strict: self.strict,
            known,
            needs: RefCell::default(),
        };
        let mut members = Vec::new();
        for generator in &self.generators {
            match generate(generator, None, &language) {
                Ok(found) => {
                    let template = template(self, generator);
                    for parameters in found {
                        let shown = shown(&parameters);
                        match member(self, &template, parameters, &language) {
                            Ok(member) => members.push(member),
                            Err(stop) => self.stopped(&mut expansion, generator, stop, &shown),
                        }
                    }
                }
                Err(stop) => self.stopped(&mut expansion, generator, stop, ""),
            }
        }
        self.finish(&mut expansion, members, known);
        expansion.needs = language.needs.into_inner();
        expansion
    }

    /// A generator without result here, as a problem that people see.
    pub fn missing(&self, missing: &NotGenerated) -> DefinitionProblem {
        DefinitionProblem {
            key: None,
            path: self.path.clone(),
            line: self.line_of(&missing.generator),
            message: format!(
                "{}: {} is not generated here, because {}",
                self.title(),
                missing.generator,
                missing.why
            ),
            field: missing.generator.clone(),
            next: "Write its applications out in Git, or keep the set with Argo CD.".to_owned(),
        }
    }

    fn stopped(
        &self,
        expansion: &mut Expansion,
        generator: &Generator,
        stop: Stop,
        parameters: &str,
    ) {
        match stop {
            Stop::Waiting => expansion.whole = false,
            Stop::Elsewhere(why) => expansion.not_generated.push(NotGenerated {
                generator: generator.field.clone(),
                why,
            }),
            Stop::Wrong {
                field,
                message,
                next,
            } => {
                expansion.whole = false;
                let place = self.place(generator, &field);
                // Fields speak of themselves as “it”.
                let message = match message.strip_prefix("it ") {
                    Some(rest) => format!("{place} {rest}"),
                    None => message,
                };
                let of = if parameters.is_empty() {
                    String::new()
                } else {
                    format!(" (for {parameters})")
                };
                expansion.problems.push(DefinitionProblem {
                    key: None,
                    path: self.path.clone(),
                    line: self.line_of(&place),
                    message: format!("{}: {message}{of}", self.title()),
                    field: place,
                    next,
                });
            }
        }
    }

    /// Dotted place of what is to blame: fields of the template and the generator's own.
    fn place(&self, generator: &Generator, field: &str) -> String {
        if field.starts_with("template") {
            return format!("spec.{field}");
        }
        // Fields of generators begin with the generator's kind.
        let entry = generator
            .field
            .rsplit_once('.')
            .map_or(generator.field.as_str(), |(entry, _)| entry);
        if field.is_empty() {
            generator.field.clone()
        } else if generator
            .field
            .ends_with(field.split('.').next().unwrap_or(field))
        {
            format!("{entry}.{field}")
        } else {
            generator.field.clone()
        }
    }

    fn line_of(&self, place: &str) -> u32 {
        let mut node = Some(&self.document);
        let mut line = self.line;
        for part in place.split(['.', '[']) {
            node = match part.strip_suffix(']').map(str::parse::<usize>) {
                Some(Ok(index)) => match node.map(|node| &node.kind) {
                    Some(crate::yaml::Kind::List(items)) => items.get(index),
                    _ => None,
                },
                _ => node.and_then(|node| node.get(part)),
            };
            match node {
                Some(node) => line = node.line,
                None => break,
            }
        }
        line.max(self.line)
    }

    /// Names that come twice are nobody's; the others get their rows.
    fn finish(&self, expansion: &mut Expansion, members: Vec<Member>, known: &Known) {
        let mut by_key: BTreeMap<DefinitionKey, Vec<Member>> = BTreeMap::new();
        let mut order = Vec::new();
        for member in members {
            if !by_key.contains_key(&member.key) {
                order.push(member.key.clone());
            }
            by_key.entry(member.key.clone()).or_default().push(member);
        }
        let mut good: Vec<(Definition, Parameters)> = Vec::new();
        for key in order {
            let Some(mut same) = by_key.remove(&key) else {
                continue;
            };
            if same.len() > 1 {
                expansion.whole = false;
                let sets: Vec<String> = same
                    .iter()
                    .map(|member| shown(&member.parameters))
                    .collect();
                let place = "spec.template.metadata.name";
                expansion.problems.push(DefinitionProblem {
                    path: self.path.clone(),
                    line: self.line_of(place),
                    field: place.to_owned(),
                    message: format!(
                        "{}: {} sets of parameters give an application {}; none of them is used: {}",
                        self.title(),
                        same.len(),
                        key.name,
                        sets.join("; ")
                    ),
                    next: "Put a parameter that tells them apart into the name.".to_owned(),
                    key: Some(key),
                });
                continue;
            }
            let Some(member) = same.pop() else { continue };
            if !member.problems.is_empty() {
                expansion.whole = false;
            }
            let problems = member.problems.into_iter();
            expansion
                .problems
                .extend(problems.map(|problem| self.field_problem(&key, problem)));
            if let Some(definition) = member.definition {
                good.push((definition, member.parameters));
            }
        }
        let view: Vec<(&Definition, &Parameters)> = good
            .iter()
            .map(|(definition, parameters)| (definition, parameters))
            .collect();
        let rows = row::rows(self, &view, &known.clusters);
        for ((mut definition, _), row) in good.into_iter().zip(rows) {
            if let Some(set) = &mut definition.set {
                set.row = row;
            }
            expansion.members.push(definition);
        }
    }

    fn field_problem(&self, key: &DefinitionKey, problem: FieldProblem) -> DefinitionProblem {
        let message = match problem.message.strip_prefix("it ") {
            Some(rest) => format!("{} {rest}", problem.field),
            None => problem.message,
        };
        DefinitionProblem {
            key: Some(key.clone()),
            path: self.path.clone(),
            line: problem.line.max(self.line),
            field: format!("spec.template.{}", problem.field),
            message: format!("{}, application {}: {message}", self.title(), key.name),
            next: problem.next,
        }
    }
}

/// Some parameters, for people to recognise a set of them.
fn shown(parameters: &Parameters) -> String {
    let some: Vec<String> = plain::flat(parameters)
        .into_iter()
        .filter(|(name, value)| {
            !name.contains('[')
                && !name.starts_with("metadata.")
                && !name.contains("ormalized")
                && value.len() <= 80
        })
        .take(3)
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    some.join(", ")
}
