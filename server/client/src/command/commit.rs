//! `lockstep commit`: is my change live?

use super::Global;
use crate::api::{ClientError, segment};
use crate::exit::Exit;
use crate::table::Table;
use clap::Args;
use lockstep_types::fleet::CommitRollout;
use lockstep_types::revision::CommitSignature;

/// Where a commit is: live, waiting or failed, per cluster.
#[derive(Debug, Args)]
pub struct Commit {
    /// The commit, or an unambiguous beginning of it.
    sha: String,
}

impl Commit {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let path = format!("/commits/{}/rollout", segment(&self.sha));
        let rollout: CommitRollout = global.open()?.get(&path, &[]).await?;
        global.show(&rollout, text)
    }
}

pub(super) fn text(rollout: &CommitRollout) -> String {
    let commit = &rollout.commit;
    let mut table = Table::new(&["APP", "CLUSTER", "STATE", "SINCE", "WHY"]);
    for place in &rollout.targets {
        table.row([
            format!(
                "{}/{}",
                place.target.application.project, place.target.application.name
            ),
            place.target.cluster.clone(),
            place.state.word().to_owned(),
            place.at.map(|at| at.rfc3339()).unwrap_or_default(),
            place.why.clone(),
        ]);
    }
    let body = if rollout.targets.is_empty() {
        "No target reads what it changed.\n".to_owned()
    } else {
        table.text()
    };
    format!(
        "{} {} ({}, {})\n{}\n{body}",
        commit.revision.short(),
        crate::table::plain(&commit.subject),
        crate::table::plain(&commit.author),
        commit.committed_at.rfc3339(),
        signatures(&rollout.signature)
    )
}

/// A line for each rule, the refused ones first; one sentence where there is none.
fn signatures(signature: &CommitSignature) -> String {
    if signature.rules.is_empty() {
        return signature.words();
    }
    let mut rules: Vec<_> = signature.rules.iter().collect();
    rules.sort_by_key(|rule| rule.verdict.is_good());
    let lines = rules
        .into_iter()
        .map(|rule| crate::table::plain(&rule.sentence()));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::revision::{Signature, SignatureRule};

    #[test]
    fn every_rule_is_a_line_and_refusals_come_first() {
        let rule = |of: &str, verdict: Signature| SignatureRule {
            asked_by: "signatureKeys of the project web (web.yaml:1)".to_owned(),
            of: of.to_owned(),
            verdict,
        };
        let good = Signature::Good {
            key: "AB".to_owned(),
            signer: "Maria".to_owned(),
        };
        for (signed, rules, expected) in [
            (false, vec![], "Not signed, and no rule asks for it"),
            (
                true,
                vec![],
                "Signed, and no rule says whose signature counts",
            ),
            (
                true,
                vec![
                    rule("The commit 3fa91c2", good),
                    rule("The tag v1", Signature::Unsigned),
                ],
                "Refused: The tag v1 is not signed (asked for by signatureKeys of the project web (web.yaml:1))\nVerified: The commit 3fa91c2 is signed by Maria (asked for by signatureKeys of the project web (web.yaml:1))",
            ),
        ] {
            assert_eq!(signatures(&CommitSignature { signed, rules }), expected);
        }
    }
}
