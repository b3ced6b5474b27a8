//! The NATS configuration language: text in, a tree of values with positions out.
//!
//! This is the language of `nats-server` configuration files, of which JSON is (nearly) a subset: maps, arrays, quoted and
//! bare strings, sizes (`64mb`), variables (`$NAME`), `include`, comments. The crate knows the language and nothing of what
//! the keys mean. It does no input or output: included files and environment variables come from the caller through
//! [`Sources`]. Every key and every value knows the file, line and column where it stands, so that a program can say what is
//! wrong and where.
//!
//! ```
//! use dunlin_conf::{NoSources, parse};
//!
//! let text = "port: 4222  # for clients\nwebsocket { port: 8080, no_tls: true }\nmax_payload: 1mb";
//! let document = parse("server.conf", text, &mut NoSources)?;
//!
//! for entry in document.root() {
//!     match entry.key.to_ascii_lowercase().as_str() {
//!         "port" => assert_eq!(entry.integer()?, 4222),
//!         "max_payload" => assert_eq!(entry.integer()?, 1_048_576),
//!         "websocket" => assert_eq!(entry.map()?.get("no_tls").map(|e| e.boolean()), Some(Ok(true))),
//!         // A key that was read as `$key` may be one that the program does not know.
//!         _ if entry.is_variable() => {}
//!         _ => panic!("{}: unknown key {:?}", entry.key_place, entry.key),
//!     }
//! }
//!
//! let error = parse("server.conf", "ping_interval: -5s", &mut NoSources).unwrap_err();
//! assert!(error.to_string().starts_with("server.conf:1:18: "), "{error}");
//! # Ok::<(), dunlin_conf::Error>(())
//! ```
//!
//! # The language
//!
//! - `key = value`, `key : value`, `key value`, `key { … }`. A bare key ends at a blank, `=` or `:` and nowhere else, so
//!   `websocket{` is a key of its own. Keys may be quoted. Entries end at a new line, `,`, `;` or `}`.
//! - A whole file may stand in `{ }`. Comments run from `#` or `//` to the end of the line; inside a bare string they are text.
//! - Strings: `'raw'`; `"with \t \n \r \" \\ \x41"`; bare words; blocks from `(` to a line that holds `)` alone.
//! - Booleans (bare, any case): `true yes on`, `false no off`. Integers with an optional sign and size suffix: `k` = 1000,
//!   `kb ki kib` = 1024, likewise `m g t p e`. Floats have digits on both sides of the point. Dates: `2006-01-02T15:04:05Z`.
//! - What starts with digits and goes on otherwise is a string: `2s`, `1m30s`, `127.0.0.1:4222`. But `30m` is thirty million:
//!   durations that end in `m` need quotes.
//! - `$NAME` takes the value of a key that stands *earlier* in an enclosing map, else of the environment variable, whose text is
//!   read as a value. `$2a$…` (bcrypt) stands for itself.
//! - `include path` puts the keys of that file in this place; variables of this file are not visible there.
//! - When a key comes twice, the last one counts.
//!
//! # Differences from nats-server 2.15.1, on purpose
//!
//! Sizes that overflow 64 bits or end in an unknown suffix (`1kbb`), values that are missing (`port:`), bytes outside
//! comments that are not UTF-8, and NUL are errors here, and the official parser lets them pass, usually with a different meaning.
//! `[1]` (a number before `]`) works here. A block that ends with the file does not hold its `)`. Include cycles are found. Depth, number of includes and
//! the size of the tree have [`Limits`].

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod access;
mod canonical;
mod cursor;
mod datetime;
mod duration;
mod error;
mod limits;
mod number;
mod parser;
mod place;
mod scalar;
mod sources;
mod value;

pub use access::Timespan;
pub use datetime::DateTime;
pub use duration::parse_duration;
pub use error::{Error, ErrorKind};
pub use limits::Limits;
pub use parser::{parse, parse_with_limits};
pub use place::Place;
pub use sources::{Included, LoadError, NoSources, Sources, decode};
pub use value::{Document, Entry, Map, Node, Value};
