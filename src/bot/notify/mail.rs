//! Sends alerts as mail over SMTP.
//!
//! Errors never show the password of the server, and what a customer wrote never becomes a header of the mail.

use std::time::Duration;

use async_trait::async_trait;
use lettre::message::{Mailbox, header::ContentType};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use super::{AlertSink, NotifyError};
use crate::domain::alert::Alert;
use crate::domain::media::{MediaFile, counted};
use crate::domain::words::excerpt;
use crate::net;

/// How long one command to the server may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

/// Mails alerts.
pub struct MailSink {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl MailSink {
    /// Mail through the server at `url` (`smtps://…`, `smtp://…?tls=required`, or `smtp://…` without encryption), from one
    /// address to others.
    ///
    /// # Errors
    /// When the address of the server or of a person is invalid, or there is no recipient.
    pub fn new(url: &str, from: &str, to: &[String]) -> Result<Self, NotifyError> {
        let failed = |reason: String, hint| NotifyError { what: "alerts cannot be mailed", reason, hint };
        let people = "write [alerts] mail_from and mail_to as NAME@HOST or “Somebody <NAME@HOST>”";
        let person = |text: &str| {
            text.trim().parse::<Mailbox>().map_err(|error| failed(format!("“{}”: {error}", excerpt(text, 80)), people))
        };
        let from = person(from)?;
        let to = to.iter().map(|one| person(one)).collect::<Result<Vec<_>, _>>()?;
        if to.is_empty() {
            return Err(failed("nobody is named who gets it".to_owned(), people));
        }
        net::provide_cryptography();
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.trim()).map_err(|error| {
            // The outer error could name the address, which holds the password.
            failed(net::innermost(&error), "write [alerts] smtp_url as smtps://USER:PASSWORD@HOST, or leave it empty")
        })?;
        Ok(Self { server: server.timeout(Some(COMMAND_TIMEOUT)).build(), from, to })
    }
}

#[async_trait]
impl AlertSink for MailSink {
    fn name(&self) -> &'static str {
        "mail"
    }

    async fn notify(&self, alert: &Alert, files: &[MediaFile]) -> Result<(), String> {
        let message = message((alert, files), &self.from, &self.to)?;
        self.server.send(message).await.map(drop).map_err(|error| {
            let reason = net::innermost(&error);
            match error.status() {
                Some(code) => format!("the server answers {code}: {reason}"),
                None => reason,
            }
        })
    }
}

