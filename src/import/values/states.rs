//! What the words of shops and carriers say about an order and its payment. Only whole phrases count: “not delivered” is no
//! delivery. Words that leave it open mean nothing.

use super::dates::is_date;
use crate::domain::order::{OrderState, PaymentState};

/// Phrases without spaces and punctuation, in lower case.
const STATES: &[(OrderState, &str)] = &[
    (
        OrderState::Placed,
        "placed orderplaced new neworder pending pendingpayment paymentpending awaitingpayment pendingpickup created received \
         orderreceived ordered submitted open booked onhold hold pendientedepago pendiente nuevo nueva creado recibido enespera \
         enattente commandepassée nouveau nouvelle neu offen eingegangen bestellt novo nova pendente aguardandopagamento inattesa \
         nuovo ricevuto baru menunggu menunggupembayaran beklemede yeni nowe oczekujące новый создан \
         ожидает ожидаетоплаты قيدالانتظار جديد नया लंबित प्राप्त ऑर्डरप्राप्त",
    ),
    (
        OrderState::Confirmed,
        "confirmed orderconfirmed accepted approved processing inprocess inprocessing inprogress preparing unfulfilled notfulfilled \
         unshipped notshipped notyetshipped awaitingfulfillment awaitingshipment readytoprocess scheduled verified acknowledged \
         manufacturing inproduction partiallyallocated allocated picking confirmado confirmada enproceso procesando aceptado \
         enpreparación enpreparacion confirmé confirmée encours encoursdetraitement enpréparation acceptée bestätigt \
         inbearbeitung inarbeit bearbeitung processando emprocessamento emandamento aprovado confermato confermata inlavorazione \
         inelaborazione dikonfirmasi diproses sedangdiproses onaylandı hazırlanıyor isleniyor işleniyor potwierdzone \
         wtrakcierealizacji подтвержден подтверждён подтверждено вобработке обрабатывается مؤكد قيدالتنفيذ قيدالمعالجة \
         قيدالتجهيز पुष्टि पुष्टिकीगई पुष्टिहुई कन्फर्म स्वीकृत प्रक्रियामें तैयारहोरहाहै",
    ),
    (
        OrderState::Packed,
        "packed orderpacked readytoship readyfordispatch readytodispatch readyforshipment readyforpickup readyforcollection \
         awaitingpickup awaitingcollection pickuppending pickupscheduled manifested manifestgenerated labelprinted labelpurchased \
         labelcreated labelgenerated shippinglabelcreated packaged processedforshipping shipmentcreated awaitingdispatch \
         pendingwaitingforpickup pickupgenerated invoiced preparado empaquetado empacado listoparaenviar embalado separado \
         prontoparaenvio emballé préparé prêtàexpédier verpackt versandbereit abholbereit imballato prontoperlaspedizione \
         dikemas siapdikirim paketlendi hazırlandı spakowane собран упакован готовкотправке تمالتغليف جاهزللشحن पैक पैककियागया \
         पैकहोगया पैक्ड",
    ),
    (
        OrderState::OutForDelivery,
        "outfordelivery shipped ordershipped dispatched despatched orderdispatched fulfilled partiallyfulfilled partial \
         partiallyshipped intransit transit ontheway onitsway onroute enroute pickedup handedover handedovertocarrier \
         handedtocarrier withcourier withcarrier shippedintransit shippedoutfordelivery shippedpickedup sent arrivedathub \
         reachedhub reacheddestination reachedatdestination reacheddestinationhub arrivedatdestination indelivery outfordelivering \
         attempteddelivery deliveryattempted firstattempt partiallydispatched shipmentpickedup intransittocustomer enviado \
         enviada despachado despachada encamino entránsito entransito enreparto salióareparto enruta expédié expédiée envoyé \
         envoyée encoursdelivraison entransit encoursdacheminement versandt versendet verschickt verschicktam unterwegs \
         inzustellung inauslieferung zustellung emtrânsito emtransito saiuparaentrega emrotadeentrega spedito spedita \
         intransito inconsegna dikirim sedangdikirim dalamperjalanan dalampengiriman kargoda kargoyaverildi yolda dağıtımda \
         dağıtımaçıktı wysłane wysłano wdrodze отправлен отправлено отправлена впути передандоставку تمالشحن قيدالتوصيل \
         خرجللتوصيل فيالطريق भेजा भेजागया भेजदिया भेजदियागया रवाना रास्तेमें शिप शिपहोगया डिलीवरीकेलिएनिकला",
    ),
    (
        OrderState::Delayed,
        "delayed late running late runninglate delay undelivered notdelivered nondelivery deliveryfailed faileddelivery \
         failedattempt attemptfailed failure exception deliveryexception ndr lost lostintransit shippedlostintransit misrouted \
         stuck heldatcustoms customshold rescheduled retrasado demorado noentregado entregafallida retardé retardée nonlivré \
         verspätet verzögert nichtzugestellt zustellungfehlgeschlagen atrasado atrasada nãoentregue inritardo nonconsegnato \
         terlambat tertunda gecikti teslimedilemedi opóźnione задержан задерживается недоставлен متأخر لميتمالتوصيل देरी \
         देरीसे विलंब विलंबित",
    ),
    (
        OrderState::Delivered,
        "delivered orderdelivered deliveredtobuyer shippeddeliveredtobuyer deliveredtocustomer completed complete \
         ordercompleted fullydelivered successfullydelivered collected pickedupbycustomer shippedpickedupbybuyer delivereddone \
         returnrequested returninitiated returnapproved entregado entregada completado completada finalizado livré livrée remis \
         terminé terminée geliefert zugestellt ausgeliefert abgeschlossen entregue concluído concluido consegnato consegnata \
         completato diterima selesai pesananselesai teslimedildi tamamlandı dostarczone dostarczono zrealizowane доставлен \
         доставлено доставлена выполнен завершен завершён تمالتوصيل تمالتسليم مكتمل डिलीवर डिलीवरहुआ डिलीवरहोगया \
         डिलीवरकियागया डिलीवर्ड वितरित पहुँचगया पहुंचगया पहुँचादियागया",
    ),
    (
        OrderState::Cancelled,
        "cancelled canceled cancel ordercancelled ordercanceled cancelledbycustomer cancelledbyseller cancelledbybuyer \
         cancelledbymerchant canceledbyseller cancelledbyshop voided void rejected declined restocked abandoned expired \
         cancelado cancelada anulado anulada annulé annulée storniert abgebrochen annullato annullata cancellato dibatalkan batal \
         iptal iptaledildi anulowane anulowano отменен отменён отменено отменена ملغي ملغى تمالإلغاء रद्द रद्दकियागया \
         रद्दहुआ कैंसिल कैंसल",
    ),
    (
        OrderState::Returned,
        "returned orderreturned rto rtoinitiated rtointransit rtodelivered rtoreceived rtoofd rtolocked rtoacknowledged \
         returntoorigin returnedtoorigin returntosender returnedtosender returntoseller returnedtoseller \
         shippedreturnedtoseller shippedreturningtoseller shippedrejectedbybuyer rejectedbybuyer refusedbycustomer \
         rtocomplete rtocompleted rtoundelivered rtodone rtorequested \
         returnreceived returncompleted returncomplete returnedtowarehouse returnintransit returnpickedup devuelto devuelta \
         retourné retournée renvoyé zurückgesendet zurückgeschickt retourniert retoure devolvido devolvida reso restituito \
         dikembalikan retur iadeedildi iade zwrócone zwrot возвращен возвращён возврат возвращено مرتجع تمالإرجاع वापस \
         वापसकियागया वापसआया लौटाया लौटायागया रिटर्न",
    ),
];

