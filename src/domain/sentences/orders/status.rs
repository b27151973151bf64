//! Where an order is, from what is on record about it.

use super::super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};
use super::super::units::minutes;
use super::super::{isolated, ltr, ltr_link};
use crate::domain::order::OrderState;

/// What is on record about an order. Empty texts are not on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OrderSummary<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its category.
    pub category: &'a str,
    /// What was paid, as it is shown.
    pub value: &'a str,
    /// The shop or app it was placed with.
    pub platform: &'a str,
    /// Its status, in the shop's words.
    pub status: &'a str,
    /// Its status, where it is one of those that all shops share: it goes before the shop's words.
    pub state: Option<OrderState>,
    /// Who brings it.
    pub carrier: &'a str,
    /// The carrier's number.
    pub tracking_number: &'a str,
    /// Where its way can be followed.
    pub tracking_url: &'a str,
    /// The date of the delivery, as it is shown: in the customer's language, or in the shop's own words.
    pub delivered_on: &'a str,
    /// Minutes from order to delivery.
    pub delivery_minutes: Option<u64>,
    /// Whether the delivery was late.
    pub late: Option<bool>,
    /// The date of the order, as well.
    pub date: &'a str,
}

/// How far an order is, as far as it is on record.
#[derive(Debug, Clone, Copy)]
enum Stage<'a> {
    Placed,
    Confirmed,
    Packed,
    OnItsWay,
    Delayed,
    Cancelled,
    Returned,
    /// In the shop's words.
    Said(&'a str),
    DeliveredIn(u64),
    DeliveredOn(&'a str),
    Delivered,
    /// No delivery is on record.
    Unknown,
}

/// What is on record about its punctuality.
#[derive(Debug, Clone, Copy)]
enum Delay {
    Unsaid,
    MarkedLate,
    WasLate,
    OnTime,
}

impl<'a> OrderSummary<'a> {
    /// Whether it has not reached its end.
    fn is_open(&self) -> bool {
        match self.state {
            Some(OrderState::Delivered | OrderState::Cancelled | OrderState::Returned) => false,
            Some(_) => true,
            None => !self.status.is_empty() && !self.status.to_lowercase().contains("delivered"),
        }
    }

    fn stage(&self) -> Stage<'a> {
        match self.state {
            Some(OrderState::Placed) => return Stage::Placed,
            Some(OrderState::Confirmed) => return Stage::Confirmed,
            Some(OrderState::Packed) => return Stage::Packed,
            Some(OrderState::OutForDelivery) => return Stage::OnItsWay,
            Some(OrderState::Delayed) => return Stage::Delayed,
            Some(OrderState::Cancelled) => return Stage::Cancelled,
            Some(OrderState::Returned) => return Stage::Returned,
            Some(OrderState::Delivered) | None => {}
        }
        match self.delivery_minutes {
            _ if self.is_open() => Stage::Said(self.status),
            Some(minutes) => Stage::DeliveredIn(minutes),
            None if !self.delivered_on.is_empty() && self.state.is_some() => Stage::DeliveredOn(self.delivered_on),
            None if self.status.is_empty() && self.state.is_none() => Stage::Unknown,
            None => Stage::Delivered,
        }
    }

    fn delay(&self) -> Delay {
        match self.late {
            _ if matches!(self.state, Some(OrderState::Delayed | OrderState::Cancelled | OrderState::Returned)) => {
                Delay::Unsaid
            }
            Some(true) if self.is_open() => Delay::MarkedLate,
            Some(true) => Delay::WasLate,
            Some(false) if !self.is_open() && self.delivery_minutes.is_some() => Delay::OnTime,
            _ => Delay::Unsaid,
        }
    }

    /// What was bought, for how much and where, in brackets.
    fn about(&self, language: Language) -> String {
        let rtl = language.is_right_to_left();
        let value = if rtl && !self.value.is_empty() { ltr(self.value) } else { self.value.to_owned() };
        let text = |text: &str| if rtl && !text.is_empty() { isolated(text) } else { text.to_owned() };
        let parts = [text(self.category), value, text(self.platform)];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let comma = if rtl { "، " } else { ", " };
        if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(comma)) }
    }
}

/// Where an order is.
pub fn status(language: Language, order: OrderSummary<'_>) -> String {
    let about = order.about(language);
    let stage = stage(language, order.stage(), order.carrier);
    let delay = delay(language, order.delay());
    let date = ordered_on(language, order.date);
    let follow = if order.is_open() { follow(language, order) } else { String::new() };
    let id = order.id;
    match language {
        English | Hinglish => format!("Order {id}{about}: {stage}{delay}{date}.{follow}"),
        Hindi => format!("ऑर्डर {id}{about}: {stage}{delay}{date}।{follow}"),
        Spanish | Portuguese => format!("Pedido {id}{about}: {stage}{delay}{date}.{follow}"),
        Arabic => format!("الطلب {}{about}: {stage}{delay}{date}.{follow}", ltr(id)),
    }
}

