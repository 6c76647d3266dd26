//! Where in Git a value stands, or would stand, and the file as it shall be. Reads files, writes nothing.

use super::super::blame::Declared;
use super::{edit, read, words};
use engine::definition::DefinedSource;
use engine::render::{
    Addition, Overlaid, Place, Wish, Within, appended, overlaid, restated, stated_field,
    stated_object, value_at_path, without,
};
use engine::source::{FileEdit, Snapshot};
use lockstep_types::resource::Origin;
use serde_json::Value;

const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What the cluster has instead of what Git says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Taken {
    Changed(Value),
    /// Git does not say it.
    Added(Addition, Value),
    /// Git says it, and the cluster lacks it.
    Removed,
}

impl Taken {
    /// The value that must come out.
    pub(super) fn value(&self) -> Option<&Value> {
        match self {
            Self::Changed(value) | Self::Added(_, value) => Some(value),
            Self::Removed => None,
        }
    }
}

/// What is looked for in the files, on a thread that may block.
pub(super) struct Wanted {
    pub declared: Declared,
    pub path: String,
    pub taken: Taken,
    /// Of the application.
    pub folder: String,
    pub origin: Origin,
}

/// Where the value may be written.
pub(super) struct Found {
    pub place: Origin,
    text: String,
    /// The object's name in its file.
    name: String,
    /// The application's own kustomization, with its text.
    pub kustomization: Option<(String, String)>,
}

impl Wanted {
    /// The place that states the value, or the file of the object that it would be added to; or why there is none, as a
    /// sentence.
    pub(super) fn found(
        &self,
        snapshot: &Snapshot,
        source: &DefinedSource,
    ) -> Result<Found, String> {
        let manifest = &self.declared.manifest;
        let (place, name, generated) = if let Taken::Added(..) = self.taken {
            let object = stated_object(snapshot, source, manifest, &self.origin);
            let place = Origin {
                path: self.origin.path.clone(),
                line: None,
            };
            (place, object.name, object.generated)
        } else {
            let stated = stated_field(snapshot, source, manifest, &self.origin, &self.path);
            let stated = stated.ok_or("Git does not declare this field.")?;
            let place = match stated.place {
                Place::Definition => {
                    return Err(
                        "The application's definition sets it; edit the definition.".to_owned()
                    );
                }
                Place::File(place) => place,
            };
            (place, stated.name, stated.generated)
        };
        if generated {
            return Err(format!(
                "The object is generated, and its name changes with what it holds. Change {} in Git by hand.",
                words::place(&place)
            ));
        }
        Ok(Found {
            text: read(snapshot, &place.path)?,
            place,
            name,
            kustomization: self.kustomization(snapshot),
        })
    }

    /// The file as it shall be, and the place that changes in it; or why there is none, as a sentence. `others` read the
    /// file, too; an `overlay` of one's own may say it instead.
    pub(super) fn written(
        &self,
        found: &Found,
        others: bool,
        overlay: bool,
    ) -> Result<(FileEdit, Origin), String> {
        if others && overlay {
            return self.overlaid(found);
        }
        match self.in_place(found) {
            // What a patch or a setting says cannot be taken out of the object's file, but out of what is rendered.
            Err(_) if overlay && self.taken == Taken::Removed => self.overlaid(found),
            done => done,
        }
    }

    /// The file that states it with what the cluster has.
    fn in_place(&self, found: &Found) -> Result<(FileEdit, Origin), String> {
        let manifest = &self.declared.manifest;
        let place = &found.place;
        let object = Within {
            kind: &manifest.key.kind,
            name: &found.name,
            body: &manifest.body,
        };
        let reshaped = match &self.taken {
            Taken::Changed(live) => {
                let longer = appended(&found.text, &object, &self.path, live);
                match longer.filter(|_| place.path == self.origin.path) {
                    Some(longer) => Some(longer),
                    None => return self.restated(found, live),
                }
            }
            Taken::Added(addition, live) => addition.within(&found.text, &object, live),
            Taken::Removed if place.path == self.origin.path => {
                without(&found.text, &object, &self.path)
            }
            Taken::Removed => None,
        };
        let (now, line) = reshaped.ok_or_else(|| {
            format!(
                "{} does not say it line by line in the object itself, so it cannot be written there without guessing; change it in Git by hand.",
                place.path
            )
        })?;
        let at = Origin {
            path: place.path.clone(),
            line: Some(line),
        };
        Ok((edit(&place.path, now), at))
    }

    fn restated(&self, found: &Found, live: &Value) -> Result<(FileEdit, Origin), String> {
        let place = &found.place;
        let declared = value_at_path(&self.declared.manifest.body, &self.path);
        let (declared, _) = declared.ok_or("Git does not declare this field.")?;
        let line = place.line.ok_or_else(|| {
            format!(
                "It is declared in {}, but no line there says exactly this; change it in Git by hand.",
                place.path
            )
        })?;
        let now = restated(&found.text, line, declared, live).ok_or_else(|| {
            format!(
                "Line {line} of {} cannot be changed without guessing; change it in Git by hand.",
                place.path
            )
        })?;
        Ok((edit(&place.path, now), place.clone()))
    }

    /// The application's own kustomization with a patch more.
    fn overlaid(&self, found: &Found) -> Result<(FileEdit, Origin), String> {
        let manifest = &self.declared.manifest;
        let (path, text) = found.kustomization.as_ref().ok_or("No file says it.")?;
        let declared = || {
            let declared = value_at_path(&manifest.body, &self.path);
            declared.map(|(_, pointer)| pointer)
        };
        let (pointer, wish) = match &self.taken {
            Taken::Changed(live) => (declared(), Wish::Replace(live)),
            Taken::Added(addition, _) if addition.brings_more() => {
                return Err(format!(
                    "Git does not have what {} stands in, and a patch that adds it would take the place of what the base says there later. Add it in Git by hand.",
                    self.path
                ));
            }
            Taken::Added(addition, live) => (Some(addition.pointer().to_owned()), Wish::Add(live)),
            Taken::Removed => (declared(), Wish::Remove),
        };
        let pointer = pointer.ok_or("Git does not declare this field.")?;
        let field = Overlaid {
            api_version: &manifest.api_version,
            kind: &manifest.key.kind,
            name: &found.name,
            pointer: &pointer,
            wish,
            body: &manifest.body,
        };
        let now = overlaid(text, &field).ok_or_else(|| {
            format!("The patches of {path} are written in a form that cannot be added to; change it in Git by hand.")
        })?;
        let place = Origin {
            path: path.clone(),
            line: first_difference(text, &now),
        };
        Ok((edit(path, now), place))
    }

    /// The application's own kustomization, when it has one in Git.
    fn kustomization(&self, snapshot: &Snapshot) -> Option<(String, String)> {
        KUSTOMIZATIONS.into_iter().find_map(|name| {
            let path = match self.folder.is_empty() {
                true => name.to_owned(),
                false => format!("{}/{name}", self.folder),
            };
            let text = read(snapshot, &path).ok()?;
            Some((path, text))
        })
    }
}

/// 1-based line at which two texts part.
fn first_difference(one: &str, other: &str) -> Option<u32> {
    let same = one
        .lines()
        .zip(other.lines())
        .take_while(|(one, other)| one == other);
    u32::try_from(same.count() + 1).ok()
}
