//! nginx's configuration language: words, blocks, comments, `include` with globs.

use std::path::{Path, PathBuf};

/// Far above any real configuration; a loop of includes ends here.
const MOST_FILES: usize = 5_000;
const LARGEST_FILE: u64 = 8 * 1024 * 1024;
const DEEPEST_INCLUDE: usize = 32;

/// One directive with its block, includes already put in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directive {
    pub name: String,
    pub args: Vec<String>,
    pub block: Vec<Directive>,
}

enum Token {
    Word(String),
    End,
    Open,
    Close,
}

/// Reads a configuration with all that it includes. Relative paths are below the folder of the main file, as in nginx.
pub(super) fn read(main: &Path) -> Result<Vec<Directive>, String> {
    let prefix = main.parent().unwrap_or_else(|| Path::new("/")).to_owned();
    let mut reader = Reader { prefix, files: 0 };
    reader.file(main, 0)
}

struct Reader {
    prefix: PathBuf,
    files: usize,
}

impl Reader {
    fn file(&mut self, path: &Path, depth: usize) -> Result<Vec<Directive>, String> {
        let say = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        self.files += 1;
        if self.files > MOST_FILES || depth > DEEPEST_INCLUDE {
            return Err(say(&"the configuration includes too many files"));
        }
        let size = std::fs::metadata(path).map_err(|error| say(&error))?.len();
        if size > LARGEST_FILE {
            return Err(say(&"the file is larger than 8 MiB"));
        }
        let bytes = std::fs::read(path).map_err(|error| say(&error))?;
        let mut tokens = tokens(&String::from_utf8_lossy(&bytes)).into_iter();
        let (directives, closed) = self.block(&mut tokens, depth)?;
        if closed {
            return Err(say(&"a } without its {"));
        }
        Ok(directives)
    }

    /// Directives up to the closing brace or the end; says which.
    fn block(
        &mut self,
        tokens: &mut impl Iterator<Item = Token>,
        depth: usize,
    ) -> Result<(Vec<Directive>, bool), String> {
        let mut directives = Vec::new();
        let mut words: Vec<String> = Vec::new();
        while let Some(token) = tokens.next() {
            match token {
                Token::Word(word) => words.push(word),
                Token::End => {
                    let mut words = std::mem::take(&mut words).into_iter();
                    let Some(name) = words.next() else { continue };
                    let args: Vec<String> = words.collect();
                    if name == "include" {
                        let paths = args.iter().flat_map(|pattern| expand(&self.prefix.join(pattern)));
                        for path in paths.collect::<Vec<_>>() {
                            directives.extend(self.file(&path, depth + 1)?);
                        }
                    } else {
                        directives.push(Directive {
                            name,
                            args,
                            block: vec![],
                        });
                    }
                }
                Token::Open => {
                    let mut words = std::mem::take(&mut words).into_iter();
                    let name = words.next().unwrap_or_default();
                    let args = words.collect();
                    let (block, _) = self.block(tokens, depth)?;
                    directives.push(Directive { name, args, block });
                }
                Token::Close => return Ok((directives, true)),
            }
        }
        Ok((directives, false))
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    let mut in_word = false;
    while let Some(c) = chars.next() {
        match c {
            '#' if !in_word => while chars.next_if(|c| *c != '\n').is_some() {},
            '"' | '\'' if !in_word => {
                let mut quoted = String::new();
                while let Some(inner) = chars.next() {
                    match inner {
                        '\\' => quoted.extend(chars.next()),
                        inner if inner == c => break,
                        inner => quoted.push(inner),
                    }
                }
                out.push(Token::Word(quoted));
            }
            '\\' => {
                in_word = true;
                word.extend(chars.next());
            }
            '$' if chars.peek() == Some(&'{') => {
                in_word = true;
                word.push(c);
                for inner in chars.by_ref() {
                    word.push(inner);
                    if inner == '}' {
                        break;
                    }
                }
            }
            ';' | '{' | '}' => {
                if in_word {
                    out.push(Token::Word(std::mem::take(&mut word)));
                    in_word = false;
                }
                let lua = matches!(out.last(), Some(Token::Word(last)) if last.ends_with("_by_lua_block"));
                if c == '{' && lua {
                    skip_braces(&mut chars);
                    out.push(Token::End);
                } else {
                    out.push(match c {
                        ';' => Token::End,
                        '{' => Token::Open,
                        _ => Token::Close,
                    });
                }
            }
            c if c.is_whitespace() => {
                if in_word {
                    out.push(Token::Word(std::mem::take(&mut word)));
                    in_word = false;
                }
            }
            c => {
                in_word = true;
                word.push(c);
            }
        }
    }
    if in_word {
        out.push(Token::Word(word));
    }
    out
}

/// Code of another language stands between these braces.
fn skip_braces(chars: &mut impl Iterator<Item = char>) {
    let mut depth = 1;
    for c in chars {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return;
        }
    }
}

