//! What a worker process and its parent say to each other, in pieces of any size.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    entourage::read_worker_protocol(bytes, usize::from(cut));
});
