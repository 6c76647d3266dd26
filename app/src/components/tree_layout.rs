//! Where the cards of a resource tree stand: left to right, parents beside the middle of their children,
//! every leaf on its own line. One pass over the nodes, so ten thousand of them cost no more than ten
//! times a thousand. Pure: server and browser get the same numbers.

use lockstep_types::health::HealthStatus;
use lockstep_types::resource::{ResourceKey, ResourceNode};
use std::collections::HashMap;

/// Size of a card and the steps between cards.
pub const WIDTH: i32 = 172;
pub const HEIGHT: i32 = 64;
const STEP_X: i32 = WIDTH + 26;
const STEP_Y: i32 = HEIGHT + 14;
const MARGIN: i32 = 16;
/// Three cards down.
const ROOT_LOWEST: i32 = MARGIN + 3 * STEP_Y;
/// So many alike siblings stand alone; more are one card.
const ALONE: usize = 2;

/// A card: one object, or several alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// Positions in the list of nodes; the first stands for all.
    pub nodes: Vec<usize>,
    /// Position of the parent card; `None` hangs below the application.
    pub parent: Option<usize>,
    pub x: i32,
    pub y: i32,
    pub depth: i32,
}

/// All cards with the size of the whole. The application itself stands at `root_y` in the first column.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    pub cards: Vec<Card>,
    pub root_y: i32,
    pub width: i32,
    pub height: i32,
}

/// Lays out `nodes`, which name their parents. Alike Pods of one parent (same health and same words)
/// become one card.
pub fn layout(nodes: &[ResourceNode]) -> Layout {
    let mut cards = cards_of(nodes);
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); cards.len()];
    let mut roots = Vec::new();
    for (index, card) in cards.iter().enumerate() {
        match card.parent {
            Some(parent) => children[parent].push(index),
            None => roots.push(index),
        }
    }
    let mut next_y = MARGIN;
    let mut deepest = 0;
    let mut placed = vec![false; cards.len()];
    // Depth first without recursion: a child list is done when its cursor is at the end.
    for &root in &roots {
        let mut stack = vec![(root, 0_usize)];
        placed[root] = true;
        cards[root].depth = 1;
        while let Some((index, cursor)) = stack.pop() {
            let depth = cards[index].depth;
            deepest = deepest.max(depth);
            if let Some(&child) = children[index].get(cursor) {
                stack.push((index, cursor + 1));
                if !placed[child] {
                    placed[child] = true;
                    cards[child].depth = depth + 1;
                    stack.push((child, 0));
                }
                continue;
            }
            cards[index].x = MARGIN + depth * STEP_X;
            cards[index].y = match (children[index].first(), children[index].last()) {
                (Some(&first), Some(&last)) => i32::midpoint(cards[first].y, cards[last].y),
                _ => {
                    let y = next_y;
                    next_y += STEP_Y;
                    y
                }
            };
        }
    }
    let root_y = match (roots.first(), roots.last()) {
        // In a tall tree the middle is out of sight: the application stays where the eye begins.
        (Some(&first), Some(&last)) => {
            i32::midpoint(cards[first].y, cards[last].y).min(ROOT_LOWEST)
        }
        _ => MARGIN,
    };
    Layout {
        root_y,
        width: MARGIN * 2 + deepest * STEP_X + WIDTH,
        height: next_y.max(MARGIN + STEP_Y) - (STEP_Y - HEIGHT) + MARGIN,
        cards,
    }
}

/// The x of the application's own card.
pub const ROOT_X: i32 = MARGIN;

fn cards_of(nodes: &[ResourceNode]) -> Vec<Card> {
    let mut cards: Vec<Card> = Vec::new();
    let mut card_of_key: HashMap<&ResourceKey, usize> = HashMap::new();
    let mut alike: HashMap<(Option<usize>, &str, HealthStatus, &str), Vec<usize>> = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        if node.key.kind == "Pod" && !node.declared {
            let parent = node
                .parent
                .as_ref()
                .and_then(|key| card_of_key.get(key).copied());
            alike
                .entry((
                    parent,
                    node.key.kind.as_str(),
                    node.health.status,
                    node.detail.as_str(),
                ))
                .or_default()
                .push(index);
        }
        // A parent comes before its children; one that is not in the list leaves its children at the root.
        let parent = node
            .parent
            .as_ref()
            .and_then(|key| card_of_key.get(key).copied());
        card_of_key.insert(&node.key, cards.len());
        cards.push(Card {
            nodes: vec![index],
            parent,
            x: 0,
            y: 0,
            depth: 0,
        });
    }
    let mut merged = vec![false; cards.len()];
    for members in alike.values().filter(|members| members.len() > ALONE) {
        // The cause must not disappear in a crowd of others: it leads the card.
        let lead = members
            .iter()
            .copied()
            .find(|index| nodes[*index].cause)
            .unwrap_or(members[0]);
        for &member in members.iter().filter(|member| **member != lead) {
            merged[member] = true;
            cards[lead].nodes.push(member);
        }
    }
    compact(cards, &merged)
}

