//! The limiter on a clock that moves when it is told to.

use super::*;
use crate::TestClock;

fn limiter(rate: u64, is_auto: bool) -> (RateLimiter, Arc<TestClock>) {
    let clock = Arc::new(TestClock::new(0));
    let settings =
        Settings { background_bytes_per_second: rate, background_rate_auto: is_auto, ..Settings::default() };
    let handed_in: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
    (RateLimiter::new(&settings, &handed_in), clock)
}

/// How many milliseconds a job of so many bytes has to wait.
fn charge(limiter: &RateLimiter, clock: &TestClock, bytes: u64, priority: Priority) -> u128 {
    limiter.state.lock().charge(bytes, priority, clock.monotonic()).as_millis()
}

#[test]
fn bytes_pass_at_the_rate_after_a_burst() {
    let (limiter, clock) = limiter(1_000_000, false);
    let charge = |bytes| charge(&limiter, &clock, bytes, Priority::Compaction);
    // A tenth of a second's worth is in the bucket.
    assert_eq!((charge(60_000), charge(40_000)), (0, 0));
    assert_eq!((charge(10_000), charge(30_000)), (10, 40));
    clock.advance(40);
    assert_eq!(charge(10_000), 10);
    // The bucket does not run over.
    clock.advance(60_000);
    assert_eq!((charge(100_000), charge(1000)), (0, 1));
    // Over a long time exactly the rate.
    let mut written = 0;
    let started = clock.monotonic();
    while clock.monotonic().saturating_sub(started) < Duration::from_mins(1) {
        let wait = charge(50_000);
        written += 50_000_u64;
        clock.advance(u64::try_from(wait).unwrap());
    }
    assert!((60_000_000..=60_150_000).contains(&written), "{written}");
}

#[test]
fn flushes_do_not_wait_for_compactions_and_compactions_do_for_flushes() {
    let (limiter, clock) = limiter(1_000_000, false);
    assert_eq!(charge(&limiter, &clock, 600_000, Priority::Compaction), 500);
    assert_eq!(charge(&limiter, &clock, 100_000, Priority::Flush), 0, "only flushes count");
    assert_eq!(charge(&limiter, &clock, 100_000, Priority::Flush), 100, "and they do count");
    assert_eq!(charge(&limiter, &clock, 100_000, Priority::Compaction), 800, "everything counts");
}

#[test]
fn the_auto_tuned_rate_follows_how_often_the_bucket_is_empty() {
    let (limiter, clock) = limiter(1_000_000, true);
    let rate = || limiter.stats().bytes_per_second;
    assert_eq!(rate(), 500_000, "half of the limit to begin with");
    // For ten seconds so many percent of the time.
    let pass_ten_seconds = |percent: u64| {
        for _ in 0..100 {
            let now = clock.monotonic();
            let mut state = limiter.state.lock();
            limiter.tune(&mut state, now);
            let (paid, bytes) = (now + BURST, state.rate * percent / 1000);
            (state.paid_until, state.flush_paid_until) = (paid, paid);
            state.charge(bytes, Priority::Compaction, now);
            drop(state);
            clock.advance(100);
        }
        let mut state = limiter.state.lock();
        limiter.tune(&mut state, clock.monotonic());
    };
    pass_ten_seconds(95);
    assert_eq!(rate(), 525_000);
    pass_ten_seconds(70);
    assert_eq!(rate(), 525_000, "between the marks it stays");
    pass_ten_seconds(30);
    assert_eq!(rate(), 500_000);
    for _ in 0..30 {
        pass_ten_seconds(95);
    }
    assert_eq!(rate(), 1_000_000, "never above the limit");
    pass_ten_seconds(0);
    assert_eq!(rate(), 50_000, "a twentieth when it is idle");
    for _ in 0..10 {
        pass_ten_seconds(10);
    }
    assert_eq!(rate(), 50_000, "and never below");
}

#[test]
fn who_waits_is_let_go_when_the_database_closes_or_writers_are_stopped() {
    for (priority, let_go) in [
        (Priority::Compaction, RateLimiter::turn_off as fn(&RateLimiter)),
        (Priority::Flush, RateLimiter::turn_off),
        (Priority::Flush, RateLimiter::hurry_flush),
    ] {
        let clock: Arc<dyn Clock> = Arc::new(crate::OsClock);
        let settings = Settings { background_bytes_per_second: 1, ..Settings::default() };
        let limiter = Arc::new(RateLimiter::new(&settings, &clock));
        limiter.turn_on();
        let waiting = crate::sync::thread::spawn({
            let limiter = Arc::clone(&limiter);
            // Eleven days.
            move || limiter.pass(1_000_000, priority)
        });
        while limiter.stats().flush_wait + limiter.stats().compaction_wait == Duration::ZERO {
            crate::sync::thread::yield_now();
        }
        assert!(!waiting.is_finished());
        let_go(&limiter);
        waiting.join().unwrap();
    }
}

#[test]
fn nobody_waits_without_a_limit_and_before_it_is_turned_on() {
    let (without, _) = limiter(0, false);
    without.turn_on();
    without.pass(u64::MAX, Priority::Compaction);
    assert_eq!(without.chunk_bytes(), None);
    let (limiter, _) = limiter(1, false);
    limiter.pass(u64::MAX, Priority::Compaction);
    assert_eq!(limiter.stats().compaction_wait, Duration::ZERO);
}
