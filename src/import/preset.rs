//! The exports of known shops: which columns they have, and how to tell them apart by their headers.
//!
//! Where the names are from:
//! - Shopify's orders export, one row a line item, the order's own columns only in its first row:
//!   <https://help.shopify.com/en/manual/fulfillment/managing-orders/exporting-orders>; headers as in the fixtures of public
//!   importers. Its JSON: the Order resource of the Admin API, which `orders/*` webhooks send.
//! - `WooCommerce`: the plugin Advanced Order Export (“Order Number”, “Phone (Billing)”, “Item Name”), Import and Export of
//!   `WooCommerce` Orders (`order_number`, `line_item_1`, <https://woocommerce.com/document/import-and-export-of-woocommerce-orders/>),
//!   Customer/Order/Coupon Export (`order_number`, `line_items`), the orders table of its own Analytics (“Order #”, “Product(s)”). Its
//!   JSON: the Order resource of the REST API, which `order.*` webhooks send.
//! - Amazon: the Order Report of seller-fulfilled orders and the All Orders report, both tab-separated, one row an item, amounts of a row for
//!   its whole quantity: <https://sellercentral.amazon.com/gp/help/external/200547170>,
//!   <https://sellercentral-europe.amazon.com/gp/help/external/201648780>.

use std::collections::HashSet;

use super::field::{Field, plain};
use crate::domain::order::column;

/// Whose export a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Preset {
    /// Shopify's orders export, or its JSON.
    Shopify,
    /// An export of `WooCommerce`, or its JSON.
    WooCommerce,
    /// An order report of Amazon.
    Amazon,
    /// The eleven columns of the original system.
    Original,
}

