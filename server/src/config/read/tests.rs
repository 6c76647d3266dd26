//! What the file and the environment may say, and how wrong ones are named.

use super::*;
use secrecy::ExposeSecret;

const DEMO: &str = r#"
listen = "127.0.0.1:9000"
data_dir = "state"

[network]
allow_http = ["localhost"]
allow_private = true

[tools]
helm = "bin/helm"

[[cluster]]
name = "prod-eu"
kubeconfig = "eu.yaml"
labels = { env = "prod" }

[[source]]
name = "shop"
repo = "https://git.example.org/shop.git"
path = "/apps/"
username = "reader"
password_env = "SHOP_PASSWORD"
taken_over = true
"#;

fn config(text: &str, env: &Environment) -> Result<Config, ConfigError> {
    build(
        parse_text(text, "lockstep.toml")?,
        Path::new("/etc/lockstep"),
        env,
    )
}

fn refusal(text: &str) -> String {
    config(text, &|_| None).unwrap_err().to_string()
}

#[test]
fn file_is_read_relative_to_itself() {
    let config = config(DEMO, &|_| None).unwrap();
    assert_eq!(config.listen.port(), 9000);
    assert_eq!(config.data_dir, Path::new("/etc/lockstep/state"));
    assert_eq!(
        config.database_url.expose_secret(),
        "sqlite:/etc/lockstep/state/lockstep.db"
    );
    assert_eq!(
        config.clusters[0].kubeconfig,
        Path::new("/etc/lockstep/eu.yaml")
    );
    assert_eq!(
        config.tools.helm.as_deref(),
        Some(Path::new("/etc/lockstep/bin/helm"))
    );
    assert!(config.network.allow_http.permits("localhost"));
    assert!(!config.network.allow_http.permits("git.example.org"));
    let source = &config.sources[0];
    assert_eq!((source.path.as_str(), source.taken_over), ("apps", true));
    // The only cluster is meant when none is named.
    assert_eq!(source.home_cluster, "prod-eu");
    assert_eq!(source.poll, Duration::from_secs(30));
}

#[test]
fn environment_wins() {
    let env = |name: &str| match name {
        "LOCKSTEP_LISTEN" => Some("127.0.0.1:7000".to_owned()),
        "LOCKSTEP_DATABASE" => Some("postgres://u:p@db/lockstep".to_owned()),
        "LOCKSTEP_NETWORK_ALLOW_HTTP" => Some("false".to_owned()),
        _ => None,
    };
    let config = config(DEMO, &env).unwrap();
    assert_eq!(config.listen.port(), 7000);
    assert_eq!(config.public_url.origin(), "http://127.0.0.1:7000");
    assert_eq!(
        config.database_url.expose_secret(),
        "postgres://u:p@db/lockstep"
    );
    assert!(!config.network.allow_http.any());
    assert!(!format!("{config:?}").contains("u:p@"));
}

#[test]
fn everything_is_closed_by_default() {
    let config = config("", &|_| None).unwrap();
    assert!(!config.network.allow_http.any() && !config.network.allow_private.any());
    assert!(config.exec_allow.is_empty() && config.sources.is_empty());
    assert!(config.listen.ip().is_loopback());
}

#[test]
fn mistakes_name_the_key() {
    let twice = "[[cluster]]\nname='a'\nkubeconfig='k'\n[[cluster]]\nname='a'\nkubeconfig='k'";
    for (text, expected) in [
        ("listn = '1'", "line 1, key “listn”"),
        ("\nlisten = 5", "line 2, key “listen”"),
        ("database = 'mysql://x'", "database: must begin with"),
        ("public_url = 'http://10.1.2.3'", "public_url: plain http"),
        (twice, "cluster.name: “a” is used twice"),
        (
            "[[source]]\nname='s'\nrepo='https://u:p@h/r'",
            "source “s”, repo: must not hold",
        ),
        (
            "[[source]]\nname='s'\nrepo='r'\nmode='x'",
            "source “s”, mode: must be observe or managed",
        ),
        ("[[source]]\nname='a b'\nrepo='r'", "source.name"),
        (
            "[[source]]\nname='s'\nrepo='r'\nusername='u'",
            "source “s”, username: needs password_env",
        ),
        (
            "[[repository]]\nprefix='https://h'\npassword_env='P'",
            "prefix: must be an address",
        ),
        ("[network]\nallow_http = 3", "true, false or a list"),
    ] {
        let message = refusal(text);
        assert!(message.contains(expected), "{text}\n  said: {message}");
    }
}

#[test]
fn a_misplaced_password_is_not_echoed() {
    let message = refusal("[[source]]\nname='s'\nrepo='r'\npassword = 'hunter2hunter2'");
    assert!(
        message.contains("password") && !message.contains("hunter2"),
        "{message}"
    );
}

#[test]
fn metrics_are_closed_unless_they_have_an_address_of_their_own() {
    let read = |text: &str, variable: Option<&str>| {
        let file = parse_text(text, "lockstep.toml").unwrap();
        let variable = variable.map(str::to_owned);
        let env = move |name: &str| {
            variable
                .clone()
                .filter(|_| name == "LOCKSTEP_METRICS_LISTEN")
        };
        build(file, Path::new(""), &env).map(|config| config.metrics_listen)
    };
    let address = |text: &str| Some(text.parse().unwrap());
    assert_eq!(read("", None).unwrap(), None);
    let file = "metrics_listen = '127.0.0.1:9090'";
    assert_eq!(read(file, None).unwrap(), address("127.0.0.1:9090"));
    let given = Some("127.0.0.1:9091");
    assert_eq!(read(file, given).unwrap(), address("127.0.0.1:9091"));
    assert!(read("", Some("9091")).is_err());
    // The pages are there, and what is behind their login must not come out beside it.
    assert!(read("", Some("127.0.0.1:8080")).is_err());
}

#[test]
fn tls_by_files_makes_the_address_https() {
    let files = "listen = \"127.0.0.1:9000\"\ntls = { certificate = \"server.crt\", key = \"/keys/server.key\" }\n";
    let own = config(files, &|_| None).unwrap();
    assert_eq!(own.public_url.origin(), "https://127.0.0.1:9000");
    let tls = own.tls.unwrap();
    assert_eq!(tls.certificate, Path::new("/etc/lockstep/server.crt"));
    assert_eq!(tls.key, Path::new("/keys/server.key"));
    let plain = format!("{files}public_url = \"http://localhost:9000\"\n");
    assert!(refusal(&plain).starts_with("public_url: must begin with https://"));
    assert!(refusal("tls = { certificate = \"server.crt\" }").contains("key"));
}
