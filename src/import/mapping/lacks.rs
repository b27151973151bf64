//! What a file does not say: an order that is imported again keeps it.

use super::Mapping;
use crate::domain::order::column;
use crate::import::field::Field;

impl Mapping {
    /// The columns of orders that the file lacks: what a stored order has in them stays.
    pub(in crate::import) fn lacks(&self) -> Vec<&'static str> {
        const FIELDS: &[(&str, &[Field])] = &[
            (column::CUSTOMER_ID, &[Field::CustomerId]),
            (column::PLATFORM, &[Field::Platform]),
            (column::PLACED, &[Field::Placed, Field::Date]),
            (column::DELIVERY_MINUTES, &[Field::DeliveryMinutes]),
            (column::CATEGORY, &[Field::Category]),
            (column::VALUE, &[Field::Value]),
            (column::FEEDBACK, &[Field::Feedback]),
            (column::RATING, &[Field::Rating]),
            (column::DELAY, &[Field::Delay]),
            (column::REFUND_REQUESTED, &[Field::RefundRequested]),
            (column::STATUS, &[Field::Status, Field::State]),
            (column::DISPLAY_ID, &[Field::DisplayId]),
            (column::SHOP_ID, &[Field::ShopId]),
            (column::CUSTOMER_NAME, &[Field::CustomerName, Field::FirstName, Field::LastName]),
            (column::EMAIL, &[Field::Email]),
            (column::SHIPPING, &[Field::Shipping]),
            (column::TAX, &[Field::Tax]),
            (column::DISCOUNT, &[Field::Discount]),
            (column::CURRENCY, &[Field::Currency]),
            (column::PAYMENT_METHOD, &[Field::PaymentMethod]),
            (column::PAYMENT_STATUS, &[Field::PaymentState]),
            (column::PAYMENT_ID, &[Field::PaymentId]),
            (column::ADDRESS, &[Field::Address, Field::Address2, Field::City, Field::Region, Field::Country]),
            (column::POSTAL_CODE, &[Field::PostalCode]),
            (column::CARRIER, &[Field::Carrier]),
            (column::TRACKING_NUMBER, &[Field::TrackingNumber]),
            (column::TRACKING_URL, &[Field::TrackingUrl]),
            (column::DELIVERED_AT, &[Field::DeliveredAt]),
        ];
        let lacked = FIELDS.iter().filter(|(_, fields)| !fields.iter().any(|field| self.has(*field)));
        let mut lacks: Vec<&'static str> = lacked.map(|(name, _)| *name).collect();
        if !self.parts.is_empty() {
            lacks.retain(|name| ![column::VALUE, column::SHIPPING, column::TAX, column::DISCOUNT].contains(name));
        }
        if !self.has(Field::Items) && !self.uses.iter().any(|found| found.field.of_line()) {
            lacks.push(column::ITEMS);
        }
        lacks
    }
}
