//! One line of a policy. Comments and empty lines say nothing; everything else must be right.

use super::{Glob, LineRef, Membership, PolicyProblem, Rule};

/// What a line says.
pub(super) enum Line {
    Rule(Box<Rule>),
    Member(Membership),
}

/// Reads a line; `None` for a comment.
pub(super) fn line(place: LineRef) -> Result<Option<Line>, PolicyProblem> {
    if place.text.is_empty() || place.text.starts_with('#') {
        return Ok(None);
    }
    let fields = match fields(&place.text) {
        Ok(fields) => fields,
        Err(message) => return Err(problem(&place, message, "Close the quotation mark.")),
    };
    match fields
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["p", fields @ ..] => match fields {
            [subject, resource, action, object, effect] => {
                rule(&place, [subject, resource, action, object, effect]).map(Some)
            }
            _ => Err(problem(
                &place,
                format!(
                    "a line “p” has six fields, and this one has {}",
                    fields.len() + 1
                ),
                "Write p, subject, resource, action, object, allow (or deny).",
            )),
        },
        ["g", member, role] if !member.is_empty() && !role.is_empty() => {
            Ok(Some(Line::Member(Membership {
                member: (*member).to_owned(),
                role: (*role).to_owned(),
                place,
            })))
        }
        ["g", ..] => Err(problem(
            &place,
            "a line “g” names a user, a group or a role, and then the role that is given to it",
            "Write g, subject, role.",
        )),
        _ => Err(problem(
            &place,
            "the line begins with neither “p” nor “g”",
            "Begin it with p or g, or with # if it is a remark.",
        )),
    }
}

fn rule(
    place: &LineRef,
    [subject, resource, action, object, effect]: [&str; 5],
) -> Result<Line, PolicyProblem> {
    for (name, field) in [
        ("subject", subject),
        ("resource", resource),
        ("action", action),
        ("object", object),
    ] {
        if field.is_empty() {
            return Err(problem(
                place,
                format!("the {name} is empty"),
                "Name it, or write * for all.",
            ));
        }
    }
    let allow = match effect {
        "allow" => true,
        "deny" => false,
        _ => {
            let message = format!("“{effect}” is neither allow nor deny");
            return Err(problem(place, message, "End the line with allow or deny."));
        }
    };
    let glob = |name: &str, text: &str| {
        Glob::new(text).map_err(|error| {
            problem(
                place,
                format!("the {name} “{text}” is no pattern: {error}"),
                "Correct the pattern.",
            )
        })
    };
    Ok(Line::Rule(Box::new(Rule {
        subject: subject.to_owned(),
        resource: glob("resource", resource)?,
        action: glob("action", action)?,
        object: glob("object", object)?,
        allow,
        place: place.clone(),
    })))
}

pub(super) fn problem(place: &LineRef, message: impl Into<String>, next: &str) -> PolicyProblem {
    PolicyProblem {
        file: place.file.clone(),
        line: place.line,
        message: message.into(),
        next: next.to_owned(),
    }
}

/// The fields of a line, trimmed; one in quotation marks may hold commas.
fn fields(text: &str) -> Result<Vec<String>, &'static str> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let (field, after) = if let Some(quoted) = rest.strip_prefix('"') {
            let (field, after) = unquoted(quoted)?;
            let after = after.trim_start();
            if !(after.is_empty() || after.starts_with(',')) {
                return Err("there is text behind a closed quotation mark");
            }
            (field, after)
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            let (field, after) = rest.split_at(end);
            if field.contains('"') {
                return Err("there is a quotation mark within a field");
            }
            (field.trim_end().to_owned(), after)
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None => return Ok(fields),
        }
    }
}

/// Up to the closing mark; two of them are one.
fn unquoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"').ok_or("a quotation mark is not closed")?;
        field.push_str(rest.get(..end).unwrap_or_default());
        rest = rest.get(end + 1..).unwrap_or_default();
        match rest.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return Ok((field, rest)),
        }
    }
}
