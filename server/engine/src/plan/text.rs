//! A plan as a table of plain text: what the command line prints and what tests are read by.

use lockstep_types::plan::{Action, Plan, PlanPhase, Step};
use std::fmt;

/// Prints a plan. Long ones are printed whole: a plan that is cut is no plan.
#[derive(Debug, Clone, Copy)]
pub struct PlanText<'a>(pub &'a Plan);

/// The plan as text.
pub fn table(plan: &Plan) -> String {
    PlanText(plan).to_string()
}

impl fmt::Display for PlanText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.0;
        let counts = plan.counts();
        writeln!(
            f,
            "plan {} at {}: {} create, {} configure, {} unchanged, {} prune, {} skip{}",
            short(&plan.digest),
            plan.revision.short(),
            counts.create,
            counts.configure,
            counts.unchanged,
            counts.prune,
            counts.skip,
            match counts.hooks {
                0 => String::new(),
                1 => ", 1 hook".to_owned(),
                many => format!(", {many} hooks"),
            }
        )?;
        let cells: Vec<[String; 5]> = plan.steps.iter().map(cells).collect();
        let header = ["#", "wave", "action", "object", "impact"].map(str::to_owned);
        let width = |column: usize| {
            let all = cells.iter().chain([&header]);
            all.filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: [usize; 5] = std::array::from_fn(width);
        if !plan.steps.is_empty() {
            row(f, &header, &widths)?;
        }
        for (step, cells) in plan.steps.iter().zip(&cells) {
            row(f, cells, &widths)?;
            details(f, step, widths)?;
        }
        for finding in &plan.gate {
            writeln!(f, "waits ({}): {}", finding.rule, finding.message)?;
        }
        for sentence in &plan.report {
            writeln!(f, "note: {sentence}")?;
        }
        Ok(())
    }
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

fn cells(step: &Step) -> [String; 5] {
    let key = &step.key;
    let kind = if key.group.is_empty() {
        key.kind.clone()
    } else {
        format!("{}.{}", key.kind, key.group)
    };
    let name = if key.namespace.is_empty() {
        key.name.clone()
    } else {
        format!("{}/{}", key.namespace, key.name)
    };
    let impact = step
        .impact
        .map(|impact| impact.words().to_owned())
        .unwrap_or_default();
    [
        step.index.to_string(),
        match step.phase {
            PlanPhase::Sync => step.wave.to_string(),
            phase => format!("{} {}", phase.word(), step.wave),
        },
        step.action.word().to_owned(),
        format!("{kind} {name}"),
        impact,
    ]
}

fn row(f: &mut fmt::Formatter<'_>, cells: &[String; 5], widths: &[usize; 5]) -> fmt::Result {
    let [index, wave, action, object, impact] = cells;
    let [index_width, wave_width, action_width, object_width, _] = widths;
    let line = format!(
        "  {index:>index_width$}  {wave:>wave_width$}  {action:<action_width$}  {object:<object_width$}  {impact}"
    );
    writeln!(f, "{}", line.trim_end())
}

fn details(f: &mut fmt::Formatter<'_>, step: &Step, widths: [usize; 5]) -> fmt::Result {
    let [index, wave, action, ..] = widths;
    let margin = " ".repeat(index + wave + action + 8);
    if let Action::Skip(why) = &step.action {
        writeln!(f, "{margin}{why}")?;
    }
    for change in &step.changes {
        let side = |value: &Option<serde_json::Value>| {
            value
                .as_ref()
                .map_or_else(|| "nothing".to_owned(), value_text)
        };
        writeln!(
            f,
            "{margin}{}: {} -> {}",
            change.path,
            side(&change.live),
            side(&change.declared)
        )?;
    }
    Ok(())
}

/// One line for a value, cut where it is long.
fn value_text(value: &serde_json::Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain("…".chars()).collect()
}
