//! certyard-pki from outside: the labelled corpus, real certificates compared with the `openssl` command, everything that is made
//! checked by it, and mutated input.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answer;
mod chain;
mod corpus;
mod generated;
mod made;
mod mutations;
mod names;
mod openssl;
mod upload;
mod vectors;
