//! Tests of precedence, validation and messages.

use std::ffi::OsString;

use super::*;
use crate::domain::money::Money;

fn load(toml: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ecomres.toml"), toml).unwrap();
    Config::load(&Sources {
        file: None,
        folder: folder.path().to_owned(),
        environment: environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
    })
}

#[test]
fn the_defaults_are_valid_and_refund_in_full() {
    let config = Config::defaults().unwrap();
    let policy = config.policy().unwrap();
    assert!(policy.refused_categories.is_empty());
    assert!(policy.shipping_fee.is_zero());
    assert_eq!(policy.max_automatic, None);
    assert_eq!(config.orders.verification, Verification::Claim);
}

#[test]
fn the_grocery_preset_and_overrides() {
    let policy = load("[refund]\npreset = 'grocery'\nmax_automatic = '1,500'", &[]).unwrap().policy().unwrap();
    assert_eq!(policy.refused_categories.len(), 5);
    assert_eq!(policy.shipping_fee.to_string(), "5 %");
    assert_eq!(policy.max_automatic, Some(Money::from_rupees(1_500)));
    let policy = load("", &[("ECOMRES_REFUND__PRESET", "grocery"), ("ECOMRES_REFUND__SHIPPING_FEE_PERCENT", "2.5")]);
    assert_eq!(policy.unwrap().policy().unwrap().shipping_fee.to_string(), "2.5 %");
}

#[test]
fn the_environment_wins_over_the_file() {
    let config = load("[store]\nlocation = 'a.db'", &[("MONGO_URI", "mongodb://h/x")]).unwrap();
    assert_eq!(config.store.location, "mongodb://h/x");
    let config = load("[store]\nlocation = 'a.db'", &[("MONGO_URI", "")]).unwrap();
    assert_eq!(config.store.location, "a.db");
    let config = load("", &[("APP_ID", "0123456789"), ("PHONE_ID", "42")]).unwrap();
    assert_eq!(config.whatsapp.app_id, "0123456789");
    assert_eq!(config.whatsapp.missing(), ["VERIFY_TOKEN", "APP_SECRET", "ACCESS_TOKEN"]);
}

#[test]
fn wrong_settings_are_named() {
    for (toml, expected) in [
        ("[refund]\npresett = 'grocery'", "ecomres.toml: there is no setting “refund.presett”; did you mean “preset”?"),
        ("[refund]\npreset = 'groceri'", "ecomres.toml: refund.preset is “groceri”; it must be default or grocery"),
        ("[refund]\nshipping_fee_percent = 100", "refund.shipping_fee_percent is “100”; it must be a percentage"),
        ("[refund]\nmax_automatic = 'lots'", "refund.max_automatic is “lots”"),
        ("[refund]\nmax_automatic = -1", "refund.max_automatic is “-1”"),
        ("[refund]\nwindow_days = 0", "refund.window_days is 0; it must be a whole number from 1 to 3650"),
        ("[refund]\nquote_minutes = 10081", "from 1 to 10080"),
        ("[refund]\nestimated_arrival = ' '", "refund.estimated_arrival is empty"),
        ("[refund]\nrefused_categories = [1]", "refund.refused_categories is a list; it must be a list of names"),
        ("[store]\nlocation = ''", "store.location is empty"),
        ("[shop]\ntimezone = 'Mars/Olympus'", "Mars/Olympus"),
        ("[shop]\nphone_country = '1234'", "shop.phone_country is “1234”"),
        ("[shop]\ncountry = 'India'", "shop.country is “India”; it must be a country of two letters such as IN"),
        ("[orders]\npattern = '('", "orders.pattern is “(”, which is no regular expression: unclosed group"),
        ("[orders]\npattern = '.*'", "orders.pattern is “.*”, which finds an id in every message"),
        ("[orders]\ncustomer_pattern = 'HI'", "takes plain words for an id, such as “HI”"),
        ("[orders]\ndaily_limit = 0", "orders.daily_limit is 0"),
        (
            "[retention]\ninbox_days = 6",
            "inbox_days is 6; it must be 0 (for ever) or a whole number of days from 7 to 36500",
        ),
        ("[retention]\nchats_days = -1", "chats_days is -1"),
        ("[triage]\ngap_hours = 'x'", "triage.gap_hours is “x”"),
        ("[triage]\ngap_hours = 0", "triage.gap_hours is 0"),
        ("[escalation]\nfailures = 0", "escalation.failures is 0"),
        ("[escalation]\nvery_negative = 9", "escalation.very_negative is 9; it must be a number from 0 to 1"),
        ("[stores]\nlocation = 'x'", "there is no section [stores]; did you mean “store”?"),
        ("[llm]\nbase_url = 'groq'", "llm.base_url is “groq”; it must be an address"),
        ("[llm]\ntemperature = 3", "llm.temperature is 3; it must be a number from 0 to 2"),
        ("[llm]\nmodel = ' '", "llm.model is empty"),
        ("[llm]\nreasoning_effort = 'much'", "llm.reasoning_effort is “much”"),
        ("[privacy]\nmask = 'maybe'", "privacy.mask is “maybe”; it must be true or false"),
        ("preset = 'x'", "“preset” stands outside of any section"),
        ("[refund]\nnonsense", "ecomres.toml:2: "),
    ] {
        let error = load(toml, &[]).unwrap_err().to_string();
        assert!(error.contains(expected), "{toml}: {error}");
        assert!(!error.contains('\n') && !error.contains(".rs"), "{toml}: {error}");
    }
}

