//! The language, rule by rule. Where no word says otherwise, nats-server 2.15.1 reads each good text the same: its
//! digest (`nats-server -t`) is the SHA-256 of the canonical form given here.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;

use dunlin_conf::{
    ErrorKind, Included, Limits, LoadError, NoSources, Sources, decode, parse, parse_with_limits,
};

#[test]
fn good() {
    for (text, expected) in GOOD {
        let document = parse("t", text, &mut NoSources).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(document.canonical().trim_end(), *expected, "{text:?}");
    }
}

/// Texts and their canonical forms.
const GOOD: &[(&str, &str)] = &[
    // Keys, separators and terminators.
    ("port: 4222", r#"{"port":4222}"#),
    ("port = 4222\r\ndebug=true\r\n", r#"{"debug":true,"port":4222}"#),
    ("port 4222; debug true, trace on", r#"{"debug":true,"port":4222,"trace":true}"#),
    ("\"port\"4222\n'debug' : off", r#"{"debug":false,"port":4222}"#),
    ("key\nvalue", r#"{"key":"value"}"#),
    ("key ==v", r#"{"key":"=v"}"#),
    ("a{b: c", r#"{"a{b":"c"}"#),
    ("a 1\nA 2\na 3", r#"{"A":2,"a":3}"#),
    ("\u{feff}a 1", r#"{"a":1}"#),
    ("", "{}"),
    ("# only\n// comments", "{}"),
    // Maps, and a whole file inside braces.
    ("ws {port: 80}", r#"{"ws":{"port":80}}"#),
    ("ws\n{\nport: 80\n\n}", r#"{"ws":{"port":80}}"#),
    ("ws : { port :\n 80, tls = no; }", r#"{"ws":{"port":80,"tls":false}}"#),
    ("{\"port\": 4222, \"list\": [\"a\", \"b\"]}", r#"{"list":["a","b"],"port":4222}"#),
    ("{port: 1} {debug: on}", r#"{"debug":true,"port":1}"#),
    ("port: 1}", r#"{"port":1}"#),
    ("ws {port=80}}", r#"{"ws":{"port":80}}"#),
    ("ws {# c\n port: 80 // d\n }# e", r#"{"ws":{"port":80}}"#),
    // Arrays.
    ("t [a\nb, #c\n c // d\n]", r#"{"t":["a","b","c"]}"#),
    ("t: [[1 ], {a: [b]}, on, 1.5, ]", r#"{"t":[[1],{"a":["b"]},true,1.5]}"#),
    ("t: [1,2]", r#"{"t":[1,2]}"#), // an error there
    ("t: [1k]", r#"{"t":["1k"]}"#),
    // Strings.
    (r#"s: "a\t\n\r\"\\\x41\xc3\xa9""#, "{\"s\":\"a\\t\\n\\r\\\"\\\\A\u{e9}\"}"),
    (r"s: 'a\n'", r#"{"s":"a\\n"}"#),
    ("s: \"a\nb\"", r#"{"s":"a\nb"}"#),
    (r"s: a\x41\tb", r#"{"s":"aA\tb"}"#),
    ("s: a#b", r#"{"s":"a#b"}"#),
    ("s: http://x:1/y", r#"{"s":"http://x:1/y"}"#),
    ("s: #x", r##"{"s":"#x"}"##),
    ("s: true'", r#"{"s":"true"}"#),
    ("s: \"<&>\u{2028}\"", r#"{"s":"\u003c\u0026\u003e\u2028"}"#),
    ("s: (\nab)\n)\n", r#"{"s":"\nab)\n"}"#),
    ("s: (x\n)", r#"{"s":"x\n"}"#), // holds the `)` there
    ("s {t (\nx\n)\n}", r#"{"s":{"t":"\nx\n"}}"#),
    // Booleans.
    (
        "a: TRUE\nb: yEs\nc: On\nd: false\ne: no\nf: OFF",
        r#"{"a":true,"b":true,"c":true,"d":false,"e":false,"f":false}"#,
    ),
    ("a: \"true\", b: offx", r#"{"a":"true","b":"offx"}"#),
    // Numbers, and what only looks like one.
    ("a: -5, b: 007, c: 1.50, d: -0.5", r#"{"a":-5,"b":7,"c":1.5,"d":-0.5}"#),
    ("a: 1k, b: 1KB, c: 1ki, d: 1KiB, e: -2m", r#"{"a":1000,"b":1024,"c":1024,"d":1024,"e":-2000000}"#),
    (
        "a: 2g, b: 2gb, c: 2t, d: 2p, e: 2e, f: 1eb}",
        r#"{"a":2000000000,"b":2147483648,"c":2000000000000,"d":2000000000000000,"e":2000000000000000000,"f":1152921504606846976}"#,
    ),
    ("a: -9223372036854775808", r#"{"a":-9223372036854775808}"#),
    ("a: 30m", r#"{"a":30000000}"#),
    (
        "a: 2s, b: 200ms, c: 1kx, d: 127.0.0.1:4222, e: 12:3, f: 0x5",
        r#"{"a":"2s","b":"200ms","c":"1kx","d":"127.0.0.1:4222","e":"12:3","f":"0x5"}"#,
    ),
    // Texts since 2.15.1, and errors before it.
    ("a: 1m30s, b: 1e5, c: [10MB5]\nd: -1k5 # c", r#"{"a":"1m30s","b":"1e5","c":["10MB5"],"d":"-1k5"}"#),
    (
        "a: 0.0000001, b: 0.000001, c: 123456789012345678901234.0",
        r#"{"a":1e-7,"b":0.000001,"c":1.2345678901234569e+23}"#,
    ),
    ("a: 2006-01-02T15:04:05Z", r#"{"a":"2006-01-02T15:04:05Z"}"#),
    // Variables.
    ("x=5\nport: $x", r#"{"port":5,"x":5}"#),
    ("x=5\nws {x=6, a {p: $x}}\np: $x", r#"{"p":5,"ws":{"a":{"p":6},"x":6},"x":5}"#),
    ("x=[a]\ny={b: c}\nl: [$x, $y]", r#"{"l":[["a"],{"b":"c"}],"x":["a"],"y":{"b":"c"}}"#),
    ("p: $2a$11$abc", r#"{"p":"$2a$11$abc"}"#),
    ("p: \"$x\", q: a$x", r#"{"p":"$x","q":"a$x"}"#),
];

#[test]
fn bad() {
    use ErrorKind::*;
    let table: &[(&str, ErrorKind, &str)] = &[
        ("=5", SeparatorWithoutKey, "1:1"),
        ("\n :5", SeparatorWithoutKey, "2:2"),
        (",a 5", UnexpectedTerminator, "1:1"),
        ("a 5,,b 6", UnexpectedTerminator, "1:5"),
        ("a {b 5\n,c 6}", UnexpectedTerminator, "2:1"),
        ("a 5\n}\n}", UnexpectedClose, "2:1"),
        ("a {]}", UnexpectedClose, "1:4"),
        ("a [}", UnexpectedClose, "1:4"),
        ("a { {b 5} }", UnexpectedOpen, "1:5"),
        ("a", MissingValue, "1:1"),
        ("a:", MissingValue, "1:1"),
        ("a {b", MissingValue, "1:4"),
        ("a {b:}", MissingValue, "1:4"),
        ("a {b: , c: 5}", MissingValue, "1:4"),
        ("a:\n5", ValueOnNextLine, "1:3"),
        ("a 5 b 6", TextAfterValue, "1:5"),
        ("a {b 5 c 6}", TextAfterValue, "1:8"),
        ("a 'x' y", TextAfterValue, "1:7"),
        ("a [b c]", TextAfterValue, "1:6"),
        ("a [b;c]", TextAfterValue, "1:5"),
        ("a: -5s", TextAfterValue, "1:6"),
        ("a: 1.5s", TextAfterValue, "1:7"),
        ("a: 1.5e5", TextAfterValue, "1:7"),
        ("a: 127.0.0.1abc", TextAfterValue, "1:13"),
        ("a: \"x", UnterminatedString, "1:4"),
        ("a: 'x", UnterminatedString, "1:4"),
        ("'a: x", UnterminatedString, "1:1"),
        ("a: (x)", UnterminatedBlock, "1:4"),
        ("a: (\nx\n )\n", UnterminatedBlock, "1:4"),
        ("a {b 5", UnterminatedMap, "1:3"),
        ("{a 5", UnterminatedMap, "1:1"),
        ("a {b [", UnterminatedArray, "1:6"),
        ("a [b,", UnterminatedArray, "1:3"),
        ("a: \"\\q\"", InvalidEscape, "1:5"),
        ("a: \"\\x4\"", InvalidEscape, "1:5"),
        ("a: x\\", InvalidEscape, "1:5"),
        ("a: -", InvalidNumber, "1:4"),
        ("a: -x", InvalidNumber, "1:4"),
        ("a: .5", InvalidNumber, "1:4"),
        ("a: 1.", InvalidNumber, "1:4"),
        ("a: 10mbb", InvalidSize, "1:4"),
        ("a: 9223372036854775808", NumberOutOfRange, "1:4"),
        ("a: 10000000000g", NumberOutOfRange, "1:4"),
        ("a: 2006-01-02", InvalidDateTime, "1:4"),
        ("a: 1-2", InvalidDateTime, "1:4"),
        ("a: 2006-13-02T15:04:05Z", InvalidDateTime, "1:4"),
        ("a: $x\nx=5", VariableNotFound, "1:4"),
        ("b {x 5}\na: $x", VariableNotFound, "2:4"),
        ("a: $2b$11$x", VariableNotFound, "1:4"),
        ("a: \"\\xff\"", NotUtf8, "1:4"),
        ("a: x\0y", NotText, "1:5"),
        ("\0", NotText, "1:1"),
        ("a\0: 5", NotText, "1:2"),
        ("include x", IncludeUnreadable, "1:9"),
        ("include", MissingValue, "1:1"),
        ("include [x]", TextAfterValue, "1:9"),
        ("\u{e9}\u{e9}: [\u{e9} \u{e9}]", TextAfterValue, "1:8"),
    ];
    for (text, kind, place) in table {
        let error = parse("t", text, &mut NoSources).unwrap_err();
        assert_eq!((error.kind, format!("t:{place}")), (*kind, error.place.to_string()), "{text:?}: {error}");
    }
}

#[test]
fn messages() {
    for (text, message) in [
        ("a:", "t:1:1: the key \"a\" has no value"),
        (
            "a: $2y$11$x",
            "t:1:4: variable $2y$11$x not found: no earlier key and no environment variable has this name (if this is a bcrypt hash, put it in quotes)",
        ),
        (
            "a 5 b",
            "t:1:5: unexpected \"b\" after a value: end the value with a new line or a comma, or put it in quotes",
        ),
    ] {
        assert_eq!(parse("t", text, &mut NoSources).unwrap_err().to_string(), message);
    }
}

/// Files and an environment in memory.
#[derive(Default)]
struct Memory {
    files: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
}

impl Memory {
    fn new(files: &[(&str, &str)], environment: &[(&str, &str)]) -> Self {
        let owned =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        Self { files: owned(files), environment: owned(environment) }
    }
}

impl Sources for Memory {
    fn include(&mut self, from: &str, path: &str) -> Result<Included, LoadError> {
        let name = match from.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{path}"),
            None => path.to_string(),
        };
        let text = self.files.get(&name).ok_or(LoadError::NotFound)?.clone().into_bytes();
        Ok(Included { name, text })
    }

    fn variable(&mut self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }
}

#[test]
fn includes() {
    let mut sources = Memory::new(
        &[
            ("a.conf", "debug: true\nx: 5\n"),
            ("d/b.conf", "include c.conf\nb: 1"),
            ("d/c.conf", "c: $E"),
            ("outer.conf", "p: $v"),
            ("empty.conf", "# nothing"),
            ("loop.conf", "include loop2.conf"),
            ("loop2.conf", "a {include loop.conf}"),
            ("bad.conf", "ok: 1\nbad"),
        ],
        &[("E", "env")],
    );
    for (text, expected) in [
        ("include a.conf\nport: $x", r#"{"debug":true,"port":5,"x":5}"#),
        ("x: 4\ninclude 'a.conf'; y: 2", r#"{"debug":true,"x":5,"y":2}"#),
        ("INCLUDE \"a.conf\"\nx: 6", r#"{"debug":true,"x":6}"#),
        ("ws {include a.conf}", r#"{"ws":{"debug":true,"x":5}}"#),
        ("{include a.conf}", r#"{"debug":true,"x":5}"#),
        ("include d/b.conf", r#"{"b":1,"c":"env"}"#),
        ("include empty.conf", "{}"),
        ("include: a.conf", r#"{"include":"a.conf"}"#),
    ] {
        let document =
            parse("main.conf", text, &mut sources).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(document.canonical().trim_end(), expected, "{text}");
    }
    for (text, kind, place) in [
        ("include no.conf", ErrorKind::IncludeNotFound, "main.conf:1:9"),
        ("include a.conf, x: 1", ErrorKind::IncludeNotFound, "main.conf:1:9"),
        ("include a.conf x: 1", ErrorKind::TextAfterValue, "main.conf:1:16"),
        // Variables of this file are not visible in the included one, as in nats-server.
        ("v: 1\ninclude outer.conf", ErrorKind::VariableNotFound, "outer.conf:1:4"),
        ("include loop.conf", ErrorKind::IncludeCycle, "loop2.conf:1:12"),
        ("include bad.conf", ErrorKind::MissingValue, "bad.conf:2:1"),
    ] {
        let error = parse("main.conf", text, &mut sources).unwrap_err();
        assert_eq!((error.kind, error.place.to_string().as_str()), (kind, place), "{error}");
    }
    let document = parse("main.conf", "z: 1\ninclude a.conf", &mut sources).unwrap();
    let entry = document.root().get("DEBUG").unwrap();
    assert_eq!(
        (entry.key_place.to_string(), entry.node.place.to_string()),
        ("a.conf:1:1".into(), "a.conf:1:8".into())
    );
}

#[test]
fn environment() {
    let variables = [
        ("INT", "123456"),
        ("QUOTED", "\"123456\""),
        ("WORD", "abc"),
        ("BLANKS", "  5  "),
        ("EMPTY", ""),
        ("MAP", "{a: $INT}"),
        ("TWO", "abc def"),
        ("SELF", "$SELF"),
        ("CIRCLE", "[$CIRCLE2]"),
        ("CIRCLE2", "[$CIRCLE]"),
        ("MISSING", "$NOTHING"),
        ("DURATION", "2m30s"),
        ("COMMENTED", "abc # c"),
        ("ENDED", "5;"),
        ("LINE", "a\n"),
        ("LINES", "[a,\nb]\r\nc: d\n"),
        ("CLOSED", "{a: b}}"),
        ("COMMA", "a,b"),
        ("LATE", "\na"),
    ];
    let mut sources = Memory::new(&[], &variables);
    for (name, expected) in [
        ("INT", "123456"),
        ("QUOTED", "\"123456\""),
        ("WORD", "\"abc\""),
        ("BLANKS", "5"),
        ("EMPTY", "\"\""),
        ("MAP", "{\"a\":123456}"),
        ("DURATION", "\"2m30s\""),
        ("COMMENTED", "\"abc\""),
        ("ENDED", "5"),
        ("LINE", "\"a\""),
        ("LINES", "[\"a\",\"b\"]"),
        ("CLOSED", "{\"a\":\"b\"}"),
    ] {
        let document = parse("t", &format!("v: ${name}"), &mut sources).unwrap();
        assert_eq!(document.canonical(), format!("{{\"v\":{expected}}}\n"));
    }
    for (name, kind, place) in [
        ("TWO", ErrorKind::TextAfterValue, "$TWO:1:5"),
        ("SELF", ErrorKind::VariableCycle, "$SELF:1:1"),
        ("CIRCLE", ErrorKind::VariableCycle, "$CIRCLE2:1:2"),
        ("MISSING", ErrorKind::VariableNotFound, "$MISSING:1:1"),
        ("COMMA", ErrorKind::MissingValue, "$COMMA:1:3"),
        ("LATE", ErrorKind::ValueOnNextLine, "$LATE:1:1"),
    ] {
        let error = parse("t", &format!("v: ${name}"), &mut sources).unwrap_err();
        assert_eq!((error.kind, error.place.to_string().as_str()), (kind, place), "{error}");
    }
    // A key of the file goes before the environment.
    assert_eq!(parse("t", "INT=1\nv: $INT", &mut sources).unwrap().canonical(), "{\"INT\":1,\"v\":1}\n");
}

#[test]
fn bytes_that_are_not_utf8() {
    let text = decode(b"# f\xfcr\nport: 1 // \xff\xfe\n");
    assert_eq!(parse("t", &text, &mut NoSources).unwrap().canonical(), "{\"port\":1}\n");
    for (bytes, place) in [
        (&b"name: f\xfcr"[..], "t:1:8"),
        (b"name: \"f\xfcr\"", "t:1:9"),
        (b"name: 'f\xfcr'", "t:1:9"),
        (b"f\xfcr: 1", "t:1:2"),
        (b"\xc3", "t:1:1"),
    ] {
        let error = parse("t", &decode(bytes), &mut NoSources).unwrap_err();
        assert_eq!((error.kind, error.place.to_string().as_str()), (ErrorKind::NotText, place), "{error}");
    }
}

#[test]
fn variables_are_marked() {
    let document = parse("t", "x=5\ny=6\nws {z=1, p: $z}\nport: $x", &mut NoSources).unwrap();
    let marked = |key: &str| document.root().get(key).unwrap().is_variable();
    assert!(marked("x") && !marked("y") && !marked("port"));
    let ws = document.root().get("ws").unwrap().map().unwrap();
    assert!(ws.get("z").unwrap().is_variable());
    assert_eq!(document.root().get("port").unwrap().node.place.to_string(), "t:4:7");
}

#[test]
fn typed_access() {
    let text = "port: \"x\"\nsize: 1mb\nwait: \"1m30s\"\nold: 5\nbad: 5x\nbare: \"5\"\nnames: [a, 1]\none: a\nfloat: 1.5\nws {}";
    let document = parse("t", text, &mut NoSources).unwrap();
    let entry = |key: &str| document.root().get(key).unwrap();
    let message = |result: Result<i64, dunlin_conf::Error>| result.unwrap_err().to_string();
    assert_eq!(entry("size").integer(), Ok(1 << 20));
    assert_eq!(entry("wait").duration().unwrap().nanoseconds, 90_000_000_000);
    assert!(entry("old").duration().unwrap().bare_seconds);
    assert_eq!(entry("one").strings().unwrap(), ["a"]);
    assert_eq!(entry("float").number(), Ok(1.5));
    assert_eq!(entry("old").number(), Ok(5.0));
    assert!(entry("ws").map().unwrap().is_empty());
    assert_eq!(
        message(entry("port").integer()),
        "t:1:7: port: expected a whole number (without quotes), found the text \"x\""
    );
    assert_eq!(
        entry("names").strings().unwrap_err().to_string(),
        "t:7:12: names: expected text, found the number 1"
    );
    assert_eq!(
        entry("bad").duration().unwrap_err().to_string(),
        "t:5:6: bad: \"5x\" is not a duration: write for example \"2s\" or \"1m30s\""
    );
    assert_eq!(entry("bare").duration().unwrap_err().kind, ErrorKind::DurationWithoutUnit);
    assert_eq!(entry("ws").boolean().unwrap_err().kind, ErrorKind::ExpectedBoolean);
    assert_eq!(entry("old").map().unwrap_err().kind, ErrorKind::ExpectedMap);
    assert_eq!(entry("old").array().unwrap_err().kind, ErrorKind::ExpectedArray);
}

#[test]
fn limits() {
    let kind = |text: &str, sources: &mut dyn Sources| parse("t", text, sources).unwrap_err().kind;
    for (open, close) in [("a {", "}"), ("[", "]"), ("{", "}")] {
        let nested = |n: usize| {
            format!("{}{}{}", if open == "[" { "a " } else { "" }, open.repeat(n), close.repeat(n))
        };
        assert!(parse("t", &nested(64), &mut NoSources).is_ok(), "{open}");
        assert_eq!(kind(&nested(65), &mut NoSources), ErrorKind::TooDeep, "{open}");
        assert_eq!(kind(&nested(1_000_000), &mut NoSources), ErrorKind::TooDeep, "{open}");
    }
    // Variables neither multiply the values without end nor nest them past the limit.
    let mut laughs = String::from("v0: [x, x, x, x, x, x, x, x, x, x]\n");
    let mut deep = String::from("v0: [x]\n");
    for n in 1..100 {
        let last = n - 1;
        laughs += &format!("v{n}: [{}]\n", format!("$v{last}, ").repeat(10));
        deep += &format!("v{n}: [$v{last}]\n");
    }
    assert_eq!(kind(&laughs, &mut NoSources), ErrorKind::TooManyValues);
    assert_eq!(kind(&deep, &mut NoSources), ErrorKind::TooDeep);

    let chain: BTreeMap<_, _> = (0..100).map(|n| (n.to_string(), format!("include {}", n + 1))).collect();
    assert_eq!(
        kind("include 0", &mut Memory { files: chain, ..Memory::default() }),
        ErrorKind::IncludeTooDeep
    );
    let chain: BTreeMap<_, _> = (0..100).map(|n| (format!("V{n}"), format!("$V{}", n + 1))).collect();
    assert_eq!(kind("v: $V0", &mut Memory { environment: chain, ..Memory::default() }), ErrorKind::TooDeep);
    let doubling: BTreeMap<_, _> =
        (0..15).map(|n| (n.to_string(), format!("include {0}\ninclude {0}", n + 1))).collect();
    let mut doubling = Memory { files: doubling, ..Memory::default() };
    doubling.files.insert("15".into(), String::new());
    assert_eq!(kind("include 0", &mut doubling), ErrorKind::TooManyIncludes);

    let mut limits = Limits::default();
    limits.file_bytes = 3;
    assert_eq!(
        parse_with_limits("t", "a: 1", &mut NoSources, &limits).unwrap_err().kind,
        ErrorKind::FileTooLong
    );
}
