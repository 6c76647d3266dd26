//! The API against its own description, over the real ports: what is made from the document, good and bad, is sent to every
//! route, and every answer is held against what the document says of it.

use super::routes::{World, world};
use crate::http::api;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Request, StatusCode, header};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use tower::ServiceExt;

/// Of the people of the world, the one who may everything.
const ADMIN: usize = 3;
const MEANT: [&str; 4] = ["GET", "POST", "DELETE", "PATCH"];

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

async fn send(world: &World, method: &str, path: &str, body: Option<Vec<u8>>) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header(header::HOST, "localhost:8080")
        .header(
            header::AUTHORIZATION,
            format!("Bearer {}", world.tokens[ADMIN]),
        );
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let request = request.body(Body::from(body.unwrap_or_default())).unwrap();
    let answer = world.router.clone().oneshot(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let streams = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    Answer {
        status: parts.status,
        headers: parts.headers,
        // It never ends.
        body: if streams {
            Vec::new()
        } else {
            to_bytes(body, 1 << 24).await.unwrap().to_vec()
        },
    }
}

/// Whether a value fits a schema, in the words of JSON Schema that the document uses.
fn fits(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(to) = schema["$ref"].as_str() {
        let found = document.pointer(to.trim_start_matches('#'));
        return fits(document, found.ok_or_else(|| format!("no {to}"))?, value);
    }
    for word in ["oneOf", "anyOf"] {
        if let Some(ways) = schema[word].as_array() {
            let failed: Vec<String> = ways
                .iter()
                .filter_map(|way| fits(document, way, value).err())
                .collect();
            if failed.len() == ways.len() {
                return Err(format!("none of {word}: {}", failed.join("; ")));
            }
        }
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        fits(document, part, value)?;
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let whole = kind == "integer" && kinds.contains(&"number");
    if !kinds.is_empty() && !kinds.contains(&kind) && !whole {
        return Err(format!("{value} is no {kinds:?}"));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return Err(format!("{value} is none of {words:?}"));
    }
    match value {
        Value::Object(map) => {
            for name in schema["required"].as_array().into_iter().flatten() {
                let name = name.as_str().unwrap_or_default();
                if !map.contains_key(name) {
                    return Err(format!("{name} is missing in {value}"));
                }
            }
            for (name, inner) in map {
                let below = &schema["properties"][name];
                let below = if below.is_null() {
                    &schema["additionalProperties"]
                } else {
                    below
                };
                if below.is_object() {
                    fits(document, below, inner).map_err(|why| format!("{name}: {why}"))?;
                }
            }
        }
        Value::Array(list) => {
            for (place, inner) in list.iter().enumerate() {
                let below = match schema["prefixItems"].get(place) {
                    Some(below) => below,
                    None => &schema["items"],
                };
                if below.is_object() {
                    fits(document, below, inner).map_err(|why| format!("[{place}]: {why}"))?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// What is wrong with an answer.
fn judge(document: &Value, operation: &Value, answer: &Answer) -> Result<(), String> {
    let kind = answer
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    if answer.status.is_server_error() {
        let text = String::from_utf8_lossy(&answer.body);
        return Err(format!("{}: {text}", answer.status));
    }
    let read = || serde_json::from_slice::<Value>(&answer.body).map_err(|error| error.to_string());
    if !answer.status.is_success() {
        if kind != "application/problem+json" {
            return Err(format!("{} comes as “{kind}”", answer.status));
        }
        let body = read()?;
        if body["status"] != answer.status.as_u16() || body["detail"] == "" {
            return Err(format!("{body} does not explain {}", answer.status));
        }
        let schema = json!({"$ref": "#/components/schemas/ErrorDocument"});
        return fits(document, &schema, &body);
    }
    let described = operation["responses"][answer.status.as_str()]["content"]
        .as_object()
        .ok_or_else(|| format!("{} is not described", answer.status))?;
    let Some(content) = described.get(kind) else {
        let known: Vec<_> = described.keys().collect();
        return Err(format!("comes as “{kind}”, and is described as {known:?}"));
    };
    if kind.starts_with("text/") {
        return Ok(());
    }
    fits(document, &content["schema"], &read()?)
}

/// Wrong values for every parameter of the query.
fn queries(operation: &Value) -> Vec<String> {
    let bad = [
        "",
        "-1",
        "x",
        "0",
        "99999999999999999999",
        "%00",
        "%F0%9F%98%80",
        "%FF",
        "a%20OR%201%3D1--",
        "..%2F..%2Fetc",
        "true",
    ];
    let mut found = vec!["nothing=1".to_owned(), "a&&=&b=%".to_owned()];
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "query" {
            let name = parameter["name"].as_str().unwrap_or_default();
            found.extend(bad.iter().map(|value| format!("{name}={value}")));
            found.push(format!("{name}={}", "a".repeat(5000)));
            found.push(format!("{name}=1&{name}=2"));
        }
    }
    found
}

/// Wrong bodies: not JSON, another kind of value, and for every field of a good one a wrong value, none, or one more.
fn bodies(good: &Value) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = [
        "",
        "{",
        "[]",
        "null",
        "\"x\"",
        "1e999",
        "{\"a\":1}",
        "\u{0}",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    found.push(format!("{}1{}", "[".repeat(3000), "]".repeat(3000)).into_bytes());
    found.push(b"\xff\xfe".to_vec());
    let Some(fields) = good.as_object() else {
        return found;
    };
    let wrong = [
        json!(null),
        json!(-1),
        json!(1.5),
        json!(""),
        json!([]),
        json!({}),
        json!("a\u{0}b"),
        json!("😀".repeat(3000)),
        json!(u64::MAX),
    ];
    let mut keep = |fields: &Map<String, Value>| {
        found.push(Value::Object(fields.clone()).to_string().into_bytes());
    };
    for name in fields.keys() {
        let mut without = fields.clone();
        without.remove(name);
        keep(&without);
        for value in &wrong {
            let mut bent = fields.clone();
            bent.insert(name.clone(), value.clone());
            keep(&bent);
        }
    }
    let mut more = fields.clone();
    more.insert("nothing".to_owned(), json!(1));
    keep(&more);
    found
}

#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    let world = world().await;
    let (_, routes) = api::table().finish();
    let document = serde_json::to_value(api::document::describe(&routes)).unwrap();
    let mut wrong: BTreeSet<String> = BTreeSet::new();
    let mut count = 0;
    for route in &routes {
        let method = route.method.as_str();
        let operation = &document["paths"][route.path][method.to_lowercase()];
        let path = world.api_path(route.path);
        let good = world.api_body(route.path);
        let plain = path.split('?').next().unwrap_or_default().to_owned();
        let mut cases: Vec<(String, Option<Vec<u8>>)> = Vec::new();
        let body = (method == "POST").then(|| good.to_string().into_bytes());
        for query in queries(operation) {
            // What is good but for its query is done last.
            if method == "GET" {
                cases.push((format!("{plain}?{query}"), None));
            }
        }
        let unknown = uuid::Uuid::now_v7().to_string();
        for id in [unknown.as_str(), "x", "%00", "..%2F..", "%F0%9F%98%80"] {
            let mut filled = route.path.to_owned();
            while let (Some(from), Some(to)) = (filled.find('{'), filled.find('}')) {
                filled.replace_range(from..=to, id);
            }
            cases.push((filled, body.clone()));
        }
        if method == "POST" {
            cases.extend(
                bodies(&good)
                    .into_iter()
                    .map(|body| (path.clone(), Some(body))),
            );
            cases.push((path.clone(), Some(vec![b' '; 2 << 20])));
        }
        cases.push((path.clone(), body));
        for (path, body) in cases {
            count += 1;
            let shown = body.as_ref().map(|body| {
                let text = String::from_utf8_lossy(body);
                text.chars().take(200).collect::<String>()
            });
            let answer = send(&world, method, &path, body).await;
            if let Err(why) = judge(&document, operation, &answer) {
                let path: String = path.chars().take(120).collect();
                wrong.insert(format!("{method} {path} {shown:?}: {why}"));
            }
        }
        for other in MEANT {
            let there = routes
                .iter()
                .any(|one| one.path == route.path && one.method == other);
            if !there {
                let answer = send(&world, other, &path, None).await;
                if answer.status != StatusCode::METHOD_NOT_ALLOWED
                    || judge(&document, operation, &answer).is_err()
                {
                    wrong.insert(format!("{other} {}: {}", route.path, answer.status));
                }
            }
        }
    }
    assert!(count > 1500, "{count}");
    let listed: Vec<&String> = wrong.iter().take(60).collect();
    assert!(wrong.is_empty(), "{} of {count}: {listed:#?}", wrong.len());
}

#[tokio::test]
async fn answers_are_cut_tagged_and_not_repeated() {
    let world = world().await;
    let all = send(&world, "GET", "/apps", None).await;
    let tag = all.headers[header::ETAG].to_str().unwrap().to_owned();
    let cut = send(&world, "GET", "/apps?fields=sync,target.cluster", None).await;
    let rows: Value = serde_json::from_slice(&cut.body).unwrap();
    assert_eq!(rows[0]["target"], json!({"cluster": "prod-eu"}));
    assert!(rows[0].get("health").is_none());
    let wrong = send(&world, "GET", "/apps?fields=nothing", None).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);

    let asked = |method: &str, path: &str, name: &str, value: &str, body: &str| {
        Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(header::HOST, "localhost:8080")
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", world.tokens[ADMIN]),
            )
            .header(header::CONTENT_TYPE, "application/json")
            .header(name, value)
            .body(Body::from(body.to_owned()))
            .unwrap()
    };
    let again = asked("GET", "/apps", "if-none-match", &tag, "");
    let again = world.router.clone().oneshot(again).await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);

    let user = |name: &str, key: &str| {
        let body = json!({"name": name, "password": "correct horse battery", "role": "Viewer"});
        asked("POST", "/users", "idempotency-key", key, &body.to_string())
    };
    let mut ids = BTreeSet::new();
    for _ in 0..2 {
        let answer = world
            .router
            .clone()
            .oneshot(user("eve", "one"))
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        ids.insert(to_bytes(answer.into_body(), 1 << 20).await.unwrap());
    }
    assert_eq!(ids.len(), 1, "the second is the first again");
    let other = world
        .router
        .clone()
        .oneshot(user("bob", "one"))
        .await
        .unwrap();
    assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
}