#[test]
fn a_wrong_variable_is_named_and_never_ignored() {
    for (name, value, expected) in [
        ("ECOMRES_REFUND__PRESET", "groceri", "ECOMRES_REFUND__PRESET is “groceri”; it must be default or grocery"),
        ("ECOMRES_TRIAGE__GAP_HOURS", "1.5", "ECOMRES_TRIAGE__GAP_HOURS is “1.5”; it must be a whole number"),
        ("ECOMRES_REFUND_MAX_AUTOMATIC", "500", "did you mean “ECOMRES_REFUND__MAX_AUTOMATIC”?"),
        ("ECOMRES_REFUNDS__PRESET", "x", "the variable ECOMRES_REFUNDS__PRESET stands for no setting"),
        ("ECOMRES_ANYTHING", "x", "the variable ECOMRES_ANYTHING stands for no setting"),
    ] {
        let error = load("", &[(name, value)]).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
        assert!(!error.contains("u32") && !error.contains("enum"), "{error}");
    }
    assert!(load("", &[("ECOMRES_LOG", "debug"), ("OTHER", "x")]).is_ok());
}

#[test]
fn everything_is_kept_for_ever_unless_days_are_set() {
    assert!(load("", &[]).unwrap().retention_policy().keeps_everything());
    let set = load("[retention]\nchats_days = 90", &[("ECOMRES_RETENTION__INBOX_DAYS", "7")]).unwrap();
    assert_eq!((set.retention.chats_days, set.retention.inbox_days, set.retention.audit_days), (90, 7, 0));
}

#[test]
fn a_remote_model_needs_a_key_and_nothing_else() {
    let config = Config::defaults().unwrap();
    assert!(!config.llm.is_remote() && config.privacy.mask);
    assert_eq!(config.llm.models(), ["openai/gpt-oss-120b", "openai/gpt-oss-20b"]);
    let config = load(
        "[llm]\nfallback_model = ''\nreasoning_effort = ''",
        &[("GROQ_API_KEY", "gsk"), ("ECOMRES_PRIVACY__MASK", "off"), ("ECOMRES_LLM__TEMPERATURE", "0")],
    )
    .unwrap();
    assert!(config.llm.is_remote() && !config.privacy.mask && config.llm.reasoning_effort.is_empty());
    assert_eq!(config.llm.models(), ["openai/gpt-oss-120b"]);
    assert!(config.llm.temperature.abs() < f64::EPSILON);
}

