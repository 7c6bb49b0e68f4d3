use super::*;

const SMALL: Capacity = Capacity {
    cores: 2,
    seats: 10,
    queue: 1,
    patience: Duration::from_secs(15),
    retry_after: Duration::from_secs(1),
};

fn fairness(capacity: Capacity) -> Fairness {
    Fairness::new(Prices::committed().ok(), capacity)
}

#[tokio::test(start_paused = true)]
async fn work_queues_for_the_cores_and_takes_what_the_price_list_says() {
    let prices = Prices::committed().unwrap();
    let fairness = fairness(SMALL);
    let begin = Instant::now();
    let each = prices.cpu(Kind::ListNode, 0);
    let all = (0..5).map(|_| fairness.charge(Kind::ListNode, 0).unwrap());
    let done: Vec<_> = all.map(|done| done.duration_since(begin)).collect();
    assert_eq!(done, [each, each, each * 2, each * 2, each * 3]);
    fairness.work(Kind::ListNode, 0).await;
    assert!(begin.elapsed() >= each * 3);
}

#[tokio::test(start_paused = true)]
async fn without_prices_nothing_waits() {
    let free = Fairness::new(None, Capacity { seats: 0, ..SMALL });
    let begin = Instant::now();
    let _seats = free.admit(Kind::ListAll, false).await.unwrap();
    free.work(Kind::ListAll, 1_000_000).await;
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_seats_and_the_one_beyond_the_queue_is_refused_at_once() {
    let fairness = fairness(SMALL);
    let first = fairness.admit(Kind::ListNode, false).await.unwrap();
    let second = fairness.admit(Kind::ListNode, false);
    tokio::pin!(second);
    assert!(futures_util::poll!(second.as_mut()).is_pending(), "7 of 10 seats are taken");
    assert_eq!(fairness.admit(Kind::ListNode, false).await.unwrap_err(), Full);
    assert!(fairness.admit(Kind::ListAll, true).await.is_ok(), "exempt");
    drop(first);
    assert!(second.await.is_ok());
    assert!(fairness.admit(Kind::ListNode, false).await.is_ok(), "its place is free again");
}

#[tokio::test(start_paused = true)]
async fn patience_ends_and_a_client_that_leaves_gives_its_place_back() {
    let fairness = fairness(SMALL);
    let _first = fairness.admit(Kind::ListNode, false).await.unwrap();
    let begin = Instant::now();
    assert_eq!(fairness.admit(Kind::ListNode, false).await.unwrap_err(), Full);
    assert_eq!(begin.elapsed(), SMALL.patience);
    {
        let leaves = fairness.admit(Kind::ListNode, false);
        tokio::pin!(leaves);
        assert!(futures_util::poll!(leaves.as_mut()).is_pending());
    }
    let begin = Instant::now();
    assert_eq!(fairness.admit(Kind::ListNode, false).await.unwrap_err(), Full);
    assert_eq!(begin.elapsed(), SMALL.patience, "it was queued");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_wider_than_the_server_takes_all_of_it() {
    let fairness = fairness(Capacity { seats: 3, ..SMALL });
    assert!(fairness.admit(Kind::ListAll, false).await.is_ok());
}
