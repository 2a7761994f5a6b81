//! What becomes of a page in a browser: hidden, frozen, hung, offline, left, shut, and its processes
//! stopped. Each scenario first has the page say that it is so, and then asks what our server makes of
//! it.
//!
//! A scenario says what a server would like. What a browser does otherwise is in its description, with
//! the verdict that we then come to, within the same promise.

mod beat;
mod ends;
mod fed;
mod network;
mod page;
mod rest;
mod stops;

use super::scenarios::{Scenario, scenario, timed};
use super::stage::Setting;

const APART: Setting = Setting { apart: true, ..Setting::PLAIN };

pub(super) const ALL: &[Scenario] = &[
    timed("page-hidden", rest::hidden),
    timed("page-throttled", rest::throttled),
    Scenario { long: true, needs: &["slow"], ..timed("page-throttled-long", rest::throttled_long) },
    Scenario { needs: &["freeze"], ..timed("page-frozen", rest::frozen) },
    timed("page-hung", rest::hung),
    Scenario { needs: &["freeze"], ..timed("page-frozen-fed", fed::frozen) },
    timed("page-hung-fed", fed::hung),
    timed("page-offline", network::offline),
    timed("page-offline-fed", fed::offline),
    Scenario { setting: APART, ..timed("page-unplugged", network::unplugged) },
    Scenario { setting: APART, ..timed("page-unplugged-briefly", network::unplugged_briefly) },
    Scenario {
        // A browser that has heard of us meanwhile does not ask.
        setting: Setting { near: true, seldom: true, ..APART },
        ..timed("page-network-changes", network::changes)
    },
    timed("page-renderer-stopped", stops::renderer),
    timed("page-browser-stopped", stops::browser),
    timed("page-left", ends::left),
    Scenario { needs: &["return"], ..timed("page-returned", ends::returned) },
    scenario("page-shut", ends::shut),
    Scenario {
        setting: Setting { beating: true, seldom: true, hindered: true, ..Setting::PLAIN },
        needs: &["beat-in-silence"],
        ..timed("page-beats", beat::in_silence)
    },
];
