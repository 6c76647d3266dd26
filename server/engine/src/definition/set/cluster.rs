//! The cluster generator.
//!
//! Argo CD knows clusters by Secrets; its own cluster often has none and is then called `in-cluster`, without labels,
//! and no selector finds it. Here every cluster is registered: a home cluster without labels is taken for one without
//! Secret, any other cluster for one with a Secret of its name, address and labels.

use super::language::{Language, Stop};
use super::selector::Selector;
use super::{Parameters, SetCluster, plain};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What Argo CD calls its own cluster.
const IN_CLUSTER: &str = "in-cluster";
const IN_CLUSTER_SERVER: &str = "https://kubernetes.default.svc";
/// The label of every cluster Secret; selectors use it to leave the local cluster out.
const SECRET_TYPE: (&str, &str) = ("argocd.argoproj.io/secret-type", "cluster");

pub(super) fn parameters(
    selector: &Selector,
    values: &BTreeMap<String, String>,
    flat_list: bool,
    language: &Language<'_>,
) -> Result<Vec<Parameters>, Stop> {
    let mut found = Vec::new();
    let mut waiting = false;
    for cluster in &language.known.clusters {
        let Some(mut parameters) = of(cluster, selector, language.go) else {
            continue;
        };
        match append_values(values, &mut parameters, language) {
            Ok(()) => found.push(parameters),
            Err(Stop::Waiting) => waiting = true,
            Err(stop) => return Err(stop),
        }
    }
    if waiting {
        return Err(Stop::Waiting);
    }
    if flat_list {
        let clusters = found.into_iter().map(Value::Object).collect();
        let all = Parameters::from_iter([("clusters".to_owned(), Value::Array(clusters))]);
        return Ok(vec![all]);
    }
    Ok(found)
}

fn of(cluster: &SetCluster, selector: &Selector, go: bool) -> Option<Parameters> {
    let mut parameters = Parameters::new();
    let mut put = |name: &str, value: String| {
        parameters.insert(name.to_owned(), Value::String(value));
    };
    if cluster.home && cluster.labels.is_empty() {
        put("name", IN_CLUSTER.to_owned());
        put("nameNormalized", IN_CLUSTER.to_owned());
        put("server", IN_CLUSTER_SERVER.to_owned());
        put("project", String::new());
        return selector.is_empty().then_some(parameters);
    }
    let mut labels = cluster.labels.clone();
    labels
        .entry(SECRET_TYPE.0.to_owned())
        .or_insert_with(|| SECRET_TYPE.1.to_owned());
    if !selector.matches(&labels) {
        return None;
    }
    put("name", cluster.name.clone());
    put("nameNormalized", plain::normalized(&cluster.name));
    put("server", cluster.server.clone());
    put("project", String::new());
    if go {
        parameters.insert("metadata".to_owned(), json!({ "labels": labels }));
    } else {
        for (key, value) in labels {
            parameters.insert(format!("metadata.labels.{key}"), Value::String(value));
        }
    }
    Some(parameters)
}

/// `values` of a generator may use its other parameters, and not each other.
pub(super) fn append_values(
    values: &BTreeMap<String, String>,
    parameters: &mut Parameters,
    language: &Language<'_>,
) -> Result<(), Stop> {
    if values.is_empty() {
        return Ok(());
    }
    let Value::Object(filled) = language.fill(&json!({ "values": values }), parameters)? else {
        return Ok(());
    };
    if language.go {
        parameters.extend(filled);
    } else if let Some(Value::Object(filled)) = filled.get("values") {
        for (key, value) in filled {
            parameters.insert(format!("values.{key}"), value.clone());
        }
    }
    Ok(())
}