#[test]
fn text_stays_text_whatever_it_looks_like() {
    let config = load(
        "[whatsapp]\nphone_id = 42",
        &[
            ("ECOMRES_SHOP__PHONE_COUNTRY", "+91"),
            ("ECOMRES_WHATSAPP__VERIFY_TOKEN", "12345"),
            ("ECOMRES_REFUND__ESTIMATED_ARRIVAL", "5"),
            ("ECOMRES_STORE__LOCATION", "123"),
            ("ECOMRES_REFUND__REFUSED_CATEGORIES", "Snacks, Fruits & Vegetables"),
            ("ECOMRES_REFUND__MAX_AUTOMATIC", "1,500"),
        ],
    )
    .unwrap();
    assert_eq!(config.shop.phone_country, "91");
    assert_eq!(config.whatsapp.verify_token.expose_secret(), "12345");
    assert_eq!((config.refund.estimated_arrival.as_str(), config.store.location.as_str()), ("5", "123"));
    assert_eq!(config.whatsapp.phone_id, "42");
    let policy = config.policy().unwrap();
    assert_eq!(policy.refused_categories, ["Snacks", "Fruits & Vegetables"]);
    assert_eq!(policy.max_automatic, Some(Money::from_rupees(1_500)));
}

#[test]
fn every_default_is_a_known_setting_and_the_reference_names_every_setting() {
    let defaults: toml::Table = toml::from_str(DEFAULTS).unwrap();
    for (section, keys) in &defaults {
        for (name, value) in keys.as_table().unwrap() {
            let key = format!("{section}.{name}");
            // A section inside a section.
            let inside = value.as_table().filter(|_| setting::kind(&key).is_none());
            for (name, value) in inside.into_iter().flatten() {
                let key = format!("{key}.{name}");
                setting::kind(&key).unwrap_or_else(|| panic!("{key}")).read(value).unwrap();
            }
            if inside.is_none() {
                setting::kind(&key).unwrap_or_else(|| panic!("{key}")).read(value).unwrap();
            }
        }
    }
    for (key, _) in SETTINGS {
        let name = key.rsplit_once('.').unwrap().1;
        assert!(DEFAULTS.contains(&format!("{name} = ")), "{key} is not in the reference");
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_named() {
    use std::os::unix::ffi::OsStringExt as _;
    let value = OsString::from_vec(vec![0xff]);
    let sources = |name: &str| Sources {
        folder: PathBuf::from("/nonexistent"),
        environment: vec![(name.into(), value.clone())],
        ..Sources::default()
    };
    let error = Config::load(&sources("ECOMRES_REFUND__PRESET")).unwrap_err().to_string();
    assert_eq!(error, "the value of ECOMRES_REFUND__PRESET is not UTF-8");
    assert!(Config::load(&sources("OTHER")).is_ok());
}

#[test]
fn secrets_never_show() {
    let uri = ("MONGO_URI", "mongodb://bot:very-secret@db.example/shop");
    let config = load("", &[("ACCESS_TOKEN", "tok-very-secret"), uri]).unwrap();
    assert!(!format!("{config:?}").contains("very-secret"));
}

/// The settings with a `.env`, in an environment.
fn with_dotenv(text: impl AsRef<[u8]>, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), text).unwrap();
    Config::load(&Sources {
        file: None,
        folder: folder.path().to_owned(),
        environment: environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
    })
}

#[test]
fn secrets_of_a_dotenv_are_what_is_written_there() {
    let text = "\u{FEFF}APP_SECRET=p$ss w0rd\\n#1 # the real one\r\nVERIFY_TOKEN='a$b # c'\r\nexport PHONE_ID = 42\r\n";
    let config = with_dotenv(text, &[]).unwrap();
    assert_eq!(config.whatsapp.app_secret.expose_secret(), "p$ss w0rd\\n#1");
    assert_eq!(config.whatsapp.verify_token.expose_secret(), "a$b # c");
    assert_eq!((config.whatsapp.phone_id.as_str(), config.notices.len()), ("42", 0));
    let config = with_dotenv("APP_ID=${OTHER}1\nOTHER=x\nPHONE_ID=${OTHER}2", &[("OTHER", "y")]).unwrap();
    assert_eq!((config.whatsapp.app_id.as_str(), config.whatsapp.phone_id.as_str()), ("y1", "y2"));
}

