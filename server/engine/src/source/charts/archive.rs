//! Opens the archive of a chart in memory. Nothing that is written in it can leave its folder, grow without end or point
//! elsewhere.

use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::io::Read;
use tar::{Archive, EntryType};

const MAX_FILES: usize = 20_000;
const MAX_FILE: u64 = 16 * 1024 * 1024;
const MAX_UNPACKED: u64 = 256 * 1024 * 1024;
const MAX_DEPTH: usize = 40;

/// Files of a chart by path, relative to the chart.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// Unpacks a chart's archive, in which everything lies in one folder, as Helm packs it.
///
/// # Errors
/// What is wrong with the archive, as a part of a sentence.
pub(super) fn chart(bytes: &[u8]) -> Result<Files, String> {
    let mut top: Option<String> = None;
    let mut files = Files::new();
    for (path, content) in unpack(bytes)? {
        let Some((first, rest)) = path.split_once('/') else {
            return Err(format!("{path} lies beside the folder of the chart"));
        };
        if top.get_or_insert_with(|| first.to_owned()) != first {
            return Err(format!(
                "it holds more than one folder: {first} is the second"
            ));
        }
        files.insert(rest.to_owned(), content);
    }
    if files.contains_key("Chart.yaml") {
        Ok(files)
    } else {
        Err("it holds no Chart.yaml".to_owned())
    }
}

/// Unpacks any gzipped tar archive.
///
/// # Errors
/// What is wrong with the archive, as a part of a sentence.
pub(super) fn unpack(bytes: &[u8]) -> Result<Files, String> {
    let broken = |error: std::io::Error| format!("it cannot be unpacked: {error}");
    let mut archive = Archive::new(GzDecoder::new(bytes).take(MAX_UNPACKED + 1));
    let mut files = Files::new();
    let mut unpacked: u64 = 0;
    let mut entries: usize = 0;
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let raw = entry.path_bytes().into_owned();
        let path = String::from_utf8(raw).map_err(|_| "a name in it is not UTF-8".to_owned())?;
        entries += 1;
        if entries > MAX_FILES {
            return Err(format!("it holds more than {MAX_FILES} entries"));
        }
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {}
            EntryType::Directory | EntryType::XGlobalHeader => continue,
            EntryType::Symlink | EntryType::Link => {
                return Err(format!(
                    "{} is a link, and links are not followed",
                    shown(&path)
                ));
            }
            _ => return Err(format!("{} is no plain file", shown(&path))),
        }
        let path = inside(&path)?;
        let size = entry.size();
        unpacked = unpacked.saturating_add(size);
        if size > MAX_FILE || unpacked > MAX_UNPACKED {
            return Err(format!(
                "{path} makes it larger than is allowed ({} MiB for a file, {} MiB in all)",
                MAX_FILE >> 20,
                MAX_UNPACKED >> 20
            ));
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(broken)?;
        if content.len() as u64 != size {
            return Err(format!("it ends in the middle of {path}"));
        }
        if files.insert(path.clone(), content).is_some() {
            return Err(format!("{path} is in it twice"));
        }
    }
    Ok(files)
}

fn inside(path: &str) -> Result<String, String> {
    let refuse = || format!("{} is no path inside the archive", shown(path));
    if path.starts_with('/') || path.contains(['\\', '\0']) || path.chars().any(char::is_control) {
        return Err(refuse());
    }
    let parts: Vec<&str> = path.split('/').filter(|part| *part != ".").collect();
    let bad = |part: &&str| {
        part.is_empty()
            || *part == ".."
            || part.eq_ignore_ascii_case(".git")
            || (part.len() == 2 && part.ends_with(':'))
    };
    if parts.is_empty() || parts.len() > MAX_DEPTH || parts.iter().any(bad) {
        return Err(refuse());
    }
    Ok(parts.join("/"))
}

