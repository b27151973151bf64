//! Tests of the chain as a whole: sealing, removing, erasing and checking.

use jiff::Timestamp;

use super::*;
use crate::domain::ids::UserId;

fn chain(count: u64) -> Vec<AuditEntry> {
    let mut previous = GENESIS.to_owned();
    (1..=count)
        .map(|seq| {
            let record = AuditRecord {
                at: Timestamp::UNIX_EPOCH,
                actor: "customer:1".into(),
                action: "process_refund".into(),
                phase: AuditPhase::Finished,
                arguments: serde_json::json!({"order_id": format!("ORD{seq:06}")}),
                result: serde_json::json!({"status": "success"}),
            };
            let entry = AuditEntry::seal(seq, &previous, &record, seq.into(), None);
            previous.clone_from(&entry.hash);
            entry
        })
        .collect()
}

fn verify(entries: &[AuditEntry], head: Option<u64>) -> AuditCheck {
    let mut verifier = AuditVerifier::default();
    for entry in entries {
        verifier.check(entry);
    }
    verifier.finish(head)
}

#[test]
fn an_untouched_chain_holds() {
    assert_eq!(verify(&chain(5), Some(5)), AuditCheck::whole(5));
    assert_eq!(verify(&[], Some(0)).broken, None);
}

#[test]
fn every_kind_of_tampering_is_found() {
    let mut edited = chain(5);
    edited[2].content = edited[2].content.replace("success", "refused");
    assert_eq!(verify(&edited, None).broken.unwrap().0, 3);

    let mut removed = chain(5);
    removed.remove(1);
    assert_eq!(verify(&removed, None).broken.unwrap().0, 3);

    let mut swapped = chain(5);
    swapped.swap(1, 2);
    assert!(verify(&swapped, None).broken.is_some());

    let mut resealed = chain(5);
    let mut record = resealed[2].record().unwrap();
    record.actor = "operator:x".into();
    resealed[2] = AuditEntry::seal(3, &resealed[2].previous.clone(), &record, 3, None);
    assert_eq!(verify(&resealed, None).broken.unwrap().0, 4);

    let mut cut = chain(5);
    cut.truncate(3);
    assert_eq!(verify(&cut, Some(5)).broken.unwrap().0, 4);
}

fn next(entries: &[AuditEntry], record: &AuditRecord) -> AuditEntry {
    let last = entries.last().unwrap();
    AuditEntry::seal(last.seq + 1, &last.hash, record, 7, None)
}

/// A chain of 5 with a record of the erasure of two, which are erased.
fn forgotten() -> Vec<AuditEntry> {
    let mut entries = chain(5);
    let left = vec![entries[1].erased(), entries[3].erased()];
    entries.push(next(&entries, &forget_record("somebody", &left, Timestamp::UNIX_EPOCH)));
    for entry in left {
        let place = usize::try_from(entry.seq).unwrap() - 1;
        entries[place] = entry;
    }
    entries
}

#[test]
fn an_erased_entry_holds_no_person_and_what_the_books_need() {
    let entry = &chain(1)[0];
    assert!(entry.mentions(&UserId::new("1")) && !entry.is_erased());
    let erased = entry.erased();
    assert!(erased.is_erased() && !erased.mentions(&UserId::new("1")));
    let record = erased.record().unwrap();
    assert_eq!((record.actor.as_str(), record.action.as_str()), (ERASED_CUSTOMER, "process_refund"));
    assert_eq!(
        (record.arguments["order_id"].as_str(), record.result["status"].as_str()),
        (Some("ORD000001"), Some("success"))
    );
    assert!(!erased.content.contains("salt"), "{}", erased.content);
}

