use super::*;

const STORE: &str = "shop.db";

struct Watched {
    place: tempfile::TempDir,
    folder: Folder,
    now: Instant,
    imported: Vec<String>,
}

impl Watched {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path(), STORE.to_owned()).unwrap();
        Self { place, folder, now: Instant::now(), imported: Vec::new() }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.place.path().join(name), text).unwrap();
    }

    /// Writes a file as one that was moved here: it was written a while ago.
    fn move_in(&self, name: &str, text: &str) {
        self.write(name, text);
        let file = File::options().write(true).open(self.place.path().join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_mins(1)).unwrap();
    }

    /// Looks at the folder `seconds` later; what was taken by name. A file whose text begins with `bad` cannot be used.
    fn look(&mut self, seconds: u64) -> Vec<(String, Taken)> {
        self.now += Duration::from_secs(seconds);
        let mut taken = Vec::new();
        for name in self.folder.ready(self.now).unwrap() {
            let imported = &mut self.imported;
            let mut import = |path: &Path| {
                let text = fs::read_to_string(path)?;
                if text.starts_with("bad") {
                    return Err(
                        InputError::with_hint(format!("{}:1: it is bad", path.display()), "make it good").into()
                    );
                }
                if text.starts_with("busy") {
                    return Err(StoreError::NoName.into());
                }
                let bad = text.lines().filter(|line| line.starts_with("odd"));
                let bad = bad.map(|line| format!("{}:2: {line}", path.display())).collect();
                imported.push(text);
                Ok(bad)
            };
            let what = self.folder.take(&name, self.now, &mut import).unwrap();
            taken.push((name.to_string_lossy().into_owned(), what));
        }
        taken
    }

    fn restart(&mut self) {
        // The lock of the former process is gone with it.
        let Self { place, folder, .. } = self;
        folder.record.unlock().unwrap();
        *folder = Folder::open(place.path(), STORE.to_owned()).unwrap();
    }
}

#[test]
fn a_file_counts_once_it_has_not_changed_for_a_moment() {
    let mut watched = Watched::new();
    watched.write("orders.csv", "one");
    assert_eq!(watched.look(0), []);
    watched.write("orders.csv", "one and more");
    assert_eq!(watched.look(1), []);
    assert_eq!(watched.look(1), [], "it changed a second ago");
    assert_eq!(watched.look(1), [("orders.csv".to_owned(), Taken::Imported)]);
    assert_eq!(watched.look(5), []);
    assert_eq!(watched.imported, ["one and more"]);
}

