//! What a made-up branch would do.

use super::applications as apps;
use super::fleet::{bump, pool, sha, target_ref};
use lockstep_types::PortError;
use lockstep_types::ports::Answer;
use lockstep_types::upcoming::{Upcoming, UpcomingQuery};

pub fn of(query: &UpcomingQuery) -> Answer<Upcoming> {
    if query.reference != "feature" {
        return Err(PortError::NotFound(format!("revision {}", query.reference)));
    }
    let shown = apps::preview(target_ref("checkout", "shop", "prod-eu"), &bump().revision);
    let shown = shown.ok_or_else(|| PortError::NotFound("a preview".into()))?;
    Ok(Upcoming {
        repo: "shop".into(),
        repo_url: "https://git.example.com/team/shop.git".into(),
        reference: query.reference.clone(),
        commit: pool(),
        onto: "main".into(),
        head: sha("0ff1ce0"),
        first_line: "1 commit for main would change 3 targets.".into(),
        commits: vec![pool()],
        conflicts: Vec::new(),
        merged: Some(sha("deadbee")),
        files: shown.files,
        patch: shown.patch,
        targets: shown.targets,
        notes: vec!["It changes files that the source fleet reads.".into()],
    })
}
