//! Parameters, paging and paths of requests.

#![expect(clippy::unwrap_used, reason = "a test")]

use dunlin_monitor::{ConnectionState, RequestCounts, Response, Snapshot, Time, Varz, respond};
use serde_json::Value;

/// Five connections whose figures grow with their number, and two closed ones.
fn snapshot() -> Snapshot {
    let time = |second: i64| Time(jiff::Timestamp::from_second(second).unwrap());
    let connection = |cid: u64| ConnectionState {
        cid,
        start: time(cid.cast_signed()),
        last_activity: time(100 - cid.cast_signed()),
        rtt: cid,
        pending_bytes: cid,
        in_msgs: cid,
        out_msgs: 10 - cid,
        in_bytes: cid,
        out_bytes: 10 - cid,
        subscriptions: cid,
        ..ConnectionState::default()
    };
    let closed =
        |cid: u64, at: i64, reason| ConnectionState { stop: Some((time(at), reason)), ..connection(cid) };
    Snapshot {
        varz: Varz { server_id: "N<1>".into(), server_name: "<s>".into(), ..Varz::default() },
        connections: [3, 1, 2, 5, 4].map(connection).into(),
        closed: vec![closed(6, 120, "Read Error"), closed(7, 110, "Stale Connection")],
        now: time(200).0,
    }
}

fn get(target: &str) -> Response {
    respond(target, "", &snapshot())
}

/// The numbers of the connections in an answer, with total, offset and limit.
fn cids(query: &str) -> (Vec<u64>, [u64; 3]) {
    let response = get(&format!("/connz?{query}"));
    assert_eq!(response.status, 200, "{query}: {}", response.body);
    let answer: Value = serde_json::from_str(&response.body).unwrap();
    let connections = answer["connections"].as_array().unwrap();
    assert_eq!(answer["num_connections"], connections.len());
    let cids = connections.iter().map(|connection| connection["cid"].as_u64().unwrap()).collect();
    (cids, ["total", "offset", "limit"].map(|key| answer[key].as_u64().unwrap()))
}

#[test]
fn order() {
    for (sort, expected) in [
        ("", [1, 2, 3, 4, 5]),
        ("cid", [1, 2, 3, 4, 5]),
        ("start", [1, 2, 3, 4, 5]),
        ("subs", [5, 4, 3, 2, 1]),
        ("pending", [5, 4, 3, 2, 1]),
        ("msgs_to", [1, 2, 3, 4, 5]),
        ("msgs_from", [5, 4, 3, 2, 1]),
        ("bytes_to", [1, 2, 3, 4, 5]),
        ("bytes_from", [5, 4, 3, 2, 1]),
        ("last", [1, 2, 3, 4, 5]),
        ("idle", [5, 4, 3, 2, 1]),
        ("uptime", [5, 4, 3, 2, 1]),
        ("rtt", [5, 4, 3, 2, 1]),
    ] {
        assert_eq!(cids(&format!("sort={sort}")).0, expected, "{sort}");
    }
    assert_eq!(cids("state=closed&sort=stop").0, [6, 7]);
    assert_eq!(cids("state=closed&sort=reason").0, [6, 7]);
}

#[test]
fn pages_and_filters() {
    for (query, expected, numbers) in [
        ("limit=2", &[1, 2][..], [5, 0, 2]),
        ("limit=2&offset=4", &[5], [5, 4, 2]),
        ("offset=100", &[], [5, 100, 1024]),
        ("limit=-5&offset=-3", &[1, 2, 3, 4, 5], [5, 0, 1024]),
        ("limit=1&limit=abc", &[1], [5, 0, 1]),
        ("limit=%zz", &[1, 2, 3, 4, 5], [5, 0, 1024]),
        ("limit=2;3", &[1, 2, 3, 4, 5], [5, 0, 1024]),
        ("LIMIT=abc", &[1, 2, 3, 4, 5], [5, 0, 1024]),
        ("state=closed", &[6, 7], [2, 0, 1024]),
        ("state=ALL", &[1, 2, 3, 4, 5, 6, 7], [7, 0, 1024]),
        ("cid=4&limit=3", &[4], [5, 0, 1]),
        ("cid=99", &[], [5, 0, 1]),
        ("user=x", &[], [5, 0, 1024]),
        ("mqtt_client=x", &[], [5, 0, 1024]),
        ("acc=$G&limit=1", &[1], [5, 0, 1]),
    ] {
        assert_eq!(cids(query), (expected.to_vec(), numbers), "{query}");
    }
}

#[test]
fn bad_parameters() {
    for (target, text) in [
        (
            "/connz?limit=abc&auth=zzz",
            "Error decoding boolean for 'auth': strconv.ParseBool: parsing \"zzz\": invalid syntax",
        ),
        (
            "/connz?subs=zzz",
            "Error decoding boolean for 'subs': strconv.ParseBool: parsing \"zzz\": invalid syntax",
        ),
        (
            "/connz?offset=abc",
            "Error decoding int for 'offset': strconv.Atoi: parsing \"abc\": invalid syntax",
        ),
        ("/connz?state=zzz", "Error decoding state for zzz"),
        ("/connz?sort=CID", "invalid sorting option: CID"),
        ("/connz?sort=stop", "sort by stop only valid on closed connections"),
        ("/connz?sort=reason&state=any", "sort by reason only valid on closed connections"),
        (
            "/healthz?js-enabled-only=zz",
            "Error decoding boolean for 'js-enabled-only': strconv.ParseBool: parsing \"zz\": invalid syntax",
        ),
    ] {
        let expected =
            Response { status: 400, content_type: "text/plain; charset=utf-8", body: text.to_owned() };
        assert_eq!(get(target), expected, "{target}");
    }
}

#[test]
fn paths() {
    assert_eq!(get("/healthz?details=1").body, "{\"status\":\"ok\"}");
    assert!(get("/connz").body.starts_with("{\n  \"server_id\": \"N\\u003c1\\u003e\",\n  \"now\""));
    assert!(get("/").body.contains("<title>&lt;s&gt;</title>"));
    for target in ["/nope", "/varz/", "varz", "/VARZ", "http://x/nope"] {
        assert_eq!(get(target).status, 404, "{target}");
    }
    // Some exporters and proxies write it like this.
    for target in ["", "http://x", "?x", "//varz", "http://x/varz", "http://x//varz?y=//"] {
        assert_eq!(get(target).status, 200, "{target}");
    }
    assert_eq!(respond("/m/varz", "/m", &snapshot()).status, 200);
    assert_eq!(respond("http://x/m//varz", "/m", &snapshot()).status, 200);
    assert_eq!(respond("/varz", "/m", &snapshot()).status, 404);
    assert!(respond("/m/", "/m", &snapshot()).body.contains("href=\"/m/connz\""));

    let mut counts = RequestCounts::default();
    for target in ["/varz", "/varz?x", "/connz", "/nope"] {
        counts.count(target, "");
    }
    assert_eq!(counts.counts(), &[("/connz", 1), ("/varz", 2)].into());
}