#[test]
fn an_erasure_that_is_on_record_holds_and_no_other() {
    let entries = forgotten();
    assert_eq!(verify(&entries, Some(6)), AuditCheck { erased: 2, ..AuditCheck::whole(6) });

    let mut more = entries.clone();
    more[2] = more[2].erased();
    assert_eq!(verify(&more, None).broken.unwrap().0, 3, "one that is not named");

    let mut altered = entries.clone();
    altered[1].content = altered[1].content.replace("success", "refused");
    assert_eq!(verify(&altered, None).broken.unwrap().0, 2, "what is left is sealed too");

    let mut denied = entries.clone();
    denied.truncate(5);
    assert_eq!(verify(&denied, None).broken.unwrap().0, 2, "without the record");
    denied.push(next(&denied, &AuditRecord { actor: "operator:x".to_owned(), ..entries[5].record().unwrap() }));
    assert_eq!(verify(&denied, None).broken.unwrap().0, 2, "only the program itself vouches");
}

#[test]
fn entries_that_were_removed_are_vouched_for() {
    let mut entries = chain(5);
    let checkpoint = Checkpoint {
        seq: 3,
        hash: entries[2].hash.clone(),
        before: Timestamp::UNIX_EPOCH,
        refunds: 0,
        ledger: String::new(),
    };
    let check = |entries: &[AuditEntry], checkpoint: &Checkpoint| {
        let mut verifier = AuditVerifier::after(Some(checkpoint));
        for entry in entries {
            verifier.check(entry);
        }
        verifier.finish(Some(6))
    };
    entries.push(next(&entries, &checkpoint.record(Timestamp::UNIX_EPOCH)));
    assert_eq!(check(&entries[3..], &checkpoint), AuditCheck { removed: 3, ..AuditCheck::whole(3) });
    assert_eq!(verify(&entries, Some(6)).broken, None, "also before they are removed");
    let further = Checkpoint { seq: 4, hash: entries[3].hash.clone(), ..checkpoint.clone() };
    assert!(check(&entries[4..], &further).broken.unwrap().1.contains("no entry says"));
    assert!(check(&entries[4..], &checkpoint).broken.is_some(), "more than that is missing");
    assert!(check(&entries[3..], &Checkpoint { refunds: 1, ..checkpoint }).broken.is_some());
}

fn key(number: u8) -> AuditKey {
    AuditKey::new(&[number; KEY_BYTES]).unwrap()
}

/// Puts records one after the other into a chain, each signed with its key.
fn sealed(records: &[(AuditRecord, Option<&AuditKey>)]) -> Vec<AuditEntry> {
    let mut previous = GENESIS.to_owned();
    (1..)
        .zip(records)
        .map(|(seq, (record, key))| {
            let entry = AuditEntry::seal(seq, &previous, record, seq.into(), *key);
            previous.clone_from(&entry.hash);
            entry
        })
        .collect()
}

fn broken(entries: &[AuditEntry], key: Option<&AuditKey>) -> Option<(u64, String)> {
    let mut verifier = AuditVerifier::default().with_key(key.cloned());
    for entry in entries {
        verifier.check(entry);
    }
    verifier.finish(None).broken
}

fn records() -> Vec<AuditRecord> {
    chain(6).iter().map(|entry| entry.record().unwrap()).collect()
}

