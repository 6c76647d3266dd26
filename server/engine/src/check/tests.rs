use super::cage::evaluated;
use super::*;
use lockstep_types::health::HealthStatus;
use serde_json::json;
use std::collections::BTreeSet;

fn expressions(current: &str, in_progress: &str, failed: &str) -> UserCheck {
    UserCheck {
        group: "example.com".to_owned(),
        kind: "Widget".to_owned(),
        what: What::Expressions {
            current: current.to_owned(),
            in_progress: in_progress.to_owned(),
            failed: failed.to_owned(),
        },
        origin: "healthCheckExprs[0] (apps.yaml:12)".to_owned(),
    }
}

fn script(text: &str) -> UserCheck {
    UserCheck {
        group: "example.com".to_owned(),
        kind: "Widget".to_owned(),
        what: What::Script(text.to_owned()),
        origin: "the health script of Widget (cm.yaml:4)".to_owned(),
    }
}

/// `status message` of one object, evaluated here: only for what comes to an end.
fn said(check: &UserCheck, object: Value) -> String {
    let job = Job {
        check: 0,
        object,
        other: Value::Null,
    };
    let answer = evaluated(std::slice::from_ref(check), &job);
    format!("{} {}", answer.health.status.word(), answer.health.message)
        .trim()
        .to_owned()
}

const READY: &str = "status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')";
const FAILED: &str = "status.conditions.exists(c, c.type == 'Ready' && c.status == 'False')";

fn with_condition(status: &str) -> Value {
    json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 2, "conditions": [
        {"type": "Ready", "status": status, "message": "3 of 5 parts"}]}})
}

#[test]
fn expressions_decide_in_the_order_of_flux() {
    let check = expressions(
        READY,
        "status.conditions.exists(c, c.status == 'Unknown')",
        FAILED,
    );
    assert_eq!(said(&check, with_condition("True")), "Healthy");
    assert_eq!(
        said(&check, with_condition("False")),
        "Degraded 3 of 5 parts"
    );
    assert_eq!(
        said(&check, with_condition("Unknown")),
        "Progressing its expression “inProgress” is true"
    );
    // What is in progress is not failed, whatever else holds.
    let both = expressions("true", "true", "true");
    assert_eq!(
        said(&both, json!({})),
        "Progressing its expression “inProgress” is true"
    );
    let neither = expressions("false", "", "");
    assert_eq!(
        said(&neither, json!({})),
        "Progressing its expression “current” is not true yet"
    );
    let mut unseen = with_condition("True");
    unseen["metadata"]["generation"] = json!(3);
    assert_eq!(
        said(&check, unseen),
        "Progressing its controller has not looked at it yet"
    );
}

#[test]
fn expressions_read_every_field_of_the_object() {
    for (expression, object) in [
        ("data.ready == 'yes'", json!({"data": {"ready": "yes"}})),
        (
            "status.parts == spec.parts",
            json!({"spec": {"parts": 5}, "status": {"parts": 5}}),
        ),
        ("status.share >= 0.5", json!({"status": {"share": 0.5}})),
        (
            "has(status.phase) && status.phase in ['Bound', 'Ready']",
            json!({"status": {"phase": "Ready"}}),
        ),
        (
            "status.?conditions.orValue([]).all(c, c.status == 'True')",
            json!({"status": {}}),
        ),
        (
            "metadata.annotations['a/b'] == 'c'",
            json!({"metadata": {"annotations": {"a/b": "c"}}}),
        ),
        (
            "status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True')",
            with_condition("True"),
        ),
        (
            "has(status.ready) ? status.ready == status.wanted : false",
            json!({"status": {"ready": 2, "wanted": 2}}),
        ),
        (
            "status.conditions.exists_one(c, c.type == 'Ready') && type(status.observedGeneration) == int",
            with_condition("True"),
        ),
        (
            "timestamp(status.until) > timestamp('2020-01-01T00:00:00Z') && duration('90s') < duration('2m')",
            json!({"status": {"until": "2026-01-01T00:00:00Z"}}),
        ),
        (
            "status.message.lowerAscii().contains('ok')",
            json!({"status": {"message": "All OK"}}),
        ),
        (
            "status.version.matches('^v[0-9]+$')",
            json!({"status": {"version": "v12"}}),
        ),
        (
            "size(status.list) == 2 && status.list.map(x, x * 2) == [2, 4]",
            json!({"status": {"list": [1, 2]}}),
        ),
    ] {
        assert_eq!(
            said(&expressions(expression, "", ""), object),
            "Healthy",
            "{expression}"
        );
    }
}

