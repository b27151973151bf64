//! Who can log in to the dashboard: with which secret, and with which role.
//!
//! A failed login never shows whether the name is known, neither in words nor in the time that it takes.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use hmac::{Hmac, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;

use super::access::AccessError;
use crate::http::guesses::is_long;

/// The name in the audit trail where nobody is named: one password for the whole team, or no login at all.
const UNNAMED: &str = "dashboard";
/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 40;
/// Passwords that are hashed at the same time: each takes time and memory on purpose.
const CONCURRENT_HASHES: usize = 2;

/// What a member of the team may do. Each may do what the one before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees everything, changes nothing.
    Viewer,
    /// Claims and resolves alerts, takes conversations over, replies, corrects labels.
    Agent,
    /// Also reopens resolved alerts, resolves many at once, and answers in the shop's documents.
    Admin,
}

impl Role {
    /// The word in the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Agent => "agent",
            Self::Admin => "admin",
        }
    }

    /// Reads the word in the settings.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Viewer, Self::Agent, Self::Admin].into_iter().find(|role| role.as_str() == text)
    }
}

/// A member of the team, as the settings name one.
#[derive(Debug, Clone)]
pub struct TeamMember {
    /// The name they log in with, which is also written to the audit trail.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The argon2 hash of their password; empty: none.
    pub password_hash: SecretString,
    /// A token that logs them in as well; empty: none.
    pub token: SecretString,
}

/// A name as it is compared: lower case, cut to one character more than a name can have.
pub(super) fn normalize_name(name: &str) -> String {
    name.trim().to_lowercase().chars().take(MAX_NAME_CHARS + 1).collect()
}

/// Whether two secrets are equal, in a time that depends on their lengths only.
pub(super) fn constant_time_eq(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// A hash of a password, for the settings: argon2id with the recommended costs.
///
/// # Errors
/// When it cannot be hashed.
pub fn hash_password(password: &str) -> Result<String, AccessError> {
    let failed = |error: argon2::password_hash::Error| AccessError::Hashing(error.to_string());
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(failed)?;
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt).map_err(failed)?.to_string())
}

/// Who has logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) role: Role,
}

impl Member {
    /// Whoever has the secret of the whole team, or uses the dashboard of this machine without a login.
    pub(super) fn unnamed() -> Self {
        Self { name: UNNAMED.to_owned(), role: Role::Admin }
    }
}

/// The secrets of the whole team.
pub(super) struct SharedSecrets<'a> {
    pub(super) password_hash: &'a SecretString,
    pub(super) token: &'a SecretString,
}

/// What one user can log in with.
pub(super) struct Credentials {
    member: Member,
    password_hash: Option<String>,
    token: Option<SecretString>,
}

impl Credentials {
    fn new(
        member: Member,
        place: &str,
        hash: &SecretString,
        token: &SecretString,
    ) -> Result<Option<Self>, AccessError> {
        let set =
            |secret: &SecretString| Some(secret.expose_secret().trim().to_owned()).filter(|text| !text.is_empty());
        let (password_hash, token) = (set(hash), set(token).map(SecretString::from));
        if let Some(hash) = &password_hash {
            let reason = PasswordHash::new(hash).err().map(|error| error.to_string());
            if let Some(reason) = reason {
                return Err(AccessError::InvalidHash { place: place.to_owned(), reason });
            }
        }
        let empty = password_hash.is_none() && token.is_none();
        Ok((!empty).then_some(Self { member, password_hash, token }))
    }

    pub(super) fn member(&self) -> &Member {
        &self.member
    }

    fn token(&self) -> &str {
        self.token.as_ref().map(SecretString::expose_secret).unwrap_or_default()
    }

    /// Whether both are of the same member, with the same role and secrets.
    fn is_same(&self, other: &Self) -> bool {
        self.member == other.member && self.password_hash == other.password_hash && self.token() == other.token()
    }

    /// What marks a browser that somebody was logged in with by these: nobody can make it who does not know the secrets, and it
    /// holds until they change.
    pub(super) fn device_mark(&self, name: &str, number: &str) -> String {
        self.seal(&format!("a browser of {name}\n{number}"))
    }

