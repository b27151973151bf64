//! Identities that lead to customers, and numbers that were given up.

use super::*;
use crate::domain::identity::{Identity, NumberChange};
use crate::domain::ids::MessageId;

fn leads(identity: u32, customer: u32, second: i64) -> Identity {
    Identity { identity: user(identity), customer: user(customer), at: at(second) }
}

fn change(event: &str, old: u32, new: u32, customer: u32, second: i64) -> NumberChange {
    NumberChange {
        event: MessageId::new(event),
        old: user(old),
        new: user(new),
        customer: user(customer),
        at: at(second),
    }
}

pub(in crate::store) async fn identities_lead_to_a_customer(fresh: TestStore) {
    let store = &fresh.store;
    assert!(store.identities(&[user(1), user(2)]).await.unwrap().is_empty());
    assert_eq!(store.save_identity(&leads(2, 1, 5), false).await.unwrap(), leads(2, 1, 5));
    assert_eq!(store.save_identity(&leads(2, 9, 9), false).await.unwrap(), leads(2, 1, 5), "it is known");
    assert_eq!(store.save_identity(&leads(2, 9, 5), true).await.unwrap(), leads(2, 1, 5), "it is as new");
    assert_eq!(store.save_identity(&leads(2, 9, 6), true).await.unwrap(), leads(2, 9, 6));
    store.save_identity(&leads(3, 9, 1), true).await.unwrap();
    for store in [fresh.store.clone(), (fresh.again)()] {
        assert_eq!(store.identities(&[user(2), user(4)]).await.unwrap(), [leads(2, 9, 6)]);
        let mut all = store.identities_of(&user(9)).await.unwrap();
        all.sort_by_key(|one| one.at);
        assert_eq!(all, [leads(3, 9, 1), leads(2, 9, 6)]);
    }
    store.remove_identities(&user(1), &[user(2)]).await.unwrap();
    store.remove_identities(&user(9), &[user(3), user(4)]).await.unwrap();
    assert_eq!(store.identities(&[user(2), user(3)]).await.unwrap(), [leads(2, 9, 6)]);
    store.erase_data_of(&user(9), at(10)).await.unwrap();
    assert!(store.identities(&[user(2)]).await.unwrap().is_empty());
}

pub(in crate::store) async fn a_change_of_number_counts_once(fresh: TestStore) {
    let store = &fresh.store;
    let first = change("m1", 1, 2, 1, 5);
    assert_eq!(store.save_number_change(&first).await.unwrap(), first);
    assert_eq!(store.save_number_change(&change("m1", 1, 2, 7, 9)).await.unwrap(), first, "as it was first told");
    let second = change("m2", 2, 3, 1, 8);
    store.save_number_change(&second).await.unwrap();
    let mut found = (fresh.again)().number_changes(&user(1), &[user(2)]).await.unwrap();
    found.sort_by_key(|change| change.at);
    assert_eq!(found, [first, second.clone()], "each once");
    assert_eq!(store.number_changes(&user(8), &[user(2), user(3)]).await.unwrap(), [second]);
    store.erase_data_of(&user(1), at(10)).await.unwrap();
    assert!(store.number_changes(&user(1), &[user(1), user(2)]).await.unwrap().is_empty());
}

pub(in crate::store) async fn what_one_identity_did_goes_to_another(fresh: TestStore) {
    let store = &fresh.store;
    store.bind_order(&id(1), &user(1), at(10)).await.unwrap();
    store.bind_order(&id(2), &user(1), at(20)).await.unwrap();
    store.bind_order(&id(3), &user(3), at(20)).await.unwrap();
    let owner = async |number| store.binding(&id(number)).await.unwrap().unwrap();
    store.rebind(&user(1), &user(2), Some(at(20))).await.unwrap();
    assert_eq!((owner(1).await, owner(2).await, owner(3).await), (user(1), user(2), user(3)));
    store.rebind(&user(1), &user(2), None).await.unwrap();
    assert_eq!((owner(1).await, owner(2).await, owner(3).await), (user(2), user(2), user(3)));
}
