//! From text to [`Config`]: the file's own shape, the environment on top, and what must hold between keys.

use super::commits::FileCommits;
use super::fleet::RepositoryEntry;
use super::login::FileLogin;
use super::oidc::{self, FileLoginRules, FileOidc};
use super::{
    Allow, ClusterEntry, Config, ConfigError, Network, PublicUrl, SessionLimits, SourceEntry,
    TlsFiles, Tools,
};
use lockstep_types::revision::TargetRevision;
use lockstep_types::source::Mode;
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where variables come from: the process, or a map in tests.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The variables of this process.
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    listen: Option<SocketAddr>,
    metrics_listen: Option<SocketAddr>,
    public_url: Option<String>,
    tls: Option<FileTls>,
    insecure_http: bool,
    data_dir: Option<PathBuf>,
    database: Option<String>,
    site_root: Option<PathBuf>,
    trusted_proxies: Vec<IpAddr>,
    network: FileNetwork,
    tools: FileTools,
    commits: FileCommits,
    exec: FileExec,
    session: FileSession,
    login: FileLoginRules,
    oidc: Vec<FileOidc>,
    cluster: Vec<FileCluster>,
    source: Vec<FileSource>,
    repository: Vec<FileRepository>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTls {
    certificate: PathBuf,
    key: PathBuf,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct FileNetwork {
    allow_http: Allow,
    allow_private: Allow,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct FileTools {
    helm: Option<PathBuf>,
    kustomize: Option<PathBuf>,
    git: Option<PathBuf>,
    uncaged: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct FileExec {
    allow: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct FileSession {
    idle_minutes: Option<u32>,
    absolute_hours: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCluster {
    name: String,
    kubeconfig: PathBuf,
    #[serde(default)]
    context: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSource {
    name: String,
    repo: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    revision: String,
    #[serde(default)]
    home_cluster: String,
    username: Option<String>,
    password_env: Option<String>,
    password_file: Option<PathBuf>,
    ssh_key_file: Option<PathBuf>,
    known_hosts_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    mode: Option<String>,
    taken_over: Option<bool>,
    poll_seconds: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRepository {
    prefix: String,
    username: Option<String>,
    password_env: Option<String>,
    password_file: Option<PathBuf>,
    ssh_key_file: Option<PathBuf>,
    known_hosts_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    poll_seconds: Option<u32>,
}

/// Reads file and environment; see [`Config::load`].
pub(super) fn load(path: Option<&Path>, env: &Environment) -> Result<Config, ConfigError> {
    let named = path
        .map(Path::to_path_buf)
        .or_else(|| env("LOCKSTEP_CONFIG").map(PathBuf::from));
    let (file, base) = match named {
        Some(path) => (parse(&path)?, folder(&path)),
        None if Path::new("lockstep.toml").exists() => {
            (parse(Path::new("lockstep.toml"))?, PathBuf::new())
        }
        None => (File::default(), PathBuf::new()),
    };
    build(file, &base, env)
}

fn folder(path: &Path) -> PathBuf {
    path.parent().map(Path::to_path_buf).unwrap_or_default()
}

fn parse(path: &Path) -> Result<File, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.display().to_string(),
        source,
    })?;
    parse_text(&text, &path.display().to_string())
}

fn parse_text(text: &str, path: &str) -> Result<File, ConfigError> {
    toml::from_str(text).map_err(|error| {
        // Not the error's own Display: it quotes the line, and the line may hold a password.
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count();
        let key = text.lines().nth(line).unwrap_or_default();
        let key = key.split('=').next().unwrap_or_default().trim();
        ConfigError::Syntax {
            path: path.to_owned(),
            line: line + 1,
            key: key.to_owned(),
            message: error.message().trim().to_owned(),
        }
    })
}

fn build(file: File, base: &Path, env: &Environment) -> Result<Config, ConfigError> {
    let listen = match env("LOCKSTEP_LISTEN") {
        Some(text) => text.parse().map_err(|_| {
            ConfigError::key("LOCKSTEP_LISTEN", "must be address:port, as 127.0.0.1:8080")
        })?,
        None => file
            .listen
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
    };
    let metrics_listen = match env("LOCKSTEP_METRICS_LISTEN") {
        Some(text) => Some(text.parse().map_err(|_| {
            let why = "must be address:port, as 127.0.0.1:9090";
            ConfigError::key("LOCKSTEP_METRICS_LISTEN", why)
        })?),
        None => file.metrics_listen,
    };
    if metrics_listen == Some(listen) {
        let why = "must be another address than listen: what it serves needs no login";
        return Err(ConfigError::key("metrics_listen", why));
    }
    let tls = file.tls.map(|files| TlsFiles {
        certificate: base.join(files.certificate),
        key: base.join(files.key),
    });
    let public_url = match env("LOCKSTEP_PUBLIC_URL").or(file.public_url) {
        Some(text) => PublicUrl::parse(&text, file.insecure_http)?,
        None => PublicUrl::of_listener(listen, tls.is_some()),
    };
    if tls.is_some() && !public_url.is_https() {
        let why = "must begin with https://, since the server itself speaks TLS (tls.certificate)";
        return Err(ConfigError::key("public_url", why));
    }
    let data_dir = match env("LOCKSTEP_DATA_DIR") {
        Some(path) => PathBuf::from(path),
        None => base.join(file.data_dir.unwrap_or_else(|| PathBuf::from("data"))),
    };
    let database_url = env("LOCKSTEP_DATABASE")
        .or(file.database)
        .unwrap_or_else(|| format!("sqlite:{}", data_dir.join("lockstep.db").display()));
    if !["sqlite:", "postgres:", "postgresql:"]
        .iter()
        .any(|scheme| database_url.starts_with(scheme))
    {
        return Err(ConfigError::key(
            "database",
            "must begin with sqlite: or postgres:",
        ));
    }
    let clusters = clusters(file.cluster, base)?;
    let sources = sources(file.source, base, &clusters)?;
    Ok(Config {
        listen,
        tls,
        metrics_listen,
        public_url,
        site_root: site_root(file.site_root.map(|path| base.join(path)), env),
        data_dir,
        database_url: SecretString::from(database_url),
        trusted_proxies: file.trusted_proxies,
        network: Network {
            allow_http: env("LOCKSTEP_NETWORK_ALLOW_HTTP")
                .map_or(file.network.allow_http, |words| Allow::from_words(&words)),
            allow_private: env("LOCKSTEP_NETWORK_ALLOW_PRIVATE")
                .map_or(file.network.allow_private, |words| {
                    Allow::from_words(&words)
                }),
        },
        tools: Tools {
            helm: tool("LOCKSTEP_TOOLS_HELM", file.tools.helm, base, env),
            kustomize: tool("LOCKSTEP_TOOLS_KUSTOMIZE", file.tools.kustomize, base, env),
            git: tool("LOCKSTEP_TOOLS_GIT", file.tools.git, base, env),
            uncaged: file.tools.uncaged,
        },
        commits: file.commits.read(base, env)?,
        exec_allow: file.exec.allow,
        clusters,
        sources,
        repositories: repositories(file.repository, base)?,
        session: session(&file.session)?,
        login: oidc::rules(file.login, file.oidc, base)?,
    })
}

fn tool(variable: &str, path: Option<PathBuf>, base: &Path, env: &Environment) -> Option<PathBuf> {
    env(variable)
        .map(PathBuf::from)
        .or_else(|| path.map(|path| base.join(path)))
}

fn session(file: &FileSession) -> Result<SessionLimits, ConfigError> {
    let default = SessionLimits::default();
    let limits = SessionLimits {
        idle: file
            .idle_minutes
            .map_or(default.idle, |m| Duration::from_secs(u64::from(m) * 60)),
        absolute: file.absolute_hours.map_or(default.absolute, |h| {
            Duration::from_secs(u64::from(h) * 3600)
        }),
    };
    if limits.idle.is_zero() || limits.absolute < limits.idle {
        return Err(ConfigError::key(
            "session",
            "idle_minutes must be above 0 and not longer than absolute_hours",
        ));
    }
    Ok(limits)
}

fn clusters(entries: Vec<FileCluster>, base: &Path) -> Result<Vec<ClusterEntry>, ConfigError> {
    let mut seen = BTreeSet::new();
    let mut clusters = Vec::new();
    for entry in entries {
        check_name("cluster", &entry.name, &mut seen)?;
        clusters.push(ClusterEntry {
            kubeconfig: base.join(entry.kubeconfig),
            name: entry.name,
            context: entry.context,
            labels: entry.labels,
        });
    }
    Ok(clusters)
}

fn sources(
    entries: Vec<FileSource>,
    base: &Path,
    clusters: &[ClusterEntry],
) -> Result<Vec<SourceEntry>, ConfigError> {
    let mut seen = BTreeSet::new();
    let mut sources = Vec::new();
    for entry in entries {
        check_name("source", &entry.name, &mut seen)?;
        let key = |field: &str| format!("source “{}”, {field}", entry.name);
        if entry.repo.starts_with("http") && entry.repo.contains('@') {
            return Err(ConfigError::key(
                key("repo"),
                "must not hold a user or password; use username and password_env or password_file",
            ));
        }
        // One cluster needs no naming.
        let home_cluster = match (entry.home_cluster.is_empty(), clusters) {
            (true, [only]) => only.name.clone(),
            _ => entry.home_cluster.clone(),
        };
        let taken_over = match (entry.taken_over, entry.mode.as_deref()) {
            (Some(taken_over), _) => taken_over,
            (None, None) => false,
            (None, Some(word)) => {
                let word = word.to_ascii_lowercase();
                [Mode::Observe, Mode::Managed]
                    .into_iter()
                    .find(|mode| mode.word().to_ascii_lowercase() == word)
                    .ok_or_else(|| ConfigError::key(key("mode"), "must be observe or managed"))?
                    == Mode::Managed
            }
        };
        let login = FileLogin {
            username: entry.username,
            password_env: entry.password_env,
            password_file: entry.password_file,
            ssh_key_file: entry.ssh_key_file,
            known_hosts_file: entry.known_hosts_file,
            ca_file: entry.ca_file,
        }
        .read(&format!("source “{}”", entry.name), base)?;
        let poll = entry.poll_seconds.unwrap_or(30);
        if poll == 0 {
            return Err(ConfigError::key(key("poll_seconds"), "must be above 0"));
        }
        sources.push(SourceEntry {
            path: entry.path.trim_matches('/').to_owned(),
            revision: TargetRevision(entry.revision.clone()),
            home_cluster,
            login,
            taken_over,
            poll: Duration::from_secs(u64::from(poll)),
            repo: entry.repo.clone(),
            name: entry.name,
        });
    }
    Ok(sources)
}

fn repositories(
    entries: Vec<FileRepository>,
    base: &Path,
) -> Result<Vec<RepositoryEntry>, ConfigError> {
    let mut repositories = Vec::new();
    for entry in entries {
        let owner = format!("repository “{}”", entry.prefix);
        let login = FileLogin {
            username: entry.username,
            password_env: entry.password_env,
            password_file: entry.password_file,
            ssh_key_file: entry.ssh_key_file,
            known_hosts_file: entry.known_hosts_file,
            ca_file: entry.ca_file,
        }
        .read(&owner, base)?;
        let Some(login) = login else {
            return Err(ConfigError::key(
                owner,
                "needs username and password_env or password_file, or ssh_key_file and known_hosts_file, or ca_file",
            ));
        };
        if !entry.prefix.contains("://") || !entry.prefix.ends_with('/') {
            let why = "must be an address that ends with a slash, as https://git.example.org/team/";
            return Err(ConfigError::key(format!("{owner}, prefix"), why));
        }
        if entry.poll_seconds == Some(0) {
            let owner = format!("{owner}, poll_seconds");
            return Err(ConfigError::key(owner, "must be above 0"));
        }
        repositories.push(RepositoryEntry {
            prefix: entry.prefix,
            login,
            poll: entry
                .poll_seconds
                .map(|seconds| Duration::from_secs(u64::from(seconds))),
        });
    }
    Ok(repositories)
}

pub(super) fn check_name(
    what: &str,
    name: &str,
    seen: &mut BTreeSet<String>,
) -> Result<(), ConfigError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > 63 || !name.chars().all(plain) {
        return Err(ConfigError::key(
            format!("{what}.name"),
            format!("“{name}” must be 1 to 63 letters, digits, dots, dashes or underscores"),
        ));
    }
    if !seen.insert(name.to_owned()) {
        return Err(ConfigError::key(
            format!("{what}.name"),
            format!("“{name}” is used twice"),
        ));
    }
    Ok(())
}

/// Named, or beside the executable as a release unpacks it, or where the build leaves it.
fn site_root(named: Option<PathBuf>, env: &Environment) -> PathBuf {
    if let Some(path) = env("LOCKSTEP_SITE_ROOT").or_else(|| env("LEPTOS_SITE_ROOT")) {
        return PathBuf::from(path);
    }
    if let Some(path) = named {
        return path;
    }
    let beside = std::env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(|folder| folder.join("site")));
    match beside {
        Some(path) if path.is_dir() => path,
        _ => PathBuf::from("target/site"),
    }
}

#[cfg(test)]
mod tests;
