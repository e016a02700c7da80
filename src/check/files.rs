//! Which files a command line means, and what is in them.

use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::Input;

/// The name of the standard input.
pub const STDIN: &str = "-";

/// Reads files, folders with everything below them, and the standard input: each once, however often it is
/// named.
///
/// # Errors
/// When a path does not exist or cannot be read, or a folder has no manifests.
pub fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let mut inputs = Vec::new();
    let mut seen = HashSet::new();
    // What has no such path, as a pipe, is another one each time.
    let mut first = |path: &Path| fs::canonicalize(path).map_or(true, |whole| seen.insert(whole));
    let mut stdin = false;
    for path in paths {
        if path.as_os_str() == STDIN {
            if std::mem::replace(&mut stdin, true) {
                continue;
            }
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes).context("the standard input cannot be read")?;
            inputs.push(Input { name: STDIN.to_owned(), bytes });
        } else if path.is_dir() {
            let files = below(path)?;
            if files.is_empty() {
                bail!("{} has no manifests (*.yaml, *.yml, *.json)", path.display());
            }
            for file in files.iter().filter(|file| first(file)) {
                inputs.push(open(file)?);
            }
        } else if first(path) {
            inputs.push(open(path)?);
        }
    }
    Ok(inputs)
}

fn open(path: &Path) -> anyhow::Result<Input> {
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Input { name: path.display().to_string(), bytes })
}

/// All manifests below a folder, in order. Links to folders are not followed: they may lead around in a
/// circle. What begins with a dot, such as `.git`, is left out.
fn below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let unreadable = || format!("the folder {} cannot be read", folder.display());
        for entry in fs::read_dir(&folder).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            let (path, hidden) = (entry.path(), entry.file_name().as_encoded_bytes().starts_with(b"."));
            if hidden {
                continue;
            }
            if entry.file_type().with_context(unreadable)?.is_dir() {
                folders.push(path);
            } else if is_manifest(&path) && path.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_means_all_manifests_below_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for file in ["b.yml", "a/c.yaml", "a/d/e.json", "a/notes.md", ".git/x.yaml", "a/.y.yaml"] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        std::os::unix::fs::symlink(root, root.join("a/circle")).unwrap();
        let inputs = read(&[root.to_owned()]).unwrap();
        let names: Vec<&str> =
            inputs.iter().map(|input| &input.name[root.display().to_string().len()..]).collect();
        assert_eq!(names, ["/a/c.yaml", "/a/d/e.json", "/b.yml"]);
    }

    #[test]
    fn a_file_that_is_named_twice_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        fs::write(&file, "{}").unwrap();
        let named = [folder.path().to_owned(), file.clone(), folder.path().join("./a.yaml")];
        let inputs = read(&named).unwrap();
        assert_eq!(inputs.len(), 1);
        assert_eq!(inputs[0].name, file.display().to_string());
    }

    #[test]
    fn a_path_that_leads_to_nothing_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = read(&[folder.path().join("missing.yaml")]).unwrap_err().to_string();
        assert!(error.ends_with("missing.yaml cannot be read"), "{error}");
        let error = read(&[folder.path().to_owned()]).unwrap_err().to_string();
        assert!(error.contains("has no manifests"), "{error}");
    }
}
