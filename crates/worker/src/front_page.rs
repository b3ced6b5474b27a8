//! What somebody gets who comes to the port for WebSocket without asking for it: status 426 (RFC 9110 §15.5.22), and a text
//! for people, as a page for those who show pages.

use std::net::IpAddr;

use crate::doors::{Door, Doors};

/// The page runs nothing and loads nothing. Its console may be used to try a connection, so that one is not forbidden.
pub(crate) const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; connect-src *; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// What is known of the port, and of who asks.
pub(crate) struct FrontPage<'a> {
    /// `host[:port]` as the request has it: a stranger's text.
    pub host: &'a str,
    /// The client speaks TLS to it.
    pub is_tls: bool,
    /// Who asks.
    pub peer: IpAddr,
    pub doors: &'a Doors,
}

impl FrontPage<'_> {
    /// For terminals.
    pub(crate) fn text(&self) -> String {
        let url = self.url();
        let mut text = format!(
            "This port is for NATS over WebSocket: {url}\n\
             From a page, or from Node 22 and later, connect to it so:\n\n"
        );
        for line in self.sample() {
            text.push_str(&format!("    {line}\n"));
        }
        for (what, where_to) in self.others() {
            text.push_str(&format!("\n{what}: {where_to}"));
        }
        text
    }

    /// For browsers.
    pub(crate) fn html(&self) -> String {
        let others = self.others().into_iter().map(|(what, where_to)| {
            let shown = escape(&where_to);
            let is_link = where_to.starts_with("http");
            let shown = if is_link { format!("<a href=\"{shown}\">{shown}</a>") } else { shown };
            format!("<p>{what}: {shown}</p>\n")
        });
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>NATS over WebSocket</title>\n\
             <style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 45rem; margin: 3rem auto; padding: 0 1rem }} \
             pre {{ background: #8882; padding: 1rem; overflow-x: auto }}</style>\n\
             <h1>This port is for NATS over WebSocket</h1>\n\
             <p>It is no web site. A page, or Node 22 and later, connects to <code>{}</code> so:</p>\n\
             <pre>{}</pre>\n{}</html>",
            escape(&self.url()),
            escape(&self.sample().join("\n")),
            others.collect::<String>(),
        )
    }

    fn url(&self) -> String {
        let scheme = if self.is_tls { "wss" } else { "ws" };
        if !self.host.is_empty() {
            return format!("{scheme}://{}", self.host);
        }
        let port = self.doors.websocket.map_or(0, |door| door.port);
        format!("{scheme}://localhost:{port}")
    }

    fn sample(&self) -> [String; 3] {
        [
            "import { wsconnect } from \"@nats-io/nats-core\";".to_owned(),
            format!("const nc = await wsconnect({{ servers: \"{}\" }});", self.url()),
            "nc.publish(\"hello\", \"world\");".to_owned(),
        ]
    }

    /// What else there is, and where.
    fn others(&self) -> Vec<(&'static str, String)> {
        let open = |door: Option<Door>| door.filter(|door| door.is_open_to(self.peer));
        let nats = open(self.doors.nats).map(|door| ("NATS clients", format!("port {}", door.port)));
        let monitoring = open(self.doors.monitoring).map(|Door { port, is_tls, .. }| {
            let scheme = if is_tls { "https" } else { "http" };
            let (host, path) = (without_port(self.host), &self.doors.monitoring_path);
            let host = if host.is_empty() { "localhost" } else { host };
            ("Monitoring", format!("{scheme}://{host}:{port}{path}/"))
        });
        nats.into_iter().chain(monitoring).collect()
    }
}

/// The host of `host[:port]`, an IPv6 address in its brackets.
fn without_port(authority: &str) -> &str {
    let end = match authority.rfind(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    &authority[..end]
}

/// As text of a page, or as the value of an attribute in quotes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{FrontPage, without_port};
    use crate::doors::{Door, Doors};

    fn doors() -> Doors {
        let door = |port, is_local, is_tls| Some(Door { port, is_local, is_tls });
        Doors {
            nats: door(4222, false, false),
            websocket: door(8080, false, false),
            monitoring: door(8222, true, true),
            monitoring_path: "/nats".to_owned(),
        }
    }

    fn page<'a>(host: &'a str, is_tls: bool, peer: &str, doors: &'a Doors) -> FrontPage<'a> {
        FrontPage { host, is_tls, peer: peer.parse().unwrap(), doors }
    }

    #[test]
    fn a_terminal_reads_text() {
        assert_eq!(
            page("[::1]:8080", false, "::1", &doors()).text(),
            "This port is for NATS over WebSocket: ws://[::1]:8080\n\
             From a page, or from Node 22 and later, connect to it so:\n\n    \
                 import { wsconnect } from \"@nats-io/nats-core\";\n    \
                 const nc = await wsconnect({ servers: \"ws://[::1]:8080\" });\n    \
                 nc.publish(\"hello\", \"world\");\n\n\
             NATS clients: port 4222\n\
             Monitoring: https://[::1]:8222/nats/"
        );
        // Without a Host (HTTP/1.0), and from elsewhere.
        let text = page("", true, "192.0.2.1", &doors()).text();
        assert!(text.contains("wss://localhost:8080\n") && !text.contains("Monitoring"), "{text}");
    }

    #[test]
    fn a_page_holds_nothing_of_a_stranger_that_a_browser_would_run() {
        let html = page("a'b&c<script>\"", false, "127.0.0.1", &doors()).html();
        assert_eq!(html.matches("a&#39;b&amp;c&lt;script&gt;&quot;").count(), 4, "{html}");
        assert!(
            !html.contains("<script") && html.contains("await wsconnect({ servers: &quot;ws://a"),
            "{html}"
        );
    }

    #[test]
    fn the_host_alone() {
        for (authority, host) in
            [("a:80", "a"), ("a", "a"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("", "")]
        {
            assert_eq!(without_port(authority), host);
        }
    }
}
