//! Behind real proxies, with what their manuals say for WebSocket and with less.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use dunlin_tests::{Deadline, TempDir};

use crate::support::{installed, start};
use crate::unix_socket::{info, ping};

/// A proxy that runs until the end of the test.
struct Proxy(Child);

impl Proxy {
    /// Starts it, and waits until it listens at all these paths.
    fn start(command: &mut Command, paths: &[&Path]) -> Proxy {
        let mut proxy = Proxy(command.stdout(Stdio::null()).spawn().unwrap());
        let deadline = Deadline::usual();
        for path in paths {
            while UnixStream::connect(path).is_err() {
                assert_eq!(proxy.0.try_wait().unwrap(), None, "the proxy has ended");
                assert!(deadline.left().is_some(), "the proxy does not listen at {}", path.display());
                std::thread::yield_now();
            }
        }
        proxy
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn nginx_asks_in_http_1_0_unless_told_otherwise() {
    let test = "nginx_asks_in_http_1_0_unless_told_otherwise";
    let (Some(nginx), Some(server)) = (installed(test, "nginx"), start(test, "")) else { return };
    let dir = TempDir::new();
    let path = |name: &str| dir.path().join(name);
    let upgrade = "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";";
    let hop = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";
    let site = |name: &str, to: &str, more: &str| {
        format!(
            "server {{ listen unix:{}; \
             location / {{ proxy_pass {to}; {upgrade} {more} }} }}\n",
            path(name).display()
        )
    };
    let server_url = format!("http://{}", server.addresses().websocket);
    let old_url = format!("http://unix:{}:", path("old").display());
    let many: String = (0..100).map(|hop| format!("proxy_set_header X-Hop-{hop} \"$host\"; ")).collect();
    let folder = dir.path().display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
        .concat();
    let conf = format!(
        "daemon off; master_process off; pid {folder}/pid; error_log stderr warn;\n\
         events {{ worker_connections 64; }}\n\
         http {{ access_log off; proxy_buffer_size 64k; proxy_busy_buffers_size 64k; proxy_buffers 4 64k;\n\
         {temporary}{}{}{}{}}}\n",
        site("old", &server_url, hop),
        site("new", &server_url, "proxy_http_version 1.1;"),
        site("chain", &old_url, &format!("{hop} {many}")),
        site("host", &server_url, "proxy_set_header Host $host;"),
    );
    let conf_file = path("nginx.conf");
    fs::write(&conf_file, conf).unwrap();
    let mut command = Command::new(nginx);
    command.args(["-e", "stderr", "-p"]).arg(dir.path()).arg("-c").arg(&conf_file);
    let sites = ["old", "new", "chain", "host"].map(path);
    let _proxy = Proxy::start(&mut command, &sites.each_ref().map(|path| &**path));

    for site in &sites {
        ping(&mut info(site, "").0);
    }
    // A browser's headers and cookies, and what the proxies before this one have added.
    let browser =
        "User-Agent: Mozilla/5.0\r\nOrigin: https://app.example.com\r\nAccept-Language: de, en;q=0.5\r\n";
    let cookies = format!("Cookie: a={}\r\nCookie: b={}\r\n", "x".repeat(4000), "y".repeat(2000));
    let hops: String = (0..200).map(|hop| format!("X-Edge-{hop}: {hop}\r\n")).collect();
    let forwarded = "X-Forwarded-For: 203.0.113.7\r\n";
    ping(&mut info(&sites[2], &[browser, &cookies, &hops, forwarded].concat()).0);
}

#[test]
fn haproxy_passes_websocket_on() {
    let test = "haproxy_passes_websocket_on";
    let (Some(haproxy), Some(server)) = (installed(test, "haproxy"), start(test, "")) else { return };
    let dir = TempDir::new();
    let (path, conf_file) = (dir.path().join("front"), dir.path().join("haproxy.cfg"));
    let conf = format!(
        "global\n    maxconn 64\n\
         defaults\n    mode http\n    timeout connect 30s\n    timeout client 30s\n    timeout server 30s\n    \
             timeout tunnel 1h\n    option forwardfor\n\
         frontend front\n    bind unix@{}\n    default_backend back\n\
         backend back\n    server dunlin {}\n",
        path.display(),
        server.addresses().websocket
    );
    fs::write(&conf_file, conf).unwrap();
    let _proxy = Proxy::start(Command::new(haproxy).arg("-db").arg("-f").arg(&conf_file), &[&path]);
    ping(&mut info(&path, "X-Forwarded-For: 203.0.113.7\r\nOrigin: http://localhost:3000\r\n").0);
}