#[test]
fn what_is_odd_in_a_dotenv_is_said_with_its_line_and_without_its_value() {
    for (text, expected) in [
        ("APP_ID=1\nAPP_ID=s3cret", "line 2: APP_ID is set in line 1 as well: this one holds"),
        ("\nAPP_SECRET=s3cret${gone}", "line 2: ${gone} in APP_SECRET is not set"),
        ("APP_SECRET", "line 1: APP_SECRET has no “=”"),
        ("app_secret=s3cret", "line 1: “app_secret” is another name than APP_SECRET"),
        ("\"APP_SECRET\"=s3cret", "is another name than APP_SECRET"),
        ("APP_SECRET=“s3cret”", "line 1: APP_SECRET begins with a typographic quote"),
        (
            "VERIFY_TOKEN=\"a\nAPP_SECRET=s3cret\n\"",
            "line 1: the quotes of VERIFY_TOKEN go over several lines and hold APP_SECRET",
        ),
        ("s3cret words\nAPP_ID=1", "line 1: it is passed over, because there is no “=” after the name"),
    ] {
        let notices = with_dotenv(text, &[]).unwrap().notices.join("\n");
        assert!(notices.contains(expected) && !notices.contains("s3cret"), "{text}: {notices}");
    }
    for (text, expected) in [
        (
            "OTHER=1\nAPP_SECRET=\"s3cret\nPHONE_ID=1",
            ".env cannot be read: line 2: APP_SECRET cannot be read: its quote is not closed",
        ),
        ("APP_SECRET='s3cret' x", "line 1: APP_SECRET cannot be read: there is text after the closing quote"),
        ("APP_SECRET s3cret", "line 1: APP_SECRET cannot be read: there is no “=”"),
        ("APP_SECRET=s3cret\0", "zero byte"),
    ] {
        let error = with_dotenv(text, &[]).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("s3cret"), "{text}: {error}");
    }
    let latin = with_dotenv(b"APP_ID=1\nAPP_SECRET=s3cret\xE9", &[]).unwrap_err().to_string();
    assert!(latin.contains("line 2 is not UTF-8") && !latin.contains("s3cret"), "{latin}");
    let wide = with_dotenv(b"\xFF\xFEA\0", &[]).unwrap_err();
    assert!(wide.to_string().contains("UTF-16") && wide.hint().unwrap().contains("UTF-8"), "{wide}");
}

#[test]
fn no_secret_is_in_the_debug_text_of_the_settings() {
    let secret = "hunter2-secret";
    let address = format!("https://me:{secret}@host/{secret}?key={secret}");
    let mut variables: Vec<(String, String)> =
        ["LLM__BASE_URL", "ALERTS__WEBHOOK_URL", "ALERTS__SMTP_URL", "AUDIT__ANCHOR_URL"]
            .iter()
            .map(|name| (format!("ECOMRES_{name}"), address.clone()))
            .collect();
    variables.push(("MONGO_URI".to_owned(), format!("mongodb://me:{secret}@host/db")));
    variables.push(("ECOMRES_AUDIT_KEY".to_owned(), hex::encode([secret.as_bytes(), &[7; 32]].concat())));
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let file = format!("[[mcp.servers]]\nname = 'c'\nurl = '{address}'\nallow = ['t']\n");
    let config = load(&file, &variables).unwrap();
    let text = format!("{config:?}");
    assert!(!text.contains(secret) && !text.contains(&hex::encode(secret)), "{text}");
    assert!(config.audit.key().is_some());
}
