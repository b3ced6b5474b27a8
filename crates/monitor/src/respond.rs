//! From a request to its answer.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::connz::{ConnectionState, Connz, ConnzOptions};
use crate::error::BadParameter;
use crate::format::Time;
use crate::healthz::Healthz;
use crate::json::{compact, pretty};
use crate::query::Query;
use crate::varz::Varz;

/// A server at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The server. `now` and `uptime` in it are set by [`respond`].
    pub varz: Varz,
    /// The connections that are there.
    pub connections: Vec<ConnectionState>,
    /// Those that have gone, as far as they are remembered.
    pub closed: Vec<ConnectionState>,
    /// The time of day.
    pub now: Timestamp,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 200, 400 or 404.
    pub status: u16,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// What there is to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Path {
    /// `/`: a page with links.
    Index,
    /// `/varz`.
    Varz,
    /// `/connz`.
    Connz,
    /// `/healthz`.
    Healthz,
}

impl Path {
    /// The path as `/varz` shows it in `http_req_stats`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Index => "/",
            Self::Varz => "/varz",
            Self::Connz => "/connz",
            Self::Healthz => "/healthz",
        }
    }
}

/// Splits the target of a request (`/connz?limit=5`) below `base_path` (`/monitor`, or empty) into path and query; `None` for
/// what there is not.
pub fn route<'t>(target: &'t str, base_path: &str) -> Option<(Path, &'t str)> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = match plain_path(path).strip_prefix(base_path)? {
        "" | "/" => Path::Index,
        "/varz" => Path::Varz,
        "/connz" => Path::Connz,
        "/healthz" => Path::Healthz,
        _ => return None,
    };
    Some((path, query))
}

/// A path without scheme and host, which proxies send (RFC 9112 §3.2.2), and with one slash where several stand: exporters
/// append `/varz` to an address that ends with one.
fn plain_path(path: &str) -> String {
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => path,
    };
    let mut plain = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !plain.ends_with('/') {
            plain.push(character);
        }
    }
    plain
}

/// Answers a request with any method: what stands in the target is all that counts.
pub fn respond(target: &str, base_path: &str, snapshot: &Snapshot) -> Response {
    let Some((path, query)) = route(target, base_path) else {
        return plain(404, "404 page not found\n".to_owned());
    };
    match answer(path, &Query::parse(query), base_path, snapshot) {
        Ok(response) => response,
        Err(error) => plain(400, error.to_string()),
    }
}

fn answer(path: Path, query: &Query, base_path: &str, snapshot: &Snapshot) -> Result<Response, BadParameter> {
    let body = match path {
        Path::Index => return Ok(index(base_path, snapshot)),
        Path::Varz => pretty(&snapshot.varz.at(Time(snapshot.now))),
        Path::Connz => pretty(&Connz::answer(&ConnzOptions::parse(query)?, snapshot)),
        Path::Healthz => compact(&Healthz::answer(query)?),
    };
    Ok(Response { status: 200, content_type: "application/json", body })
}

fn plain(status: u16, body: String) -> Response {
    Response { status, content_type: "text/plain; charset=utf-8", body }
}

fn index(base_path: &str, snapshot: &Snapshot) -> Response {
    let escape = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;")
    };
    let links: String = [Path::Varz, Path::Connz, Path::Healthz]
        .map(|path| format!("<p><a href=\"{}{}\">{}</a></p>\n", escape(base_path), path.name(), path.name()))
        .concat();
    let name = escape(&snapshot.varz.server_name);
    let body = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{name}</title></head>\n<body>\n<h1>{name}</h1>\n{links}</body></html>\n"
    );
    Response { status: 200, content_type: "text/html; charset=utf-8", body }
}

/// How often each path was asked for: [`Varz::http_req_stats`].
#[derive(Clone, Debug, Default)]
pub struct RequestCounts {
    counts: BTreeMap<&'static str, u64>,
}

impl RequestCounts {
    /// Counts a request, before it is answered.
    pub fn count(&mut self, target: &str, base_path: &str) {
        if let Some((path, _)) = route(target, base_path) {
            *self.counts.entry(path.name()).or_default() += 1;
        }
    }

    /// The counts so far.
    pub fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }
}
