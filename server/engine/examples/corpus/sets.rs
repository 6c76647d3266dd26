//! Sets of applications: expanded with what the folders themselves hold, as a server would with what it fetched.

use crate::corpus::Corpus;
use engine::definition::Definitions;
use engine::definition::set::{Expansion, GitPlace, Known, Need, SetCluster, TemplateRun};
use std::collections::BTreeMap;
use std::error::Error;

/// Nothing asks more often than this.
const ROUNDS: usize = 12;

impl Corpus {
    /// Puts the members of all sets among the applications, and what is wrong with them among the problems; gives the
    /// number of members.
    pub(crate) async fn expand(
        &self,
        definitions: &mut Definitions,
        home: &str,
    ) -> Result<usize, Box<dyn Error>> {
        let mut known = Known {
            clusters: vec![SetCluster {
                name: home.to_owned(),
                server: "https://kubernetes.default.svc".to_owned(),
                labels: BTreeMap::new(),
                home: true,
            }],
            ..Known::default()
        };
        let sets = std::mem::take(&mut definitions.sets);
        let mut expansions: Vec<Expansion> = Vec::new();
        for _ in 0..ROUNDS {
            expansions = sets.iter().map(|set| set.expand(&known)).collect();
            let needs: Vec<Need> = expansions
                .iter()
                .flat_map(|expansion| expansion.needs.clone())
                .collect();
            if needs.is_empty() {
                break;
            }
            self.answer(&mut known, needs).await;
        }
        let mut generated = 0;
        for (set, expansion) in sets.iter().zip(expansions) {
            if !expansion.needs.is_empty() {
                return Err(format!("{} asks for ever", set.title()).into());
            }
            generated += expansion.members.len();
            let missing = expansion.not_generated.iter();
            definitions
                .problems
                .extend(missing.map(|missing| set.missing(missing)));
            definitions.problems.extend(expansion.problems);
            definitions.applications.extend(expansion.members);
        }
        definitions.sets = sets;
        Ok(generated)
    }

    async fn answer(&self, known: &mut Known, needs: Vec<Need>) {
        let mut runs: Vec<TemplateRun> = Vec::new();
        for need in needs {
            match need {
                Need::Files(place) => {
                    let files = self.paths(&place).await;
                    known.files.insert(place, files);
                }
                Need::File(place, path) => {
                    let bytes = self.bytes(&place, &path).await;
                    known.contents.insert((place, path), bytes);
                }
                Need::Texts(run) => runs.push(run),
            }
        }
        let filled = match self.renderer.fill_templates(&runs).await {
            Ok(filled) => filled,
            Err(error) => vec![Err(error.to_string()); runs.len()],
        };
        known
            .texts
            .extend(runs.iter().map(TemplateRun::key).zip(filled));
    }

    async fn paths(&self, place: &GitPlace) -> Result<Vec<String>, String> {
        let url = self.address(&place.repo_url)?;
        let head = self.head(url).await.map_err(|error| error.to_string())?;
        let files = self.mirrors.files(url, &head, "").await;
        let files = files.map_err(|error| error.to_string())?;
        Ok(files.into_iter().map(|file| file.path).collect())
    }

    async fn bytes(&self, place: &GitPlace, path: &str) -> Result<Vec<u8>, String> {
        let url = self.address(&place.repo_url)?;
        let head = self.head(url).await.map_err(|error| error.to_string())?;
        let files = self.mirrors.files(url, &head, path).await;
        let files = files.map_err(|error| error.to_string())?;
        let file = files.first().ok_or("it is not there")?;
        let read = self.mirrors.read(url, &file.oid).await;
        read.map_err(|error| error.to_string())
    }

    /// The address of a folder: as it is read here, or by the name that its repository has wherever it is.
    pub(crate) fn address(&self, repo_url: &str) -> Result<&String, String> {
        let named = repo_url.trim_end_matches('/').trim_end_matches(".git");
        let named = named.rsplit('/').next().unwrap_or_default();
        let mut known = self.addresses.values();
        let found = known.find(|known| *known == repo_url);
        let found = found.or_else(|| self.addresses.get(named));
        found.ok_or_else(|| "its repository is not part of the corpus".to_owned())
    }
}