pub(super) const PAYMENTS: &[(PaymentState, &str)] = &[
    (
        PaymentState::Pending,
        "pending paymentpending pendingpayment unpaid notpaid due paymentdue awaitingpayment authorized authorised partiallypaid \
         partpaid cod cashondelivery payondelivery paymentondelivery cashpayment open created initiated processing inprocess \
         onhold outstanding postpaid tobepaid topay pendiente porpagar nopagado contraentrega impagado enattente nonpayé \
         impayé offen ausstehend unbezahlt nachnahme pendente aguardandopagamento nãopago inattesa nonpagato contrassegno \
         belumdibayar menunggupembayaran bayarditempat ödenmedi bekliyor kapıdaödeme nieopłacone неоплачен неоплачено \
         ожидаетоплаты غيرمدفوع الدفععندالاستلام बाकी लंबित अवैतनिक भुगतानबाकी भुगतानलंबित कैशऑनडिलीवरी",
    ),
    (
        PaymentState::Paid,
        "paid fullypaid paidinfull paymentreceived paymentcompleted paymentsuccessful paymentsuccess complete completed \
         captured settled success successful succeeded prepaid received cleared paidonline codcollected codpaid overpaid \
         pagado pagada cobrado payé payée réglé bezahlt beglichen pago paga pagato pagata dibayar lunas sudahdibayar ödendi \
         opłacone zapłacono оплачен оплачено оплачена مدفوع تمالدفع भुगतानहोगया भुगतानकियागया भुगतानहुआ अदा चुकाया पेड",
    ),
    (
        PaymentState::PartiallyRefunded,
        "partiallyrefunded partialrefund partlyrefunded partrefunded parcialmentereembolsado reembolsoparcial \
         partiellementremboursé teilweiseerstattet parcialmentereembolsada parzialmenterimborsato частичновозвращен",
    ),
    (
        PaymentState::Refunded,
        "refunded fullyrefunded fullrefund refundcompleted refundprocessed refundpaid reembolsado reembolsada remboursé \
         remboursée erstattet rückerstattet estornado rimborsato rimborsata dikembalikan danadikembalikan refundselesai \
         iadeedildi zwrócono возвращен возвращён деньгивозвращены مسترد تمالاسترداد रिफंड रिफंडहोगया धनवापसी पैसेवापस",
    ),
    (
        PaymentState::Failed,
        "failed failure paymentfailed voided void declined rejected cancelled canceled expired error chargeback chargedback \
         disputed charged back notcaptured unsuccessful abandoned fallido rechazado anulado échoué refusé fehlgeschlagen \
         abgelehnt storniert falhou recusado cancelado fallito rifiutato gagal başarısız nieudane неудача отклонен отклонён \
         отменен فشل مرفوض विफल असफल फेल",
    ),
    (
        PaymentState::RefundProcessing,
        "refundprocessing refundinprocess refundinprogress refundpending refundinitiated refundunderway \
         refundapproved refundsubmitted reembolsoenproceso reembolsopendiente reembolsoemandamento reembolsopendente",
    ),
    (
        PaymentState::RefundFailed,
        "refundfailed refundfailure refundrejected refunddeclined refundunsuccessful reembolsofallido",
    ),
];

