//! Checks that users write, in the real child: attack 22 of the list of hostile input.

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use engine::check::{Answer, Job, UserCheck, What, evaluate};
use engine::render::SandboxSettings;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn settings() -> SandboxSettings {
    SandboxSettings::new(env!("CARGO_BIN_EXE_render-child").into())
}

fn check(name: &str, what: What) -> UserCheck {
    UserCheck {
        group: "example.com".to_owned(),
        kind: "Widget".to_owned(),
        what,
        origin: name.to_owned(),
    }
}

fn expression(name: &str, current: &str) -> UserCheck {
    check(
        name,
        What::Expressions {
            current: current.to_owned(),
            in_progress: String::new(),
            failed: String::new(),
        },
    )
}

fn script(name: &str, text: &str) -> UserCheck {
    check(name, What::Script(text.to_owned()))
}

/// One job for every check, twice over, on an object with a thousand numbers.
async fn answers(checks: &[UserCheck]) -> (Vec<Answer>, Duration) {
    let object = json!({"status": {"list": (0..1000).collect::<Vec<_>>(), "text": "a".repeat(60)}});
    let jobs: Vec<Job> = (0..checks.len() * 2)
        .map(|place| Job {
            check: place % checks.len(),
            object: object.clone(),
            other: Value::Null,
        })
        .collect();
    let start = Instant::now();
    let answers = evaluate(&settings(), checks, &jobs).await;
    assert_eq!(answers.len(), jobs.len());
    (answers, start.elapsed())
}

/// Good checks around hostile ones have their own answers; hostile ones are named, each once in time.
async fn holds_out(hostile: Vec<UserCheck>) {
    let count = hostile.len();
    let mut checks = vec![expression("first", "size(status.list) == 1000")];
    checks.extend(hostile);
    checks.push(script(
        "last",
        "return {status = 'Degraded', message = 'seen'}",
    ));
    let (answers, took) = answers(&checks).await;
    for (place, answer) in answers.iter().enumerate() {
        let name = &checks[place % checks.len()].origin;
        let said = format!("{} {}", answer.health.status.word(), answer.health.message);
        match place % checks.len() {
            0 => assert_eq!(said, "Healthy "),
            last if last == checks.len() - 1 => assert_eq!(said, "Degraded seen"),
            _ => {
                assert!(
                    said.starts_with(&format!("Unknown {name} was stopped: ")),
                    "{said}"
                );
                assert!(answer.stopped);
            }
        }
    }
    let most = Duration::from_secs(20 * u64::try_from(count).unwrap());
    assert!(took < most, "{took:?}");
}

#[tokio::test]
async fn attack_22_endless_expressions_end_and_delay_no_other() {
    holds_out(vec![
        // A thousand to the power of five.
        expression(
            "endless",
            "status.list.all(a, status.list.all(b, status.list.all(c, status.list.all(d, status.list.all(e, a + b + c + d + e >= 0)))))",
        ),
        // Each step doubles the text.
        expression(
            "hungry",
            &format!("[status.text]{}.size() == 1", ".map(t, t + t)".repeat(60)),
        ),
    ])
    .await;
}

#[tokio::test]
async fn attack_22_endless_scripts_end_and_delay_no_other() {
    holds_out(vec![
        script("endless", "while true do end"),
        // Steps inside a function of the library are not counted.
        script(
            "backtracking",
            "return {status = string.find(string.rep('a', 200000), string.rep('a-', 60) .. 'b')}",
        ),
        // What is stopped is tried again.
        script(
            "stubborn",
            "while true do pcall(function() while true do end end) end",
        ),
        script(
            "hungry",
            "local t = {} while true do t[#t + 1] = string.rep('x', 1000000) .. #t end",
        ),
    ])
    .await;
}

#[tokio::test]
async fn attack_22_deep_expressions_and_scripts_end() {
    let (answers, _) = answers(&[
        expression(
            "deep",
            &format!("{}true{}", "(".repeat(3500), ")".repeat(3500)),
        ),
        expression("nots", &format!("{}true", "!".repeat(8000))),
        script(
            "recursion",
            "local function f(n) return 1 + f(n + 1) end return {status = f(1)}",
        ),
        script(
            "nested",
            &format!(
                "return {{status = {}1{}}}",
                "(".repeat(10000),
                ")".repeat(10000)
            ),
        ),
        expression("good", "true"),
    ])
    .await;
    for (place, answer) in answers.iter().enumerate() {
        let word = answer.health.status.word();
        match place % 5 {
            // Whether the parser takes so many is its own affair, as long as it comes to an end.
            0 | 1 => assert!(["Healthy", "Unknown"].contains(&word), "{answer:?}"),
            4 => assert_eq!(word, "Healthy", "{answer:?}"),
            _ => assert_eq!(word, "Unknown", "{answer:?}"),
        }
    }
}

#[tokio::test]
async fn attack_22_many_endless_checks_end_together() {
    let checks: Vec<UserCheck> = (0..40)
        .map(|place| {
            script(
                &format!("endless {place}"),
                "while true do pcall(function() while true do end end) end",
            )
        })
        .collect();
    let (answers, took) = answers(&checks).await;
    for answer in &answers {
        assert!(
            answer.stopped && answer.health.message.contains("was stopped: "),
            "{answer:?}"
        );
    }
    // Two seconds for each of them would be more.
    assert!(took < Duration::from_secs(75), "{took:?}");
}

#[tokio::test]
async fn the_child_has_no_files_and_no_surroundings() {
    // There is no way to say so in either language; what stands in for it is that nothing of the library can.
    let (answers, _) = answers(&[script(
        "outside",
        "if os or io or require or package then return {status = 'Degraded'} end return {status = 'Healthy'}",
    )])
    .await;
    assert_eq!(answers[0].health.status.word(), "Healthy");
}

#[tokio::test]
async fn a_child_that_cannot_start_is_told() {
    let settings = SandboxSettings::new("/nowhere/lockstep".into());
    let jobs = [Job {
        check: 0,
        object: json!({}),
        other: Value::Null,
    }];
    let answers = evaluate(&settings, &[expression("mine", "true")], &jobs).await;
    let said = &answers[0].health.message;
    assert!(
        said.starts_with("mine was stopped: it could not be started"),
        "{said}"
    );
}

#[tokio::test]
async fn many_objects_take_one_child() {
    let checks = [expression("mine", "status.n < 1000")];
    let jobs: Vec<Job> = (0..450)
        .map(|n| Job {
            check: 0,
            object: json!({"status": {"n": n}}),
            other: Value::Null,
        })
        .collect();
    let answers = evaluate(&settings(), &checks, &jobs).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.health.status.word() == "Healthy")
    );
}
