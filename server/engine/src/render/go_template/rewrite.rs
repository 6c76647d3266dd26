//! Makes a template of Argo CD one of Helm with the same result.
//!
//! - `normalize` and `slugify` become templates of our chart.
//! - Functions that only Helm has are refused, as Argo CD refuses them.
//! - With `missingkey=error` each lookup `.a.b` first asks whether the keys are there: Helm itself never does.
//! - A lookup that gives nothing prints `<no value>`, which Helm takes out of its output.

use std::fmt::Write as _;

/// Functions of Helm that Argo CD's templates do not have.
const NOT_THERE: [&str; 14] = [
    "include",
    "tpl",
    "required",
    "lookup",
    "toToml",
    "mustToToml",
    "fromToml",
    "toYamlPretty",
    "mustToYaml",
    "fromJsonArray",
    "env",
    "expandenv",
    "getHostByName",
    "toDuration",
];
const KEYWORDS: [&str; 7] = ["if", "else", "range", "with", "define", "template", "block"];

/// Stands for `<no value>` until Helm is done.
const NO_VALUE: &str = "\u{e000}no value\u{e000}";

/// The template for Helm.
///
/// # Errors
/// Names the function that there is not.
pub(super) fn rewrite(text: &str, strict: bool) -> Result<String, String> {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        out.push_str(&rest[..at + 2]);
        rest = &rest[at + 2..];
        let Some(action) = action(rest) else {
            // Not closed: the engine says so.
            break;
        };
        if is_comment(action) {
            out.push_str(action);
        } else {
            rewrite_action(action, strict, &mut out)?;
        }
        out.push_str("}}");
        rest = &rest[action.len() + 2..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The text as Argo CD has it.
pub(super) fn restore(text: &str) -> String {
    text.replace(NO_VALUE, "<no value>")
}

fn is_comment(action: &str) -> bool {
    action
        .strip_prefix('-')
        .unwrap_or(action)
        .trim_start()
        .starts_with("/*")
}

/// What stands up to the closing braces.
fn action(rest: &str) -> Option<&str> {
    if is_comment(rest) {
        let end = rest.find("*/")?;
        let close = rest[end..].find("}}")?;
        return rest.get(..end + close);
    }
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("}}") {
            return rest.get(..at);
        }
        at += token(&rest[at..]).len();
    }
    None
}

/// The first token; never empty.
fn token(text: &str) -> &str {
    let first = text.chars().next().unwrap_or(' ');
    let end = match first {
        '"' | '\'' => quoted(text, first),
        '`' => text[1..].find('`').map_or(text.len(), |end| end + 2),
        '$' | '.' => chain(text),
        c if is_name(c) => text.find(|c: char| !is_name(c)).unwrap_or(text.len()),
        c if c.is_whitespace() => text
            .find(|c: char| !c.is_whitespace())
            .unwrap_or(text.len()),
        ':' if text.starts_with(":=") => 2,
        c => c.len_utf8(),
    };
    &text[..end]
}

fn is_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// `$x.a.b`, `.a.b`, `$` or `.`.
fn chain(text: &str) -> usize {
    let mut end = 0;
    if let Some(rest) = text.strip_prefix('$') {
        end = 1 + rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
    }
    while let Some(after) = text[end..].strip_prefix('.') {
        let length = after.find(|c: char| !is_name(c)).unwrap_or(after.len());
        if length == 0 {
            break;
        }
        end += 1 + length;
    }
    end.max(1)
}

fn rewrite_action(action: &str, strict: bool, out: &mut String) -> Result<(), String> {
    let tokens = tokens(action);
    let said: Vec<usize> = (0..tokens.len())
        .filter(|index| {
            let token = tokens[*index];
            let marker = token == "-" && (*index == 0 || *index + 1 == tokens.len());
            !token.trim().is_empty() && !marker
        })
        .collect();
    let printed_alone = said.len() == 1;
    // For each open bracket whether a slug is being made in it.
    let mut slugs = vec![false];
    for (index, token) in tokens.iter().copied().enumerate() {
        let position = said.iter().position(|at| *at == index);
        let neighbour = |step: isize| {
            let at = position?.checked_add_signed(step)?;
            said.get(at).map(|at| tokens[*at])
        };
        let (before, after) = (neighbour(-1), neighbour(1));
        match token {
            "|" => end_slug(&mut slugs, out),
            "(" => slugs.push(false),
            ")" => {
                end_slug(&mut slugs, out);
                slugs.pop();
            }
            _ => {}
        }
        let names_field = token.starts_with('.') || token.starts_with('$');
        let after_bracket = index > 0 && tokens[index - 1] == ")";
        if token == "normalize" {
            out.push_str("include \"lockstep.normalize\"");
        } else if token == "slugify" {
            out.push_str("list");
            if let Some(slug) = slugs.last_mut() {
                *slug = true;
            }
        } else if NOT_THERE.contains(&token) {
            return Err(format!("function \"{token}\" not defined"));
        } else if names_field && token.contains('.') && token != "." && !after_bracket {
            let first = before.is_none_or(|token| {
                matches!(token, "|" | "(" | ":=" | "=" | ",") || KEYWORDS.contains(&token)
            });
            let takes = after.is_some_and(|token| !matches!(token, "|" | ")" | "," | ":=" | "="));
            // A method with arguments stays one.
            if first && takes {
                out.push_str(token);
            } else {
                lookup(token, strict, printed_alone, out);
            }
        } else {
            if index + 1 == tokens.len() && token == "-" {
                // The marker needs white space before it, and a slug ends before that.
                end_slug(&mut slugs, out);
                out.push(' ');
            }
            out.push_str(token);
        }
    }
    if tokens.last() != Some(&"-") {
        end_slug(&mut slugs, out);
    }
    Ok(())
}

fn tokens(action: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = action;
    while !rest.is_empty() {
        let token = token(rest);
        tokens.push(token);
        rest = &rest[token.len()..];
    }
    tokens
}

fn end_slug(slugs: &mut [bool], out: &mut String) {
    if let Some(slug) = slugs.last_mut().filter(|slug| **slug) {
        *slug = false;
        out.push_str(" | include \"lockstep.slugify\" ");
    }
}

fn lookup(chain: &str, strict: bool, printed_alone: bool, out: &mut String) {
    let value = if printed_alone {
        format!("(ternary \"{NO_VALUE}\" {chain} (kindIs \"invalid\" {chain}))")
    } else {
        chain.to_owned()
    };
    if !strict {
        out.push_str(&value);
        return;
    }
    // `.a.b` begins with nothing, `$x.a.b` with the variable.
    let (base, fields) = chain.split_once('.').unwrap_or((chain, ""));
    let mut holder = if base.is_empty() {
        ".".to_owned()
    } else {
        base.to_owned()
    };
    out.push_str("(and ");
    for field in fields.split('.') {
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "(or (not (kindIs \"map\" {holder})) (hasKey {holder} \"{field}\") (fail \"there is no parameter {chain}, and missingkey=error is set\")) "
        );
        holder = if holder == "." {
            format!(".{field}")
        } else {
            format!("{holder}.{field}")
        };
    }
    out.push_str(&value);
    out.push(')');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_rewritten() {
        for (text, expected) in [
            ("no template", "no template"),
            ("{{ upper .a }}", "{{ upper .a }}"),
            ("{{/* .a */}}{{ not closed", "{{/* .a */}}{{ not closed"),
            ("{{ \"}} .a\" }}", "{{ \"}} .a\" }}"),
            (
                "{{ .a | normalize }}",
                "{{ .a | include \"lockstep.normalize\" }}",
            ),
            (
                "{{ normalize (cat .a .b) }}",
                "{{ include \"lockstep.normalize\" (cat .a .b) }}",
            ),
            (
                "{{- .a | slugify 23 -}}",
                "{{- .a | list 23  | include \"lockstep.slugify\"  -}}",
            ),
            (
                "{{ (slugify 9 false .a) | upper }}",
                "{{ (list 9 false .a | include \"lockstep.slugify\" ) | upper }}",
            ),
        ] {
            assert_eq!(rewrite(text, false).unwrap(), expected);
        }
    }

    #[test]
    fn lookups_are_checked_when_a_missing_key_is_an_error() {
        let check = |holder: &str, field: &str, chain: &str| {
            format!(
                "(or (not (kindIs \"map\" {holder})) (hasKey {holder} \"{field}\") (fail \"there is no parameter {chain}, and missingkey=error is set\"))"
            )
        };
        let checked = format!(
            "{{{{ upper (and {} {} .a.b) }}}}",
            check(".", "a", ".a.b"),
            check(".a", "b", ".a.b")
        );
        assert_eq!(rewrite("{{ upper .a.b }}", true).unwrap(), checked);
        let checked = format!("{{{{ range (and {} $x.y) }}}}", check("$x", "y", "$x.y"));
        assert_eq!(rewrite("{{ range $x.y }}", true).unwrap(), checked);
        // A method with arguments, and what follows a bracket.
        for same in [
            "{{ $v.Compare .x.y.z }}",
            "{{ (semver \"1.2.3\").Major }}",
            "{{ . }}{{ $ }}",
        ] {
            let rewritten = rewrite(same, true).unwrap();
            assert!(
                rewritten.starts_with(same.split(" .x").next().unwrap()),
                "{rewritten}"
            );
        }
    }

    #[test]
    fn functions_of_helm_alone_are_refused() {
        for text in [
            "{{ required \"x\" .a }}",
            "{{ .a | tpl }}",
            "{{ env \"HOME\" }}",
        ] {
            assert!(rewrite(text, false).unwrap_err().ends_with("not defined"));
        }
        assert!(rewrite("{{ .env }}", false).is_ok());
    }
}