#[test]
fn what_was_moved_in_counts_at_once_and_in_the_order_it_was_written() {
    let mut watched = Watched::new();
    watched.move_in("b.csv", "first");
    watched.move_in("a.csv", "second");
    let file = File::options().write(true).open(watched.place.path().join("b.csv")).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_hours(1)).unwrap();
    drop(file);
    assert_eq!(watched.look(0).len(), 2);
    assert_eq!(watched.imported, ["first", "second"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_is_held_open_for_writing_is_not_read() {
    let mut watched = Watched::new();
    watched.move_in("orders.csv", "half");
    let mut writer = OpenOptions::new().append(true).open(watched.place.path().join("orders.csv")).unwrap();
    assert_eq!(watched.look(30), []);
    writer.write_all(b" and half").unwrap();
    drop(writer);
    watched.look(0);
    watched.look(3);
    assert_eq!(watched.imported, ["half and half"]);
}

#[test]
fn rows_that_could_not_be_used_are_told_beside_the_file() {
    let mut watched = Watched::new();
    watched.move_in("orders.csv", "good\nodd row");
    assert_eq!(watched.look(0), [("orders.csv".to_owned(), Taken::Imported)]);
    let beside = watched.place.path().join("orders.csv.reason.txt");
    let told = fs::read_to_string(&beside).unwrap();
    let path = watched.place.path().join("orders.csv").display().to_string();
    assert!(told.starts_with(&format!("{path}:2: odd row\n")), "{told}");
    assert!(told.contains("the others were"), "{told}");
    watched.restart();
    assert_eq!(watched.look(5), [("orders.csv".to_owned(), Taken::Known)], "not again for what it could not use");
    watched.move_in("orders.csv", "good\ngood row");
    watched.look(5);
    assert!(!beside.exists(), "it is whole now");
}

#[test]
fn each_content_is_imported_once_also_after_a_restart() {
    let mut watched = Watched::new();
    watched.move_in("orders.csv", "one");
    watched.look(0);
    watched.restart();
    assert_eq!(watched.look(5), [("orders.csv".to_owned(), Taken::Known)]);
    assert_eq!(watched.look(5), []);
    watched.move_in("copy.csv", "one");
    assert_eq!(watched.look(5), [("copy.csv".to_owned(), Taken::Known)], "the same under another name");
    watched.move_in("orders.csv", "two");
    watched.look(5);
    watched.move_in("orders.csv", "one");
    watched.look(5);
    assert_eq!(watched.imported, ["one", "two", "one"], "the first again, after another");
    let other = Entry { store: "other.db".to_owned(), ..watched.folder.entries[0].clone() };
    watched.folder.entries = vec![other];
    watched.folder.seen.clear();
    watched.look(5);
    assert_eq!(watched.imported.len(), 4, "into another store it was not imported");
}

#[test]
fn a_file_that_cannot_be_used_stays_with_its_reason() {
    let mut watched = Watched::new();
    watched.move_in("orders.csv", "bad");
    let path = watched.place.path().join("orders.csv");
    let reason = format!("{}:1: it is bad\nhint: make it good", path.display());
    assert_eq!(watched.look(0), [("orders.csv".to_owned(), Taken::Failed(reason.clone()))]);
    let beside = watched.place.path().join("orders.csv.reason.txt");
    assert!(fs::read_to_string(&beside).unwrap().starts_with(&reason));
    watched.restart();
    assert_eq!(watched.look(5), [("orders.csv".to_owned(), Taken::Known)]);
    fs::remove_file(&beside).unwrap();
    watched.restart();
    assert!(matches!(watched.look(5)[..], [(_, Taken::Failed(_))]), "tried again without its reason");
    watched.move_in("orders.csv", "good");
    assert!(matches!(watched.look(5)[..], [(_, Taken::Imported)]));
    assert!(!beside.exists() && path.exists());
}

#[test]
fn a_store_that_cannot_be_used_makes_files_wait() {
    let mut watched = Watched::new();
    watched.move_in("orders.csv", "busy");
    assert!(matches!(watched.look(0)[..], [(_, Taken::Waits(_))]));
    assert_eq!(watched.look(9), []);
    assert!(matches!(watched.look(1)[..], [(_, Taken::Waits(_))]));
    assert!(watched.folder.entries.is_empty());
}

#[test]
fn what_is_no_file_of_orders_is_not_looked_at() {
    let mut watched = Watched::new();
    for name in [
        ".hidden.csv",
        "orders.csv.part",
        "orders.CSV.TMP",
        "~$orders.xlsx",
        "orders.csv~",
        "x.csv.reason.txt",
        ".~lock.orders.ods#",
    ] {
        watched.move_in(name, "x");
    }
    watched.move_in("empty.csv", "");
    fs::create_dir(watched.place.path().join("folder.csv")).unwrap();
    assert_eq!(watched.look(60), []);
}

#[test]
fn one_folder_is_watched_by_one_process_and_torn_lines_are_none() {
    let mut watched = Watched::new();
    let again = Folder::open(watched.place.path(), STORE.to_owned()).unwrap_err();
    assert!(again.to_string().contains("another ecomres import --watch"), "{again}");
    watched.move_in("orders.csv", "one");
    watched.look(0);
    watched.folder.record.write_all(b"{\"name\": \"orders").unwrap();
    watched.restart();
    assert_eq!(watched.folder.entries.len(), 1);
    assert!(
        Folder::open(&watched.place.path().join("none"), STORE.to_owned())
            .unwrap_err()
            .to_string()
            .contains("does not exist")
    );
}
