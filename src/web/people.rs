//! Decides who of the team is let in, by which secret, and with which role.
//!
//! It must never tell whether a name is known, nor compare a secret in a time that depends on it.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;

use super::access::AccessError;

/// Who is put on record where nobody is named: the pages with one lock for the whole team, or none.
const UNNAMED: &str = "dashboard";
/// The longest name, in characters.
const LONGEST_NAME: usize = 40;
/// Passwords that are checked at once: each takes time and memory on purpose.
const CHECKED_AT_ONCE: usize = 2;

/// What a member of the team may do. Each may do what the one before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees everything, changes nothing.
    Viewer,
    /// Claims and settles alerts, takes conversations over, replies, corrects labels.
    Agent,
    /// Besides opens settled alerts again and settles many at once.
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
pub struct User {
    /// How they log in, and how they are put on record.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The argon2 hash of their password; empty: none.
    pub password_hash: SecretString,
    /// What opens the pages for them as well; empty: none.
    pub token: SecretString,
}

/// A name as it is compared: in small letters, and no longer than a name can be.
pub(super) fn folded(name: &str) -> String {
    name.trim().to_lowercase().chars().take(LONGEST_NAME + 1).collect()
}

pub(super) fn same(one: &str, other: &str) -> bool {
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

/// Who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) role: Role,
}

impl Member {
    /// Whoever has the secret of the whole team, or sits at this machine.
    pub(super) fn unnamed() -> Self {
        Self { name: UNNAMED.to_owned(), role: Role::Admin }
    }
}

/// The secrets that belong to nobody in particular.
pub(super) struct Shared<'a> {
    pub(super) password_hash: &'a SecretString,
    pub(super) token: &'a SecretString,
}

/// What somebody can log in with.
struct Lock {
    member: Member,
    password_hash: Option<String>,
    token: Option<SecretString>,
}

impl Lock {
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
                return Err(AccessError::NoHash { place: place.to_owned(), reason });
            }
        }
        let empty = password_hash.is_none() && token.is_none();
        Ok((!empty).then_some(Self { member, password_hash, token }))
    }
}

/// Who can log in.
pub(super) struct People {
    shared: Option<Lock>,
    named: Vec<Lock>,
    /// Checked where a name is not known, so that this takes as long.
    decoy: String,
    checking: Semaphore,
}

impl People {
    /// Everybody who can log in.
    ///
    /// # Errors
    /// When a hash is none, or a member of the team cannot be.
    pub(super) fn new(shared: &Shared<'_>, users: &[User]) -> Result<Self, AccessError> {
        let own = Lock::new(Member::unnamed(), "[dashboard] password_hash", shared.password_hash, shared.token)?;
        let mut named: Vec<Lock> = Vec::new();
        for user in users {
            let name = folded(&user.name);
            let wrong = |reason| AccessError::NoUser { name: name.clone(), reason };
            if name.is_empty() || name.chars().count() > LONGEST_NAME || !name.chars().all(is_plain) {
                return Err(wrong("a name is 1 to 40 letters, digits, points, dashes or underscores"));
            }
            if name == UNNAMED {
                return Err(wrong("this name stands for whoever has the password of the whole team"));
            }
            if named.iter().any(|known| known.member.name == name) {
                return Err(wrong("there is another user of this name"));
            }
            let place = format!("[[dashboard.users]] {name}: password_hash");
            let member = Member { name: name.clone(), role: user.role };
            let lock = Lock::new(member, &place, &user.password_hash, &user.token)?;
            named.push(lock.ok_or_else(|| wrong("there is neither a password_hash nor a token"))?);
        }
        let decoy =
            if named.is_empty() { String::new() } else { hash_password(&format!("{:x}", rand::random::<u128>()))? };
        Ok(Self { shared: own, named, decoy, checking: Semaphore::new(CHECKED_AT_ONCE) })
    }

    /// Whether anybody has to log in.
    pub(super) fn log_in(&self) -> bool {
        self.shared.is_some() || !self.named.is_empty()
    }

