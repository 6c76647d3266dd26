use super::*;
use crate::control_plane::example;
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::{Health, HealthStatus};
use lockstep_types::reason::{Reason, ReasonCode};
use lockstep_types::sync::SyncPhase;
use lockstep_types::time::Micros;

fn placed(name: &str, group: &str, cluster: &str) -> Placed {
    Placed {
        summary: example::target(name, "shop", cluster),
        group: group.to_owned(),
        scope: String::new(),
        origin: "shop.git · overlays".to_owned(),
        commit: None,
    }
}

fn columns() -> Vec<String> {
    ["prod-eu", "prod-us"].map(str::to_owned).to_vec()
}

/// `title: group[cell|cell]`, a line per row.
fn text(arranged: &Arranged) -> String {
    let mut text = String::new();
    for section in &arranged.sections {
        for row in &section.rows {
            let cells: Vec<String> = row
                .cells
                .iter()
                .map(|cell| {
                    cell.iter()
                        .map(|target| target.target.application.name.as_str())
                        .collect::<Vec<_>>()
                        .join(",")
                })
                .collect();
            text.push_str(&format!(
                "{}: {} [{}]\n",
                section.title,
                row.group,
                cells.join("|")
            ));
        }
    }
    text
}

#[test]
fn a_group_is_one_row_over_all_clusters() {
    let all = vec![
        placed("cart-eu", "cart", "prod-eu"),
        placed("cart-us", "cart", "prod-us"),
        placed("web", "web", "prod-us"),
    ];
    assert_eq!(
        text(&arrange(all, &columns(), false)),
        "shop: cart [cart-eu|cart-us]\nshop: web [|web]\n"
    );
}

#[test]
fn different_paths_in_one_cell_split_by_name() {
    let mut second = placed("cart-b", "cart", "prod-eu");
    second.origin = "shop.git · other".to_owned();
    let all = vec![
        placed("cart-a", "cart", "prod-eu"),
        second,
        placed("cart-a", "cart", "prod-us"),
    ];
    assert_eq!(
        text(&arrange(all, &columns(), false)),
        "shop: cart-a [cart-a|cart-a]\nshop: cart-b [cart-b|]\n"
    );
}

#[test]
fn one_name_in_two_repositories_is_two_rows() {
    let mut other = placed("apps", "flux-system/apps", "prod-us");
    other.scope = "https://git.example.com/b.git".to_owned();
    let mut one = placed("apps", "flux-system/apps", "prod-eu");
    one.scope = "https://git.example.com/a.git".to_owned();
    let arranged = arrange(vec![other, one], &columns(), false);
    assert_eq!(
        text(&arranged),
        "shop: flux-system/apps [apps|]\nshop: flux-system/apps [|apps]\n"
    );
}

#[test]
fn attention_comes_first_worst_first() {
    let well = placed("well", "well", "prod-eu");
    let mut drifting = placed("drifting", "drifting", "prod-eu");
    drifting.summary.sync = SyncStatus::OutOfSync;
    drifting.summary.drifted = 1;
    let mut degraded = placed("degraded", "degraded", "prod-us");
    degraded.summary.health = Health::new(HealthStatus::Degraded, "");
    let mut unknown = placed("unknown", "unknown", "prod-us");
    unknown.summary.health = Health::new(HealthStatus::Unknown, "");
    unknown.summary.sync = SyncStatus::Unknown;
    let mut stalled = placed("stalled", "stalled", "prod-us");
    stalled.summary.sync = SyncStatus::OutOfSync;
    stalled.summary.reason = Some(Reason {
        code: ReasonCode::ApplyFailed,
        object: None,
        cause: "x".to_owned(),
        since: Micros(0),
        next: String::new(),
        stalled: true,
    });
    let mut syncing = placed("syncing", "syncing", "prod-us");
    syncing.summary.sync = SyncStatus::OutOfSync;
    syncing.summary.phase = Some(SyncPhase::Applying);
    let arranged = arrange(
        vec![well, drifting, unknown, degraded, stalled, syncing],
        &columns(),
        false,
    );
    assert_eq!(
        text(&arranged),
        "Needs attention: stalled [|stalled]\n\
         Needs attention: degraded [|degraded]\n\
         Needs attention: unknown [|unknown]\n\
         Needs attention: drifting [drifting|]\n\
         shop: syncing [|syncing]\n\
         shop: well [well|]\n"
    );
}

#[test]
fn the_worst_target_is_first_in_its_cell_and_links_the_row() {
    let mut bad = placed("z", "cart", "prod-eu");
    bad.summary.health = Health::new(HealthStatus::Missing, "");
    bad.commit = Some(example::commit('b', "newer", 20));
    let mut good = placed("a", "cart", "prod-eu");
    good.commit = Some(example::commit('a', "older", 10));
    let arranged = arrange(vec![good, bad], &columns(), false);
    assert_eq!(text(&arranged), "Needs attention: cart [z,a|]\n");
    let row = &arranged.sections[0].rows[0];
    assert_eq!(row.application.name, "z");
    assert_eq!(
        row.commit.as_ref().map(|commit| commit.subject.as_str()),
        Some("newer")
    );
}

#[test]
fn many_rows_that_are_well_are_folded_unless_asked_for() {
    let many = |bad: usize| -> Vec<Placed> {
        (0..40)
            .map(|number| {
                let name = format!("app-{number:02}");
                let mut target = placed(&name, &name, "prod-eu");
                if number < bad {
                    target.summary.health = Health::new(HealthStatus::Degraded, "");
                }
                target
            })
            .collect()
    };
    let rows = |arranged: &Arranged| {
        arranged
            .sections
            .iter()
            .map(|section| section.rows.len())
            .sum::<usize>()
    };
    let folded = arrange(many(2), &columns(), false);
    assert_eq!((rows(&folded), folded.folded), (16, 24));
    let crowded = arrange(many(20), &columns(), false);
    assert_eq!((rows(&crowded), crowded.folded), (20, 20));
    let all = arrange(many(2), &columns(), true);
    assert_eq!((rows(&all), all.folded), (40, 0));
    let few = arrange(many(2).into_iter().take(10).collect(), &columns(), false);
    assert_eq!((rows(&few), few.folded), (10, 0));
}
