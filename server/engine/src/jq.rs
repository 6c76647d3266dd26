//! The part of jq that names places in an object: fields, list items, and items of which something holds. Rules that leave
//! fields out of comparisons are written in it (`jqPathExpressions` of Argo CD).
//!
//! Every expression ends: it has no loops and no calls, and what it costs in one object is bounded. What goes beyond this
//! part is refused when it is read, never guessed. The rules are those of the manual of jq 1.7.

mod read;

use serde_json::Value;

/// What one expression may cost in one object, in steps that are written down: more than any rule needs.
const MOST_STEPS: usize = 200_000;

/// One step down from the root of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Field(String),
    /// The item of a list at this position.
    Index(usize),
}

/// Places of an object, by an expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Places(Vec<Stage>);

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    Field(String),
    /// From the end where it is negative.
    Index(i64),
    /// Every item of a list, every value of a map.
    All,
    Select(Condition),
    /// What each of them leads to.
    Each(Vec<Vec<Stage>>),
}

/// A place with what is there.
type Found<'v> = (Vec<Step>, Option<&'v Value>);

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    /// What the stages lead to passes the test; of several one is enough.
    Holds(Vec<Stage>, Test),
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    /// Neither null nor false.
    IsThere,
    Not,
    Is(Value),
    IsNot(Value),
    Begins(String),
    Ends(String),
    Contains(String),
}

impl Places {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is not understood, as a part of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        read::places(text).map(Self)
    }

    /// The places in an object, those that a path leads to and that do not exist among them.
    pub fn find(&self, body: &Value) -> Vec<Vec<Step>> {
        let mut walk = Walk { left: MOST_STEPS };
        let found = walk.follow(&self.0, vec![(Vec::new(), Some(body))]);
        found.into_iter().map(|(place, _)| place).collect()
    }
}

/// A walk with an end: what it costs is counted.
struct Walk {
    left: usize,
}

impl Walk {
    /// Where the stages lead to from these places.
    fn follow<'v>(&mut self, stages: &[Stage], mut at: Vec<Found<'v>>) -> Vec<Found<'v>> {
        for stage in stages {
            let mut next = Vec::new();
            for (place, value) in at {
                self.step(stage, &place, value, &mut next);
            }
            at = next;
        }
        at
    }

    /// Counts one place; `false` when nothing more may be written down.
    fn pay(&mut self, place: &[Step]) -> bool {
        match self.left.checked_sub(place.len() + 1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.left = 0;
                false
            }
        }
    }

    fn step<'v>(
        &mut self,
        stage: &Stage,
        place: &[Step],
        value: Option<&'v Value>,
        next: &mut Vec<Found<'v>>,
    ) {
        if let Stage::Each(alternatives) = stage {
            for stages in alternatives {
                // Also where nothing is stepped down: `.,.` names each place twice.
                if self.pay(place) {
                    next.append(&mut self.follow(stages, vec![(place.to_vec(), value)]));
                }
            }
            return;
        }
        if let Stage::Select(condition) = stage {
            if self.pay(place) && self.holds(condition, value) {
                next.push((place.to_vec(), value));
            }
            return;
        }
        let mut go = |step: Step, value: Option<&'v Value>| {
            if self.pay(place) {
                let mut below = place.to_vec();
                below.push(step);
                next.push((below, value));
            }
        };
        match (stage, value) {
            (Stage::Field(name), Some(Value::Object(map))) => {
                go(Step::Field(name.clone()), map.get(name));
            }
            // Nothing has fields that are nothing.
            (Stage::Field(name), None | Some(Value::Null)) => go(Step::Field(name.clone()), None),
            (Stage::Index(index), Some(Value::Array(items))) => {
                let from_end = || {
                    let back = usize::try_from(index.unsigned_abs()).ok()?;
                    items.len().checked_sub(back)
                };
                let position = usize::try_from(*index).ok().or_else(from_end);
                if let Some(position) = position {
                    go(Step::Index(position), items.get(position));
                }
            }
            (Stage::All, Some(Value::Array(items))) => {
                for (index, item) in items.iter().enumerate() {
                    go(Step::Index(index), Some(item));
                }
            }
            (Stage::All, Some(Value::Object(map))) => {
                for (name, value) in map {
                    go(Step::Field(name.clone()), Some(value));
                }
            }
            // In jq an error, or nothing where the stage has a question mark: no place either way.
            _ => {}
        }
    }

    fn holds(&mut self, condition: &Condition, value: Option<&Value>) -> bool {
        match condition {
            Condition::All(conditions) => conditions.iter().all(|one| self.holds(one, value)),
            Condition::Any(conditions) => conditions.iter().any(|one| self.holds(one, value)),
            Condition::Not(condition) => !self.holds(condition, value),
            Condition::Holds(stages, test) => self
                .follow(stages, vec![(Vec::new(), value)])
                .iter()
                .any(|(_, found)| test.passes(found.unwrap_or(&Value::Null))),
        }
    }
}

impl Test {
    fn passes(&self, found: &Value) -> bool {
        let is_there = !matches!(found, Value::Null | Value::Bool(false));
        let text = |is: &dyn Fn(&str) -> bool| found.as_str().is_some_and(is);
        match self {
            Self::IsThere => is_there,
            Self::Not => !is_there,
            Self::Is(value) => equal(found, value),
            Self::IsNot(value) => !equal(found, value),
            Self::Begins(part) => text(&|text| text.starts_with(part)),
            Self::Ends(part) => text(&|text| text.ends_with(part)),
            Self::Contains(part) => text(&|text| text.contains(part)),
        }
    }
}

/// Numbers are equal by value, however they are written.
fn equal(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

#[cfg(test)]
mod tests;
