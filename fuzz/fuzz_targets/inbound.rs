//! libFuzzer target: see `dunlin_fuzz::inbound`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| dunlin_fuzz::inbound::run(data));

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("This program is of use only when it is built by `cargo xtask fuzz`.");
}