/// Files that a pattern names, sorted; a plain path is itself, there or not.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let special = |text: &str| text.contains(['*', '?', '[']);
    if !pattern.to_str().is_some_and(special) {
        return vec![pattern.to_owned()];
    }
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let Some(text) = part.as_os_str().to_str().filter(|text| special(text)) else {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        };
        let mut next = Vec::new();
        for folder in &found {
            let Ok(entries) = std::fs::read_dir(folder) else {
                continue;
            };
            for entry in entries.flatten() {
                let name = entry.file_name();
                let fits = |name: &str| (!name.starts_with('.') || text.starts_with('.')) && glob(text, name);
                if name.to_str().is_some_and(fits) {
                    next.push(folder.join(&name));
                }
            }
        }
        found = next;
    }
    found.retain(|path| path.exists());
    found.sort();
    found
}

/// `*`, `?` and `[a-z]` within one part of a path.
fn glob(pattern: &str, name: &str) -> bool {
    let mut pattern = pattern.chars();
    let mut name = name.chars();
    loop {
        match pattern.next() {
            None => return name.next().is_none(),
            Some('*') => {
                let rest = pattern.as_str();
                let mut tail = name.clone();
                loop {
                    if glob(rest, tail.as_str()) {
                        return true;
                    }
                    if tail.next().is_none() {
                        return false;
                    }
                }
            }
            Some('?') => {
                if name.next().is_none() {
                    return false;
                }
            }
            Some('[') => {
                let Some((set, rest)) = pattern.as_str().split_once(']') else {
                    return false;
                };
                let Some(c) = name.next() else { return false };
                if !in_set(set, c) {
                    return false;
                }
                pattern = rest.chars();
            }
            Some(wanted) => {
                if name.next() != Some(wanted) {
                    return false;
                }
            }
        }
    }
}

fn in_set(set: &str, c: char) -> bool {
    let (negated, set) = match set.strip_prefix(['!', '^']) {
        Some(rest) => (true, rest),
        None => (false, set),
    };
    let mut chars = set.chars().peekable();
    let mut found = false;
    while let Some(low) = chars.next() {
        let mut high = low;
        let mut ahead = chars.clone();
        if ahead.next() == Some('-')
            && let Some(end) = ahead.next()
        {
            high = end;
            chars = ahead;
        }
        found |= (low..=high).contains(&c);
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_comments_escapes_and_code_blocks_are_read_as_nginx_reads_them() {
        let temp = tempfile::tempdir().unwrap();
        let main = temp.path().join("nginx.conf");
        let text = r#"
            http { # server { }
              log_format a "x { ; } \"y\"";
              server { listen 443 ssl; server_name ~^(?<n>.+)\.x$ b.example;
                content_by_lua_block { local t = { a = 1 } }
                set $a ${b}c; ssl_certificate 'a b.pem'; }
            }"#;
        std::fs::write(&main, text).unwrap();
        let read = read(&main).unwrap();
        let server = &read[0].block[1];
        assert_eq!(read[0].block[0].args[1], r#"x { ; } "y""#);
        assert_eq!(server.name, "server");
        assert_eq!(server.block[2].name, "content_by_lua_block");
        assert_eq!(server.block[3].args, ["$a", "${b}c"]);
        assert_eq!(server.block[4].args, ["a b.pem"]);
    }

    #[test]
    fn includes_follow_globs_and_a_loop_ends() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("sites.d");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("b.conf"), "b;").unwrap();
        std::fs::write(folder.join("a.conf"), "a;").unwrap();
        std::fs::write(folder.join(".hidden.conf"), "h;").unwrap();
        let main = temp.path().join("nginx.conf");
        std::fs::write(&main, "include sites.d/*.conf; include none.d/*;").unwrap();
        let names: Vec<String> = read(&main).unwrap().into_iter().map(|d| d.name).collect();
        assert_eq!(names, ["a", "b"]);
        std::fs::write(&main, "include nginx.conf;").unwrap();
        assert!(read(&main).is_err());
        assert!(glob("[a-c]?*.con[!x]", "bz.conf") && !glob("[a-c].conf", "d.conf"));
    }
}