/// Drops merged cards and renumbers parents.
fn compact(cards: Vec<Card>, merged: &[bool]) -> Vec<Card> {
    let mut new_index = vec![0_usize; cards.len()];
    let mut kept = 0;
    for (index, gone) in merged.iter().enumerate() {
        new_index[index] = kept;
        if !gone {
            kept += 1;
        }
    }
    cards
        .into_iter()
        .zip(merged)
        .filter(|(_, gone)| !**gone)
        .map(|(mut card, _)| {
            card.parent = card.parent.map(|parent| new_index[parent]);
            card
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::health::Health;

    fn node(kind: &str, name: &str, parent: Option<(&str, &str)>) -> ResourceNode {
        ResourceNode {
            key: ResourceKey::new("", kind, "shop", name),
            uid: None,
            parent: parent.map(|(kind, name)| ResourceKey::new("", kind, "shop", name)),
            declared: parent.is_none(),
            sync: None,
            health: Health::healthy(),
            created_at: None,
            detail: "Running".into(),
            cause: false,
        }
    }

    #[test]
    fn parents_stand_beside_the_middle_of_their_children() {
        let nodes = [
            node("Deployment", "web", None),
            node("ReplicaSet", "web-1", Some(("Deployment", "web"))),
            node("ReplicaSet", "web-2", Some(("Deployment", "web"))),
            node("Service", "web", None),
        ];
        let layout = layout(&nodes);
        let y: Vec<i32> = layout.cards.iter().map(|card| card.y).collect();
        assert_eq!(y, [16 + STEP_Y / 2, 16, 16 + STEP_Y, 16 + 2 * STEP_Y]);
        assert_eq!(layout.cards[1].x - layout.cards[0].x, STEP_X);
        assert_eq!(layout.root_y, i32::midpoint(y[0], y[3]));
    }

    #[test]
    fn alike_pods_are_one_card_led_by_the_cause() {
        let mut nodes = vec![node("ReplicaSet", "web", None)];
        for index in 0..5 {
            nodes.push(node(
                "Pod",
                &format!("web-{index}"),
                Some(("ReplicaSet", "web")),
            ));
        }
        nodes[3].cause = true;
        nodes[5].detail = "Pending".into();
        let layout = layout(&nodes);
        assert_eq!(layout.cards.len(), 3);
        assert_eq!(layout.cards[1].nodes[0], 3);
        assert_eq!(layout.cards[1].nodes.len(), 4);
        assert_eq!(layout.cards[2].nodes, [5]);
        assert_eq!(layout.cards[1].parent, Some(0));
    }

    #[test]
    fn no_two_cards_overlap_and_ten_thousand_are_quick() {
        let mut nodes = Vec::new();
        for app in 0..100 {
            nodes.push(node("Deployment", &format!("d{app}"), None));
            for pod in 0..99 {
                let mut pod_node = node(
                    "Pod",
                    &format!("d{app}-{pod}"),
                    Some(("Deployment", &format!("d{app}"))),
                );
                pod_node.detail = format!("{pod}");
                nodes.push(pod_node);
            }
        }
        let layout = layout(&nodes);
        assert_eq!(layout.cards.len(), 10_000);
        let mut places: Vec<(i32, i32)> =
            layout.cards.iter().map(|card| (card.x, card.y)).collect();
        places.sort_unstable();
        for pair in places.windows(2) {
            assert!(
                pair[0].0 != pair[1].0 || pair[1].1 - pair[0].1 >= HEIGHT,
                "{pair:?}"
            );
        }
        assert!(
            layout
                .cards
                .iter()
                .all(|card| card.y + HEIGHT <= layout.height && card.x + WIDTH <= layout.width)
        );
    }

    #[test]
    fn an_empty_tree_has_a_size() {
        let layout = layout(&[]);
        assert!(layout.cards.is_empty() && layout.height > 0);
    }
}