#[test]
fn what_is_wrong_with_an_expression_names_it() {
    let missing = said(&expressions(READY, "", ""), json!({"status": {}}));
    assert_eq!(
        missing,
        "Progressing “conditions”, which its expression “current” reads, is not there yet"
    );
    let no_status = said(&expressions(READY, "", ""), json!({}));
    assert_eq!(
        no_status,
        "Progressing “status”, which its expression “current” reads, is not there yet"
    );
    for (expression, expected) in [
        (
            "status.a ==",
            "Unknown healthCheckExprs[0] (apps.yaml:12) “current” cannot be read: ",
        ),
        (
            "'yes'",
            "Unknown healthCheckExprs[0] (apps.yaml:12) “current” gives string instead of true or false",
        ),
        (
            "1 / 0 == 1",
            "Unknown healthCheckExprs[0] (apps.yaml:12) “current” cannot be evaluated: ",
        ),
        (
            "'a' < 1",
            "Unknown healthCheckExprs[0] (apps.yaml:12) “current” cannot be evaluated: ",
        ),
    ] {
        let found = said(&expressions(expression, "", ""), json!({}));
        assert!(found.starts_with(expected), "{expression}: {found}");
    }
    let long = format!("true || {}", "true || ".repeat(2000) + "true");
    let found = said(&expressions(&long, "", ""), json!({}));
    assert!(found.ends_with("“current” is longer than 8 KiB"), "{found}");
}

/// Constructs that Argo CD's health scripts are made of.
const LOOPS: &str = r#"
local health = {}
if obj.status == nil or obj.status.conditions == nil then
  health.status = "Progressing"
  health.message = "no status yet"
  return health
end
local troubles = {}
for _, condition in ipairs(obj.status.conditions) do
  for _, bad in ipairs({"Failed", "Broken"}) do
    if condition.type == bad and condition.status == "True" then
      table.insert(troubles, bad .. ": " .. (condition.message or "?"))
    end
  end
  if condition.type == "Ready" and condition.status == "True" and #troubles == 0 then
    health.status = "Healthy"
    health.message = string.format("%s is ready", obj.metadata.name)
    return health
  end
end
if #troubles > 0 then
  health.status = "Degraded"
  health.message = table.concat(troubles, "; ")
elseif string.find(obj.status.phase or "", "^Pend") then
  health.status = "Suspended"
  health.message = string.upper(obj.status.phase)
else
  health.status = "Progressing"
  local count = 0
  for name, value in pairs(obj.spec or {}) do count = count + tonumber(value) end
  health.message = "sum " .. tostring(count)
end
return health
"#;

#[test]
fn scripts_of_argo_cd_run() {
    let check = script(LOOPS);
    let conditions = |entries: Value| json!({"metadata": {"name": "w"}, "spec": {"a": 1, "b": "2"}, "status": {"conditions": entries}});
    assert_eq!(said(&check, json!({})), "Progressing no status yet");
    assert_eq!(
        said(&check, json!({"status": {"conditions": null}})),
        "Progressing no status yet"
    );
    assert_eq!(
        said(
            &check,
            conditions(json!([{"type": "Ready", "status": "True"}]))
        ),
        "Healthy"
    );
    assert_eq!(
        said(
            &check,
            conditions(json!([
                {"type": "Broken", "status": "True", "message": "pipe"}, {"type": "Failed", "status": "True"},
            ]))
        ),
        "Degraded Broken: pipe; Failed: ?"
    );
    assert_eq!(said(&check, conditions(json!([]))), "Progressing sum 3");
    let mut pending = conditions(json!([]));
    pending["status"]["phase"] = json!("Pending");
    assert_eq!(said(&check, pending), "Suspended PENDING");
}

