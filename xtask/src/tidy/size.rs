//! The size ratchet: short functions, short files, tests apart. What is too long already is listed by name and may only shrink.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, File, ImplItemFn, Item, ItemFn, ItemImpl, ItemMod, ItemTrait, Meta, Signature,
    TraitItemFn, Type,
};

use super::{Finding, Source, line_of};
use crate::workspace;

const RULE: &str = "size";
const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 600;

/// A line each: how many lines, of which file, and of which function there (of the file itself where none is named).
const EXCESS: &str = "xtask/src/tidy/excess.txt";

/// The length of each function and file that is over its limit, by name (`file` or `file function`).
type Sizes = BTreeMap<String, Size>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size {
    lines: usize,
    /// Where it starts.
    line: usize,
    max: usize,
}

pub(super) fn check(sources: &[Source], lower: bool) -> Result<Vec<Finding>> {
    let mut sizes = Sizes::new();
    for source in sources.iter().filter(|source| source.path.ends_with(".rs")) {
        measure(source, &mut sizes);
    }
    let file = workspace::root().join(EXCESS);
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {EXCESS}"))?;
    let mut listed = parse(&text)?;
    if lower {
        listed.retain(|name, lines| match sizes.get(name) {
            Some(size) => {
                *lines = size.lines.min(*lines);
                true
            }
            None => false,
        });
        std::fs::write(&file, format(&text, &listed)).with_context(|| format!("cannot write {EXCESS}"))?;
    }
    Ok(compare(&sizes, &listed, &text))
}

fn compare(sizes: &Sizes, listed: &BTreeMap<String, usize>, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, size) in sizes {
        let Size { lines, line, max } = *size;
        let (file, what) = name.split_once(' ').unwrap_or((name, "this file"));
        let advice = match listed.get(name) {
            Some(&number) if lines == number => continue,
            Some(&number) if lines > number => {
                format!("{what} has grown from {number} to {lines} lines: split it (its limit is {max})")
            }
            Some(&number) => {
                format!("{what} has shrunk from {number} to {lines} lines: run `cargo xtask tidy --lower`")
            }
            None => format!("{what} has {lines} lines: split it (the limit is {max})"),
        };
        findings.push(Finding { file: file.to_owned(), line, rule: RULE, advice });
    }
    for name in listed.keys().filter(|name| !sizes.contains_key(*name)) {
        let advice = format!("{name} is within its limit now, or gone: run `cargo xtask tidy --lower`");
        findings.push(Finding { file: EXCESS.to_owned(), line: line_of(text, name), rule: RULE, advice });
    }
    findings
}

fn parse(text: &str) -> Result<BTreeMap<String, usize>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (number, name) =
                line.split_once(' ').with_context(|| format!("{EXCESS}: no name in {line:?}"))?;
            let number = number.parse().with_context(|| format!("{EXCESS}: no number in {line:?}"))?;
            Ok((name.to_owned(), number))
        })
        .collect()
}

/// The file as it is written: the comment that it starts with, then a line each.
fn format(text: &str, listed: &BTreeMap<String, usize>) -> String {
    let comment = text.lines().take_while(|line| line.starts_with('#'));
    let mut text = comment.flat_map(|line| [line, "\n"]).collect::<String>();
    for (name, lines) in listed {
        writeln!(text, "{lines} {name}").expect("a String takes all that is written");
    }
    text
}

/// Adds what is too long in one file. Tests do not count: theirs are long tables of cases, which no split makes clearer.
fn measure(source: &Source, sizes: &mut Sizes) {
    // The folder of a package's tests; `tests/src`, the harness of the black-box tests, is code like other code.
    if source.path.contains("/tests/") {
        return;
    }
    // What does not parse does not compile either.
    let Ok(file) = syn::parse_file(&source.text) else { return };
    let mut functions = Functions { found: Vec::new(), owner: None };
    functions.visit_file(&file);
    for (name, span) in functions.found {
        insert(sizes, format!("{} {name}", source.path), lines(span), span.start().line, FUNCTION_LINES_MAX);
    }
    let length = source.text.lines().count() - test_lines(&file);
    insert(sizes, source.path.clone(), length, 1, FILE_LINES_MAX);
}

/// Functions of one name in one file share an entry: the longest of them.
fn insert(sizes: &mut Sizes, name: String, lines: usize, line: usize, max: usize) {
    if lines > max && sizes.get(&name).is_none_or(|size| size.lines < lines) {
        sizes.insert(name, Size { lines, line, max });
    }
}