fn message((alert, files): (&Alert, &[MediaFile]), from: &Mailbox, to: &[Mailbox]) -> Result<Message, String> {
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let subject = format!("[{}] A customer waits: {}", alert.priority.as_str(), excerpt(&one_line(&alert.reason), 120));
    let mut text = format!(
        "A customer waits for a person.\n\nCustomer: {}\nPriority: {}\nSince:    {}\nWhy:      {}\n",
        alert.user_id,
        alert.priority.as_str(),
        alert.created_at.strftime("%Y-%m-%d %H:%M UTC"),
        one_line(&alert.reason),
    );
    if !alert.last_message.is_empty() {
        text += "\nThe customer's last message:\n\n";
        for line in alert.last_message.lines() {
            text.extend(["> ", line, "\n"]);
        }
    }
    if !files.is_empty() {
        text.extend(["\nWhat they sent: ", &counted(files), ". It stands in the conversation on the dashboard.\n"]);
    }
    text.extend([
        "\nUntil somebody resolves the alert ",
        alert.id.as_str(),
        ", the bot is silent in this conversation.\n",
    ]);
    // The same each time: a mail that arrives twice is recognised.
    let host = from.email.domain();
    let builder = Message::builder()
        .from(from.clone())
        .subject(subject)
        .message_id(Some(format!("<{}@{host}>", alert.id)))
        .header(ContentType::TEXT_PLAIN);
    let builder = to.iter().fold(builder, |builder, one| builder.to(one.clone()));
    builder.body(text).map_err(|error| error.to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::TcpListener;

    use super::*;
    use crate::domain::alert::{AlertStatus, Handling, Priority};
    use crate::domain::ids::{AlertId, MessageId, UserId};
    use crate::domain::inbound::{Content, Context, Inbound, Media};

    pub(in crate::bot::notify) fn alert() -> Alert {
        Alert {
            id: AlertId::new("ALERT_1"),
            user_id: UserId::new("919876543210"),
            reason: "upset\r\nBcc: thief@example.com".into(),
            last_message: "मेरा order कहाँ है\n.\nRCPT TO:<thief@example.com>".into(),
            priority: Priority::High,
            status: AlertStatus::Pending,
            created_at: "2026-06-01T10:00:00Z".parse().unwrap(),
            bot_answers: false,
            handling: Handling::default(),
        }
    }

    pub(in crate::bot::notify) fn file(media: Media, id: &str) -> MediaFile {
        let message = Inbound {
            id: MessageId::new(id),
            user_id: alert().user_id,
            sent_at: alert().created_at,
            received_at: alert().created_at,
            number: None,
            content: Content::Media { media, caption: String::new(), file: "9".to_owned() },
            context: Context::default(),
        };
        MediaFile::of(&message).unwrap()
    }

    /// Plays a mail server for one mail; returns the commands and the mail.
    async fn server(listener: TcpListener, refuse: bool) -> (Vec<String>, String) {
        let (stream, _) = listener.accept().await.unwrap();
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        writer.write_all(b"220 test\r\n").await.unwrap();
        let (mut commands, mut mail) = (Vec::new(), String::new());
        while let Ok(Some(line)) = lines.next_line().await {
            commands.push(line.clone());
            let word = line.split([' ', ':']).next().unwrap_or("").to_uppercase();
            let answer: &[u8] = match word.as_str() {
                "EHLO" => b"250-test\r\n250 8BITMIME\r\n",
                "RCPT" if refuse => b"550 nobody of this name\r\n",
                "DATA" => b"354 go on\r\n",
                "QUIT" => b"221 bye\r\n",
                _ => b"250 ok\r\n",
            };
            writer.write_all(answer).await.unwrap();
            if word == "DATA" {
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    mail += &(line + "\n");
                }
                writer.write_all(b"250 stored\r\n").await.unwrap();
            }
            if word == "QUIT" {
                break;
            }
        }
        (commands, mail)
    }

    #[tokio::test]
    async fn an_alert_arrives_and_what_a_customer_wrote_stays_text() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let received = tokio::spawn(server(listener, false));
        let to = ["lead@example.com".to_owned(), "Second Line <second@example.com>".to_owned()];
        let mail = MailSink::new(&url, "Shop <bot@example.com>", &to).unwrap();
        mail.notify(&alert(), &[]).await.unwrap();
        drop(mail);
        let (commands, text) = received.await.unwrap();
        let recipients = commands.iter().filter(|line| line.starts_with("RCPT")).count();
        assert_eq!(recipients, 2, "{commands:?}");
        let (head, body) = text.split_once("\n\n").unwrap();
        assert!(head.contains("Message-ID: <ALERT_1@example.com>"), "{head}");
        assert!(head.contains("Subject: [high] A customer waits: upset Bcc: thief@example.com"), "{head}");
        assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
        assert!(!body.is_empty());
    }

    #[test]
    fn what_the_customer_sent_is_counted() {
        let people = "a@example.com".parse::<Mailbox>().unwrap();
        let mail = |files: &[MediaFile]| {
            let mail = message((&alert(), files), &people, std::slice::from_ref(&people)).unwrap();
            String::from_utf8(mail.formatted()).unwrap()
        };
        assert!(!mail(&[]).contains("What they sent"));
        let files = [Media::Image, Media::Audio, Media::Image].map(|kind| file(kind, "wamid.1"));
        let text = mail(&files).replace("=\r\n", "");
        assert!(text.contains("What they sent: 2 photos, 1 voice message."), "{text}");
    }

    #[tokio::test]
    async fn a_refusal_says_why() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let received = tokio::spawn(server(listener, true));
        let mail = MailSink::new(&url, "bot@example.com", &["lead@example.com".to_owned()]).unwrap();
        let why = mail.notify(&alert(), &[]).await.unwrap_err();
        assert!(why.contains("550") && why.contains("nobody of this name"), "{why}");
        drop(mail);
        received.abort();
    }

    #[test]
    fn invalid_settings_are_named_without_the_password() {
        let to = ["lead@example.com".to_owned()];
        for (url, from, to) in [
            ("ftp://me:s3cret@host", "bot@example.com", &to[..]),
            ("smtps://me:s3cret@", "bot@example.com", &to[..]),
            ("smtps://me:s3cret@host", "nobody", &to[..]),
            ("smtps://me:s3cret@host", "bot@example.com", &[][..]),
        ] {
            let error = MailSink::new(url, from, to).err().unwrap();
            assert!(!error.to_string().contains("s3cret"), "{error}");
            assert!(error.hint().is_some());
        }
        assert!(MailSink::new("smtp://me:p%40ss@host:587?tls=required", "bot@example.com", &to).is_ok());
    }
}
