use super::*;

fn variables() -> BTreeMap<String, String> {
    [
        ("NAME", "web"),
        ("N", "3"),
        ("EMPTY", ""),
        ("path", "a/b/a"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

#[test]
fn every_form_gives_what_flux_gives() {
    for (written, expected) in [
        (
            "plain $NAME and $$ and {NAME}",
            "plain $NAME and $$ and {NAME}",
        ),
        ("x-${NAME}-y", "x-web-y"),
        ("${NAME}${N}", "web3"),
        ("$${NAME} ${NAME}", "${NAME} web"),
        ("${NAME:-other}", "web"),
        ("${NO:-other}", "other"),
        ("${NO:=other}", "other"),
        ("${NO:-}", ""),
        ("${EMPTY:-other}", "other"),
        ("${EMPTY-other}", ""),
        ("${EMPTY=other}", ""),
        ("${NO:-${NAME:-x}-y}", "web-y"),
        ("${#NAME}", "3"),
        ("${NAME^^} ${NAME^}", "WEB Web"),
        ("${path/a/c} ${path//a/c}", "c/b/a c/b/c"),
        ("${path#a/} ${path%/a}", "b/a a/b"),
        ("${NAME:1} ${NAME:0:2}", "eb we"),
        ("é${NAME}ü", "éwebü"),
    ] {
        assert_eq!(
            text(written, &variables()).as_deref(),
            Ok(expected),
            "{written}"
        );
    }
}

#[test]
fn what_cannot_be_put_in_is_named() {
    for (written, part) in [
        ("${NO}", "the variable NO has no value"),
        ("${NO^^}", "the variable NO has no value"),
        ("${NAME.b}", "${NAME.b} is no variable"),
        ("${}", "${} is no variable"),
        ("${1}", "${1} is no variable"),
        ("${NAME", "no closing brace"),
        ("${NAME#*x}", "is no variable"),
    ] {
        let why = text(written, &variables()).unwrap_err();
        assert!(why.contains(part), "{written}: {why}");
    }
}

const TWO: &str = "apiVersion: v1
data:
  port: ${N}
kind: ConfigMap
metadata:
  name: ${NAME}
---
apiVersion: v1
data:
  panel: ${datasource}
kind: ConfigMap
metadata:
  annotations:
    kustomize.toolkit.fluxcd.io/substitute: disabled
  name: dashboard
";

#[test]
fn objects_may_opt_out_and_text_becomes_typed() {
    let found = documents(TWO, "apps", &variables()).unwrap();
    assert_eq!(found[0].body["metadata"]["name"], "web");
    assert_eq!(found[0].body["data"]["port"], 3);
    assert_eq!(found[1].body["data"]["panel"], "${datasource}");
}

#[test]
fn without_variables_nothing_is_touched() {
    let found = documents(TWO, "apps", &BTreeMap::new()).unwrap();
    assert_eq!(found[0].body["metadata"]["name"], "${NAME}");
}

#[test]
fn errors_name_the_object_and_keep_values_to_themselves() {
    let bad = TWO.replace("${N}", "${BAD}");
    let mut variables = variables();
    let error = documents(&bad, "apps", &variables).unwrap_err().to_string();
    assert!(
        error.contains("apps: ConfigMap ${NAME}: the variable BAD"),
        "{error}"
    );
    variables.insert("BAD".to_owned(), "s3cret: [".to_owned());
    let error = documents(&bad, "apps", &variables).unwrap_err().to_string();
    assert!(
        error.contains("put quotes around") && !error.contains("s3cret"),
        "{error}"
    );
}
