use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn walk(set: &mut KnownSet, listed: &[(u32, u64)]) -> u64 {
    set.begin();
    for (pid, inode) in listed {
        set.add(*pid, *inode);
    }
    set.finish()
}

#[test]
fn processes_beyond_the_bound_are_counted_and_not_taken() {
    let mut set = KnownSet::new(2);
    assert_eq!(walk(&mut set, &[(1, 1), (2, 2), (3, 3), (4, 4)]), 2);
    assert_eq!(set.iter_mut().count(), 2);
    assert_eq!(walk(&mut set, &[(4, 4)]), 0);
}

#[test]
fn nothing_is_known_of_a_process_that_has_anothers_id_or_after_all_was_forgotten() {
    let mut set = KnownSet::new(9);
    walk(&mut set, &[(7, 70)]);
    set.iter_mut().for_each(|known| known.member = Member::Of(3));
    walk(&mut set, &[(7, 70)]);
    assert!(set.iter_mut().all(|known| known.member == Member::Of(3)));
    walk(&mut set, &[(7, 71)]);
    assert!(set.iter_mut().all(|known| known.member == Member::Unread));
    set.iter_mut().for_each(|known| known.member = Member::Outside);
    set.forget();
    walk(&mut set, &[(7, 71)]);
    assert!(set.iter_mut().all(|known| known.member == Member::Unread));
}

proptest! {
    #[test]
    fn what_is_known_after_a_walk_is_what_a_map_by_id_and_inode_knows(
        walks in prop::collection::vec(prop::collection::btree_map(1_u32..20, 0_u64..3, 0..12), 1..8),
        is_reversed: bool,
    ) {
        let mut set = KnownSet::new(100);
        let mut model: HashMap<(u32, u64), Member> = HashMap::new();
        let mut serial = 0;
        for walked in walks {
            let mut listed: Vec<_> = walked.into_iter().collect();
            if is_reversed {
                listed.reverse();
            }
            prop_assert_eq!(walk(&mut set, &listed), 0);
            let mut next = HashMap::new();
            for known in set.iter_mut() {
                let identity = (known.pid, known.inode);
                prop_assert_eq!(known.member, model.get(&identity).copied().unwrap_or(Member::Unread));
                serial += 1;
                known.member = Member::Of(serial);
                next.insert(identity, known.member);
            }
            listed.sort_unstable();
            let ids: Vec<_> = set.iter_mut().map(|known| (known.pid, known.inode)).collect();
            prop_assert_eq!(ids, listed);
            model = next;
        }
    }
}