type Columns = &'static [(Field, &'static [&'static str])];

/// The order's identifier is what customers see: its name. The number behind it is how Shopify's own messages name it.
const SHOPIFY: Columns = &[
    (Field::OrderId, &["Name"]),
    (Field::ShopId, &["Id"]),
    (Field::Placed, &["Created at"]),
    (Field::Email, &["Email", "contact_email", "customer.email"]),
    (Field::PaymentState, &["Financial Status"]),
    (Field::Status, &["Fulfillment Status"]),
    (Field::Currency, &["Currency"]),
    (Field::Shipping, &["Shipping", "total_shipping_price_set.shop_money.amount"]),
    (Field::Tax, &["Taxes", "current_total_tax", "total_tax"]),
    // After an edit or a refund the `current_…` ones tell what is left.
    (Field::Value, &["Total", "current_total_price", "total_price"]),
    (Field::Discount, &["Discount Amount", "current_total_discounts", "total_discounts"]),
    (Field::RefundedAmount, &["Refunded Amount"]),
    (Field::ItemQuantity, &["Lineitem quantity"]),
    (Field::ItemName, &["Lineitem name"]),
    (Field::ItemPrice, &["Lineitem price"]),
    (Field::ItemSku, &["Lineitem sku"]),
    (Field::Items, &["line_items"]),
    (Field::CustomerId, &["customer.id"]),
    (Field::CustomerName, &["Billing Name", "Shipping Name", "billing_address.name", "shipping_address.name"]),
    (Field::FirstName, &["customer.first_name"]),
    (Field::LastName, &["customer.last_name"]),
    (
        Field::Phone,
        &[
            "Phone",
            "Billing Phone",
            "Shipping Phone",
            "customer.phone",
            "billing_address.phone",
            "shipping_address.phone",
            "customer.default_address.phone",
        ],
    ),
    (
        Field::Address,
        &[
            "Shipping Street",
            "shipping_address.address1",
            "Shipping Address1",
            "Billing Street",
            "billing_address.address1",
        ],
    ),
    (Field::Address2, &["shipping_address.address2"]),
    (Field::City, &["Shipping City", "shipping_address.city", "Billing City"]),
    (Field::Region, &["Shipping Province Name", "shipping_address.province", "Shipping Province", "Billing Province"]),
    (Field::Country, &["Shipping Country", "shipping_address.country", "Billing Country"]),
    (Field::PostalCode, &["Shipping Zip", "shipping_address.zip", "Billing Zip"]),
    (Field::CancelledAt, &["Cancelled at", "cancelled_at"]),
    (Field::PaymentMethod, &["Payment Method", "payment_gateway_names", "gateway"]),
    (Field::PaymentId, &["Payment ID", "Payment Reference"]),
    (Field::Platform, &["Source", "source_name"]),
    (Field::UpdatedAt, &["updated_at"]),
    (Field::Carrier, &["fulfillments.tracking_company"]),
    (Field::TrackingNumber, &["fulfillments.tracking_number"]),
    (Field::TrackingUrl, &["fulfillments.tracking_url"]),
];

const WOOCOMMERCE: Columns = &[
    (Field::OrderId, &["Order Number", "number", "Order #", "order_id", "Order ID", "id"]),
    (Field::ShopId, &["order_id", "Order ID", "id"]),
    (Field::Status, &["Order Status", "status"]),
    // Local time first: only that of the shop is comparable with a time of day that customers name.
    (Field::Placed, &["Order Date", "date_created", "date", "date_created_gmt"]),
    (Field::Value, &["Order Total Amount", "order_total", "total", "Order Total"]),
    (Field::Currency, &["currency", "order_currency", "Order Currency"]),
    (Field::Shipping, &["Order Shipping Amount", "shipping_total", "Shipping Total"]),
    (Field::Tax, &["Order Total Tax Amount", "tax_total", "total_tax", "Order Tax Amount"]),
    (Field::Discount, &["Cart Discount Amount", "discount_total", "Discount Total"]),
    (Field::RefundedAmount, &["Order Refund Amount", "refunded_total"]),
    (Field::PaymentMethod, &["Payment Method Title", "payment_method_title", "payment_method", "Payment Method"]),
    (Field::PaymentId, &["Transaction ID", "transaction_id"]),
    (Field::CustomerId, &["customer_id", "Customer User ID", "Customer ID", "customer_user"]),
    (Field::CustomerName, &["Full Name (Billing)", "Customer Name", "Customer"]),
    (Field::FirstName, &["First Name (Billing)", "billing_first_name", "Billing First Name", "billing.first_name"]),
    (Field::LastName, &["Last Name (Billing)", "billing_last_name", "Billing Last Name", "billing.last_name"]),
    (
        Field::Email,
        &[
            "Email (Billing)",
            "billing_email",
            "customer_email",
            "Billing Email",
            "Billing Email Address",
            "billing.email",
        ],
    ),
    (
        Field::Phone,
        &[
            "Phone (Billing)",
            "billing_phone",
            "Billing Phone",
            "billing.phone",
            "Phone (Shipping)",
            "shipping_phone",
            "shipping.phone",
        ],
    ),
    (
        Field::Address,
        &[
            "Address 1&2 (Shipping)",
            "Address 1 (Shipping)",
            "shipping_address_1",
            "Shipping Address 1",
            "shipping.address_1",
            "Address 1&2 (Billing)",
            "Address 1 (Billing)",
            "billing_address_1",
            "Billing Address 1",
            "billing.address_1",
        ],
    ),
    (Field::Address2, &["Address 2 (Shipping)", "shipping_address_2", "shipping.address_2"]),
    (
        Field::City,
        &[
            "City (Shipping)",
            "shipping_city",
            "Shipping City",
            "shipping.city",
            "City (Billing)",
            "billing_city",
            "Billing City",
            "billing.city",
        ],
    ),
    (
        Field::Region,
        &[
            "State Code (Shipping)",
            "shipping_state",
            "Shipping State",
            "shipping.state",
            "State Code (Billing)",
            "billing_state",
            "Billing State",
            "billing.state",
        ],
    ),
    (
        Field::Country,
        &[
            "Country Code (Shipping)",
            "shipping_country",
            "shipping.country",
            "Country Code (Billing)",
            "billing_country",
            "billing.country",
        ],
    ),
    (
        Field::PostalCode,
        &[
            "Postcode (Shipping)",
            "shipping_postcode",
            "Shipping Postcode",
            "shipping.postcode",
            "Postcode (Billing)",
            "billing_postcode",
            "Billing Postcode",
            "billing.postcode",
        ],
    ),
    (Field::ItemName, &["Item Name", "item_name", "Product Name", "Name"]),
    (Field::ItemSku, &["SKU", "item_sku", "Item SKU"]),
    (Field::ItemQuantity, &["Quantity", "item_quantity", "Quantity (- Refund)"]),
    (Field::ItemPrice, &["Item Cost", "item_price"]),
    (Field::ItemTotal, &["Order Line Total", "item_total"]),
    (Field::Items, &["line_items", "Product(s)", "Products"]),
    (Field::Category, &["Category", "Product Category"]),
    (Field::UpdatedAt, &["date_modified_gmt", "Modified Date", "date_modified"]),
];

/// “the amount the buyer paid for the item”, of the row's whole quantity.
const AMAZON: Columns = &[
    (Field::OrderId, &["amazon-order-id", "order-id"]),
    (Field::Placed, &["purchase-date"]),
    (Field::UpdatedAt, &["last-updated-date"]),
    (Field::Status, &["order-status"]),
    (Field::Platform, &["sales-channel"]),
    (Field::Email, &["buyer-email"]),
    (Field::CustomerName, &["buyer-name", "recipient-name"]),
    (Field::Phone, &["buyer-phone-number", "ship-phone-number"]),
    (Field::ItemSku, &["sku"]),
    (Field::ItemName, &["product-name", "item-name", "title"]),
    (Field::ItemQuantity, &["quantity-purchased", "quantity", "quantity-shipped"]),
    (Field::Currency, &["currency"]),
    (Field::ItemTotal, &["item-price"]),
    (Field::Address, &["ship-address-1"]),
    (Field::Address2, &["ship-address-2"]),
    (Field::City, &["ship-city"]),
    (Field::Region, &["ship-state"]),
    (Field::PostalCode, &["ship-postal-code"]),
    (Field::Country, &["ship-country"]),
    (Field::PaymentMethod, &["payment-method"]),
    (Field::Carrier, &["carrier"]),
    (Field::TrackingNumber, &["tracking-number"]),
];

const ORIGINAL: Columns = &[
    (Field::OrderId, &[column::ORDER_ID]),
    (Field::CustomerId, &[column::CUSTOMER_ID]),
    (Field::Platform, &[column::PLATFORM]),
    (Field::Placed, &[column::PLACED]),
    (Field::DeliveryMinutes, &[column::DELIVERY_MINUTES]),
    (Field::Category, &[column::CATEGORY]),
    (Field::Value, &[column::VALUE]),
    (Field::Feedback, &[column::FEEDBACK]),
    (Field::Rating, &[column::RATING]),
    (Field::Delay, &[column::DELAY]),
    (Field::RefundRequested, &[column::REFUND_REQUESTED]),
];

/// Columns of Amazon's reports that an order's amounts are added up from: name, and what of it they are.
pub(super) const AMAZON_PARTS: &[(&str, Part)] = &[
    ("item-price", Part::Price),
    ("item-tax", Part::Tax),
    ("shipping-price", Part::Shipping),
    ("shipping-tax", Part::Tax),
    ("gift-wrap-price", Part::Price),
    ("gift-wrap-tax", Part::Tax),
    ("item-promotion-discount", Part::Discount),
    ("ship-promotion-discount", Part::Discount),
];

/// What a column adds to an order's amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// What items cost.
    Price,
    /// Taxes.
    Tax,
    /// The delivery.
    Shipping,
    /// What is taken off.
    Discount,
}

