//! What Argo CD documents about projects, read from `cases.txt` and asked of ours.

use super::tests::project_of;
use super::{Project, Refused};
use lockstep_types::resource::ResourceKey;

struct Section<'a> {
    title: &'a str,
    page: &'a str,
    spec: String,
    questions: Vec<&'a str>,
}

fn sections(text: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let mut asking = false;
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            asking = false;
            sections.push(Section {
                title,
                page: "",
                spec: String::new(),
                questions: Vec::new(),
            });
            continue;
        }
        let Some(section) = sections.last_mut() else {
            continue;
        };
        match line.strip_prefix("page: ") {
            Some(page) => section.page = page,
            None if line == "--" => asking = true,
            None if asking && !line.is_empty() => section.questions.push(line),
            None if !asking => {
                section.spec.push_str(line);
                section.spec.push('\n');
            }
            None => {}
        }
    }
    sections
}

/// What the project says, and what was expected of it.
fn asked<'a>(project: &Project, question: &'a str) -> (Option<Refused>, &'a str) {
    let fields: Vec<&str> = question.split(" | ").map(str::trim).collect();
    match fields[..] {
        ["source", address, verdict] => (project.refuse_source(address), verdict),
        ["destination", cluster, server, namespace, verdict] => {
            let (home, server) = match server.strip_prefix("home ") {
                Some(server) => (true, server),
                None => (false, server),
            };
            let refused = project.refuse_destination(cluster, server, home, namespace);
            (refused, verdict)
        }
        ["kind", kind, name, verdict] => {
            let (namespaced, kind) = match kind.strip_prefix("cluster ") {
                Some(kind) => (false, kind),
                None => (true, kind),
            };
            let (group, kind) = kind.split_once('/').unwrap_or_default();
            let namespace = if namespaced { "web" } else { "" };
            let key = ResourceKey::new(group, kind, namespace, name);
            (project.refuse_kind(&key, namespaced), verdict)
        }
        _ => panic!("not a question: {question}"),
    }
}

#[test]
fn attack_16_projects_decide_as_argo_cd_documents() {
    let mut cases = [0; 3];
    for section in sections(include_str!("cases.txt")) {
        let Section { title, page, .. } = section;
        assert!(page.starts_with("https://argo-cd."), "{title}: {page}");
        assert!(!section.questions.is_empty(), "{title}");
        let project = project_of(&section.spec);
        for question in section.questions {
            let (refused, verdict) = asked(&project, question);
            let said = match &refused {
                None => "allow".to_owned(),
                Some(refused) => format!("deny {}", refused.rule),
            };
            assert_eq!(said, verdict, "{title}: {question} {refused:?}");
            let kind = ["source", "destination", "kind"]
                .iter()
                .position(|kind| question.starts_with(kind));
            cases[kind.expect("one of the three")] += 1;
        }
    }
    assert!(cases.iter().all(|count| *count >= 20), "{cases:?}");
    assert!(cases.iter().sum::<u32>() >= 80, "{cases:?}");
}