    /// What seals a session that was begun with these, by the digest of its key; it holds until secrets or role change. `None` where
    /// somebody with a copy of the store could find the secret by trying: a short token without a hash, whose salt nobody knows.
    pub(super) fn session_seal(&self, name: &str, digest: &str) -> Option<String> {
        if !is_long(self.token()) && self.password_hash.is_none() {
            return None;
        }
        Some(self.seal(&format!("a session of {name} as {}\n{digest}", self.member.role.as_str())))
    }

    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
    fn seal(&self, text: &str) -> String {
        let hash = self.password_hash.as_deref().unwrap_or_default();
        let key = format!("{hash}\n{}", self.token());
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any length is a key");
        mac.update(text.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }
}

/// Who can log in.
pub(super) struct Users {
    shared: Option<Arc<Credentials>>,
    /// Those of the settings file.
    named: Vec<Arc<Credentials>>,
    /// Those who were added on the pages.
    added: RwLock<Vec<Arc<Credentials>>>,
    /// Checked where a name is not known, so that it takes as long.
    decoy_hash: OnceLock<String>,
    checking: Semaphore,
    /// For browsers that were logged in with before: they do not wait behind strangers.
    checking_known: Semaphore,
}

impl Users {
    /// Reads the users of the settings.
    ///
    /// # Errors
    /// When a hash is no argon2 hash, or a user has an invalid name or no secret.
    pub(super) fn new(shared: &SharedSecrets<'_>, users: &[TeamMember]) -> Result<Self, AccessError> {
        let own = Credentials::new(Member::unnamed(), "[dashboard] password_hash", shared.password_hash, shared.token)?;
        let mut named: Vec<Arc<Credentials>> = Vec::new();
        for user in users {
            let name = normalize_name(&user.name);
            let wrong = |reason| AccessError::InvalidUser { name: name.clone(), reason };
            if let Some(reason) = wrong_name(&name) {
                return Err(wrong(reason));
            }
            if named.iter().any(|known| known.member.name == name) {
                return Err(wrong("there is another user of this name"));
            }
            let place = format!("[[dashboard.users]] {name}: password_hash");
            let member = Member { name: name.clone(), role: user.role };
            let credentials = Credentials::new(member, &place, &user.password_hash, &user.token)?;
            let credentials = credentials.ok_or_else(|| wrong("there is neither a password_hash nor a token"))?;
            named.push(Arc::new(credentials));
        }
        let decoy_hash = OnceLock::new();
        if !named.is_empty() {
            _ = decoy_hash.set(decoy()?);
        }
        Ok(Self {
            shared: own.map(Arc::new),
            named,
            added: RwLock::default(),
            decoy_hash,
            checking: Semaphore::new(CONCURRENT_HASHES),
            checking_known: Semaphore::new(1),
        })
    }

    /// Whether anybody has to log in.
    pub(super) fn login_required(&self) -> bool {
        self.shared.is_some() || !self.named.is_empty()
    }

    /// Whether there are users with names.
    pub(super) fn has_named(&self) -> bool {
        !self.named.is_empty() || !self.added().is_empty()
    }

    fn added(&self) -> std::sync::RwLockReadGuard<'_, Vec<Arc<Credentials>>> {
        self.added.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the settings file names this user.
    pub(super) fn is_of_file(&self, name: &str) -> bool {
        self.named.iter().any(|known| known.member.name == name)
    }

    /// Puts those who were added on the pages in the place of those before, and returns the names that can no longer log in as they
    /// could. What the settings file names is its own.
    pub(super) fn set_added(&self, added: Vec<(Member, String)>) -> Vec<String> {
        let valid = |(member, hash): &(Member, String)| {
            wrong_name(&member.name).is_none() && !self.is_of_file(&member.name) && PasswordHash::new(hash).is_ok()
        };
        let added = added
            .into_iter()
            .filter(valid)
            .map(|(member, hash)| Arc::new(Credentials { member, password_hash: Some(hash), token: None }));
        let added: Vec<Arc<Credentials>> = added.collect();
        if !added.is_empty() && self.decoy_hash.get().is_none() {
            match decoy() {
                Ok(hash) => _ = self.decoy_hash.set(hash),
                Err(error) => tracing::warn!(%error, "a login shows by its time whether a name is known"),
            }
        }
        let mut known = self.added.write().unwrap_or_else(PoisonError::into_inner);
        let same = |old: &Credentials| added.iter().any(|one| one.is_same(old));
        let changed = known.iter().filter(|old| !same(old)).map(|old| old.member.name.clone()).collect();
        *known = added;
        changed
    }