fn stage(language: Language, stage: Stage<'_>, carrier: &str) -> String {
    let word = |word: &str| word.to_owned();
    match language {
        English => match stage {
            Stage::Placed => word("it has been placed"),
            Stage::Confirmed => word("it is confirmed"),
            Stage::Packed => word("it is packed"),
            Stage::OnItsWay if carrier.is_empty() => word("it is on its way"),
            Stage::OnItsWay => format!("it is on its way with {carrier}"),
            Stage::Delayed => word("it is delayed"),
            Stage::Cancelled => word("it was cancelled"),
            Stage::Returned => word("it was returned"),
            Stage::Said(status) => format!("its status is “{status}”"),
            Stage::DeliveredIn(count) => format!("delivered in {}", minutes(language, count)),
            Stage::DeliveredOn(date) => format!("delivered on {date}"),
            Stage::Delivered => word("it has been delivered"),
            Stage::Unknown => word("there is no delivery on record yet"),
        },
        Hinglish => match stage {
            Stage::Placed => word("yeh place ho gaya hai"),
            Stage::Confirmed => word("yeh confirm hai"),
            Stage::Packed => word("yeh pack ho gaya hai"),
            Stage::OnItsWay if carrier.is_empty() => word("yeh raste mein hai"),
            Stage::OnItsWay => format!("yeh {carrier} ke saath raste mein hai"),
            Stage::Delayed => word("ismein deri ho rahi hai"),
            Stage::Cancelled => word("yeh cancel kar diya gaya tha"),
            Stage::Returned => word("yeh return kar diya gaya tha"),
            Stage::Said(status) => format!("iska status “{status}” hai"),
            Stage::DeliveredIn(count) => format!("{} mein deliver ho gaya tha", minutes(language, count)),
            Stage::DeliveredOn(date) => format!("{date} ko deliver ho gaya tha"),
            Stage::Delivered => word("yeh deliver ho gaya hai"),
            Stage::Unknown => word("abhi tak koi delivery record mein nahi hai"),
        },
        Hindi => match stage {
            Stage::Placed => word("यह दर्ज हो गया है"),
            Stage::Confirmed => word("इसकी पुष्टि हो गई है"),
            Stage::Packed => word("यह पैक हो गया है"),
            Stage::OnItsWay if carrier.is_empty() => word("यह रास्ते में है"),
            Stage::OnItsWay => format!("यह {carrier} के साथ रास्ते में है"),
            Stage::Delayed => word("इसमें देरी हो रही है"),
            Stage::Cancelled => word("यह रद्द कर दिया गया था"),
            Stage::Returned => word("यह लौटा दिया गया था"),
            Stage::Said(status) => format!("इसका स्टेटस “{status}” है"),
            Stage::DeliveredIn(count) => format!("{} में डिलीवर हो गया था", minutes(language, count)),
            Stage::DeliveredOn(date) => format!("{date} को डिलीवर हो गया था"),
            Stage::Delivered => word("यह डिलीवर हो गया है"),
            Stage::Unknown => word("अभी तक कोई डिलीवरी रिकॉर्ड में नहीं है"),
        },
        Spanish => match stage {
            Stage::Placed => word("se ha realizado"),
            Stage::Confirmed => word("está confirmado"),
            Stage::Packed => word("está preparado"),
            Stage::OnItsWay if carrier.is_empty() => word("está en camino"),
            Stage::OnItsWay => format!("está en camino con {carrier}"),
            Stage::Delayed => word("está retrasado"),
            Stage::Cancelled => word("fue cancelado"),
            Stage::Returned => word("fue devuelto"),
            Stage::Said(status) => format!("su estado es “{status}”"),
            Stage::DeliveredIn(count) => format!("entregado en {}", minutes(language, count)),
            Stage::DeliveredOn(date) => format!("entregado el {date}"),
            Stage::Delivered => word("ha sido entregado"),
            Stage::Unknown => word("todavía no consta ninguna entrega"),
        },
        Portuguese => match stage {
            Stage::Placed => word("foi realizado"),
            Stage::Confirmed => word("está confirmado"),
            Stage::Packed => word("está embalado"),
            Stage::OnItsWay if carrier.is_empty() => word("está a caminho"),
            Stage::OnItsWay => format!("está a caminho com {carrier}"),
            Stage::Delayed => word("está atrasado"),
            Stage::Cancelled => word("foi cancelado"),
            Stage::Returned => word("foi devolvido"),
            Stage::Said(status) => format!("o status é “{status}”"),
            Stage::DeliveredIn(count) => format!("entregue em {}", minutes(language, count)),
            Stage::DeliveredOn(date) => format!("entregue em {date}"),
            Stage::Delivered => word("foi entregue"),
            Stage::Unknown => word("ainda não há entrega registrada"),
        },
        Arabic => match stage {
            Stage::Placed => word("تم تسجيله"),
            Stage::Confirmed => word("تم تأكيده"),
            Stage::Packed => word("تم تجهيزه"),
            Stage::OnItsWay if carrier.is_empty() => word("هو في الطريق"),
            Stage::OnItsWay => format!("هو في الطريق مع {}", isolated(carrier)),
            Stage::Delayed => word("هو متأخر"),
            Stage::Cancelled => word("تم إلغاؤه"),
            Stage::Returned => word("تم إرجاعه"),
            Stage::Said(status) => format!("حالته «{}»", isolated(status)),
            Stage::DeliveredIn(count) => format!("تم تسليمه خلال {}", minutes(language, count)),
            Stage::DeliveredOn(date) => format!("تم تسليمه في {}", isolated(date)),
            Stage::Delivered => word("تم تسليمه"),
            Stage::Unknown => word("لا يوجد تسليم مسجَّل حتى الآن"),
        },
    }
}