impl Preset {
    const ALL: [Self; 4] = [Self::Original, Self::Shopify, Self::WooCommerce, Self::Amazon];

    /// Its name: `shopify`, `woocommerce`, `amazon` or `original`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shopify => "shopify",
            Self::WooCommerce => "woocommerce",
            Self::Amazon => "amazon",
            Self::Original => "original",
        }
    }

    /// The preset of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name.trim().to_lowercase())
    }

    pub(super) fn columns(self) -> Columns {
        match self {
            Self::Shopify => SHOPIFY,
            Self::WooCommerce => WOOCOMMERCE,
            Self::Amazon => AMAZON,
            Self::Original => ORIGINAL,
        }
    }

    /// Whether a header has what only such exports have.
    fn fits(self, header: &[String], spelled: &[String]) -> bool {
        let has = |name: &str| header.contains(&plain(name));
        let all = |names: &[&str]| names.iter().all(|name| has(name));
        match self {
            Self::Original => has(column::ORDER_ID) && column::REQUIRED.iter().filter(|name| has(name)).count() >= 8,
            Self::Shopify => {
                let table =
                    ["Financial Status", "Fulfillment Status", "Lineitem name", "Lineitem quantity", "Lineitem price"];
                (has("Name") && table.iter().filter(|name| has(name)).count() >= 2)
                    || (all(&["name", "line_items", "total_price"]) && (has("order_number") || has("financial_status")))
            }
            Self::Amazon => {
                let items = [
                    "quantity-purchased",
                    "item-price",
                    "order-item-id",
                    "ship-service-level",
                    "sku",
                    "asin",
                    "order-status",
                ];
                let items = items.iter().filter(|name| has(name)).count();
                (has("amazon-order-id") && items >= 1) || (all(&["order-id", "purchase-date"]) && items >= 3)
            }
            Self::WooCommerce => {
                let export = [
                    "Order Total Amount",
                    "Order Subtotal Amount",
                    "Phone (Billing)",
                    "Email (Billing)",
                    "First Name (Billing)",
                    "Order Shipping Amount",
                    "Payment Method Title",
                    "Customer Note",
                    "Cart Discount Amount",
                    "billing_first_name",
                    "billing_email",
                    "billing_phone",
                    "payment_method_title",
                    "Billing First Name",
                    "Item Cost",
                ];
                let number = has("Order Number") || has("order_id") || has("Order ID") || has("number");
                let number = number && (has("Order Status") || has("status"));
                // Two of these names can be spellings of one column; `billingFirstName` is that of other shops.
                let found: HashSet<String> =
                    export.iter().map(|name| spaced(name)).filter(|name| spelled.contains(name)).collect();
                (number && found.len() >= 2)
                    || (all(&["billing.first_name", "line_items"]) && has("total"))
                    || all(&["Order #", "Product(s)", "N. Revenue"])
            }
        }
    }

    /// Whose export a header is of, if that is certain.
    pub(super) fn detect(header: &[String]) -> Option<Self> {
        let spelled: Vec<String> = header.iter().map(|name| spaced(name)).collect();
        let header: Vec<String> = header.iter().map(|name| plain(name)).collect();
        Self::ALL.into_iter().find(|preset| preset.fits(&header, &spelled))
    }
}