    /// Whether there is a secret of the whole team.
    pub(super) fn has_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// The users with names: those of the settings file first.
    pub(super) fn members(&self) -> Vec<Member> {
        self.named.iter().chain(self.added().iter()).map(|known| known.member.clone()).collect()
    }

    /// What whoever logs in by this name has to have; empty: the secret of the whole team.
    pub(super) fn find(&self, name: &str) -> Option<Arc<Credentials>> {
        if name.is_empty() {
            return self.shared.clone();
        }
        let is_it = |known: &&Arc<Credentials>| known.member.name == name;
        self.named.iter().find(is_it).cloned().or_else(|| self.added().iter().find(is_it).cloned())
    }

    /// Whether a login by this name with what was found before would be the same now: the same member, role and secrets.
    pub(super) fn still_holds(&self, name: &str, known: &Credentials) -> bool {
        self.find(name).is_some_and(|now| now.is_same(known))
    }

    /// The user with this name whose token this is, where it is so long that nobody finds it by trying.
    pub(super) fn by_long_token(&self, name: &str, secret: &str) -> Option<Arc<Credentials>> {
        let credentials = self.find(name)?;
        let token = credentials.token.as_ref()?.expose_secret();
        (is_long(token) && constant_time_eq(token, secret)).then(|| Arc::clone(&credentials))
    }

    /// The user with this name and secret; without a name it has to be the secret of the whole team.
    pub(super) async fn authenticate(&self, name: &str, secret: &str) -> Option<Arc<Credentials>> {
        self.check(name, secret, &self.checking).await
    }

    /// As [`Users::authenticate`], for a browser that this name was logged in with before.
    pub(super) async fn authenticate_known(&self, name: &str, secret: &str) -> Option<Arc<Credentials>> {
        self.check(name, secret, &self.checking_known).await
    }

