//! Files beside the data that must survive a lost database: who this installation is.

use std::io::{self, Write};
use std::path::Path;
use uuid::Uuid;

/// The id that tracking annotations and leases carry. Made once, kept in `data_dir/installation`.
///
/// # Errors
/// The file cannot be read or made, or does not hold a UUID.
pub fn installation_id(data_dir: &Path) -> io::Result<Uuid> {
    let path = data_dir.join("installation");
    let text = read_or_create(&path, || Uuid::now_v7().to_string())?;
    Uuid::parse_str(text.trim()).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} must hold one UUID", path.display()),
        )
    })
}

/// Reads the file, or makes it for its owner alone with what `content` gives. Two starters agree on one content.
pub(crate) fn read_or_create(path: &Path, content: impl Fn() -> String) -> io::Result<String> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    if !path.exists() {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        match options.open(path) {
            Ok(mut file) => {
                file.write_all(content().as_bytes())?;
                file.sync_all()?;
            }
            // Somebody else was first; theirs counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    std::fs::read_to_string(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let first = installation_id(folder.path()).unwrap();
        assert_eq!(installation_id(folder.path()).unwrap(), first);
        std::fs::write(folder.path().join("installation"), "nonsense").unwrap();
        assert!(installation_id(folder.path()).is_err());
    }
}
