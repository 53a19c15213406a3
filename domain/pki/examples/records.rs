//! How fast certificates become records: `cargo run --release --example records FILE.pem [ROUNDS]`.
#![expect(clippy::unwrap_used, reason = "a measuring tool for developers")]

use std::hint::black_box;
use std::time::Instant;

use certyard_pki::Certificate;
use certyard_pki::upload::{Limits, read};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap();
    let rounds: usize = arguments.next().map_or(200, |rounds| rounds.parse().unwrap());
    let text = std::fs::read(file).unwrap();
    let certificates = read(&text, &Limits::default(), false).unwrap().certificates;
    let each = |name: &str, work: &dyn Fn()| {
        let started = Instant::now();
        for _ in 0..rounds {
            work();
        }
        let count = u32::try_from(rounds * certificates.len()).unwrap();
        println!("{name}: {:?} a certificate", started.elapsed() / count);
    };
    each("from DER", &|| {
        for certificate in &certificates {
            black_box(Certificate::from_der(black_box(&certificate.der)).unwrap());
        }
    });
    each("from PEM", &|| {
        black_box(read(black_box(&text), &Limits::default(), false).unwrap());
    });
}
