//! `lockstep source problems` and `sets`: what is wrong in definitions, and what sets of applications generate.

use super::Global;
use crate::api::{Api, ClientError};
use crate::exit::Exit;
use crate::table::Table;
use lockstep_types::set::SetView;
use lockstep_types::source::Problem;

/// Everything that is broken in Git. Something is: exit code 1.
pub(super) async fn problems(api: &Api, global: &Global) -> Result<Exit, ClientError> {
    let problems: Vec<Problem> = api.get("/problems", &[]).await?;
    global.list(
        &problems,
        |problems, wide| problem_table(problems, wide),
        |problems| problems.iter().map(place).collect(),
    )?;
    Ok(if problems.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn place(problem: &Problem) -> String {
    match problem.line {
        Some(line) => format!("{}:{line}", problem.path),
        None => problem.path.clone(),
    }
}

fn problem_table(problems: &[Problem], wide: bool) -> String {
    let mut headings = vec!["SOURCE", "STAGE", "PLACE", "FIELD", "PROBLEM"];
    if wide {
        headings.push("WHAT TO DO");
    }
    let mut table = Table::new(&headings);
    for problem in problems {
        let mut row = vec![
            problem.source_name.clone(),
            problem.stage.clone(),
            place(problem),
            problem.field.clone(),
            problem.message.clone(),
        ];
        if wide {
            row.push(problem.next.clone());
        }
        table.row(row);
    }
    table.text()
}

/// Each application that a set generates, with its parameters; and what is not generated, with why.
pub(super) async fn sets(api: &Api, global: &Global) -> Result<Exit, ClientError> {
    let sets: Vec<SetView> = api.get("/sets", &[]).await?;
    global.list(
        &sets,
        |sets, _| set_text(sets),
        |sets| sets.iter().map(|set| set.set.clone()).collect(),
    )
}

/// The table, and below it how far the rollouts are.
fn set_text(sets: &[SetView]) -> String {
    let rollouts = sets.iter().filter_map(|set| set.rollout.as_ref());
    std::iter::once(set_table(sets))
        .chain(rollouts.map(|rollout| format!("\n{}", super::rollout::text(rollout))))
        .collect()
}

fn set_table(sets: &[SetView]) -> String {
    let mut table = Table::new(&["SET", "PLACE", "APPLICATION", "PARAMETERS"]);
    for set in sets {
        let mut row = |application: &str, parameters: String| {
            table.row([
                set.set.clone(),
                format!("{}:{}", set.path, set.line),
                application.to_owned(),
                parameters,
            ]);
        };
        for member in &set.members {
            let parameters = member.set.parameters.iter();
            let parameters: Vec<String> = parameters
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let application = &member.application;
            row(
                &format!("{}/{}", application.project, application.name),
                parameters.join(" "),
            );
        }
        for (generator, why) in &set.not_generated {
            row(
                "-",
                format!("{generator}: not generated here, because {why}"),
            );
        }
        for url in &set.waiting_for {
            row("-", format!("waits for {url}"));
        }
        for (what, next) in &set.problems {
            row("-", format!("{what}; {next}"));
        }
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::time::Micros;

    #[test]
    fn nothing_of_a_set_is_left_out() {
        let set = SetView {
            source: "00000000-0000-0000-0000-000000000001".parse().unwrap(),
            source_name: "fleet".to_owned(),
            set: "ApplicationSet argocd/all".to_owned(),
            parent: None,
            path: "sets/all.yaml".to_owned(),
            line: 3,
            at: Micros(0),
            members: Vec::new(),
            rollout: None,
            not_generated: vec![(
                "spec.generators[0].pullRequest".to_owned(),
                "it asks a service outside".to_owned(),
            )],
            waiting_for: vec!["https://git.example.org/a".to_owned()],
            problems: vec![("it is broken".to_owned(), "Mend it.".to_owned())],
            ignored_fields: Vec::new(),
        };
        assert_eq!(
            set_table(&[set]),
            "SET                        PLACE            APPLICATION  PARAMETERS\n\
             ApplicationSet argocd/all  sets/all.yaml:3  -            spec.generators[0].pullRequest: not generated here, because it asks a service outside\n\
             ApplicationSet argocd/all  sets/all.yaml:3  -            waits for https://git.example.org/a\n\
             ApplicationSet argocd/all  sets/all.yaml:3  -            it is broken; Mend it.\n"
        );
    }
}
