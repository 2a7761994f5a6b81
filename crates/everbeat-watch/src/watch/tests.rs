//! The thread beside a kernel that fails as it is told.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};

use super::message::{Address, Change, Link};
use super::*;

/// Far more than anything here takes
const GUARD: Duration = Duration::from_secs(20);
const OURS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

/// What is heard next, by a byte, and what is answered next
#[derive(Default)]
struct Script {
    heard: VecDeque<io::Result<(Vec<Change>, Doubt)>>,
    answers: VecDeque<io::Result<View>>,
}

struct Kernel {
    told: UnixStream,
    script: Arc<Mutex<Script>>,
}

impl AsFd for Kernel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.told.as_fd()
    }
}

impl Source for Kernel {
    fn ask(&mut self) -> io::Result<View> {
        self.script.lock().unwrap().answers.pop_front().expect("it was asked too often")
    }

    fn drain(&mut self, view: &mut View) -> io::Result<Doubt> {
        _ = self.told.read(&mut [0; 8]);
        let mut doubt = Doubt::default();
        while let Some(heard) = self.script.lock().unwrap().heard.pop_front() {
            let (changes, open) = heard?;
            doubt = doubt.and(open);
            for change in changes {
                doubt.routes |= view.apply(change);
            }
        }
        Ok(doubt)
    }
}

/// A thread, its kernel and what it tells
struct Watched {
    watch: Option<UnixStream>,
    kernel: UnixStream,
    script: Arc<Mutex<Script>>,
    hints: Receiver<Hint>,
}

impl Watched {
    fn new() -> Self {
        let (told, kernel) = UnixStream::pair().unwrap();
        told.set_nonblocking(true).unwrap();
        let script = Arc::<Mutex<Script>>::default();
        let source = Kernel { told, script: script.clone() };
        let (sender, hints) = mpsc::channel();
        let (watch, stop) = UnixStream::pair().unwrap();
        thread::spawn(move || run(source, view([OURS]), &stop, |hint| _ = sender.send(hint)));
        Self { watch: Some(watch), kernel, script, hints }
    }

    fn hears(&mut self, heard: io::Result<(Vec<Change>, Doubt)>) {
        self.script.lock().unwrap().heard.push_back(heard);
        self.kernel.write_all(b"!").unwrap();
    }

    fn next(&self) -> Result<Hint, RecvTimeoutError> {
        self.hints.recv_timeout(GUARD)
    }
}

fn view<const N: usize>(addresses: [IpAddr; N]) -> View {
    let runs = Link { up: true, running: true, loopback: false, port: false, wiring: false };
    let mut view = View::default();
    view.apply(Change::Link(2, Some(runs)));
    for ip in addresses {
        view.apply(Change::Address { link: 2, ip, is: Some(Address { usable: true }) });
    }
    view
}

fn gone(ip: IpAddr) -> Change {
    Change::Address { link: 2, ip, is: None }
}

#[test]
fn a_view_that_is_not_whole_is_not_judged_but_asked_for_again() {
    let mut watched = Watched::new();
    // Our address went and came again, and the second half was lost.
    let failed = || Err(io::ErrorKind::TimedOut.into());
    watched.script.lock().unwrap().answers.extend([failed(), failed(), Ok(view([OURS, OTHER]))]);
    let lost = Doubt { lost: true, ..Doubt::default() };
    watched.hears(Ok((vec![gone(OURS)], lost)));
    assert_eq!(watched.next(), Ok(Hint::NetworkChanged), "and not that it is gone");
    // What was told while it was asked in vain is lost as well.
    watched.script.lock().unwrap().answers.extend([failed(), Ok(view([OURS, OTHER]))]);
    let routes = Doubt { routes: true, ..Doubt::default() };
    watched.hears(Ok((vec![], routes)));
    assert_eq!(watched.next(), Ok(Hint::NetworkChanged));
    // All is whole again: what is heard is believed.
    watched.hears(Ok((vec![gone(OURS)], Doubt::default())));
    assert_eq!(watched.next(), Ok(Hint::AddressGone(OURS)));
}

#[test]
fn who_was_told_to_be_offline_is_not_left_so() {
    let offline = || {
        let mut watched = Watched::new();
        watched.hears(Ok((vec![gone(OURS)], Doubt::default())));
        assert_eq!(watched.next(), Ok(Hint::AddressGone(OURS)));
        assert_eq!(watched.next(), Ok(Hint::Offline));
        watched
    };
    let mut dropped = offline();
    dropped.watch = None;
    let mut failed = offline();
    failed.hears(Err(io::ErrorKind::OutOfMemory.into()));
    for watched in [dropped, failed] {
        assert_eq!(watched.next(), Ok(Hint::Online));
        assert_eq!(watched.next(), Err(RecvTimeoutError::Disconnected));
    }
}

#[test]
fn who_was_told_of_nothing_is_told_nothing_at_the_end() {
    let mut watched = Watched::new();
    watched.watch = None;
    assert_eq!(watched.next(), Err(RecvTimeoutError::Disconnected));
}
