//! certyard-pki from outside: the labelled corpus, real certificates compared with the `openssl` command, everything that is made
//! checked by it, and mutated input.

mod answer;
mod chain;
mod corpus;
mod generated;
mod mutations;
mod names;
mod openssl;
mod upload;
mod vectors;
