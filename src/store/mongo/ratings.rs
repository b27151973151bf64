//! What customers say of the team's work.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use mongodb::bson::{Document, doc};

use super::super::{Ratings, Result};
use super::MongoStore;
use super::error::BackendError;
use super::odd::all_readable;
use super::schema::RATINGS;
use super::values::{date, optional_time, text, time};
use crate::domain::ids::{AlertId, UserId};
use crate::domain::rating::{Rating, Score};

pub(super) fn read(document: &Document) -> std::result::Result<Rating, BackendError> {
    Ok(Rating {
        alert_id: AlertId::new(text(document, "_id")?),
        user_id: UserId::new(text(document, "user_id")?),
        agent: text(document, "agent")?,
        asked_at: time(document, "asked_at")?,
        score: document.get_str("score").ok().and_then(Score::parse),
        answered_at: optional_time(document, "answered_at")?,
    })
}

#[async_trait]
impl Ratings for MongoStore {
    async fn begin_rating(&self, rating: &Rating) -> Result<bool> {
        let one = rating.clone();
        self.run("asking a customer", |base| async move {
            let own = doc! {"_id": one.alert_id.as_str()};
            // What tells this call's document from another's: an insert that is repeated after a lost answer is still its own.
            let mark = uuid::Uuid::now_v7().simple().to_string();
            let first = doc! {"$setOnInsert": {
                "user_id": one.user_id.as_str(), "agent": &one.agent, "asked_at": date(one.asked_at), "mark": &mark,
            }};
            let ratings = base.collection(RATINGS);
            super::upsert_with_retry(|| {
                ratings.find_one_and_update(own.clone(), first.clone()).upsert(true).projection(doc! {"_id": 1})
            })
            .await?;
            let held = ratings.find_one(own).await?;
            Ok(held.is_some_and(|held| held.get_str("mark").is_ok_and(|held| held == mark)))
        })
        .await
    }

    async fn rate(&self, alert: &AlertId, user: &UserId, score: Score, at: Timestamp) -> Result<bool> {
        let open = doc! {"_id": alert.as_str(), "user_id": user.as_str(), "score": {"$exists": false}};
        let set = doc! {"$set": {"score": score.as_str(), "answered_at": date(at)}};
        self.run("saving a customer's answer", |base| async move {
            Ok(base.collection(RATINGS).update_one(open, set).await?.matched_count > 0)
        })
        .await
    }

    async fn ratings(&self, since: Timestamp, limit: u32) -> Result<Vec<Rating>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let filter = doc! {"asked_at": {"$gte": date(since)}};
        let found = self.run("reading customers' answers", |base| async move {
            let ratings = base.collection(RATINGS);
            let found = ratings.find(filter).sort(doc! {"asked_at": -1, "_id": -1}).limit(limit.into()).await?;
            let found: Vec<Document> = found.try_collect().await?;
            Ok(found)
        });
        Ok(all_readable(&found.await?, RATINGS, read))
    }
}
