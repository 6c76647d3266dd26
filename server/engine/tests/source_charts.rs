//! Charts from Helm repositories and OCI registries: against a host of the test's own that may misbehave, and against
//! the rig's Git host, which is a real registry of both kinds (`LOCKSTEP_RIG` names its `rig.json`).

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use engine::source::{Credential, Mirrors, NetworkPolicy, SourceError, chart_address};
use flate2::Compression;
use flate2::write::GzEncoder;
use lockstep_types::revision::{Revision, TargetRevision};
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

const OPEN: NetworkPolicy = NetworkPolicy {
    allow_http: true,
    allow_private: true,
};

/// A chart's archive as Helm packs it.
fn packed(name: &str, version: &str, more: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let chart = format!("apiVersion: v2\nname: {name}\nversion: {version}\n{more}");
    let template = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{version: '{version}'}}\n"
    );
    for (path, text) in [("Chart.yaml", chart), ("templates/a.yaml", template)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        let path = format!("{name}/{path}");
        builder
            .append_data(&mut header, path, text.as_bytes())
            .unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[derive(Clone)]
enum Page {
    Body(Vec<u8>),
    Redirect(String),
}

/// A host that gives pages by path and notes what it was asked: path and whether it was shown credentials.
#[derive(Clone, Default)]
struct Site {
    pages: Arc<Mutex<BTreeMap<String, Page>>>,
    asked: Arc<Mutex<Vec<(String, bool, u16)>>>,
    url: String,
}

impl Site {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let site = Self {
            url: format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port()),
            ..Self::default()
        };
        let own = site.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let mut text = String::new();
                while stream.read_line(&mut text).await.unwrap() > 2 {}
                let answer = own.answer(&text);
                stream.write_all(&answer).await.unwrap();
            }
        });
        site
    }

    fn answer(&self, request: &str) -> Vec<u8> {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let lower = request.to_ascii_lowercase();
        let page = self.pages.lock().unwrap().get(&path).cloned();
        let (status, headers, body) = match page {
            None => (404, String::new(), Vec::new()),
            Some(Page::Redirect(to)) => (302, format!("Location: {to}\r\n"), Vec::new()),
            Some(Page::Body(body)) => {
                let tag = format!("\"{}\"", &sha256(&body)[..16]);
                if lower.contains(&format!("if-none-match: {tag}")) {
                    (304, String::new(), Vec::new())
                } else {
                    (200, format!("ETag: {tag}\r\n"), body)
                }
            }
        };
        let shown = lower.contains("authorization:");
        self.asked.lock().unwrap().push((path, shown, status));
        let mut answer = format!(
            "HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        )
        .into_bytes();
        answer.extend(body);
        answer
    }

    fn put(&self, path: &str, page: Page) {
        self.pages.lock().unwrap().insert(path.to_owned(), page);
    }

    fn text(&self, path: &str, text: String) {
        self.put(path, Page::Body(text.into_bytes()));
    }

    fn asked(&self) -> Vec<(String, bool, u16)> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

struct Bench {
    _dir: tempfile::TempDir,
    mirrors: Mirrors,
}

fn bench(policy: NetworkPolicy) -> Bench {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().unwrap();
    let mirrors = Mirrors::open(dir.path().join("mirrors"), policy).unwrap();
    Bench { _dir: dir, mirrors }
}

impl Bench {
    async fn fetch(
        &self,
        url: &str,
        credential: &Credential,
        version: &str,
    ) -> Result<Revision, SourceError> {
        let wanted = [TargetRevision(version.to_owned())];
        let mut found = self.mirrors.fetch(url, credential, &wanted).await?;
        found.remove(&wanted[0]).unwrap()
    }

    async fn paths(&self, url: &str, at: &Revision) -> Vec<String> {
        let files = self.mirrors.files(url, at, "").await.unwrap();
        files.into_iter().map(|file| file.path).collect()
    }

    async fn chart(&self, url: &str, at: &Revision) -> String {
        let files = self.mirrors.files(url, at, "").await.unwrap();
        let chart = files.iter().find(|file| file.path == "Chart.yaml").unwrap();
        String::from_utf8(self.mirrors.read(url, &chart.oid).await.unwrap()).unwrap()
    }

    async fn version(&self, url: &str, at: &Revision) -> String {
        self.mirrors.commit(url, at).await.unwrap().subject
    }
}

fn basic(user: &str, password: &str) -> Credential {
    Credential::Basic {
        username: user.to_owned(),
        password: SecretString::from(password),
    }
}

fn entry(name: &str, version: &str, url: &str, digest: &str) -> String {
    format!("  - {{name: {name}, version: {version}, urls: ['{url}'], digest: {digest}}}\n")
}

#[tokio::test]
async fn a_helm_repository_gives_versions_ranges_and_the_same_commit_for_the_same_archive() {
    let (site, bench) = (Site::start().await, bench(OPEN));
    let (one, two) = (packed("web", "1.2.0", ""), packed("web", "1.10.0", ""));
    let index = format!(
        "apiVersion: v1\nentries:\n  web:\n{}{}",
        entry("web", "1.2.0", "web-1.2.0.tgz", &sha256(&one)),
        entry("web", "1.10.0", "files/web-1.10.0.tgz", &sha256(&two)),
    );
    site.text("/charts/index.yaml", index);
    site.put("/charts/web-1.2.0.tgz", Page::Body(one.clone()));
    site.put("/charts/files/web-1.10.0.tgz", Page::Body(two));
    let url = chart_address(&format!("{}/charts", site.url), "web");
    let highest = bench.fetch(&url, &Credential::None, "1.*").await.unwrap();
    let exact = bench.fetch(&url, &Credential::None, "1.2.0").await.unwrap();
    assert_eq!(bench.version(&url, &highest).await, "1.10.0");
    assert_eq!(bench.version(&url, &exact).await, "1.2.0");
    assert_eq!(
        bench.paths(&url, &exact).await,
        ["Chart.yaml", "templates/a.yaml"]
    );
    let wanted = TargetRevision("1.*".to_owned());
    assert_eq!(
        bench.mirrors.resolved(&url, &wanted).await,
        Ok(highest.clone())
    );

    // Nothing is sent twice.
    site.asked();
    assert_eq!(
        bench.fetch(&url, &Credential::None, "1.*").await,
        Ok(highest)
    );
    let again = site.asked();
    assert!(
        !again.is_empty() && again.iter().all(|(_, _, status)| *status == 304),
        "{again:?}"
    );

    // Another server's mirror of the same archive is the same commit.
    let other = self::bench(OPEN);
    assert_eq!(
        other.fetch(&url, &Credential::None, "1.2.0").await,
        Ok(exact.clone())
    );

    assert!(matches!(
        bench.fetch(&url, &Credential::None, "2.x").await,
        Err(SourceError::NoSuchVersion { newest: Some(newest), .. }) if newest == "1.10.0"
    ));
    let gone = chart_address(&format!("{}/charts", site.url), "gone");
    assert!(matches!(
        bench.fetch(&gone, &Credential::None, "1.x").await,
        Err(SourceError::Chart { .. })
    ));
    // The host forgets the version: what was fetched stays readable.
    site.text("/charts/index.yaml", "entries: {}\n".to_owned());
    assert!(bench.fetch(&url, &Credential::None, "1.2.0").await.is_err());
    assert_eq!(bench.paths(&url, &exact).await.len(), 2);
}

#[tokio::test]
async fn another_archive_than_announced_is_refused() {
    let (site, bench) = (Site::start().await, bench(OPEN));
    let honest = packed("web", "1.0.0", "");
    site.text(
        "/index.yaml",
        format!(
            "entries:\n  web:\n{}",
            entry("web", "1.0.0", "web.tgz", &sha256(&honest))
        ),
    );
    site.put(
        "/web.tgz",
        Page::Body(packed("web", "1.0.0", "description: evil\n")),
    );
    let url = chart_address(&site.url, "web");
    let error = bench
        .fetch(&url, &Credential::None, "1.0.0")
        .await
        .unwrap_err();
    assert!(
        matches!(&error, SourceError::Chart { message, .. } if message.contains("digest")),
        "{error}"
    );
    site.put("/web.tgz", Page::Body(honest));
    assert!(bench.fetch(&url, &Credential::None, "1.0.0").await.is_ok());
}

#[tokio::test]
async fn attack_25_redirects_get_no_credentials() {
    let (site, store, bench) = (Site::start().await, Site::start().await, bench(OPEN));
    let archive = packed("web", "1.0.0", "");
    site.text(
        "/index.yaml",
        format!(
            "entries:\n  web:\n{}",
            entry("web", "1.0.0", "web.tgz", &sha256(&archive))
        ),
    );
    site.put(
        "/web.tgz",
        Page::Redirect(format!("{}/blob?token=x", store.url)),
    );
    store.put("/blob?token=x", Page::Body(archive));
    let url = chart_address(&site.url, "web");
    let credential = basic("maria", "s3cret");
    assert!(bench.fetch(&url, &credential, "1.0.0").await.is_ok());
    assert!(site.asked().iter().all(|(_, shown, _)| *shown));
    assert_eq!(store.asked(), [("/blob?token=x".to_owned(), false, 200)]);

    site.put("/loop.tgz", Page::Redirect("/loop.tgz".to_owned()));
    site.put("/file.tgz", Page::Redirect("file:///etc/passwd".to_owned()));
    for (path, word) in [("loop.tgz", "too often"), ("file.tgz", "only https")] {
        site.text(
            "/index.yaml",
            format!("entries:\n  web:\n{}", entry("web", "2.0.0", path, "00")),
        );
        let error = bench
            .fetch(&url, &credential, "2.0.0")
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(word), "{path}: {error}");
    }
}

