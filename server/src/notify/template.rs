//! Texts of people's own: minijinja with bounds on steps and size. What fails is said, and Lockstep's text is sent.

use super::outgoing::{Item, Outgoing, text};
use lockstep_types::alert::{Condition, Severity};
use minijinja::{Environment, UndefinedBehavior};
use std::io::{self, Write};

/// Instructions of one rendering.
const FUEL: u64 = 50_000;
/// Bytes of a text.
const LONGEST: usize = 16 << 10;
/// Bytes of a template.
pub(crate) const LONGEST_TEMPLATE: usize = 16 << 10;

/// Takes so many bytes and no more.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LONGEST {
            return Err(io::Error::other("too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Renders a template.
///
/// # Errors
/// Why it cannot be rendered, with its line.
pub(crate) fn render(template: &str, message: &Outgoing) -> Result<String, String> {
    if template.len() > LONGEST_TEMPLATE {
        return Err(format!(
            "the template is longer than {} KiB",
            LONGEST_TEMPLATE >> 10
        ));
    }
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(50);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let compiled = environment
        .template_from_str(template)
        .map_err(|error| words(&error))?;
    let mut out = Bounded(Vec::new());
    compiled
        .render_captured_to(message, &mut out)
        .map_err(|error| words(&error))?;
    let text = String::from_utf8(out.0).map_err(|_| "its text is not UTF-8".to_owned())?;
    if text.trim().is_empty() {
        return Err("its text is empty".to_owned());
    }
    Ok(text)
}

fn words(error: &minijinja::Error) -> String {
    let place = error
        .line()
        .map(|line| format!("line {line}: "))
        .unwrap_or_default();
    match error.kind() {
        minijinja::ErrorKind::OutOfFuel => "it takes too many steps".to_owned(),
        minijinja::ErrorKind::WriteFailure => {
            format!("its text is longer than {} KiB", LONGEST >> 10)
        }
        kind => match error.detail() {
            Some(detail) => format!("{place}{kind}: {detail}"),
            None => format!("{place}{kind}"),
        },
    }
}

/// Two made-up incidents, for previews and tests of receivers.
pub(crate) fn example(public_url: &str) -> Outgoing {
    let item = |news: &str, condition: Condition, subject: &str, cause: &str| Item {
        id: "00000000-0000-0000-0000-000000000000".to_owned(),
        news: news.to_owned(),
        condition,
        title: condition.title().to_owned(),
        severity: condition.severity(),
        subject: subject.to_owned(),
        cause: cause.to_owned(),
        since: "2026-01-05T08:00:00Z".to_owned(),
        opened_at: "2026-01-05T08:05:00Z".to_owned(),
        resolved_at: (news == "resolved").then(|| "2026-01-05T08:20:00Z".to_owned()),
        labels: [("cluster", "prod-eu"), ("project", "shop"), ("team", "a")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        link: format!("{public_url}/alerts"),
    };
    let mut message = Outgoing {
        title: "A test from Lockstep".to_owned(),
        text: String::new(),
        opened: 1,
        resolved: 1,
        left_out: 0,
        severity: Severity::Warning,
        items: vec![
            item(
                "opened",
                Condition::Drift,
                "shop / cart on prod-eu",
                "Deployment cart: spec.replicas was changed from 3 to 5.",
            ),
            item("resolved", Condition::Degraded, "shop / web on prod-eu", ""),
        ],
        conditions: [Condition::Drift, Condition::Degraded].into(),
        left: [(Condition::Drift, 1)].into(),
        link: format!("{public_url}/alerts"),
    };
    message.text = format!(
        "This is a test with two made-up alerts; nothing has happened.\n{}",
        text(&message)
    );
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_sees_what_a_message_tells() {
        let message = example("https://lockstep.example.org");
        let made = render(
            "{{ opened }} open{% for item in items %}\n{{ item.title }} {{ item.labels.team }}{% endfor %}",
            &message,
        );
        assert_eq!(made.unwrap(), "1 open\nDrift open a\nDegraded a");
    }

    #[test]
    fn what_is_wrong_or_has_no_end_is_refused_in_words() {
        let message = example("");
        for (template, expected) in [
            ("{{ nobody.name }}", "undefined"),
            ("{% for x in items %}", "line 1"),
            (
                "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
                "too many steps",
            ),
            (
                "{% for a in range(2000) %}aaaaaaaaaaaaaaaa{% endfor %}",
                "longer than 16 KiB",
            ),
            ("{{ 'x' * 100000000000 }}", ""),
            ("  ", "empty"),
            ("{% include 'x' %}", ""),
        ] {
            let error = render(template, &message).unwrap_err();
            assert!(error.contains(expected), "{template}: {error}");
        }
        assert!(render(&"x".repeat(20 << 10), &message).is_err());
    }
}
