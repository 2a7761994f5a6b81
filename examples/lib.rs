//! The examples are in the folders beside this file; this crate only holds them.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/actix.md")]
struct Actix;

#[cfg(doctest)]
#[doc = include_str!("../docs/axum.md")]
struct Axum;

#[cfg(doctest)]
#[doc = include_str!("../docs/hyper.md")]
struct Hyper;
