//! A socket that is lent, as a strip of paper: who writes on it, and in which order.

use std::sync::Mutex;
use std::thread;

use super::super::waiting::Share;
use super::*;
use crate::registry::Ruled;
use crate::testing::{Somebody, lending};

/// Takes so many bytes and no more
#[derive(Default)]
struct Paper {
    written: Mutex<Vec<u8>>,
    room: Mutex<usize>,
}

impl Hatches for Paper {
    fn frame(&self, message: &Message) -> Option<Bytes> {
        let text = message.as_text()?;
        (text != "large").then(|| Bytes::copy_from_slice(format!("{text};").as_bytes()))
    }

    fn pass(&self, _: u8, frame: &[u8]) -> usize {
        let mut room = self.room.lock().unwrap();
        let written = frame.len().min(*room);
        *room -= written;
        for byte in &frame[..written] {
            self.written.lock().unwrap().push(*byte);
            // Whoever were to write meanwhile would be seen
            thread::yield_now();
        }
        written
    }
}

impl Paper {
    fn with_room(room: usize) -> (Arc<Self>, Arc<Record<Somebody>>) {
        let paper = Arc::new(Self { room: Mutex::new(room), ..Self::default() });
        let record = lending(Hatch::new(paper.clone(), 0));
        (paper, record)
    }

    fn text(&self) -> String {
        String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
    }
}

/// Whether the task is to be woken for it
fn tell(record: &Record<Somebody>, text: &'static str) -> bool {
    let share = Share::new(text.len(), record.whose.rules().used.clone());
    record.tell_with_many(&mut ToMany::new(text.into(), 1), &share).unwrap()
}

fn mail(record: &Record<Somebody>) -> Vec<String> {
    std::iter::from_fn(|| record.pop()).map(|message| message.to_string()).collect()
}

#[test]
fn who_waits_is_told_past_his_task_which_knows_of_it_later() {
    let (paper, record) = Paper::with_room(100);
    record.lend();
    assert!(!tell(&record, "a") && !tell(&record, "b"));
    assert_eq!((paper.text().as_str(), record.sent_past(), record.bytes().1), ("a;b;", 4, 4));
    assert_eq!(record.sent_aside(), 2);
    assert_eq!((record.keep(), record.keep()), (Some((4, None)), None));
    assert!(tell(&record, "c"), "it is the task's own again");
    assert_eq!((paper.text().as_str(), mail(&record)), ("a;b;", vec!["c".to_owned()]));
}

#[test]
fn nothing_goes_past_what_waits() {
    let (paper, record) = Paper::with_room(100);
    record.put("mail".into()).unwrap();
    record.lend();
    tell(&record, "a");
    assert_eq!(paper.text(), "");
    assert_eq!(mail(&record), ["mail", "a"]);
    tell(&record, "b");
    assert_eq!(paper.text(), "b;", "until it does not wait any more");
    tell(&record, "large");
    tell(&record, "c");
    assert_eq!((paper.text().as_str(), mail(&record)), ("b;", vec!["large".into(), "c".into()]));
    record.end();
    tell(&record, "d");
    assert_eq!(paper.text(), "b;", "an order stands before it");
}

#[test]
fn what_is_left_of_a_frame_is_the_tasks_who_is_woken_and_goes_first() {
    let (paper, record) = Paper::with_room(5);
    record.lend();
    assert!(!tell(&record, "one"));
    assert!(tell(&record, "two"), "the rest of it wakes the task");
    *paper.room.lock().unwrap() = 100;
    assert!(!tell(&record, "three"), "who is woken already");
    assert_eq!(paper.text(), "one;t");
    assert_eq!(record.keep(), Some((5, Some(Bytes::from_static(b"wo;")))));
    assert_eq!((mail(&record), record.sent_aside()), (vec!["three".to_owned()], 3));
}

#[test]
fn where_nothing_fits_it_is_mail() {
    let (paper, record) = Paper::with_room(0);
    record.lend();
    assert!(tell(&record, "a"));
    assert_eq!((record.keep(), mail(&record)), (None, vec!["a".to_owned()]));
    record.close();
    record.lend();
    *paper.room.lock().unwrap() = 100;
    let share = Share::new(1, record.whose.rules().used.clone());
    record.tell_with_many(&mut ToMany::new("b".into(), 1), &share).unwrap_err();
    assert_eq!(paper.text(), "", "nobody is there any more");
}

#[test]
fn who_panics_as_he_writes_leaves_the_socket_to_the_task() {
    struct Broken;
    impl Hatches for Broken {
        fn frame(&self, _: &Message) -> Option<Bytes> {
            Some(Bytes::from_static(b"frame"))
        }

        fn pass(&self, _: u8, _: &[u8]) -> usize {
            panic!("broken")
        }
    }
    let record = lending(Hatch::new(Arc::new(Broken), 0));
    record.lend();
    thread::scope(|scope| scope.spawn(|| tell(&record, "a")).join().unwrap_err());
    assert!(tell(&record, "b"), "nobody writes past it");
    assert_eq!((record.keep(), mail(&record)), (None, vec!["b".to_owned()]));
}

/// The task writes each of its own frames in two goes, and the others write whenever they may
#[test]
fn a_task_and_others_never_write_at_one_time() {
    const EACH: usize = 20_000;
    let (paper, record) = Paper::with_room(usize::MAX);
    let write = |bytes: &[u8]| paper.written.lock().unwrap().extend_from_slice(bytes);
    thread::scope(|scope| {
        for name in ["x", "y"] {
            let record = &record;
            scope.spawn(move || (0..EACH).for_each(|_| _ = tell(record, name)));
        }
        for _ in 0..EACH {
            record.keep();
            write(b"t");
            thread::yield_now();
            write(b"t;");
            while let Some(message) = record.pop() {
                write(format!("{message};").as_bytes());
            }
            record.lend();
            thread::yield_now();
        }
    });
    record.keep();
    let left = mail(&record).len();
    let text = paper.text();
    let words: Vec<_> = text.split_terminator(';').collect();
    assert!(words.iter().all(|word| ["tt", "x", "y"].contains(word)), "a frame was cut");
    assert_eq!(words.len() + left, 3 * EACH);
}