fn delay(language: Language, delay: Delay) -> &'static str {
    match (language, delay) {
        (_, Delay::Unsaid) => "",
        (English, Delay::MarkedLate) => ", and it is marked as late",
        (English, Delay::WasLate) => ", later than planned",
        (English, Delay::OnTime) => ", on time",
        (Hinglish, Delay::MarkedLate) => ", aur ise late mark kiya gaya hai",
        (Hinglish, Delay::WasLate) => ", tay samay ke baad",
        (Hinglish, Delay::OnTime) => ", samay par",
        (Hindi, Delay::MarkedLate) => ", और इसे देर से आने वाला बताया गया है",
        (Hindi, Delay::WasLate) => ", तय समय के बाद",
        (Hindi, Delay::OnTime) => ", समय पर",
        (Spanish, Delay::MarkedLate) => ", y está marcado como retrasado",
        (Spanish, Delay::WasLate) => ", más tarde de lo previsto",
        (Spanish, Delay::OnTime) => ", a tiempo",
        (Portuguese, Delay::MarkedLate) => ", e está marcado como atrasado",
        (Portuguese, Delay::WasLate) => ", mais tarde do que o previsto",
        (Portuguese, Delay::OnTime) => ", no prazo",
        (Arabic, Delay::MarkedLate) => "، وهو مسجَّل كمتأخر",
        (Arabic, Delay::WasLate) => "، بعد الموعد المخطط له",
        (Arabic, Delay::OnTime) => "، في الموعد",
    }
}

fn ordered_on(language: Language, date: &str) -> String {
    if date.is_empty() {
        return String::new();
    }
    match language {
        English => format!(" (ordered on {date})"),
        Hinglish => format!(" (order ki tareekh: {date})"),
        Hindi => format!(" (ऑर्डर की तारीख़: {date})"),
        Spanish => format!(" (pedido el {date})"),
        Portuguese => format!(" (pedido em {date})"),
        Arabic => format!(" (تاريخ الطلب: {})", isolated(date)),
    }
}

/// How its way can be followed.
fn follow(language: Language, order: OrderSummary<'_>) -> String {
    let OrderSummary { tracking_number: number, tracking_url: url, .. } = order;
    let link = ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme));
    match (link, number) {
        (false, "") => String::new(),
        (false, number) => match language {
            English => format!(" Its tracking number is {number}."),
            Hinglish => format!(" Iska tracking number {number} hai."),
            Hindi => format!(" इसका ट्रैकिंग नंबर {number} है।"),
            Spanish => format!(" Su número de seguimiento es {number}."),
            Portuguese => format!(" O código de rastreio é {number}."),
            Arabic => format!(" رقم التتبع هو {}.", ltr(number)),
        },
        (true, number) => {
            let here = match language {
                English => format!(" You can follow it here: {url}"),
                Hinglish => format!(" Aap ise yahan track kar sakte hain: {url}"),
                Hindi => format!(" आप इसे यहाँ ट्रैक कर सकते हैं: {url}"),
                Spanish => format!(" Puede seguirlo aquí: {url}"),
                Portuguese => format!(" Você pode acompanhar aqui: {url}"),
                Arabic => format!(" يمكن متابعته هنا: {}", ltr_link(url)),
            };
            let number = match (number, language) {
                ("", _) => String::new(),
                (number, English | Hinglish) => format!(" (tracking number {number})."),
                (number, Hindi) => format!(" (ट्रैकिंग नंबर {number})।"),
                (number, Spanish) => format!(" (número de seguimiento {number})."),
                (number, Portuguese) => format!(" (código de rastreio {number})."),
                (number, Arabic) => format!(" (رقم التتبع {}).", ltr(number)),
            };
            format!("{here}{number}")
        }
    }
}
