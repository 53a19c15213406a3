//! The requirements of the reference product: each number has a test that names it, as `r11_…` or among others as in `r06_r42_…`.

use std::collections::BTreeSet;
use std::path::Path;

/// R1 to R42.
const LAST: u32 = 42;

fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !["target", "node_modules", ".git", ".dev", "data"].contains(&name.as_str()) {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// The numbers at the begin of a name: `r06_r42_alerts_are` has 6 and 42.
fn numbers(name: &str) -> impl Iterator<Item = u32> {
    name.split('_').map_while(|word| word.strip_prefix('r')?.parse().ok())
}

/// The numbers that tests of a source name.
fn tested(source: &str) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(name) = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn ")) {
            if is_test {
                found.extend(numbers(name));
            }
            is_test = false;
        }
    }
    found
}

#[test]
fn every_number_of_the_reference_is_named_by_a_test() {
    let mut files = Vec::new();
    sources(Path::new(env!("CARGO_MANIFEST_DIR")), &mut files);
    let mut found = BTreeSet::new();
    for file in files {
        found.extend(tested(&std::fs::read_to_string(&file).unwrap()));
    }
    let missing: Vec<u32> = (1..=LAST).filter(|number| !found.contains(number)).collect();
    assert!(missing.is_empty(), "no test names {missing:?}");
    assert!(found.iter().all(|number| *number <= LAST), "{found:?}");
}

#[test]
fn numbers_are_read_from_the_names_of_tests_alone() {
    let source = "#[test]\nfn r06_r42_alerts() {}\nfn r7_helper() {}\n#[tokio::test]\nasync fn r12_reuse_r13() {}\nfn roads() {}";
    assert_eq!(tested(source), BTreeSet::from([6, 12, 42]));
}
