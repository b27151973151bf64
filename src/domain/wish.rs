//! What a customer wants done, as exactly as the program can tell. It decides nothing: the playbook does.

use serde::{Deserialize, Serialize};

/// A wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Where is it?
    Track,
    /// It is later than it should be.
    Late,
    /// It is said to be delivered, and is not there.
    NotReceived,
    /// A part of it did not come.
    MissingItem,
    /// Something else came.
    WrongItem,
    /// It is broken, spoiled or worse than described.
    Damaged,
    /// Call the order off.
    Cancel,
    /// Keep it after all.
    UndoCancel,
    /// Give it back.
    Return,
    /// Another size, colour or model in its place.
    Exchange,
    /// The same once more.
    Replacement,
    /// Money back.
    RefundWhole,
    /// Money back for a part.
    RefundPart,
    /// Where is the money?
    RefundStatus,
    /// Bring it to another place.
    ChangeAddress,
    /// Bring it at another time.
    ChangeSlot,
    /// Call another number.
    ChangeContact,
    /// A word to whoever brings it.
    Instructions,
    /// Other articles or quantities.
    ItemChange,
    /// Charged twice.
    DoubleCharge,
    /// Charged too much, or for nothing.
    WrongCharge,
    /// Paid, and no order.
    FailedPayment,
    /// A code, an offer.
    Coupon,
    /// A bill.
    Invoice,
    /// A question that the shop's documents may answer.
    Question,
    /// A person, please.
    Human,
    /// How somebody of the shop behaved.
    Conduct,
    /// Somebody deceives the customer, or took their account.
    Fraud,
    /// Somebody's body or safety.
    Danger,
    /// Law, press, repeated failure.
    Serious,
    /// Happy.
    Praise,
    /// Unhappy, with nothing to act on.
    Criticism,
    /// No more messages.
    OptOut,
    /// A greeting, thanks, a chat.
    SmallTalk,
    /// Nothing that a shop can do.
    OutOfScope,
    /// Not understood.
    Unsure,
}

impl Wish {
    /// What can be wrong with what came and can be shown, with its word in the settings.
    pub const FAULTS: [(Self, &'static str); 3] =
        [(Self::Damaged, "damaged"), (Self::WrongItem, "wrong_item"), (Self::MissingItem, "missing_item")];

    /// Whether it is a complaint about what came, without a word about what should be done.
    pub fn is_complaint(self) -> bool {
        matches!(self, Self::MissingItem | Self::WrongItem | Self::Damaged | Self::NotReceived)
    }

    /// Whether it is a wish for money.
    pub fn is_money(self) -> bool {
        matches!(self, Self::RefundWhole | Self::RefundPart)
    }

    /// Whether something is to be done or found out: a message with such a wish is no small talk and no answer.
    pub fn is_concrete(self) -> bool {
        !matches!(self, Self::SmallTalk | Self::Unsure | Self::OutOfScope | Self::Praise | Self::Criticism)
    }

    /// Whether something of an order is changed by it, and only that.
    pub fn is_change(self) -> bool {
        matches!(self, Self::ChangeAddress | Self::ChangeSlot | Self::ChangeContact | Self::Instructions)
    }

    /// Whether it is done by a proposal and a yes.
    pub fn is_to_be_done(self) -> bool {
        matches!(self, Self::Cancel | Self::Return | Self::Exchange | Self::Replacement)
            || self.is_money()
            || self.is_change()
    }
}