fn shown(path: &str) -> String {
    path.escape_debug().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn packed(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, kind, content) in entries {
            let mut header = tar::Header::new_gnu();
            // Past the checks of the writer, as an attacker would.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            if *kind == EntryType::Symlink {
                header.set_link_name("/etc/passwd").unwrap();
            }
            header.set_cksum();
            builder.append(&header, *content).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn a_chart_is_its_folder() {
        let file = EntryType::Regular;
        let bytes = packed(&[
            ("web/", EntryType::Directory, b""),
            ("web/Chart.yaml", file, b"name: web\n"),
            ("./web/templates/a.yaml", file, b"a: 1\n"),
        ]);
        let files = chart(&bytes).unwrap();
        let paths: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(paths, ["Chart.yaml", "templates/a.yaml"]);
    }

    #[test]
    fn attack_12_archives_that_leave_or_lie() {
        let file = EntryType::Regular;
        let yaml = ("web/Chart.yaml", file, b"name: web\n".as_slice());
        for (entries, word) in [
            (vec![yaml, ("web/../../x", file, b"")], "no path inside"),
            (vec![yaml, ("/etc/x", file, b"")], "no path inside"),
            (vec![("../Chart.yaml", file, b"")], "no path inside"),
            (vec![yaml, ("web\\..\\x", file, b"")], "no path inside"),
            (vec![yaml, ("web/.git/config", file, b"")], "no path inside"),
            (vec![yaml, ("web/l", EntryType::Symlink, b"")], "is a link"),
            (vec![yaml, ("web/f", EntryType::Fifo, b"")], "no plain file"),
            (vec![yaml, yaml], "twice"),
            (vec![yaml, ("other/x", file, b"")], "more than one folder"),
            (vec![("web/values.yaml", file, b"")], "no Chart.yaml"),
            (vec![("Chart.yaml", file, b"")], "beside the folder"),
        ] {
            let error = chart(&packed(&entries)).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        let names: Vec<String> = (0..=MAX_FILES).map(|at| format!("web/{at}")).collect();
        let many: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), file, b"".as_slice()))
            .collect();
        assert!(chart(&packed(&many)).unwrap_err().contains("entries"));
        assert!(chart(b"no archive").is_err());
        let whole = packed(&[yaml]);
        assert!(chart(&whole[..whole.len() / 2]).is_err());
    }

    #[test]
    fn attack_12_a_bomb_does_not_go_off() {
        let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
        let mut header = tar::Header::new_gnu();
        header.set_path("web/zeros").unwrap();
        header.set_size(8 << 30);
        header.set_cksum();
        bomb.write_all(header.as_bytes()).unwrap();
        let zeros = vec![0; 1 << 20];
        for _ in 0..32 {
            bomb.write_all(&zeros).unwrap();
        }
        let bytes = bomb.finish().unwrap();
        assert!(bytes.len() < 1 << 20);
        assert!(
            chart(&bytes)
                .unwrap_err()
                .contains("larger than is allowed")
        );
    }

    #[test]
    fn fuzz_archives() {
        let file = EntryType::Regular;
        let packed = packed(&[
            ("web/", EntryType::Directory, b""),
            ("web/Chart.yaml", file, b"name: web\n"),
            ("web/templates/a.yaml", file, b"a: 1\n"),
        ]);
        let mut plain = Vec::new();
        GzDecoder::new(packed.as_slice())
            .read_to_end(&mut plain)
            .unwrap();
        crate::fuzzing::run("archives", &[&packed], |bytes| {
            let _ = chart(bytes);
        });
        // Past the checksum of the compression.
        crate::fuzzing::run("archives inside", &[&plain], |bytes| {
            let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
            packer.write_all(bytes).unwrap();
            for path in chart(&packer.finish().unwrap()).unwrap_or_default().keys() {
                assert!(!path.starts_with('/') && path.split('/').all(|part| part != ".."));
            }
        });
    }
}
