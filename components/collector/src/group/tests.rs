//! The group on a simulated host: tasks that are polled when they were woken, writes that end when told, and a clock that
//! is set by hand.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::*;

/// What is written: a number, and how large it counts as.
type Item = (u32, usize);
type Outcome = Result<u32, &'static str>;

thread_local! {
    /// A task is being polled, so whoever is woken is woken by another request.
    static POLLING: Cell<bool> = const { Cell::new(false) };
}

/// Whether a task is to be polled.
struct Flag {
    is_up: AtomicBool,
    /// Only the host can wake it, not another request.
    is_deaf: bool,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        if !(self.is_deaf && POLLING.get()) {
            self.is_up.store(true, Ordering::Relaxed);
        }
    }
}

/// A write that is under way.
struct Write {
    batch: Vec<Item>,
    end: oneshot::Sender<Result<(), &'static str>>,
}

#[derive(Default)]
struct World {
    now: Cell<Duration>,
    sleepers: RefCell<Vec<(Duration, Waker)>>,
    under_way: RefCell<Vec<Write>>,
    /// All batches, in the order in which they were begun.
    begun: RefCell<Vec<Vec<u32>>>,
    /// Numbers whose write has ended well.
    written: RefCell<Vec<u32>>,
}

struct Sleep(Rc<World>, Duration);

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0.now.get() >= self.1 {
            return Poll::Ready(());
        }
        self.0.sleepers.borrow_mut().push((self.1, context.waker().clone()));
        Poll::Pending
    }
}

impl Timer for Rc<World> {
    fn now(&self) -> Duration {
        self.now.get()
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> {
        Sleep(Rc::clone(self), self.now.get() + time)
    }
}

impl Writer for Rc<World> {
    type Item = Item;
    type Outcome = Outcome;
    type Timer = Self;

    fn bytes(item: &Item) -> usize {
        item.1
    }

    async fn write(&self, batch: Vec<Arc<Item>>) -> Vec<Outcome> {
        let batch: Vec<Item> = batch.iter().map(|item| **item).collect();
        let numbers: Vec<u32> = batch.iter().map(|item| item.0).collect();
        let (end, ended) = oneshot::channel();
        self.begun.borrow_mut().push(numbers.clone());
        self.under_way.borrow_mut().push(Write { batch, end });
        let ended = ended.await.unwrap();
        numbers.into_iter().map(|number| ended.map(|()| number)).collect()
    }

    fn timer(&self) -> &Self {
        self
    }
}

struct Task {
    future: Pin<Box<dyn Future<Output = Result<Outcome, Unwritten>>>>,
    flag: Arc<Flag>,
}

struct Host {
    world: Rc<World>,
    group: Rc<Group<Rc<World>>>,
    tasks: BTreeMap<u32, Task>,
    outcomes: BTreeMap<u32, Result<Outcome, Unwritten>>,
    next: u32,
    is_deaf: bool,
}

impl Host {
    fn new() -> Self {
        Self::with(Waking::Signal)
    }

    fn with(waking: Waking) -> Self {
        let world = Rc::new(World::default());
        Self {
            group: Rc::new(Group::new(Rc::clone(&world), waking)),
            world,
            tasks: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            next: 0,
            is_deaf: waking == Waking::Polling,
        }
    }

    /// A request comes, long after the last one.
    fn submit(&mut self) -> u32 {
        self.advance(Duration::from_secs(1));
        self.submit_now(1)
    }

    fn submit_now(&mut self, bytes: usize) -> u32 {
        let number = self.next;
        self.next += 1;
        let group = Rc::clone(&self.group);
        let future = Box::pin(async move { group.submit((number, bytes)).await });
        let flag = Arc::new(Flag { is_up: AtomicBool::new(true), is_deaf: self.is_deaf });
        self.tasks.insert(number, Task { future, flag });
        self.run();
        number
    }

    /// Polls whoever was woken, until nobody is.
    fn run(&mut self) {
        loop {
            let woken = self.tasks.iter().find(|(_, task)| task.flag.is_up.load(Ordering::Relaxed));
            let Some((&number, _)) = woken else { return };
            let task = self.tasks.get_mut(&number).unwrap();
            task.flag.is_up.store(false, Ordering::Relaxed);
            let waker = Waker::from(Arc::clone(&task.flag));
            POLLING.set(true);
            let polled = task.future.as_mut().poll(&mut Context::from_waker(&waker));
            POLLING.set(false);
            if let Poll::Ready(outcome) = polled {
                self.tasks.remove(&number);
                self.outcomes.insert(number, outcome);
            }
        }
    }

    /// The visitor leaves, and the host ends the request.
    fn cancel(&mut self, number: u32) {
        drop(self.tasks.remove(&number));
        self.run();
    }

