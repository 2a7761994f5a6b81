//! How core, server and simulator behave, in virtual time. One program, because each that links
//! them all takes as long to build as the tests of all of them take to run.

mod budgets;
mod client_halves;
mod close;
mod endpoints;
mod flood;
mod halves;
mod heartbeat;
mod hints;
mod hosts;
mod local;
mod outages;
mod outcome;
mod own_beat;
mod pipe;
mod queue;
mod reconnect;
mod sending;
mod server;
mod settings;
mod sim;
mod sleep;
mod stall;
mod support;
mod tcp;
mod timer;
mod unfinished;
mod verdicts;
