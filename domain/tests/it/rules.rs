//! Rules of the house that the compiler does not keep: the order of rooms, and what SQL may say.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms in the order in which they may import each other: only upwards.
const ROOMS: [&str; 17] = [
    "audit",
    "idempotency",
    "catalogue",
    "keys",
    "orgs",
    "people",
    "clusters",
    "profiles",
    "agents",
    "nodes",
    "certificates",
    "inventory",
    "gauges",
    "root_changes",
    "plans",
    "jobs",
    "alerts",
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Code without comments and string literals that span one line.
fn code(path: &Path) -> String {
    fs::read_to_string(path)
        .unwrap()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn room_of(path: &Path) -> Option<String> {
    let first = path.strip_prefix(source()).unwrap().components().next()?;
    let name = first.as_os_str().to_str()?.trim_end_matches(".rs").to_string();
    ROOMS.contains(&name.as_str()).then_some(name)
}

/// Names right after `crate::`, also inside `crate::{…}`.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut name = String::new();
            let mut names = Vec::new();
            for letter in list.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
                if depth == 1 && letter == ',' {
                    names.push(std::mem::take(&mut name));
                } else if depth == 1 {
                    name.push(letter);
                }
            }
            names.push(name);
            found.extend(
                names
                    .iter()
                    .map(|name| name.trim().split("::").next().unwrap_or_default().trim().to_string()),
            );
        } else {
            found.push(
                rest.chars()
                    .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                    .collect(),
            );
        }
    }
    found
}

#[test]
fn every_room_is_in_the_order_and_imports_only_upwards() {
    let lib = fs::read_to_string(source().join("lib.rs")).unwrap();
    let floor = [
        "clock",
        "db",
        "digest",
        "error",
        "failpoint",
        "fields",
        "ids",
        "lists",
        "scope",
        "signal",
    ];
    for line in lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ").or_else(|| line.strip_prefix("mod ")))
    {
        let name = line.trim_end_matches(';');
        assert!(
            ROOMS.contains(&name) || floor.contains(&name),
            "the room {name} has no place in the order of rooms"
        );
    }
    let place = |name: &str| ROOMS.iter().position(|room| *room == name);
    let mut looked_at = 0;
    for path in files(&source()) {
        let room = room_of(&path);
        for import in imports(&code(&path)) {
            let Some(imported) = place(&import) else { continue };
            looked_at += 1;
            match &room {
                Some(room) => assert!(
                    place(room) >= Some(imported),
                    "{} of the room {room} imports {import}, which stands below it",
                    path.display()
                ),
                None if path.ends_with("lib.rs") => {}
                None => panic!("{} is floor and imports the room {import}", path.display()),
            }
        }
    }
    assert!(
        looked_at > 20,
        "only {looked_at} imports were found: the test looks in the wrong place"
    );
}

#[test]
fn entities_are_private_and_found_only_through_a_transaction_of_an_organisation() {
    let mut looked_at = 0;
    for path in files(&source()) {
        let Some(room) = room_of(&path) else { continue };
        let code = code(&path);
        assert!(
            !code.contains("pub mod entity"),
            "{}: entities are private",
            path.display()
        );
        assert!(
            !code.contains("cursor_by"),
            "{}: cursor_by writes an OR that no index serves; use a row comparison",
            path.display()
        );
        assert!(
            !code.contains("CURRENT_TIMESTAMP") && !code.contains("now()\""),
            "{}: time is a parameter",
            path.display()
        );
        assert!(
            !code.contains("SetNull"),
            "{}: SET NULL on a composite key would empty org_id",
            path.display()
        );
        assert!(
            !code.contains("Utc::now()"),
            "{}: the room {room} asks for the time; take that of the transaction",
            path.display()
        );
        assert!(
            !code.contains(".offset("),
            "{}: a page by offset grows with its depth",
            path.display()
        );
        looked_at += 1;
    }
    assert!(looked_at > 10);
}

#[test]
fn every_join_names_the_organisation_on_both_sides() {
    for path in files(&source()) {
        let code = code(&path).to_lowercase();
        for (at, _) in code.match_indices(" join ") {
            let rest: String = code[at..].chars().take(400).collect();
            // Words of prose and of Rust are not SQL.
            if !rest.contains(" on ") {
                continue;
            }
            assert!(
                rest.contains("org_id"),
                "{}: a join without org_id on both sides: {}",
                path.display(),
                rest.chars().take(120).collect::<String>()
            );
        }
    }
}

#[test]
fn migrations_write_tables_only_through_their_helpers() {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/src");
    for path in files(&migrations) {
        let code = code(&path);
        let is_helper = path.ends_with("table.rs");
        assert!(
            is_helper || !code.contains("ForeignKey::create"),
            "{}: use TenantTable::reference",
            path.display()
        );
        assert!(
            is_helper || !code.contains("Index::create().name(\"ix"),
            "{}: use TenantTable::index",
            path.display()
        );
        assert!(
            !code.contains("SetNull") && !code.contains("SetDefault"),
            "{}: refused on a composite key",
            path.display()
        );
        assert!(
            !code.to_lowercase().contains("create trigger"),
            "{}: rules live in Rust",
            path.display()
        );
        assert!(
            !code.to_lowercase().contains("deferrable"),
            "{}: a deferred violation loses its code at commit",
            path.display()
        );
        assert!(
            !code.contains("certyard_domain") && !code.contains("entity::"),
            "{}: migrations know no entity",
            path.display()
        );
    }
}
