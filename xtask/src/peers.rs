//! Builds the program that measures other stores, `benches/peers`, with just the stores that are asked for: it lies outside of the workspace, because it compiles C++.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::workspace::Workspace;

/// A store, which is a feature of the package, and what its build needs of the system.
struct Peer {
    name: &'static str,
    needs: &'static [Need],
}

/// Something that cargo does not bring.
struct Need {
    what: &'static str,
    /// Packages of Debian.
    packages: &'static str,
    is_there: fn(&Path) -> bool,
}

const C: Need = Need { what: "a C compiler", packages: "gcc", is_there: |_| runs("cc") };
const CPP: Need = Need { what: "a C++ compiler", packages: "g++", is_there: |_| runs("c++") };
const LIBCLANG: Need = Need { what: "libclang", packages: "libclang-dev", is_there: |_| has_libclang() };
const LEVELDB: Need = Need {
    what: "the LevelDB library",
    packages: "libleveldb-dev",
    is_there: |scratch| links("leveldb", scratch),
};

const PEERS: &[Peer] = &[
    Peer { name: "rocksdb", needs: &[C, CPP, LIBCLANG] },
    Peer { name: "fjall", needs: &[] },
    Peer { name: "redb", needs: &[] },
    Peer { name: "lmdb", needs: &[C] },
    Peer { name: "leveldb", needs: &[C, LEVELDB] },
    Peer { name: "sled", needs: &[] },
];

/// Below the root of the workspace; tests of the package find the same there when cargo builds it alone.
const FOLDER: &str = "benches/peers";

/// Builds what the words ask for with `--peers`, and returns the words that name the program. None when they do not.
pub(crate) fn build(workspace: &Workspace, words: &[String]) -> Result<Vec<String>> {
    let names = asked(words)?;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    // Its binding would link that one and still be taken for the version that it bundles.
    if names.contains(&"rocksdb") && env::var_os("ROCKSDB_LIB_DIR").is_some() {
        bail!("ROCKSDB_LIB_DIR names a RocksDB of the system, and the bundled one is measured: unset it");
    }
    let target = workspace.root().join(FOLDER).join("target");
    fs::create_dir_all(&target).with_context(|| format!("cannot make {}", target.display()))?;
    let missing = missing(&names, |need| (need.is_there)(&target));
    if !missing.is_empty() {
        bail!("{}", missing.join("; "));
    }
    let manifest = format!("{FOLDER}/Cargo.toml");
    let target_dir = format!("{FOLDER}/target");
    let features = names.join(",");
    workspace.cargo(&[
        "build",
        "--release",
        "--locked",
        "--manifest-path",
        &manifest,
        "--target-dir",
        &target_dir,
        "--features",
        &features,
    ])?;
    let program = target.join("release").join("siltstone-peers");
    Ok(vec!["--peers-program".to_owned(), program.to_string_lossy().into_owned()])
}

/// The names behind `--peers`, each once.
fn asked(words: &[String]) -> Result<Vec<&'static str>> {
    let mut names = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let given = match word.split_once('=') {
            Some(("--peers", given)) => given,
            _ if word == "--peers" => {
                words.next().context("`--peers` needs names, such as `rocksdb,fjall`")?
            }
            _ => continue,
        };
        for name in given.split(',') {
            let Some(peer) = PEERS.iter().find(|peer| peer.name == name) else {
                let all: Vec<&str> = PEERS.iter().map(|peer| peer.name).collect();
                bail!("there is no peer `{name}`; there are {}", all.join(", "));
            };
            if !names.contains(&peer.name) {
                names.push(peer.name);
            }
        }
    }
    Ok(names)
}

/// What the peers need and is not there, each with what to install.
fn missing(names: &[&str], is_there: impl Fn(&Need) -> bool) -> Vec<String> {
    let mut missing = Vec::new();
    for peer in PEERS.iter().filter(|peer| names.contains(&peer.name)) {
        for need in peer.needs.iter().filter(|need| !is_there(need)) {
            missing.push(format!(
                "{} needs {}, which was not found: install it (Debian: apt-get install {})",
                peer.name, need.what, need.packages
            ));
        }
    }
    missing
}

fn runs(program: &str) -> bool {
    let status = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Whether the linker finds a library.
fn links(library: &str, scratch: &Path) -> bool {
    let mut command = Command::new("cc");
    command.args(["-shared", "-x", "c", "/dev/null", "-o"]).arg(scratch.join("has-library.so"));
    command.arg(format!("-l{library}")).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Where the crate that loads it looks: the folder that a variable names, what `llvm-config` says, and folders of libraries.
fn has_libclang() -> bool {
    if env::var_os("LIBCLANG_PATH").is_some() || runs("llvm-config") {
        return true;
    }
    let is_libclang = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        (name.starts_with("libclang.so") || name.starts_with("libclang-")) && name.contains(".so")
    };
    let entries = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.path())).collect::<Vec<_>>()
    };
    let mut folders = ["/usr/lib64", "/usr/local/lib", "/usr/local/lib64"].map(Into::into).to_vec();
    for folder in entries(Path::new("/usr/lib")).into_iter().filter(|path| path.is_dir()) {
        folders.push(folder.join("lib"));
        folders.push(folder);
    }
    folders.push("/usr/lib".into());
    folders.iter().any(|folder| entries(folder).iter().any(|path| is_libclang(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> Result<Vec<&'static str>> {
        asked(&line.split_whitespace().map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn peers_are_found_among_other_words() {
        assert_eq!(names("m.toml --only lz4 --out=x").unwrap(), Vec::<&str>::new());
        assert_eq!(names("m.toml --peers fjall,rocksdb --only lz4").unwrap(), ["fjall", "rocksdb"]);
        assert_eq!(names("--peers=lmdb --peers lmdb,sled").unwrap(), ["lmdb", "sled"]);
        assert!(names("--peers rocksdbb").unwrap_err().to_string().contains("there are rocksdb, fjall"));
        assert!(names("--peers").unwrap_err().to_string().contains("needs names"));
    }

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        let missing = missing(&["rocksdb", "fjall", "leveldb"], |need| need.what == "a C compiler");
        assert_eq!(missing.len(), 3);
        assert!(
            missing[1].contains("rocksdb needs libclang")
                && missing[1].contains("apt-get install libclang-dev")
        );
        assert!(missing[2].contains("apt-get install libleveldb-dev"));
        assert!(super::missing(&["fjall", "redb", "sled"], |_| false).is_empty());
    }

    #[test]
    fn a_library_that_nobody_has_does_not_link() {
        assert!(!links("no-such-library-anywhere", &env::temp_dir()));
    }
}