/// A name without case, its words parted by spaces.
fn spaced(name: &str) -> String {
    name.trim().to_lowercase().replace(['_', '-'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(header: &str) -> Option<Preset> {
        Preset::detect(&header.split(',').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn exports_are_told_apart() {
        let original = column::REQUIRED.join(",");
        for (header, preset) in [
            (original.as_str(), Some(Preset::Original)),
            ("Name,Email,Financial Status,Total,Lineitem quantity,Lineitem name", Some(Preset::Shopify)),
            ("id,name,order_number,total_price,line_items,customer.id", Some(Preset::Shopify)),
            (
                "Order Number,Order Status,Order Date,Customer Note,Order Total Amount,Item Name",
                Some(Preset::WooCommerce),
            ),
            (
                "order_id,order_number,order_date,status,order_total,billing_email,billing_phone,line_items",
                Some(Preset::WooCommerce),
            ),
            ("id,number,status,total,billing.first_name,line_items", Some(Preset::WooCommerce)),
            ("amazon-order-id,purchase-date,order-status,sku,item-price", Some(Preset::Amazon)),
            (
                "order-id,order-item-id,purchase-date,buyer-phone-number,sku,quantity-purchased,item-price",
                Some(Preset::Amazon),
            ),
            ("Name,Phone,Total", None),
            ("orderId,number,ordertime,status,email,billingFirstName,billingLastName,billingPhone", None),
            ("Order ID,Total,Status,Phone", None),
        ] {
            assert_eq!(detect(header), preset, "{header}");
        }
    }
}