#[test]
fn scripts_reach_nothing_outside() {
    for name in [
        "os",
        "io",
        "require",
        "dofile",
        "loadfile",
        "loadstring",
        "load",
        "package",
        "debug",
        "print",
        "coroutine",
        "collectgarbage",
        "getfenv",
        "setfenv",
        "newproxy",
        "jit",
    ] {
        let check = script(&format!(
            "if {name} == nil then return {{status = 'Healthy'}} end return {{status = 'Degraded', message = type({name})}}"
        ));
        assert_eq!(said(&check, json!({})), "Healthy", "{name}");
    }
    let bytes = script("return {status = 'Healthy', message = string.dump(function() end)}");
    assert!(said(&bytes, json!({})).starts_with("Unknown "));
    let compiled = script("\u{1b}Lua");
    assert!(said(&compiled, json!({})).starts_with("Unknown "));
}

#[test]
fn what_is_wrong_with_a_script_names_it_and_the_line() {
    let origin = "the health script of Widget (cm.yaml:4)";
    for (text, expected) in [
        (
            "local a = obj.status.phase\nreturn {}",
            "fails: line 1: attempt to index field 'status' (a nil value)",
        ),
        (
            "\nif then",
            "cannot be read: line 2: unexpected symbol near 'then'",
        ),
        (
            "return 'Healthy'",
            "gives string instead of a table with status and message",
        ),
        (
            "return {status = 'Fine'}",
            "gives the status “Fine”, which is none of Healthy, Progressing, Degraded, Suspended, Missing and Unknown",
        ),
        ("error('no\\nluck')", "fails: line 1: no"),
    ] {
        assert_eq!(
            said(&script(text), json!({})),
            format!("Unknown {origin} {expected}"),
            "{text}"
        );
    }
    assert_eq!(said(&script("return nil"), json!({})), "Healthy");
    assert_eq!(said(&script("local a = 1"), json!({})), "Healthy");
}

#[test]
fn attack_22_a_script_that_counts_for_ever_runs_out_of_steps() {
    let endless = script("while true do end");
    assert!(said(&endless, json!({})).contains("was stopped: it takes more than 10000000 steps"));
    let hungry = script("local s = 'x' while true do s = s .. s end");
    let found = said(&hungry, json!({}));
    assert!(
        found.contains("was stopped: it uses more than 32 MiB of memory"),
        "{found}"
    );
}

#[test]
fn a_check_that_names_the_kind_comes_before_a_pattern() {
    let mut wide = script("return nil");
    wide.group = "*.com".to_owned();
    wide.kind = "*".to_owned();
    let narrow = script("return {}");
    let mut ready = script("");
    ready.what = What::Ready("true".to_owned());
    let checks = [ready, wide, narrow];
    let key = |group: &str, kind: &str| ResourceKey::new(group, kind, "", "a");
    assert_eq!(chosen(&checks, &key("example.com", "Widget")), Some(2));
    assert_eq!(chosen(&checks, &key("example.com", "Gadget")), Some(1));
    assert_eq!(chosen(&checks, &key("example.org", "Widget")), None);
    assert!(matches("*.aws.*", "s3.aws.crossplane.io") && !matches("*.aws.*", "s3.gcp.io"));
    assert!(matches("a*a", "aa") && !matches("a*a", "a"));
}

