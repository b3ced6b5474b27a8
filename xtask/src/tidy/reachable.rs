//! Every Rust file belongs to a crate: one that no `mod` names is neither compiled nor tested.

use std::collections::{BTreeSet, HashMap};

use syn::{Attribute, Expr, Item, ItemMod, Lit, Meta};

use super::{Finding, Package, Source};

const RULE: &str = "unreachable-file";

pub(super) fn check(sources: &[Source], packages: &[Package]) -> Vec<Finding> {
    let roots = packages.iter().flat_map(|package| package.crate_roots.iter().cloned());
    unreachable(sources, roots.collect())
}

fn unreachable(sources: &[Source], mut waiting: Vec<String>) -> Vec<Finding> {
    let texts: HashMap<&str, &str> =
        sources.iter().map(|source| (source.path.as_str(), source.text.as_str())).collect();
    let roots: BTreeSet<String> = waiting.iter().cloned().collect();
    let mut reached = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        let Some(text) = texts.get(path.as_str()) else { continue };
        if !reached.insert(path.clone()) {
            continue;
        }
        // What does not parse fails to compile as well, and the compiler says it better.
        let Ok(file) = syn::parse_file(text) else { continue };
        let (folder, name) = split(&path);
        let stem = name.strip_suffix(".rs").unwrap_or(name);
        let own = roots.contains(&path) || stem == "mod";
        let children = if own { folder.to_owned() } else { join(folder, stem) };
        for item in &file.items {
            modules(item, folder, &children, &texts, &mut waiting);
        }
    }
    let lost = |source: &&Source| source.path.ends_with(".rs") && !reached.contains(&source.path);
    sources.iter().filter(lost).map(finding).collect()
}

/// Appends the files of the modules that `item` declares. `here` is the folder of the file, `children` that of its modules.
fn modules(item: &Item, here: &str, children: &str, texts: &HashMap<&str, &str>, found: &mut Vec<String>) {
    let Item::Mod(module) = item else { return };
    let name = module.ident.to_string();
    let name = name.trim_start_matches("r#");
    if let Some((_, items)) = &module.content {
        let inner = join(children, &path_attribute(module).unwrap_or_else(|| name.to_owned()));
        for item in items {
            modules(item, &inner, &inner, texts, found);
        }
    } else if let Some(path) = path_attribute(module) {
        found.push(join(here, &path));
    } else {
        let candidates = [format!("{name}.rs"), format!("{name}/mod.rs")].map(|file| join(children, &file));
        found.extend(candidates.into_iter().filter(|path| texts.contains_key(path.as_str())));
    }
}

fn path_attribute(module: &ItemMod) -> Option<String> {
    module.attrs.iter().find_map(|attribute: &Attribute| {
        let Meta::NameValue(pair) = &attribute.meta else { return None };
        let Expr::Lit(value) = &pair.value else { return None };
        match &value.lit {
            Lit::Str(text) if pair.path.is_ident("path") => Some(text.value()),
            _ => None,
        }
    })
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Joins two relative paths, with `..` and `.` of the second resolved.
fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn finding(source: &Source) -> Finding {
    Finding {
        file: source.path.clone(),
        line: 1,
        rule: RULE,
        advice: "no crate reaches this file: declare it with `mod`, or delete it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(files: &[(&str, &str)], roots: &[&str]) -> Vec<String> {
        let source = |&(path, text): &(&str, &str)| Source { path: path.to_owned(), text: text.to_owned() };
        let sources: Vec<Source> = files.iter().map(source).collect();
        let roots = roots.iter().map(|&root| root.to_owned()).collect();
        unreachable(&sources, roots).into_iter().map(|finding| finding.file).collect()
    }

    #[test]
    fn declared_modules_are_followed() {
        let files = [
            ("a/src/lib.rs", "mod one; mod two; mod inner { mod deep; } #[path = \"../odd.rs\"] mod three;"),
            ("a/src/one.rs", "pub mod leaf;"),
            ("a/src/one/leaf.rs", ""),
            ("a/src/two/mod.rs", "mod leaf;"),
            ("a/src/two/leaf.rs", ""),
            ("a/src/inner/deep.rs", ""),
            ("a/odd.rs", ""),
        ];
        assert_eq!(lost(&files, &["a/src/lib.rs"]), Vec::<String>::new());
    }

    #[test]
    fn a_file_that_nothing_declares_is_found() {
        let files =
            [("a/src/main.rs", "mod one;"), ("a/src/one.rs", ""), ("a/src/old.rs", ""), ("a/notes.md", "")];
        assert_eq!(lost(&files, &["a/src/main.rs"]), ["a/src/old.rs"]);
    }

    #[test]
    fn a_crate_root_looks_beside_itself_whatever_its_name() {
        let files = [("a/tests/api.rs", "mod helper;"), ("a/tests/helper.rs", "")];
        assert_eq!(lost(&files, &["a/tests/api.rs"]), Vec::<String>::new());
    }
}