    /// A write that is under way ends.
    fn end_write(&mut self, index: usize, ended: Result<(), &'static str>) {
        let Write { batch, end } = self.world.under_way.borrow_mut().remove(index);
        // It is an error when its leader is gone; the server has got the batch all the same.
        let _ = end.send(ended);
        if ended.is_ok() {
            self.world.written.borrow_mut().extend(batch.iter().map(|item| item.0));
        }
        self.run();
    }

    fn advance(&mut self, time: Duration) {
        let now = self.world.now.get() + time;
        self.world.now.set(now);
        let (due, later) = self.world.sleepers.take().into_iter().partition(|(at, _)| *at <= now);
        self.world.sleepers.replace(later);
        let due: Vec<(Duration, Waker)> = due;
        due.into_iter().for_each(|(_, waker)| waker.wake());
        self.run();
    }

    fn begun(&self) -> Vec<Vec<u32>> {
        self.world.begun.borrow().clone()
    }

    fn answered(&self) -> Vec<u32> {
        self.outcomes.keys().copied().collect()
    }
}

#[test]
fn the_first_is_written_at_once_and_what_comes_meanwhile_together_in_order() {
    let mut host = Host::new();
    for _ in 0..5 {
        host.submit();
    }
    assert_eq!(host.begun(), [vec![0]]);
    host.end_write(0, Ok(()));
    assert_eq!((host.begun(), host.answered()), (vec![vec![0], vec![1, 2, 3, 4]], vec![0]));
    host.submit();
    host.end_write(0, Ok(()));
    host.end_write(0, Ok(()));
    assert_eq!(host.begun().last(), Some(&vec![5]));
    assert!(host.outcomes.iter().all(|(number, outcome)| *outcome == Ok(Ok(*number))));
    assert_eq!(host.answered(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn the_next_write_begins_before_outcomes_are_told() {
    let mut host = Host::new();
    for _ in 0..3 {
        host.submit();
    }
    host.end_write(0, Ok(()));
    assert_eq!((host.begun().len(), host.answered()), (2, vec![0]));
}

#[test]
fn an_error_is_everybodys_in_the_batch_and_nobody_elses() {
    let mut host = Host::new();
    for _ in 0..4 {
        host.submit();
    }
    host.end_write(0, Ok(()));
    host.submit();
    host.end_write(0, Err("down"));
    host.end_write(0, Ok(()));
    let failed: Vec<_> = host.outcomes.values().map(|outcome| outcome.unwrap().is_err()).collect();
    assert_eq!(failed, [false, true, true, true, false]);
}

#[test]
fn what_a_vanished_leader_had_in_hand_is_written_by_those_who_still_wait() {
    let mut host = Host::new();
    for _ in 0..4 {
        host.submit();
    }
    host.end_write(0, Ok(()));
    assert_eq!(host.begun()[1], [1, 2, 3]);
    host.cancel(1);
    assert_eq!(host.begun()[2], [2], "the next of them writes at once");
    host.end_write(1, Ok(()));
    assert_eq!(host.begun()[3], [3]);
    host.end_write(1, Ok(()));
    assert_eq!(host.answered(), [0, 2, 3]);
}

#[test]
fn a_follower_who_vanishes_is_written_all_the_same_and_holds_up_nobody() {
    let mut host = Host::new();
    for _ in 0..4 {
        host.submit();
    }
    host.cancel(1);
    host.cancel(3);
    host.end_write(0, Ok(()));
    assert_eq!(host.begun()[1], [1, 2, 3]);
    host.end_write(0, Ok(()));
    assert_eq!(host.answered(), [0, 2]);
}

#[test]
fn when_all_vanish_the_next_one_is_served() {
    let mut host = Host::new();
    for _ in 0..4 {
        host.submit();
    }
    for number in [3, 2, 1, 0] {
        host.cancel(number);
    }
    let last = host.submit();
    assert_eq!(host.begun().last(), Some(&vec![last]));
    host.end_write(1, Ok(()));
    assert_eq!(host.answered(), [last]);
}

#[test]
fn a_full_batch_does_not_wait_for_the_one_under_way_and_the_number_under_way_is_bounded() {
    let mut host = Host::new();
    for _ in 0..=MOST_ITEMS * (MOST_UNDER_WAY + 2) {
        host.submit();
    }
    let sizes: Vec<usize> = host.begun().iter().map(Vec::len).collect();
    assert_eq!(sizes[0], 1);
    assert_eq!(sizes[1..], vec![MOST_ITEMS; MOST_UNDER_WAY - 1]);
    while !host.world.under_way.borrow().is_empty() {
        host.end_write(0, Ok(()));
    }
    assert_eq!(host.answered().len(), MOST_ITEMS * (MOST_UNDER_WAY + 2) + 1);
    let order: Vec<u32> = host.begun().into_iter().flatten().collect();
    assert!(order.is_sorted());
}

#[test]
fn batches_and_the_queue_are_bounded_in_bytes() {
    let mut host = Host::new();
    host.submit_now(FULL_BYTES / 2);
    for _ in 0..3 {
        host.submit_now(FULL_BYTES / 2);
    }
    assert_eq!(host.begun(), [vec![0], vec![1, 2]], "two fill a batch, which waits for nobody");
    let mut host = Host::new();
    host.submit_now(1);
    let large = FULL_BYTES * 3;
    let fit = MOST_UNDER_WAY - 1 + MOST_WAITING_BYTES / large;
    for _ in 0..fit {
        host.submit_now(large);
    }
    assert!(host.outcomes.is_empty());
    let refused = host.submit_now(large);
    assert_eq!(host.outcomes.remove(&refused), Some(Err(Unwritten::Full)));
    while !host.world.under_way.borrow().is_empty() {
        host.end_write(0, Ok(()));
    }
    assert_eq!(host.answered().len(), fit + 1);
    assert!(host.begun().iter().all(|batch| batch.len() == 1));
}

#[test]
fn where_many_come_a_leader_waits_a_moment_for_company() {
    let mut host = Host::new();
    let mut last = 0;
    for _ in 0..40 {
        host.advance(Duration::from_micros(200));
        last = host.submit_now(1);
    }
    host.end_write(0, Ok(()));
    host.end_write(0, Ok(()));
    assert_eq!(host.answered().len(), usize::try_from(last).unwrap() + 1);
    let before = host.begun().len();
    let first = host.submit_now(1);
    assert_eq!(host.begun().len(), before, "it waits");
    let second = host.submit_now(1);
    host.advance(WINDOW);
    assert_eq!(host.begun().last(), Some(&vec![first, second]));
    host.end_write(0, Ok(()));
    for _ in 0..=COMPANY {
        host.submit_now(1);
    }
    assert_eq!(host.begun().last().map(Vec::len), Some(COMPANY + 1), "with so many it waits no longer");
}

#[test]
fn polling_works_where_no_request_can_wake_another() {
    let mut host = Host::with(Waking::Polling);
    for _ in 0..5 {
        host.submit_now(1);
    }
    for _ in 0..4 {
        if !host.world.under_way.borrow().is_empty() {
            host.end_write(0, Ok(()));
        }
        host.advance(POLL);
    }
    assert_eq!(host.begun(), [vec![0], vec![1, 2, 3, 4]]);
    assert_eq!(host.answered(), [0, 1, 2, 3, 4]);
}

/// A number below `limit`, and the next seed: xorshift, by Marsaglia.
fn random(seed: &mut u64, limit: u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed % limit
}

#[test]
fn whatever_comes_ends_and_vanishes_in_whatever_order_everybody_who_stays_is_answered() {
    for round in 1..=200_u64 {
        let mut seed = round.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut host = Host::with(if round % 4 == 0 { Waking::Polling } else { Waking::Signal });
        let mut left = BTreeSet::new();
        for _ in 0..400 {
            match random(&mut seed, 10) {
                0..=4 => {
                    host.submit_now(usize::try_from(random(&mut seed, 100_000)).unwrap());
                }
                5 | 6 => {
                    let under_way = host.world.under_way.borrow().len() as u64;
                    if under_way > 0 {
                        let ended = if random(&mut seed, 5) == 0 { Err("down") } else { Ok(()) };
                        host.end_write(usize::try_from(random(&mut seed, under_way)).unwrap(), ended);
                    }
                }
                7 => {
                    let number = u32::try_from(random(&mut seed, u64::from(host.next) + 1)).unwrap();
                    if host.tasks.contains_key(&number) {
                        left.insert(number);
                        host.cancel(number);
                    }
                }
                _ => host.advance(Duration::from_micros(random(&mut seed, 1500))),
            }
            assert!(host.group.0.queue().under_way <= MOST_UNDER_WAY);
        }
        for _ in 0..2000 {
            if !host.world.under_way.borrow().is_empty() {
                host.end_write(0, Ok(()));
            }
            host.advance(WINDOW);
        }
        assert!(host.tasks.is_empty(), "round {round}: {} still wait", host.tasks.len());
        for number in (0..host.next).filter(|number| !left.contains(number)) {
            if host.outcomes[&number] == Ok(Ok(number)) {
                assert!(host.world.written.borrow().contains(&number), "round {round}: {number}");
            }
        }
        let queue = host.group.0.queue();
        assert_eq!((queue.under_way, queue.bytes, queue.waiting.len()), (0, 0, 0), "round {round}");
    }
}
