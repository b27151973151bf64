//! Questions that no document answered.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, doc};

use super::super::{KnowledgeGaps, Result};
use super::error::BackendError;
use super::odd::all_readable;
use super::schema::KNOWLEDGE_GAPS;
use super::values::{count, date, int, text, time};
use super::{Base, MongoStore};
use crate::domain::correction::message_key;
use crate::domain::ids::UserId;
use crate::domain::knowledge_gap::Unanswered;

type Read<T> = std::result::Result<T, BackendError>;

pub(super) fn read(document: &Document) -> Read<Unanswered> {
    Ok(Unanswered {
        user_id: UserId::new(text(document, "user_id")?),
        turn: count(document, "turn")?,
        question: text(document, "question")?,
        text: text(document, "text")?,
        at: time(document, "at")?,
    })
}

async fn record(base: &Base, one: &Unanswered) -> Read<()> {
    let id = format!("{}/{}/{}", one.user_id, one.turn, message_key(&one.question));
    let first = doc! {"turn": int(one.turn), "question": &one.question, "text": &one.text, "at": date(one.at)};
    let gaps = base.collection(KNOWLEDGE_GAPS);
    super::upsert_with_retry(|| {
        gaps.find_one_and_update(
            doc! {"_id": &id, "user_id": one.user_id.as_str()},
            doc! {"$setOnInsert": first.clone()},
        )
        .upsert(true)
        .projection(doc! {"_id": 1})
    })
    .await?;
    Ok(())
}

async fn latest(base: &Base, limit: u32) -> Read<Vec<Unanswered>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let found = base.collection(KNOWLEDGE_GAPS).find(doc! {}).sort(doc! {"at": -1}).limit(limit.into()).await?;
    let documents: Vec<Document> = found.try_collect().await?;
    Ok(all_readable(&documents, KNOWLEDGE_GAPS, read))
}

#[async_trait]
impl KnowledgeGaps for MongoStore {
    async fn record_unanswered(&self, question: &Unanswered) -> Result<()> {
        let one = question.clone();
        self.run("saving an unanswered question", |base| async move { record(&base, &one).await }).await
    }

    async fn unanswered(&self, limit: u32) -> Result<Vec<Unanswered>> {
        self.run("reading unanswered questions", |base| async move { latest(&base, limit).await }).await
    }
}
