//! The museum: how other libraries decide that a connection is dead, as programs that run over any
//! [`Transport`](everbeat_core::transport::Transport), and in its tests what went wrong with that.
//!
//! [`rules`] are what everbeat is measured against; the exhibits are in `tests/museum`, and
//! `docs/museum.md` lists them.

#![forbid(unsafe_code)]

pub mod rules;
