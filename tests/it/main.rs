//! Tests that need the whole program: every provider's contract, the command line, the manifests.

mod contract;