    /// Whether somebody logs in by a name.
    pub(super) fn named(&self) -> bool {
        !self.named.is_empty()
    }

    /// Whether there is a secret that belongs to nobody in particular.
    pub(super) fn shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Whom a word opens the pages for; without a name it has to be the secret of the whole team.
    pub(super) async fn opens(&self, name: &str, word: &str) -> Option<Member> {
        let lock = if name.is_empty() {
            self.shared.as_ref()
        } else {
            self.named.iter().find(|lock| lock.member.name == name)
        };
        if let Some(lock) = lock
            && lock.token.as_ref().is_some_and(|token| same(token.expose_secret(), word))
        {
            return Some(lock.member.clone());
        }
        let hash = match lock {
            Some(lock) => lock.password_hash.clone(),
            None => None,
        };
        let known = hash.is_some();
        // Whether somebody has a password at all is nobody's business either.
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        if hash.is_empty() {
            return None;
        }
        let _permit = self.checking.acquire().await.ok()?;
        let word = word.to_owned();
        let checked = tokio::task::spawn_blocking(move || {
            PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(word.as_bytes(), &hash).is_ok())
        });
        let fits = checked.await.unwrap_or(false) && known;
        lock.filter(|_| fits).map(|lock| lock.member.clone())
    }
}

fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, role: Role, hash: &str, token: &str) -> User {
        let secret = |text: &str| SecretString::from(text.to_owned());
        User { name: name.to_owned(), role, password_hash: secret(hash), token: secret(token) }
    }

    fn people(hash: &str, token: &str, users: &[User]) -> Result<People, AccessError> {
        let secret = |text: &str| SecretString::from(text.to_owned());
        People::new(&Shared { password_hash: &secret(hash), token: &secret(token) }, users)
    }

    #[tokio::test]
    async fn a_password_opens_by_its_hash_and_a_token_by_itself() {
        let hash = hash_password("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        let people = people(&hash, "t0ken", &[]).unwrap();
        for word in ["correct horse", "t0ken"] {
            assert_eq!(people.opens("", word).await, Some(Member::unnamed()));
            assert_eq!(people.opens("lead", word).await, None);
        }
        for word in ["correct", "", &hash] {
            assert_eq!(people.opens("", word).await, None);
        }
    }

    #[tokio::test]
    async fn everybody_has_their_own_secret_and_role() {
        let hash = hash_password("own password").unwrap();
        let users = [user("Desk.1", Role::Agent, &hash, ""), user("audit", Role::Viewer, "", "looks")];
        let people = people("", "team", &users).unwrap();
        let role =
            async |name: &str, word: &str| people.opens(name, word).await.map(|member| (member.name, member.role));
        assert_eq!(role("desk.1", "own password").await, Some(("desk.1".to_owned(), Role::Agent)));
        assert_eq!(role("audit", "looks").await, Some(("audit".to_owned(), Role::Viewer)));
        assert_eq!(role("", "team").await, Some(("dashboard".to_owned(), Role::Admin)));
        for (name, word) in
            [("audit", "own password"), ("desk.1", "looks"), ("desk.1", "team"), ("", "looks"), ("nobody", "team")]
        {
            assert_eq!(role(name, word).await, None, "{name} {word}");
        }
    }

    #[test]
    fn members_that_cannot_be_are_named() {
        let told = |users: &[User]| people("", "", users).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(told(&[user("a b", Role::Agent, "", "t")]).contains("a name is"));
        assert!(told(&[user("dashboard", Role::Agent, "", "t")]).contains("whole team"));
        assert!(told(&[user("a", Role::Agent, "", "")]).contains("neither"));
        assert!(told(&[user("a", Role::Agent, "plain", "")]).contains("no argon2 hash"));
        assert!(told(&[user("a", Role::Agent, "", "t"), user("A", Role::Admin, "", "u")]).contains("another user"));
        assert_eq!(told(&[user("a", Role::Agent, "", "t")]), "");
        assert!(Role::Viewer < Role::Agent && Role::Agent < Role::Admin);
        assert_eq!(Role::parse("lead"), None);
    }
}
