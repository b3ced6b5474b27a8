//! Every input of the committed corpora, through the bodies of the fuzz targets.

use std::fs;
use std::path::Path;

#[test]
fn conf() {
    replay("conf", dunlin_fuzz::conf::run);
}

#[test]
fn forwarded() {
    replay("forwarded", dunlin_fuzz::forwarded::run);
}

#[test]
fn inbound() {
    // Each in many pieces: the third byte says how it is cut.
    replay("inbound", |data| {
        for seed in 0..if data.len() > 2 { 100 } else { 1 } {
            let mut data = data.to_vec();
            if let Some(cut) = data.get_mut(2) {
                *cut = seed;
            }
            dunlin_fuzz::inbound::run(&data);
        }
    });
}

#[test]
fn nats_protocol() {
    replay("nats_protocol", dunlin_fuzz::nats_protocol::run);
}

#[test]
fn permessage_deflate() {
    replay("permessage_deflate", dunlin_fuzz::permessage_deflate::run);
}

#[test]
fn proxy_protocol() {
    replay("proxy_protocol", dunlin_fuzz::proxy_protocol::run);
}

#[test]
fn subject() {
    replay("subject", dunlin_fuzz::subject::run);
}

#[test]
fn websocket() {
    replay("websocket", dunlin_fuzz::websocket::run);
}

/// A module without its replay would leave its corpus unread.
#[test]
fn every_corpus_and_every_target_has_its_test_here() {
    let replayed = [
        "conf",
        "forwarded",
        "inbound",
        "nats_protocol",
        "permessage_deflate",
        "proxy_protocol",
        "subject",
        "websocket",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["corpus", "fuzz_targets"] {
        for entry in fs::read_dir(root.join(folder)).expect("the folder is there") {
            let path = entry.expect("the folder is readable").path();
            let name = path.file_stem().and_then(|name| name.to_str()).expect("names are UTF-8");
            assert!(replayed.contains(&name), "{} has no test here", path.display());
        }
    }
}

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    // The first input that every fuzzer tries, and all that there is before a corpus has been committed.
    run(&[]);
    let Ok(files) = fs::read_dir(&folder) else { return };
    for file in files {
        let path = file.expect("the corpus is readable").path();
        // The test runner shows this only if the input makes the body panic.
        println!("replaying {}", path.display());
        run(&fs::read(&path).expect("the corpus is readable"));
    }
}