#[test]
fn a_chain_that_was_computed_anew_does_not_fit_the_key() {
    let (ours, other) = (key(1), key(2));
    let signed = |key| records().into_iter().map(|record| (record, Some(key))).collect::<Vec<_>>();
    let whole = sealed(&signed(&ours));
    assert_eq!(whole[3].record().unwrap(), records()[3], "the record is read as before");
    let mut verifier = AuditVerifier::default().with_key(Some(ours.clone()));
    for entry in &whole {
        verifier.check(entry);
    }
    assert_eq!(verifier.finish(Some(6)), AuditCheck { signed: 6, ..AuditCheck::whole(6) });
    assert_eq!(verify(&whole, Some(6)), AuditCheck { unchecked: 6, ..AuditCheck::whole(6) }, "without the key");

    // Every way of writing a chain whose hashes fit, without the key.
    let mut content = signed(&ours);
    content[2].0.actor = "operator:x".to_owned();
    let rewritten: Vec<AuditEntry> = {
        let mut previous = GENESIS.to_owned();
        content
            .iter()
            .zip(&whole)
            .map(|((record, _), before)| {
                let plain = AuditEntry::seal(before.seq, &previous, record, 9, None);
                // The old signature is put before the new content.
                let mac = &before.content[..before.content.find("salt").unwrap() - 1];
                let content = format!("{mac}{}", &plain.content[1..]);
                let entry = AuditEntry {
                    hash: rehash(before.seq, &previous, &content),
                    previous: previous.clone(),
                    content,
                    ..plain
                };
                previous.clone_from(&entry.hash);
                entry
            })
            .collect()
    };
    assert_eq!(broken(&rewritten, None), None, "the hashes alone fit");
    assert!(broken(&rewritten, Some(&ours)).unwrap().1.contains("signature"), "the old signatures kept");
    assert_eq!(broken(&sealed(&signed(&other)), Some(&ours)).unwrap().0, 1, "another key");
    let plain: Vec<_> = records().into_iter().map(|record| (record, None)).collect();
    assert_eq!(broken(&sealed(&plain), Some(&ours)).unwrap().0, 1, "no signatures at all");
    for from in 1..6 {
        for key in [None, Some(&other)] {
            let mut some = signed(&ours);
            for (_, signer) in &mut some[from..] {
                *signer = key;
            }
            let (place, why) = broken(&sealed(&some), Some(&ours)).unwrap();
            assert_eq!(place, from as u64 + 1, "{why}");
        }
    }
    let mut without_one = signed(&ours);
    without_one.remove(2);
    let mut joined = whole[..2].to_vec();
    joined.extend(sealed(&without_one)[2..].iter().zip(&whole[3..]).map(|(place, old)| AuditEntry {
        seq: place.seq,
        previous: place.previous.clone(),
        ..old.clone()
    }));
    assert!(broken(&joined, Some(&ours)).is_some(), "one taken out of the middle");
}

fn rehash(seq: u64, previous: &str, content: &str) -> String {
    use sha2::Digest as _;
    hex::encode(
        sha2::Sha256::new().chain_update(seq.to_be_bytes()).chain_update(previous).chain_update(content).finalize(),
    )
}

#[test]
fn an_old_chain_continues_signed_and_its_old_part_is_vouched_for() {
    let ours = key(1);
    let mut some: Vec<_> = records().into_iter().map(|record| (record, None)).collect();
    for (_, signer) in &mut some[3..] {
        *signer = Some(&ours);
    }
    let entries = sealed(&some);
    let mut verifier = AuditVerifier::default().with_key(Some(ours.clone()));
    for entry in &entries {
        verifier.check(entry);
    }
    assert_eq!(verifier.finish(Some(6)), AuditCheck { signed: 3, ..AuditCheck::whole(6) });
    // The old part computed anew: the signed part no longer follows it.
    some[1].0.actor = "operator:x".to_owned();
    let mut forged = sealed(&some);
    forged.splice(3.., entries[3..].iter().cloned());
    assert_eq!(broken(&forged, Some(&ours)).unwrap().0, 4);
}

#[test]
fn the_outcome_of_a_call_vouches_for_no_removal() {
    let mut entries = chain(5);
    let left = [entries[1].erased()];
    let record = forget_record("somebody", &left, Timestamp::UNIX_EPOCH);
    entries[1] = left[0].clone();
    for (phase, result) in [
        (AuditPhase::Finished, serde_json::Value::Null),
        (AuditPhase::Finished, serde_json::json!({"status": "denied"})),
        (AuditPhase::Started, serde_json::json!({"status": "denied"})),
    ] {
        let mut entries = entries.clone();
        entries.push(next(&entries, &AuditRecord { phase, result, ..record.clone() }));
        assert_eq!(verify(&entries, None).broken.unwrap().0, 2, "{phase:?}");
    }
    entries.push(next(&entries, &record));
    assert_eq!(verify(&entries, None).broken, None);
}