/// A phrase without spaces and punctuation, in lower case.
pub(super) fn squeezed(text: &str) -> String {
    let text = text.trim().to_lowercase();
    let text = text.strip_prefix("wc-").unwrap_or(&text);
    // Marks of other scripts belong to their letters.
    let kept = |c: &char| c.is_alphanumeric() || (!c.is_ascii() && !c.is_whitespace() && !is_punctuation(*c));
    text.chars().filter(kept).collect()
}

fn is_punctuation(c: char) -> bool {
    matches!(u32::from(c), 0x80..=0xBF | 0x2000..=0x206F | 0x3000..=0x303F | 0xFE00..=0xFE0F | 0x2190..=0x2BFF | 0x1F000..)
        || matches!(c, '।' | '،')
}

fn find<T: Copy>(table: &[(T, &str)], text: &str) -> Option<T> {
    let phrase = squeezed(text);
    if phrase.is_empty() {
        return None;
    }
    table
        .iter()
        .find(|(_, phrases)| phrases.split_ascii_whitespace().any(|known| known == phrase))
        .map(|(found, _)| *found)
}

/// The text without a date at its end: “Delivered on 20 Nov 2026”, “Delivered (20/11/2026)”.
fn without_date(text: &str) -> Option<&str> {
    let place = text.find(|c: char| c.is_numeric())?;
    // A month or a weekday may stand before the first digit.
    let starts =
        text.char_indices().filter(|(at, c)| *at < place && (c.is_whitespace() || *c == '(')).map(|(at, _)| at);
    let starts: Vec<usize> = starts.chain([place]).collect();
    let start = starts.into_iter().find(|start| {
        let rest = text.get(*start..).unwrap_or_default().trim();
        is_date(rest.trim_start_matches('(').trim_end_matches(')'))
    })?;
    let before = text.get(..start)?.trim_end_matches(|c: char| !c.is_alphabetic());
    let ending = before.rsplit_once(' ').map_or("", |(_, word)| word);
    let word =
        ["on", "at", "am", "le", "el", "em", "il", "since"].iter().any(|known| ending.eq_ignore_ascii_case(known));
    Some(if word { before.get(..before.len() - ending.len())? } else { before })
}

