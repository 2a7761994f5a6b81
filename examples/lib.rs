//! The examples are in the folders beside this file; this crate only holds them.