#[test]
fn a_verdict_holds_for_its_object_until_it_goes() {
    let mut verdicts = Verdicts::default();
    verdicts.note("u", "7", "d", Health::new(HealthStatus::Degraded, "broken"));
    assert!(
        verdicts.knows("u", "7", "d")
            && !verdicts.knows("u", "8", "d")
            && !verdicts.knows("u", "7", "e")
    );
    assert!(verdicts.has("u") && !verdicts.has("v"));
    assert_eq!(verdicts.health("u", &json!({})).message, "broken");
    let going = json!({"metadata": {"deletionTimestamp": "x"}});
    assert_eq!(verdicts.health("u", &going).message, "being deleted");
    verdicts.keep(&BTreeSet::new());
    assert_eq!(verdicts.health("u", &json!({})), Health::healthy());
}

#[test]
fn a_ready_expression_sees_both_definitions() {
    let ready = |expression: &str| UserCheck {
        what: What::Ready(expression.to_owned()),
        ..script("")
    };
    let own = json!({"metadata": {"labels": {"version": "2"}}});
    let dep = |version: &str, health: Health| {
        let files = [crate::definition::DefinitionFile {
            path: "a.yaml".to_owned(),
            bytes: format!(
                "apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: a, namespace: flux-system}}
spec: {{url: 'https://git.example.org/a.git', ref: {{branch: main}}, interval: 5m}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: dep, namespace: flux-system, labels: {{version: '{version}'}}}}
spec: {{path: ./a, prune: true, interval: 5m, sourceRef: {{kind: GitRepository, name: a}}}}
"
            )
            .into_bytes(),
        }];
        let read = crate::definition::read(&files, "home");
        let revision = lockstep_types::revision::Revision("abc".to_owned());
        as_flux(
            &read.applications[0],
            Some(&revision),
            Some(&revision),
            &health,
        )
    };
    let documented = "dep.metadata.labels['version'] == self.metadata.labels['version'] && \
        dep.status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True') && \
        dep.metadata.generation == dep.status.observedGeneration && \
        dep.status.lastAppliedRevision == 'main@sha1:abc'";
    let say = |expression: &str, other: Value| {
        let job = Job {
            check: 0,
            object: own.clone(),
            other,
        };
        evaluated(&[ready(expression)], &job).health
    };
    assert_eq!(
        say(documented, dep("2", Health::healthy())),
        Health::healthy()
    );
    assert_eq!(
        say(documented, dep("1", Health::healthy())).message,
        "its readyExpr is not true yet"
    );
    let degraded = Health::new(HealthStatus::Degraded, "x");
    assert_eq!(
        say(documented, dep("2", degraded)).status,
        HealthStatus::Progressing
    );
    assert_eq!(
        say("dep.status.nothing == 1", dep("2", Health::healthy())).message,
        "“nothing”, which its readyExpr reads, is not there yet"
    );
}

#[test]
fn a_definition_gives_its_expressions_with_their_line() {
    let file = crate::definition::DefinitionFile {
        path: "apps/a.yaml".to_owned(),
        bytes: b"apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: a, namespace: flux-system}
spec: {url: 'https://git.example.org/a.git', ref: {branch: main}, interval: 5m}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: a, namespace: flux-system}
spec:
  path: ./a
  prune: true
  interval: 5m
  sourceRef: {kind: GitRepository, name: a}
  healthChecks:
  - {apiVersion: apps/v1, kind: Deployment, name: web, namespace: shop}
  healthCheckExprs:
  - apiVersion: example.com/v1
    kind: Widget
    current: status.ok
  - {apiVersion: v1, kind: Secret, current: 'true', failed: 'false', inProgress: '1 > 2'}
"
        .to_vec(),
    };
    let read = crate::definition::read(&[file], "home");
    let definition = &read.applications[0];
    assert_eq!(
        definition
            .ignored_fields
            .iter()
            .find(|(field, _)| field.contains("health")),
        None
    );
    let checks: Vec<String> = of_definition(definition)
        .iter()
        .map(|check| format!("{}/{} {}", check.group, check.kind, check.origin))
        .collect();
    assert_eq!(
        checks,
        [
            "example.com/Widget healthCheckExprs[0] (apps/a.yaml:17)",
            "/Secret healthCheckExprs[1] (apps/a.yaml:20)",
        ]
    );
}