    async fn check(&self, name: &str, secret: &str, turn: &Semaphore) -> Option<Arc<Credentials>> {
        let credentials = self.find(name);
        if let Some(credentials) = &credentials
            && credentials.token.as_ref().is_some_and(|token| constant_time_eq(token.expose_secret(), secret))
        {
            return Some(Arc::clone(credentials));
        }
        let hash = credentials.as_ref().and_then(|credentials| credentials.password_hash.clone());
        let known = hash.is_some();
        // Whether a user has a password at all must not show either.
        let hash = hash.or_else(|| self.decoy_hash.get().cloned()).unwrap_or_default();
        if hash.is_empty() {
            return None;
        }
        let _permit = turn.acquire().await.ok()?;
        let secret = secret.to_owned();
        let checked = tokio::task::spawn_blocking(move || {
            PasswordHash::new(&hash)
                .is_ok_and(|hash| Argon2::default().verify_password(secret.as_bytes(), &hash).is_ok())
        });
        let fits = checked.await.unwrap_or(false) && known;
        credentials.filter(|_| fits)
    }
}

/// A hash of a password that nobody has.
fn decoy() -> Result<String, AccessError> {
    hash_password(&format!("{:x}", rand::random::<u128>()))
}

/// Why a name, as it is compared, is none that a user may have.
pub(super) fn wrong_name(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || !name.chars().all(is_plain) {
        return Some("a name is 1 to 40 letters, digits, points, dashes or underscores");
    }
    (name == UNNAMED).then_some("this name stands for whoever has the password of the whole team")
}

fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, role: Role, hash: &str, token: &str) -> TeamMember {
        let secret = |text: &str| SecretString::from(text.to_owned());
        TeamMember { name: name.to_owned(), role, password_hash: secret(hash), token: secret(token) }
    }

    fn known(hash: &str, token: &str, users: &[TeamMember]) -> Result<Users, AccessError> {
        let secret = |text: &str| SecretString::from(text.to_owned());
        Users::new(&SharedSecrets { password_hash: &secret(hash), token: &secret(token) }, users)
    }

    async fn logs_in(users: &Users, name: &str, secret: &str) -> Option<Member> {
        users.authenticate(name, secret).await.map(|known| known.member().clone())
    }

    #[tokio::test]
    async fn a_password_is_checked_by_its_hash_and_a_token_by_itself() {
        let hash = hash_password("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        let users = known(&hash, "t0ken", &[]).unwrap();
        for secret in ["correct horse", "t0ken"] {
            assert_eq!(logs_in(&users, "", secret).await, Some(Member::unnamed()));
            assert_eq!(logs_in(&users, "lead", secret).await, None);
        }
        for secret in ["correct", "", &hash] {
            assert_eq!(logs_in(&users, "", secret).await, None);
        }
    }

    #[tokio::test]
    async fn everybody_has_their_own_secret_and_role() {
        let hash = hash_password("own password").unwrap();
        let users = [user("Desk.1", Role::Agent, &hash, ""), user("audit", Role::Viewer, "", "looks")];
        let users = known("", "team", &users).unwrap();
        let role = async |name: &str, secret: &str| {
            logs_in(&users, name, secret).await.map(|member| (member.name, member.role))
        };
        assert_eq!(role("desk.1", "own password").await, Some(("desk.1".to_owned(), Role::Agent)));
        assert_eq!(role("audit", "looks").await, Some(("audit".to_owned(), Role::Viewer)));
        assert_eq!(role("", "team").await, Some(("dashboard".to_owned(), Role::Admin)));
        for (name, secret) in
            [("audit", "own password"), ("desk.1", "looks"), ("desk.1", "team"), ("", "looks"), ("nobody", "team")]
        {
            assert_eq!(role(name, secret).await, None, "{name} {secret}");
        }
    }

    #[tokio::test]
    async fn who_was_added_logs_in_beside_those_of_the_file() {
        let users = known("", "", &[user("desk", Role::Agent, "", "desk-token")]).unwrap();
        let added = |name: &str, role, hash: &str| (Member { name: name.to_owned(), role }, hash.to_owned());
        let (one, other) = (hash_password("one").unwrap(), hash_password("other").unwrap());
        assert!(users.set_added(vec![added("mia", Role::Agent, &one), added("desk", Role::Admin, &one)]).is_empty());
        assert_eq!(logs_in(&users, "mia", "one").await.map(|member| member.role), Some(Role::Agent));
        assert_eq!(logs_in(&users, "desk", "one").await, None, "the file is the reference");
        assert_eq!(users.members().len(), 2);
        assert!(users.set_added(vec![added("mia", Role::Agent, &one)]).is_empty(), "nothing changed");
        assert_eq!(users.set_added(vec![added("mia", Role::Agent, &other)]), ["mia"], "another password");
        assert_eq!(
            (logs_in(&users, "mia", "one").await, logs_in(&users, "mia", "other").await.is_some()),
            (None, true)
        );
        assert_eq!(users.set_added(vec![added("mia", Role::Viewer, &other)]), ["mia"], "another role");
        assert_eq!(users.set_added(vec![added("a b", Role::Agent, &one), added("x", Role::Agent, "plain")]), ["mia"]);
        assert_eq!((users.members().len(), logs_in(&users, "mia", "other").await), (1, None));
    }

    #[test]
    fn what_was_found_holds_until_role_or_secrets_change() {
        let users = known("", "team", &[]).unwrap();
        let added = |role, hash: &str| vec![(Member { name: "mia".to_owned(), role }, hash.to_owned())];
        let (one, other) = (hash_password("one").unwrap(), hash_password("other").unwrap());
        users.set_added(added(Role::Agent, &one));
        let found = users.find("mia").unwrap();
        let seal = |of: &Credentials| of.session_seal("mia", "digest").unwrap();
        for (now, holds) in
            [(added(Role::Agent, &one), true), (added(Role::Viewer, &one), false), (added(Role::Agent, &other), false)]
        {
            users.set_added(now);
            assert_eq!(users.still_holds("mia", &found), holds);
            assert_eq!(seal(&users.find("mia").unwrap()) == seal(&found), holds, "a stored session ends as well");
        }
        users.set_added(Vec::new());
        assert!(!users.still_holds("mia", &found) && !users.still_holds("", &found));
    }

    #[test]
    fn invalid_users_are_named() {
        let message =
            |users: &[TeamMember]| known("", "", users).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message(&[user("a b", Role::Agent, "", "t")]).contains("a name is"));
        assert!(message(&[user("dashboard", Role::Agent, "", "t")]).contains("whole team"));
        assert!(message(&[user("a", Role::Agent, "", "")]).contains("neither"));
        assert!(message(&[user("a", Role::Agent, "plain", "")]).contains("no argon2 hash"));
        assert!(message(&[user("a", Role::Agent, "", "t"), user("A", Role::Admin, "", "u")]).contains("another user"));
        assert_eq!(message(&[user("a", Role::Agent, "", "t")]), "");
        assert!(Role::Viewer < Role::Agent && Role::Agent < Role::Admin);
        assert_eq!(Role::parse("lead"), None);
    }
}
