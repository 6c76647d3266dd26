//! Which other applications a commit changes: many read a file that says nothing to them, as every application of a chart
//! reads the value files of all environments.

use super::super::super::definitions::Placement;
use super::super::Plane;
use super::words;
use lockstep_types::revision::Revision;

/// Other targets that are rendered to find out; where there are more, reading the file is enough.
const MOST: usize = 16;

impl Plane {
    /// Names of the other applications whose objects would be others. One that cannot be rendered counts.
    pub(super) async fn others_changed(
        &self,
        placement: &Placement,
        reached: &[Placement],
        head: &Revision,
        made: &Revision,
    ) -> Vec<String> {
        let own = placement.target.application;
        let others = || {
            reached
                .iter()
                .filter(move |other| other.target.application != own)
        };
        if others().count() > MOST {
            return words::others(placement, reached);
        }
        let mut changed = Vec::new();
        for other in others() {
            if !self.stays(placement, other, head, made).await {
                changed.push(other.clone());
            }
        }
        words::others(placement, &changed)
    }

    async fn stays(
        &self,
        placement: &Placement,
        other: &Placement,
        head: &Revision,
        made: &Revision,
    ) -> bool {
        let repository = |of: &Placement| self.runtime.repository_key(of.defined.repo_url());
        if repository(placement) != repository(other) {
            return false;
        }
        let (before, after) = (
            self.rendered_of(other, head).await,
            self.rendered_of(other, made).await,
        );
        matches!((before, after), (Ok(before), Ok(after)) if before.digest == after.digest)
    }
}
