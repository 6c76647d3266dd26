//! From text to stages.

use super::{Condition, Stage, Test};
use serde_json::Value;

/// Parentheses within parentheses.
const DEEPEST: usize = 16;
const LONGEST: usize = 4096;

/// The stages of an expression.
pub(super) fn places(text: &str) -> Result<Vec<Stage>, String> {
    if text.len() > LONGEST {
        return Err("it is too long".to_owned());
    }
    let mut reader = Reader { rest: text };
    let stages = reader.pipeline()?;
    reader.space();
    if reader.rest.is_empty() {
        Ok(stages)
    } else {
        Err(reader.unknown())
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Whether the text goes on with this; then it is taken.
    fn takes(&mut self, part: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(part) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The same of a whole word.
    fn takes_word(&mut self, word: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(word) {
            Some(rest) if !rest.starts_with(is_of_name) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, part: &str) -> Result<(), String> {
        if self.takes(part) {
            Ok(())
        } else {
            Err(format!("“{part}” is missing before {}", self.shown()))
        }
    }

    fn shown(&self) -> String {
        if self.rest.is_empty() {
            return "its end".to_owned();
        }
        let start: String = self.rest.chars().take(20).collect();
        format!("“{}”", start.escape_debug())
    }

    fn unknown(&self) -> String {
        format!(
            "{} is more than fields, list items and select, which is not understood",
            self.shown()
        )
    }

    /// A comma binds closer than a bar.
    fn pipeline(&mut self) -> Result<Vec<Stage>, String> {
        let mut stages = Vec::new();
        loop {
            let mut first = Vec::new();
            self.term(&mut first)?;
            let mut alternatives = vec![first];
            while self.takes(",") {
                let mut next = Vec::new();
                self.term(&mut next)?;
                alternatives.push(next);
            }
            match alternatives.pop() {
                Some(only) if alternatives.is_empty() => stages.extend(only),
                last => {
                    alternatives.extend(last);
                    stages.push(Stage::Each(alternatives));
                }
            }
            if !self.takes("|") {
                return Ok(stages);
            }
        }
    }

    fn term(&mut self, stages: &mut Vec<Stage>) -> Result<(), String> {
        if !self.takes_word("select") {
            return self.path(stages);
        }
        self.expect("(")?;
        stages.push(Stage::Select(self.condition(0)?));
        self.expect(")")?;
        // `select(…).field`
        if self.rest.starts_with(['.', '[']) {
            self.suffixes(stages)?;
        }
        Ok(())
    }

    /// A bar binds least: what follows it is asked of the whole before it.
    fn condition(&mut self, depth: usize) -> Result<Condition, String> {
        let mut condition = self.any(depth)?;
        while self.takes("|") {
            condition = match (condition, self.function()?) {
                (Condition::Holds(stages, Test::IsThere), test) => Condition::Holds(stages, test),
                (whole, Test::Not) => Condition::Not(Box::new(whole)),
                _ => return Err(self.unknown()),
            };
        }
        Ok(condition)
    }

    /// `.a."b"["c"][0][]?`
    fn path(&mut self, stages: &mut Vec<Stage>) -> Result<(), String> {
        self.space();
        if !self.rest.starts_with('.') || self.rest.starts_with("..") {
            return Err(self.unknown());
        }
        // A dot alone is the whole.
        let after = self.rest.get(1..).unwrap_or_default();
        let goes_on = |c: char| is_of_name(c) || c == '"';
        if !after.starts_with(goes_on) {
            self.rest = after;
        }
        self.suffixes(stages)
    }

    fn suffixes(&mut self, stages: &mut Vec<Stage>) -> Result<(), String> {
        loop {
            if let Some(rest) = self.rest.strip_prefix('?') {
                self.rest = rest;
            } else if let Some(rest) = self.rest.strip_prefix('[') {
                self.rest = rest;
                stages.push(self.bracket()?);
            } else if let Some(rest) = self.rest.strip_prefix('.') {
                self.rest = rest;
                if rest.starts_with('"') {
                    stages.push(Stage::Field(self.text()?));
                } else if rest.starts_with('[') {
                    // `.[0]` after something is the same as `[0]`.
                } else {
                    let end = rest.find(|c| !is_of_name(c)).unwrap_or(rest.len());
                    let (name, rest) = rest.split_at(end);
                    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
                        return Err(self.unknown());
                    }
                    self.rest = rest;
                    stages.push(Stage::Field(name.to_owned()));
                }
            } else {
                return Ok(());
            }
        }
    }

    fn bracket(&mut self) -> Result<Stage, String> {
        self.space();
        let stage = if self.rest.starts_with(']') {
            Stage::All
        } else if self.rest.starts_with('"') {
            Stage::Field(self.text()?)
        } else {
            let end = self
                .rest
                .find(|c: char| !(c.is_ascii_digit() || c == '-'))
                .unwrap_or(self.rest.len());
            let (number, rest) = self.rest.split_at(end);
            let index = number.parse().map_err(|_| self.unknown())?;
            self.rest = rest;
            Stage::Index(index)
        };
        self.expect("]")?;
        Ok(stage)
    }

    /// A text in quotes.
    fn text(&mut self) -> Result<String, String> {
        match self.literal()? {
            Some(Value::String(text)) => Ok(text),
            _ => Err(self.unknown()),
        }
    }

    /// A text, number, boolean or null; `None` when nothing of that kind follows.
    fn literal(&mut self) -> Result<Option<Value>, String> {
        self.space();
        for (word, value) in [
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("null", Value::Null),
        ] {
            if self.takes_word(word) {
                return Ok(Some(value));
            }
        }
        if self
            .rest
            .starts_with(|c: char| c == '-' || c.is_ascii_digit())
        {
            let is_of_number = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
            let end = self.rest.find(|c| !is_of_number(c));
            let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
            let value = serde_json::from_str(number).map_err(|_| self.unknown())?;
            self.rest = rest;
            return Ok(Some(value));
        }
        if !self.rest.starts_with('"') {
            return Ok(None);
        }
        let mut stream = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
        let value = match stream.next() {
            Some(Ok(value)) => value,
            _ => return Err(self.unknown()),
        };
        // What is put into texts by `\(…)` is no JSON and was refused.
        self.rest = self.rest.get(stream.byte_offset()..).unwrap_or_default();
        Ok(Some(value))
    }

    fn any(&mut self, depth: usize) -> Result<Condition, String> {
        let mut all = vec![self.all(depth)?];
        while self.takes_word("or") {
            all.push(self.all(depth)?);
        }
        Ok(match all.pop() {
            Some(only) if all.is_empty() => only,
            last => Condition::Any(all.into_iter().chain(last).collect()),
        })
    }

    fn all(&mut self, depth: usize) -> Result<Condition, String> {
        let mut all = vec![self.one(depth)?];
        while self.takes_word("and") {
            all.push(self.one(depth)?);
        }
        Ok(match all.pop() {
            Some(only) if all.is_empty() => only,
            last => Condition::All(all.into_iter().chain(last).collect()),
        })
    }

    fn one(&mut self, depth: usize) -> Result<Condition, String> {
        if depth > DEEPEST {
            return Err("its parentheses are nested too deep".to_owned());
        }
        if self.takes("(") {
            let inside = self.condition(depth + 1)?;
            self.expect(")")?;
            return Ok(inside);
        }
        let mut stages = Vec::new();
        self.path(&mut stages)?;
        let test = if self.takes("==") {
            Test::Is(self.value()?)
        } else if self.takes("!=") {
            Test::IsNot(self.value()?)
        } else {
            Test::IsThere
        };
        Ok(Condition::Holds(stages, test))
    }

    fn value(&mut self) -> Result<Value, String> {
        self.literal()?.ok_or_else(|| self.unknown())
    }

    fn function(&mut self) -> Result<Test, String> {
        if self.takes_word("not") {
            return Ok(Test::Not);
        }
        type Make = fn(String) -> Test;
        let known: [(&str, Make); 3] = [
            ("startswith", Test::Begins),
            ("endswith", Test::Ends),
            ("contains", Test::Contains),
        ];
        for (name, make) in known {
            if self.takes_word(name) {
                self.expect("(")?;
                let text = self.text()?;
                self.expect(")")?;
                return Ok(make(text));
            }
        }
        Err(self.unknown())
    }
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