#[tokio::test]
async fn attack_26_charts_from_inside_are_refused() {
    let (site, closed) = (Site::start().await, bench(NetworkPolicy::default()));
    site.text("/index.yaml", "entries: {}\n".to_owned());
    for url in [
        chart_address(&site.url, "web"),
        chart_address("https://localhost", "web"),
        chart_address("https://169.254.169.254", "web"),
        chart_address("oci://[::ffff:10.0.0.1]/a", "web"),
        "oci+http://example.org/a".to_owned(),
    ] {
        assert!(
            matches!(
                closed.fetch(&url, &Credential::None, "1.x").await,
                Err(SourceError::Url { .. })
            ),
            "{url}"
        );
    }
    assert_eq!(site.asked(), []);
}

#[tokio::test]
async fn dependencies_are_fetched_and_put_where_the_renderer_looks() {
    let (site, other, bench) = (Site::start().await, Site::start().await, bench(OPEN));
    let lib = packed("lib", "0.3.1", "");
    other.text(
        "/index.yaml",
        format!(
            "entries:\n  lib:\n{}{}",
            entry("lib", "0.3.1", "lib.tgz", &sha256(&lib)),
            entry("lib", "0.4.0", "none.tgz", "00")
        ),
    );
    other.put("/lib.tgz", Page::Body(lib));
    let needs = |from: &str| {
        format!("dependencies:\n- {{name: lib, version: ~0.3, repository: '{from}'}}\n")
    };
    let good = packed("web", "1.0.0", &needs(&other.url));
    let bad = packed("web", "2.0.0", &needs("file://../lib"));
    site.text(
        "/index.yaml",
        format!(
            "entries:\n  web:\n{}{}",
            entry("web", "1.0.0", "one.tgz", &sha256(&good)),
            entry("web", "2.0.0", "two.tgz", &sha256(&bad))
        ),
    );
    site.put("/one.tgz", Page::Body(good));
    site.put("/two.tgz", Page::Body(bad));
    let url = chart_address(&site.url, "web");
    let at = bench
        .fetch(&url, &basic("maria", "s3cret"), "1.x")
        .await
        .unwrap();
    assert_eq!(
        bench.paths(&url, &at).await,
        [
            "Chart.yaml",
            "charts/lib/Chart.yaml",
            "charts/lib/templates/a.yaml",
            "templates/a.yaml"
        ]
    );
    assert!(other.asked().iter().all(|(_, shown, _)| !shown));
    let error = bench
        .fetch(&url, &Credential::None, "2.x")
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("pack the chart with its dependencies"),
        "{error}"
    );
}