fn lines(span: Span) -> usize {
    span.end().line - span.start().line + 1
}

/// The lines of the modules that only tests have.
fn test_lines(file: &File) -> usize {
    let of = |item: &Item| match item {
        Item::Mod(module) if module.content.is_some() && module.attrs.iter().any(is_cfg_test) => {
            lines(module.span())
        }
        _ => 0,
    };
    file.items.iter().map(of).sum()
}

fn is_cfg_test(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    let condition = list.tokens.to_string();
    list.path.is_ident("cfg") && (condition == "test" || condition.starts_with("all (test"))
}

/// Collects the functions of a file under names like `Type::function`, from the signature to the closing brace.
struct Functions {
    found: Vec<(String, Span)>,
    owner: Option<String>,
}

impl Functions {
    fn add(&mut self, signature: &Signature, body: &Block) {
        let name = &signature.ident;
        let name = self.owner.as_ref().map_or_else(|| name.to_string(), |owner| format!("{owner}::{name}"));
        let span = signature.span().join(body.span()).unwrap_or_else(|| body.span());
        self.found.push((name, span));
    }

    fn within(&mut self, owner: Option<String>, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.owner, owner);
        visit(self);
        self.owner = outer;
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.add(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !module.attrs.iter().any(is_cfg_test) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let owner = match &*item.self_ty {
            Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
            _ => None,
        };
        self.within(owner, |this| visit::visit_item_impl(this, item));
    }

    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        self.within(Some(item.ident.to_string()), |this| visit::visit_item_trait(this, item));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(path: &str, text: &str) -> Vec<(String, usize)> {
        let mut sizes = Sizes::new();
        measure(&Source { path: path.to_owned(), text: text.to_owned() }, &mut sizes);
        sizes.into_iter().map(|(name, size)| (name, size.lines)).collect()
    }

    /// A function of so many lines.
    fn function(name: &str, lines: usize) -> String {
        format!("fn {name}() {{\n{}}}\n", "    x();\n".repeat(lines - 2))
    }

    #[test]
    fn a_function_may_have_70_lines() {
        assert_eq!(sizes("a.rs", &function("f", 70)), []);
        assert_eq!(sizes("a.rs", &function("f", 71)), [("a.rs f".to_owned(), 71)]);
    }

    #[test]
    fn comments_and_attributes_above_a_function_do_not_count() {
        let text = format!("/// Docs.\n#[inline]\n{}", function("f", 70));
        assert_eq!(sizes("a.rs", &text), []);
    }

    #[test]
    fn methods_are_named_after_their_type() {
        let text = format!("impl A {{\n{}}}\nmod b {{\n{}}}\n", function("f", 80), function("g", 90));
        assert_eq!(sizes("a.rs", &text), [("a.rs A::f".to_owned(), 80), ("a.rs g".to_owned(), 90)]);
    }

    #[test]
    fn tests_do_not_count() {
        let text = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function("f", 90));
        assert_eq!(sizes("a.rs", &text), []);
        assert_eq!(sizes("crates/a/tests/b.rs", &function("f", 90)), []);
        assert_eq!(sizes("tests/src/b.rs", &function("f", 90)).len(), 1);
    }

    #[test]
    fn a_file_may_have_600_lines_without_its_tests() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "// test\n".repeat(500));
        let code = "// code\n".repeat(600);
        assert_eq!(sizes("a.rs", &format!("{code}{tests}")), []);
        assert_eq!(sizes("a.rs", &format!("{code}//\n{tests}")), [("a.rs".to_owned(), 601)]);
    }

    #[test]
    fn the_ratchet_only_turns_one_way() {
        let text = "# comment\n80 a.rs f\n90 b.rs\n";
        let listed = parse(text).expect("it is well formed");
        let advice = |lines: usize| {
            let sizes = Sizes::from([
                ("a.rs f".to_owned(), Size { lines, line: 7, max: 70 }),
                ("b.rs".to_owned(), Size { lines: 90, line: 1, max: 70 }),
            ]);
            compare(&sizes, &listed, text).into_iter().map(|finding| finding.advice).collect::<Vec<_>>()
        };
        assert_eq!(advice(80), Vec::<String>::new());
        assert_eq!(advice(81), ["f has grown from 80 to 81 lines: split it (its limit is 70)"]);
        assert_eq!(advice(79), ["f has shrunk from 80 to 79 lines: run `cargo xtask tidy --lower`"]);
        assert_eq!(compare(&Sizes::new(), &listed, text).len(), 2);
        assert_eq!(format(text, &listed), text);
    }
}
