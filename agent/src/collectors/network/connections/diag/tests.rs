use std::net::{TcpListener, TcpStream};

use proptest::prelude::*;

use super::*;

/// One socket as the kernel writes it: family, state and port.
fn message(sequence: u32, kind: u16, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    message.extend_from_slice(&u32::try_from(HEADER + body.len()).unwrap().to_ne_bytes());
    message.extend_from_slice(&kind.to_ne_bytes());
    message.extend_from_slice(&[0, 0]);
    message.extend_from_slice(&sequence.to_ne_bytes());
    message.extend_from_slice(&[0; 4]);
    message.extend_from_slice(body);
    message.resize(message.len().next_multiple_of(4), 0);
    message
}

fn body(family: u8, state: u8, port: u8) -> Vec<u8> {
    let mut body = vec![family, state, 0, 0, 0, port];
    body.resize(72, 0);
    body
}

fn count(datagram: &[u8]) -> (Result<bool, DiagError>, Counter) {
    let mut counter = Counter::new();
    counter.clear();
    let result = messages(datagram, 7, |family, state, own| counter.socket(family, state, own));
    (result, counter)
}

#[test]
fn sockets_are_counted_by_state_and_listeners_on_one_address_once() {
    let sockets = [body(2, 1, 1), body(10, 1, 1), body(2, 10, 80), body(2, 10, 80), body(10, 10, 80)];
    let datagram: Vec<u8> = sockets.iter().flat_map(|body| message(7, GET_SOCKETS, body)).collect();
    let (result, counter) = count(&datagram);
    assert!(!result.unwrap(), "there is more to come");
    assert_eq!(counter.counts()[State::Established], 2);
    assert_eq!(counter.counts()[State::Listen], 2, "one per family");
}

#[test]
fn a_refused_request_is_an_error_and_an_answer_to_another_request_is_none() {
    let refused = message(7, ERROR, &(-1_i32).to_ne_bytes());
    assert!(matches!(count(&refused).0, Err(DiagError::Kernel(rustix::io::Errno::PERM))));
    let foreign = message(6, DONE, &[0; 4]);
    assert!(!count(&foreign).0.unwrap());
    assert!(count(&message(7, DONE, &[0; 4])).0.unwrap());
}

#[test]
fn unknown_families_and_states_and_cut_messages_are_malformed() {
    for bad in [body(1, 1, 1), body(2, 0, 1), body(2, 12, 1), body(2, 1, 1)[..20].to_vec()] {
        assert!(matches!(count(&message(7, GET_SOCKETS, &bad)).0, Err(DiagError::Malformed)), "{bad:?}");
    }
    let mut short = message(7, GET_SOCKETS, &body(2, 1, 1));
    short.truncate(40);
    assert!(matches!(count(&short).0, Err(DiagError::Malformed)));
    assert!(matches!(count(&[]).0, Err(DiagError::Malformed)));
}

#[test]
fn the_kernel_counts_a_listener_and_both_ends_of_a_connection() {
    // A sandbox may refuse netlink; the collector reads the files there, and so there is nothing to compare.
    let Ok(mut diag) = Diag::open() else { return };
    let ask = |diag: &mut Diag| {
        let mut counter = Counter::new();
        counter.clear();
        diag.count(&mut Vec::new(), &mut counter).map(|()| counter)
    };
    let Ok(before) = ask(&mut diag) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let clients: Vec<_> =
        (0..50).map(|_| TcpStream::connect(listener.local_addr().unwrap()).unwrap()).collect();
    let after = ask(&mut diag).unwrap();
    // Other tests open and close connections meanwhile, far fewer than these.
    let grown = after.counts()[State::Established].saturating_sub(before.counts()[State::Established]);
    assert!(grown > 50, "{grown} more for {} connections", clients.len());
    assert!(after.counts()[State::Listen] >= 1);
}

proptest! {
    #[test]
    fn whatever_a_datagram_holds_it_is_read_to_its_end_without_a_panic(
        mut datagram in prop::collection::vec(any::<u8>(), 0..300), length in 0..80_u32,
    ) {
        if let Some(start) = datagram.first_chunk_mut::<4>() {
            *start = length.to_ne_bytes();
        }
        let _ = count(&datagram);
    }
}