#[tokio::test]
async fn another_manifest_than_its_digest_names_is_refused() {
    let (site, bench) = (Site::start().await, bench(OPEN));
    let archive = packed("web", "1.0.0", "");
    let layer = json!({"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "digest": format!("sha256:{}", sha256(&archive)), "size": archive.len()});
    let manifest = json!({"schemaVersion": 2, "layers": [layer]}).to_string();
    let digest = format!("sha256:{}", sha256(manifest.as_bytes()));
    site.text(
        "/v2/team/web/tags/list?n=1000",
        json!({"tags": ["1.0.0"]}).to_string(),
    );
    site.put(
        &format!("/v2/team/web/blobs/sha256:{}", sha256(&archive)),
        Page::Body(archive),
    );
    let url = format!("{}/team/web", site.url.replace("http://", "oci+http://"));
    let place = format!("/v2/team/web/manifests/{digest}");
    // One space more is another manifest with the same meaning.
    site.text(&place, format!("{manifest} "));
    let error = bench
        .fetch(&url, &Credential::None, &digest)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("another manifest"), "{error}");
    site.text(&place, manifest);
    let at = bench.fetch(&url, &Credential::None, &digest).await.unwrap();
    assert_eq!(bench.paths(&url, &at).await.len(), 2);
}

#[tokio::test]
async fn the_rigs_registries_give_charts_of_both_kinds() {
    let path = std::env::var("LOCKSTEP_RIG").expect(
        "LOCKSTEP_RIG is not set: run \"node end2end/rig/rig.mjs up\" and set it to the path of its rig.json",
    );
    let rig: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let text = |key: &str| rig["gitea"][key].as_str().unwrap().to_owned();
    let (host, owner, token) = (text("url"), text("adminUser"), text("adminToken"));
    let bench = bench(OPEN);
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos();
    let name = format!("web{nanos}");
    let http = reqwest::Client::new();
    let ask = |method: &str, url: String, kind: &str, body: Vec<u8>| {
        let asked = http
            .request(method.parse().unwrap(), url)
            .basic_auth(&owner, Some(&token))
            .header("content-type", kind)
            .body(body);
        async move {
            let answer = asked.send().await.unwrap();
            let status = answer.status();
            assert!(
                status.is_success(),
                "{status}: {}",
                answer.text().await.unwrap()
            );
        }
    };
    let login = basic(&owner, &token);

    let helm = format!("{host}api/packages/{owner}/helm");
    for version in ["1.0.0", "1.1.0"] {
        let archive = packed(&name, version, "");
        ask(
            "POST",
            format!("{helm}/api/charts"),
            "application/octet-stream",
            archive,
        )
        .await;
    }
    let url = chart_address(&helm, &name);
    let at = bench.fetch(&url, &login, "^1.0").await.unwrap();
    assert_eq!(bench.version(&url, &at).await, "1.1.0");
    assert_eq!(bench.paths(&url, &at).await.len(), 2);

    let registry = format!("{host}v2/{owner}/{name}");
    let config = b"{}".to_vec();
    let mut digests = BTreeMap::new();
    for version in ["2.0.0", "2.1.0_b1"] {
        let archive = packed(&name, &version.replace('_', "+"), "");
        let descriptor = |kind: &str, bytes: &[u8]| json!({"mediaType": kind, "digest": format!("sha256:{}", sha256(bytes)), "size": bytes.len()});
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("application/vnd.cncf.helm.config.v1+json", &config),
            "layers": [descriptor("application/vnd.cncf.helm.chart.content.v1.tar+gzip", &archive)]
        });
        for blob in [config.clone(), archive] {
            let place = format!("{registry}/blobs/uploads/?digest=sha256:{}", sha256(&blob));
            ask("POST", place, "application/octet-stream", blob).await;
        }
        let manifest = serde_json::to_vec(&manifest).unwrap();
        digests.insert(version, format!("sha256:{}", sha256(&manifest)));
        ask(
            "PUT",
            format!("{registry}/manifests/{version}"),
            "application/vnd.oci.image.manifest.v1+json",
            manifest,
        )
        .await;
    }
    let url = format!("{}{owner}/{name}", host.replace("http://", "oci+http://"));
    let at = bench.fetch(&url, &login, "2.x").await.unwrap();
    assert_eq!(bench.version(&url, &at).await, "2.1.0+b1");
    assert_eq!(bench.paths(&url, &at).await.len(), 2);

    // A digest names one manifest, whatever the tags say; one that nobody pushed is not there.
    let older = bench.fetch(&url, &login, &digests["2.0.0"]).await.unwrap();
    let tagged = bench.fetch(&url, &login, "2.0.0").await.unwrap();
    let chart = bench.chart(&url, &older).await;
    assert!(chart.contains("version: 2.0.0"), "{chart}");
    assert_eq!(chart, bench.chart(&url, &tagged).await);
    assert_ne!(older, at);
    let nobodys = format!("sha256:{}", sha256(b"nobody pushed this"));
    let missing = bench.fetch(&url, &login, &nobodys).await.unwrap_err();
    assert!(missing.to_string().contains(&nobodys), "{missing}");

    let wrong = basic(&owner, "wrong");
    assert!(matches!(
        bench.fetch(&url, &wrong, "2.x").await,
        Err(SourceError::Denied { .. })
    ));
}
