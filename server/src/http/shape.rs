//! What holds for every answer of the API: only the fields that were asked for, and an `ETag` by which an answer that did not
//! change is not sent again.

use super::problem::problem;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// More than the answer for the largest fleet.
const LARGEST: usize = 256 * 1024 * 1024;
/// Fields that one request may name.
const MOST: usize = 50;
/// They change with every event and every moment, and say nothing of what was asked for.
const ALWAYS_NEW: [&str; 2] = ["head", "now"];

/// Cuts answers down and tags them.
pub async fn shape(mut request: Request, next: Next) -> Response {
    if request.method() != Method::GET {
        return next.run(request).await;
    }
    let fields = match take_fields(&mut request) {
        Ok(fields) => fields,
        Err(why) => return invalid(&why),
    };
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    if response.status() != StatusCode::OK || !is_json(response.headers()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST).await else {
        return problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the answer is too large; ask for less",
        );
    };
    let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    let bytes = match &fields {
        None => bytes.to_vec(),
        Some(fields) => {
            match only(&value, fields) {
                Ok(cut) => value = cut,
                Err(why) => return invalid(&why),
            }
            value.to_string().into_bytes()
        }
    };
    let tag = tag(value);
    if known.is_some_and(|known| names(&known, &tag)) {
        let mut answer = StatusCode::NOT_MODIFIED.into_response();
        insert(answer.headers_mut(), header::ETAG, &tag);
        return answer;
    }
    insert(&mut parts.headers, header::ETAG, &tag);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(bytes))
}

fn invalid(why: &str) -> Response {
    super::problem::Refusal(lockstep_types::PortError::invalid("fields", why)).into_response()
}

fn insert(headers: &mut HeaderMap, name: http::HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

/// Takes `fields` out of the query: routes need not know of it.
fn take_fields(request: &mut Request) -> Result<Option<Vec<Vec<String>>>, String> {
    let Some(query) = request.uri().query() else {
        return Ok(None);
    };
    let mut asked: Option<String> = None;
    let mut rest: Vec<&str> = Vec::new();
    for pair in query.split('&') {
        match pair.strip_prefix("fields=") {
            Some(_) if asked.is_some() => return Err("is given twice".to_owned()),
            Some(names) => asked = Some(names.replace("%2C", ",").replace("%2c", ",")),
            None => rest.push(pair),
        }
    }
    let Some(asked) = asked else { return Ok(None) };
    let path = request.uri().path();
    let target = if rest.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", rest.join("&"))
    };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = target.parse().ok();
    let uri = Uri::from_parts(parts).map_err(|_| "cannot be taken from this address".to_owned())?;
    *request.uri_mut() = uri;
    let fields: Vec<Vec<String>> = asked
        .split(',')
        .map(|path| path.split('.').map(str::to_owned).collect())
        .collect();
    let plain = |name: &String| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    if fields.len() > MOST || !fields.iter().flatten().all(plain) {
        return Err(format!(
            "must be up to {MOST} names like open,incidents.cause"
        ));
    }
    Ok(Some(fields))
}

/// The value with these fields alone. A field that no object has is a mistake; where there is no object, nobody can tell.
fn only(value: &Value, fields: &[Vec<String>]) -> Result<Value, String> {
    for field in fields {
        let (objects, found) = look(value, field);
        if objects && !found {
            return Err(format!("there is no field {}", field.join(".")));
        }
    }
    let paths: Vec<&[String]> = fields.iter().map(Vec::as_slice).collect();
    Ok(cut(value, &paths))
}

/// Whether there is any object to have the field, and whether one has it.
fn look(value: &Value, path: &[String]) -> (bool, bool) {
    let Some((first, rest)) = path.split_first() else {
        return (true, true);
    };
    match value {
        Value::Array(list) => list
            .iter()
            .map(|one| look(one, path))
            .fold((false, false), |all, one| (all.0 || one.0, all.1 || one.1)),
        Value::Object(map) => match map.get(first) {
            Some(inner) => look(inner, rest),
            None => (true, false),
        },
        Value::Null => (false, false),
        _ => (true, false),
    }
}

fn cut(value: &Value, paths: &[&[String]]) -> Value {
    if paths.iter().any(|path| path.is_empty()) {
        return value.clone();
    }
    match value {
        Value::Array(list) => Value::Array(list.iter().map(|one| cut(one, paths)).collect()),
        Value::Object(map) => {
            let mut kept = Map::new();
            for (name, inner) in map {
                let below: Vec<&[String]> = paths
                    .iter()
                    .filter_map(|path| path.split_first())
                    .filter(|(first, _)| *first == name)
                    .map(|(_, rest)| rest)
                    .collect();
                if !below.is_empty() {
                    kept.insert(name.clone(), cut(inner, &below));
                }
            }
            Value::Object(kept)
        }
        other => other.clone(),
    }
}

/// A weak tag: the same for the same meaning.
fn tag(mut value: Value) -> String {
    if let Value::Object(map) = &mut value {
        for name in ALWAYS_NEW {
            map.remove(name);
        }
    }
    let hash = Sha256::digest(value.to_string().as_bytes());
    let hex: String = hash[..12]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("W/\"{hex}\"")
}

fn names(known: &HeaderValue, tag: &str) -> bool {
    known.to_str().is_ok_and(|known| {
        known
            .split(',')
            .map(str::trim)
            .any(|one| one == "*" || one.trim_start_matches("W/") == tag.trim_start_matches("W/"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(text: &str) -> Vec<Vec<String>> {
        text.split(',')
            .map(|path| path.split('.').map(str::to_owned).collect())
            .collect()
    }

    #[test]
    fn only_what_was_asked_for_is_left() {
        let value = json!({"open": 2, "incidents": [{"id": 1, "cause": "x"}, {"id": 2, "cause": "y"}], "next": null});
        assert_eq!(
            only(&value, &fields("open,incidents.cause")).unwrap(),
            json!({"open": 2, "incidents": [{"cause": "x"}, {"cause": "y"}]})
        );
        assert!(only(&value, &fields("incidents.nothing")).is_err());
        assert!(only(&value, &fields("open.x")).is_err());
        let empty = json!({"incidents": []});
        assert_eq!(only(&empty, &fields("incidents.any")).unwrap(), empty);
    }

    #[test]
    fn the_moment_does_not_change_the_tag() {
        let one = tag(json!({"a": 1, "now": 5, "head": 7}));
        assert_eq!(one, tag(json!({"a": 1, "now": 6, "head": 8})));
        assert_ne!(one, tag(json!({"a": 2, "now": 5, "head": 7})));
        assert!(names(
            &HeaderValue::from_str(&format!("\"x\", {one}")).unwrap(),
            &one
        ));
    }
}
