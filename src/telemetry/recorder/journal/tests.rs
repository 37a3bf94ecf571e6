use std::io::{self, Write};
use std::sync::{Arc, mpsc};
use std::thread;

use super::{HURRY, Journal, LIMIT, Next, Outcome};
use crate::sync::Mutex;

/// A disk with so much room, as the test has it.
#[derive(Clone)]
struct Disk(Arc<Mutex<(usize, Vec<u8>)>>);

impl Disk {
    fn with_room(room: usize) -> Self {
        Self(Arc::new(Mutex::new((room, Vec::new()))))
    }

    fn make_room(&self, room: usize) {
        self.0.lock().0 = room;
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().1.clone()).unwrap()
    }

    fn journal(&self) -> Journal {
        Journal::new(Box::new(self.clone()))
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (room, taken) = &mut *self.0.lock();
        if *room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let count = bytes.len().min(*room);
        *room -= count;
        taken.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn line(length: usize) -> Vec<u8> {
    let mut line = vec![b'x'; length - 1];
    line.push(b'\n');
    line
}

fn fine() -> Outcome {
    Outcome::default()
}

#[test]
fn lines_are_written_in_the_order_in_which_they_came() {
    let disk = Disk::with_room(usize::MAX);
    let journal = disk.journal();
    assert_eq!(journal.push(b"1\n"), Next::List);
    assert_eq!(journal.push(b"2\n"), Next::Nothing);
    assert_eq!(disk.text(), "");
    assert_eq!(journal.write_out(), None);
    assert_eq!(disk.text(), "1\n2\n");
    assert_eq!(journal.push(b"3\n"), Next::List);
    assert_eq!(journal.finish(b"4\n"), fine());
    assert_eq!(disk.text(), "1\n2\n3\n4\n");
}

#[test]
fn many_lines_hurry_the_writer_once_and_too_many_are_written_by_who_brings_them() {
    let disk = Disk::with_room(usize::MAX);
    let journal = disk.journal();
    let step = HURRY / 2;
    let nexts: Vec<_> = (0..8).map(|_| journal.push(&line(step))).collect();
    let mut expected = vec![Next::Nothing; 8];
    (expected[0], expected[2]) = (Next::List, Next::Hurry);
    assert_eq!(nexts, expected);
    assert_eq!(LIMIT, 8 * step);
    assert_eq!(journal.push(b"one more\n"), Next::Write);
    assert_eq!(journal.write_out(), None);
    assert_eq!(disk.text().len(), LIMIT + "one more\n".len());
    assert_eq!(journal.push(b"next\n"), Next::List);
}

#[test]
fn a_disk_that_is_full_for_a_while_loses_nothing_and_tears_no_line() {
    let disk = Disk::with_room(7);
    let journal = disk.journal();
    journal.push(b"first\n");
    journal.push(b"second\n");
    let error = journal.write_out().unwrap();
    assert_eq!((disk.text().as_str(), error.as_str()), ("first\ns", "no storage space"));
    // It is told once, and tried again with each line.
    assert_eq!(journal.push(b"third\n"), Next::List);
    assert_eq!(journal.write_out(), None);
    assert_eq!(journal.push(b"fourth\n"), Next::List);
    disk.make_room(usize::MAX);
    assert_eq!(journal.write_out(), None);
    assert_eq!(disk.text(), "first\nsecond\nthird\nfourth\n");
    let error = Some("no storage space".to_owned());
    assert_eq!(journal.finish(b"last\n"), Outcome { lost: 0, error });
    assert!(disk.text().ends_with("fourth\nlast\n"));
}

#[test]
fn what_a_full_disk_does_not_take_is_kept_up_to_a_limit_and_then_counted() {
    let disk = Disk::with_room(0);
    let journal = disk.journal();
    let length = HURRY / 2;
    journal.push(&line(length));
    assert!(journal.write_out().is_some());
    for _ in 0..50 {
        assert_ne!(journal.push(&line(length)), Next::Write);
        journal.write_out();
        assert!(journal.pending.lock().lines.capacity() <= 2 * LIMIT);
    }
    // One that could not be written, eight that are kept: the rest is lost.
    disk.make_room(usize::MAX);
    assert_eq!(journal.finish(b"last\n").lost, 50 - 8);
    assert_eq!(disk.text().len(), 9 * length + "last\n".len());
}

#[test]
fn all_that_a_full_disk_never_took_is_counted_at_the_end() {
    let disk = Disk::with_room(3);
    let journal = disk.journal();
    journal.push(b"1\n");
    journal.push(b"2\n");
    journal.write_out();
    journal.push(b"3\n");
    // The second is torn, the others are not there.
    assert_eq!(journal.finish(b"4\n").lost, 3);
    assert_eq!(disk.text(), "1\n2");
}

#[test]
fn a_writer_that_panics_is_an_error() {
    struct Panics;
    impl Write for Panics {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            panic!("out of luck")
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let journal = Journal::new(Box::new(Panics));
    journal.push(b"1\n");
    assert_eq!(journal.write_out().unwrap(), "the writer panicked");
    assert_eq!(journal.finish(b"2\n").lost, 2);
}

/// Says that it is called, and waits until it may go on.
struct Slow {
    called: mpsc::Sender<()>,
    go_on: mpsc::Receiver<()>,
    disk: Disk,
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.called.send(());
        // Once nobody sends any more it is as quick as any.
        let _ = self.go_on.recv();
        self.disk.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_come_while_others_are_written_and_memory_stays_bounded() {
    const LINES: usize = 40;
    let (called, is_called) = mpsc::channel();
    let (go, go_on) = mpsc::channel();
    let disk = Disk::with_room(usize::MAX);
    let slow = Slow { called, go_on, disk: disk.clone() };
    let journal = Journal::new(Box::new(slow));
    let length = LIMIT / 4;
    thread::scope(|threads| {
        journal.push(&line(length));
        threads.spawn(|| journal.write_out());
        is_called.recv().unwrap();
        // The writer is at it, and holds nobody up.
        (0..4).for_each(|_| assert_ne!(journal.push(&line(length)), Next::Write));
        let (brought, is_brought) = mpsc::channel();
        let journal = &journal;
        threads.spawn(move || {
            for _ in 0..LINES {
                if journal.push(&line(length)) == Next::Write {
                    let _ = brought.send(());
                    journal.write_out();
                }
            }
        });
        // Whoever brings more waits for the writer from here on.
        is_brought.recv().unwrap();
        assert!(journal.pending.lock().lines.len() <= LIMIT + length);
        drop(go);
    });
    assert_eq!(journal.finish(b"").lost, 0);
    assert_eq!(disk.text().len(), (1 + 4 + LINES) * length);
    assert!(journal.pending.lock().lines.capacity() <= 4 * LIMIT);
}
