//! The examples are in the folders beside this file; this crate only holds them.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