/// Where an order is, by the shop's own words; `None` where they do not say, or say only what was paid (“refunded”).
pub fn state_of(text: &str) -> Option<OrderState> {
    find(STATES, text).or_else(|| find(STATES, without_date(text)?))
}

/// What was paid, by the shop's own words; `None` where they do not say. What is paid in part counts as pending, so that
/// nothing is paid back that was never received.
pub fn payment_state_of(text: &str) -> Option<PaymentState> {
    find(PAYMENTS, text).or_else(|| find(PAYMENTS, without_date(text)?))
}

/// Whether the cell of `Refund Requested` says that the money was paid back: so the original marks its refunds.
pub fn is_refund_processed(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("processed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_shops() {
        use OrderState as S;
        let cases: &[(Option<S>, &[&str])] = &[
            (Some(S::Placed), &["pending", "wc-pending", "Pending payment", "on-hold", "Neu", "लंबित", "NEW"]),
            (
                Some(S::Confirmed),
                &["processing", "wc-processing", "unfulfilled", "Unshipped", "Confirmed", "in progress"],
            ),
            (
                Some(S::Packed),
                &["Ready to ship", "label_printed", "packed", "Manifested", "Pending - Waiting for Pick Up"],
            ),
            (
                Some(S::OutForDelivery),
                &[
                    "fulfilled",
                    "partial",
                    "PartiallyShipped",
                    "Shipped",
                    "In transit",
                    "in_transit",
                    "Dispatched",
                    "Out for Delivery",
                    "OUT-FOR-DELIVERY",
                    "Shipped - Out for Delivery",
                    "En camino",
                    "रवाना",
                    "Shipped on 20/11/2026",
                ],
            ),
            (Some(S::Delayed), &["Undelivered", "not delivered", "NDR", "Delayed", "Shipped - Lost in Transit"]),
            (
                Some(S::Delivered),
                &[
                    "delivered",
                    "completed",
                    "wc-completed",
                    "Shipped - Delivered to Buyer",
                    "डिलीवर हो गया",
                    "Livré",
                    "Delivered on 20 Nov 2026",
                    "Delivered (2026-11-20)",
                    "Delivered Nov 20, 2026 6:04 pm",
                    "✅ Delivered",
                ],
            ),
            (Some(S::Cancelled), &["Cancelled", "canceled", "CANCELED", "रद्द", "Storniert", "restocked"]),
            (
                Some(S::Returned),
                &["RTO", "RTO - In Transit", "Returned", "Return to origin", "Shipped - Returned to Seller"],
            ),
            (
                None,
                &[
                    "",
                    "-",
                    "refunded",
                    "wc-refunded",
                    "failed",
                    "checkout-draft",
                    "Delivered 2 of 3",
                    "will be delivered on 20 Nov 2026",
                    "never shipped",
                    "20/11/2026",
                    "42",
                    "partially delivered",
                ],
            ),
        ];
        for (state, texts) in cases {
            for text in *texts {
                assert_eq!(state_of(text), *state, "{text}");
            }
        }
    }

    #[test]
    fn words_of_payments() {
        use PaymentState as P;
        let cases: &[(Option<P>, &[&str])] = &[
            (Some(P::Paid), &["paid", "PAID", "captured", "prepaid", "completed", "Lunas"]),
            (
                Some(P::Pending),
                &["pending", "authorized", "COD", "Cash on Delivery", "partially_paid", "unpaid", "not paid"],
            ),
            (Some(P::PartiallyRefunded), &["partially_refunded", "Partial refund"]),
            (Some(P::Refunded), &["refunded", "Fully refunded", "Refunded on 20 Nov 2026"]),
            (Some(P::Failed), &["voided", "failed", "declined", "expired"]),
            (None, &["", "UPI", "visa", "599", "to be refunded"]),
        ];
        for (state, texts) in cases {
            for text in *texts {
                assert_eq!(payment_state_of(text), *state, "{text}");
            }
        }
    }

    #[test]
    fn no_phrase_means_two_things() {
        fn check<T: Copy + PartialEq + std::fmt::Debug>(table: &[(T, &str)]) {
            for (state, phrases) in table {
                for phrase in phrases.split_ascii_whitespace() {
                    assert_eq!(squeezed(phrase), phrase, "is written as it is compared");
                    assert_eq!(find(table, phrase), Some(*state), "{phrase}");
                }
            }
        }
        check(STATES);
        check(PAYMENTS);
    }
}
