//! What a column of a file can hold, and the words by which it is recognised. A name that is only similar is suggested, never
//! taken.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::values::is_currency_mark;
use crate::domain::order::column;

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier.
    Id,
    /// Any text.
    Text,
    /// A date, with a time of day or without.
    Date,
    /// An amount of money.
    Amount,
    /// A telephone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A whole number.
    Whole,
    /// `Yes` or `No`.
    YesNo,
}

macro_rules! fields {
    ($($name:ident $shown:expr, $kind:ident, [$($word:expr),* $(,)?];)*) => {
        /// What a column of a file holds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field {
            $(#[doc = concat!("Column “", stringify!($name), "”.")] $name,)*
        }

        impl Field {
            /// All of them.
            pub(super) const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name in messages, in `--map` and in `ecomres.toml`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $shown,)* }
            }

            pub(super) fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind,)* }
            }

            /// Names of such columns, the most telling first.
            fn words(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($word),*],)* }
            }
        }
    };
}

// The words are those of exports and of everyday spreadsheets, in English, German, French, Spanish, Portuguese, Italian, Dutch,
// Polish, Turkish, Indonesian and Hindi.
fields! {
    OrderId column::ORDER_ID, Id, [
        "order id", "order number", "order no", "order nr", "order num", "order #", "order", "order ref", "order reference", "order code",
        "orderid", "ordernumber", "sales order", "invoice order number", "purchase order number", "reference number", "bestellnummer",
        "bestell nr", "bestellnr", "auftragsnummer", "auftrag", "bestellung", "numero de commande", "n° de commande", "no de commande",
        "commande", "id commande", "numero de pedido", "n° de pedido", "no pedido", "nro de pedido", "id de pedido", "id pedido", "pedido",
        "numero de orden", "nro de orden", "id de orden", "orden", "numero do pedido", "n do pedido", "id do pedido", "numero d'ordine",
        "numero ordine", "n ordine", "id ordine", "ordine", "ordernummer", "bestelnummer", "numer zamowienia", "nr zamowienia",
        "siparis no", "siparis numarasi", "nomor pesanan", "no pesanan", "ऑर्डर आईडी", "ऑर्डर नंबर", "ऑर्डर संख्या",
        "sub order no", "sub order number", "sales order number", "salesorder number", "sale order code", "sale order number", "# de venta", "numero de venta", "رقم الطلب", "注文番号", "受注番号",
    ];
    ShopId column::SHOP_ID, Id, [];
    DisplayId "Display ID", Id, ["display id", "order name", "display order id"];
    CustomerId column::CUSTOMER_ID, Id, [
        "customer id", "customer number", "customer no", "client id", "user id", "buyer id", "customer code", "kundennummer", "kunden nr",
        "kundennr", "numero client", "id client", "id cliente", "numero de cliente", "codigo cliente", "klantnummer", "customer user id",
        "ग्राहक आईडी",
    ];
    Platform column::PLATFORM, Text, [
        "platform", "sales channel", "channel", "store name", "marketplace", "plattform", "kanal", "canal", "canal de venta", "canale",
    ];
    Placed column::PLACED, Date, [
        "order date & time", "order date and time", "order datetime", "order date time", "date placed", "placed at", "placed on", "ordered at",
        "ordered on", "order placed", "created at", "created on", "creation date", "date created", "purchase date", "date of order",
        "order placed date", "order placed on", "order time stamp", "order timestamp", "booking date", "bestelldatum", "auftragsdatum", "date de commande",
        "date commande", "date de la commande", "fecha de pedido", "fecha del pedido", "fecha de compra", "fecha pedido", "fecha de orden", "data do pedido",
        "data da compra", "data ordine", "data dell'ordine", "besteldatum", "orderdatum", "data zamowienia", "siparis tarihi", "tanggal pesanan",
        "ऑर्डर की तारीख", "ऑर्डर दिनांक", "date", "datum", "fecha", "data", "datetime", "timestamp",
        "sale date", "date added", "fecha de venta", "sales order date", "sale order date", "order time", "تاريخ الطلب", "注文日", "注文日時", "受注日",
    ];
    Date column::DATE, Date, ["order date"];
    DeliveryMinutes column::DELIVERY_MINUTES, Whole, ["delivery time (minutes)", "delivery minutes", "delivery time in minutes"];
    Category column::CATEGORY, Text, [
        "product category", "category", "product type", "kategorie", "produktkategorie", "categorie", "categoria", "categoria de producto",
        "categorie produit", "item category",
    ];
    Value column::VALUE, Amount, [
        "order value", "order value (inr)", "grand total", "order total", "total order value", "order total amount", "order amount", "total amount",
        "total price", "total paid", "amount paid", "total", "invoice amount", "net payable", "total value", "order total price", "gesamtbetrag",
        "gesamtsumme", "gesamtpreis", "rechnungsbetrag", "bestellwert", "summe", "montant total", "total ttc", "montant", "importe total", "importe",
        "monto total", "monto", "total del pedido", "total pedido", "valor total", "valor do pedido", "valor", "totale", "totale ordine", "importo",
        "importo totale", "totaal", "totaalbedrag", "kwota", "suma", "toplam", "toplam tutar", "total harga", "total pembayaran", "amount", "betrag",
        "कुल राशि", "कुल", "राशि",
        "montant ttc", "summe brutto", "gesamtsumme brutto", "auftragswert brutto", "auftragswert", "bestellsumme", "إجمالي الطلب", "المبلغ الإجمالي", "合計金額", "請求金額", "注文合計",
    ];
    Feedback column::FEEDBACK, Text, ["customer feedback", "feedback", "review", "customer review", "comments of customer"];
    Rating column::RATING, Whole, ["service rating", "rating", "stars", "customer rating"];
    Delay column::DELAY, YesNo, ["delivery delay", "delayed", "is delayed"];
    RefundRequested column::REFUND_REQUESTED, YesNo, ["refund requested"];
    Phone column::PHONE, Phone, [
        "customer phone", "phone", "mobile", "phone number", "mobile number", "mobile no", "phone no", "customer mobile", "customer phone number",
        "customer mobile number", "contact number", "contact no", "contact phone", "customer contact", "telephone", "tel", "cell", "cell phone",
        "whatsapp", "whatsapp number", "whatsapp no", "telefon", "telefonnummer", "handy", "handynummer", "mobil", "mobilnummer", "rufnummer",
        "telephone portable", "numero de telephone", "portable", "telefono", "telefono movil", "numero de telefono", "celular", "movil", "telefone",
        "telefone celular", "cellulare", "telefoonnummer", "telefoon", "numer telefonu", "telefon numarasi", "nomor telepon", "no hp",
        "buyer phone", "buyer phone number", "billing phone", "recipient phone", "shipping phone", "delivery phone",
        "फ़ोन", "फोन", "मोबाइल", "मोबाइल नंबर", "फ़ोन नंबर",
        "notification mobile", "mobiltelefon", "رقم الجوال", "رقم الهاتف", "الجوال", "電話番号",
    ];
    OtherPhones "Other Phones", Phone, [
        "other phones", "alternate phone", "alternative phone", "alternate mobile", "alt phone", "phone 2", "mobile 2", "secondary phone",
    ];
    Status column::STATUS, Text, [
        "delivery status", "status", "order status", "fulfillment status", "fulfilment status", "shipping status", "shipment status",
        "current status", "order state", "state of order", "bestellstatus", "auftragsstatus", "lieferstatus", "versandstatus", "statut",
        "statut de la commande", "etat", "etat de la commande", "estado", "estado del pedido", "estado de la orden", "estado de envio",
        "estado del envio", "status do pedido", "situacao", "stato", "stato ordine", "stato dell'ordine", "orderstatus", "status zamowienia",
        "siparis durumu", "durum", "status pesanan", "स्थिति", "ऑर्डर की स्थिति",
        "reason for credit entry", "حالة الطلب", "注文状況", "ステータス",
    ];
    State "Order State", Text, [];
    CustomerName "Customer Name", Text, [
        "customer name", "customer", "name", "full name", "buyer name", "buyer", "client name", "client", "billing name", "recipient name", "recipient",
        "shipping name", "ship to name", "consignee", "kunde", "kundenname", "nom du client", "nom client", "nom complet", "cliente", "nombre del cliente",
        "nombre cliente", "nombre", "nombre completo", "nombre del comprador", "nome do cliente", "nome cliente", "nome completo", "comprador", "klant",
        "klantnaam", "naam", "imie i nazwisko", "musteri", "musteri adi", "nama pelanggan", "nama", "ग्राहक का नाम", "ग्राहक", "नाम",
        "اسم العميل", "お名前", "顧客名", "購入者名",
    ];
    FirstName "First Name", Text, [
        "first name", "firstname", "given name", "customer first name", "billing first name", "first name (billing)", "vorname", "prenom",
        "nombre de pila", "primer nombre", "voornaam",
    ];
    LastName "Last Name", Text, [
        "last name", "lastname", "surname", "family name", "customer last name", "billing last name", "last name (billing)", "nachname",
        "nom de famille", "apellido", "apellidos", "sobrenome", "cognome", "achternaam",
    ];
    Email "Customer Email", Email, [
        "customer email", "email", "e-mail", "mail", "email address", "e-mail address", "customer email address", "buyer email", "billing email",
        "contact email", "e-mail adresse", "mailadresse", "adresse e-mail", "courriel", "correo", "correo electronico", "email do cliente",
        "indirizzo email", "e-mailadres", "e posta", "ईमेल",
        "البريد الإلكتروني", "メールアドレス",
    ];
    Items "Items", Text, ["items", "line items", "line item", "products", "order items", "product(s)", "articles", "artikel", "positionen", "articulos", "productos", "produtos"];
    ItemSku "Item SKU", Text, [
        "item sku", "sku", "lineitem sku", "product sku", "item code", "product code", "item number", "artikelnummer", "artikel nr", "reference produit",
        "referencia", "codigo de producto",
    ];
    ItemName "Item Name", Text, [
        "item name", "product name", "lineitem name", "item", "product", "product title", "item title", "item description", "artikelname",
        "artikelbezeichnung", "produkt", "produktname", "nom du produit", "produit", "producto", "nombre del producto", "nome do produto", "produto",
        "nome prodotto", "prodotto", "productnaam",
        "اسم المنتج", "商品名", "nombre del articulo",
    ];
    ItemQuantity "Item Quantity", Whole, [
        "item quantity", "quantity", "qty", "lineitem quantity", "product quantity", "quantity ordered", "quantity purchased", "units", "menge", "anzahl",
        "quantite", "cantidad", "cantidad del producto", "quantidade", "quantita", "aantal",
        "nos", "pieces", "pcs", "item quantity ordered", "quantidade comprada", "unidades", "stuckzahl", "الكمية", "個数", "数量",
    ];
    ItemPrice "Item Price", Amount, [
        "item price", "unit price", "price", "lineitem price", "product price", "price each", "price per unit", "item cost", "einzelpreis", "stuckpreis",
        "preis", "prix unitaire", "prix", "precio unitario", "precio", "precio del producto", "preco unitario", "preco", "prezzo unitario", "prezzo", "prijs",
    ];
    ItemTotal "Item Total", Amount, [
        "item total", "line total", "row total", "item subtotal", "line amount", "positionssumme", "total ligne", "total linea", "total de linea",
    ];
    Shipping "Shipping Fee", Amount, [
        "shipping fee", "shipping", "shipping cost", "shipping total", "shipping amount", "shipping charge", "shipping charges", "delivery fee",
        "delivery charge", "delivery charges", "delivery cost", "order shipping amount", "versand", "versandkosten", "frais de port",
        "frais de livraison", "costo de envio", "gastos de envio", "envio", "frete", "valor do frete", "spese di spedizione", "spedizione", "verzendkosten",
    ];
    Tax "Tax", Amount, [
        "tax", "taxes", "tax total", "total tax", "tax amount", "gst", "vat", "order tax amount", "order total tax amount", "steuer", "mwst", "umsatzsteuer",
        "tva", "impuestos", "impuesto", "iva", "impostos", "imposto", "btw",
    ];
    Discount "Discount", Amount, [
        "discount", "discount amount", "discount total", "total discount", "discounts", "cart discount amount", "coupon discount", "rabatt", "remise",
        "reduction", "descuento", "desconto", "sconto", "korting",
    ];
    Currency "Currency", Text, [
        "currency", "currency code", "order currency", "wahrung", "waehrung", "devise", "moneda", "moeda", "valuta", "para birimi", "mata uang",
        "العملة", "通貨",
    ];
    PaymentMethod "Payment Method", Text, [
        "payment method", "payment method title", "payment type", "payment mode", "mode of payment", "payment", "paid by", "payment gateway", "gateway",
        "zahlungsart", "zahlungsmethode", "zahlungsmittel", "mode de paiement", "moyen de paiement", "metodo de pago", "medio de pago", "forma de pago",
        "forma de pagamento", "metodo di pagamento", "betaalmethode",
        "طريقة الدفع", "支払方法", "お支払い方法",
    ];
    PaymentState "Payment Status", Text, [
        "payment status", "financial status", "payment state", "paid", "is paid", "zahlungsstatus", "statut du paiement", "statut de paiement",
        "estado del pago", "estado de pago", "status do pagamento", "stato pagamento", "betaalstatus",
    ];
    PaymentId "Payment ID", Id, [
        "payment id", "transaction id", "payment reference", "payment transaction id", "razorpay payment id", "stripe charge id", "payment intent id",
        "transaktionsid", "id de transaction", "id de transaccion",
    ];
    RefundedAmount "Refunded Amount", Amount, [
        "refunded amount", "amount refunded", "order refund amount", "refund amount", "total refunded", "total refunds", "total refund", "refund total",
        "refunded total", "total refunded amount", "total refund amount", "refund value", "refunded value", "refund amt", "amount of refund",
        "erstattungsbetrag", "erstatteter betrag", "ruckerstattungsbetrag", "montant rembourse", "montant du remboursement", "importe reembolsado",
        "monto reembolsado", "total reembolsado", "valor reembolsado", "valor estornado", "importo rimborsato", "रिफंड राशि",
    ];
    RefundState "Refund Status", Text, [
        "refund status", "refund state", "refunded", "is refunded", "refund", "refunds", "refund date", "refunded at", "refunded on", "date refunded",
        "refund processed", "refund details", "return status", "return state", "return refund status", "refund return status", "return", "returns", "returned", "is returned",
        "chargeback", "erstattet", "erstattung", "erstattungsstatus", "ruckerstattung", "ruckerstattungsstatus", "retourenstatus", "rembourse",
        "remboursement", "statut du remboursement", "reembolso", "reembolsos", "reembolsado", "estado del reembolso", "estado de reembolso",
        "status do reembolso", "estorno", "estornado", "rimborso", "rimborsato", "stato rimborso", "रिफंड", "रिफंड स्थिति",
    ];
    Address "Address", Text, [
        "address", "delivery address", "shipping address", "customer address", "full address", "adresse", "lieferadresse", "adresse de livraison",
        "direccion", "direccion de envio", "direccion de entrega", "endereco", "endereco de entrega", "indirizzo", "indirizzo di spedizione", "adres",
        "bezorgadres", "address line 1", "address 1", "address1", "street", "shipping street", "strasse", "calle", "rue", "via", "पता",
    ];
    Address2 "Address 2", Text, ["address line 2", "address 2", "address2", "adresszusatz"];
    City "City", Text, ["city", "town", "shipping city", "stadt", "ort", "ville", "ciudad", "cidade", "citta", "plaats", "शहर", "المدينة"];
    Region "State", Text, ["state", "province", "region", "county", "shipping state", "shipping province", "bundesland", "provincia", "provincia o estado", "uf", "राज्य"];
    Country "Country", Text, ["country", "country code", "shipping country", "land", "pays", "pais", "paese", "देश"];
    PostalCode "Postal Code", Text, [
        "postal code", "postcode", "zip", "zip code", "zipcode", "pin code", "pincode", "pin", "shipping zip", "shipping postcode", "plz", "postleitzahl",
        "code postal", "codigo postal", "cep", "cap", "पिन कोड",
    ];
    Carrier "Carrier", Text, [
        "carrier", "courier", "courier name", "carrier name", "shipping carrier", "shipping company", "tracking company", "logistics partner",
        "delivery partner", "versanddienstleister", "transporteur", "transportista", "transportadora", "corriere", "vervoerder", "kurye",
    ];
    TrackingNumber "Tracking Number", Text, [
        "tracking number", "tracking no", "tracking id", "tracking", "tracking code", "awb", "awb number", "awb no", "awb code", "consignment number",
        "sendungsnummer", "trackingnummer", "numero de suivi", "numero de seguimiento", "codigo de seguimiento", "codigo de rastreio", "numero di tracking",
        "kargo takip no", "nomor resi",
    ];
    TrackingUrl "Tracking URL", Text, ["tracking url", "tracking link", "track link", "tracking page"];
    InvoiceUrl "Invoice URL", Text, ["invoice url", "invoice link", "invoice pdf", "bill link"];
    DeliveredAt "Delivered At", Date, [
        "delivered at", "delivered on", "delivery date", "date delivered", "delivered date", "actual delivery date", "zugestellt am", "lieferdatum",
        "date de livraison", "fecha de entrega", "data de entrega", "data di consegna",
    ];
    UpdatedAt "Updated At", Date, [
        "updated at", "updated on", "last updated", "last update", "modified at", "date modified", "last modified", "last updated date", "geandert am",
        "date de modification", "fecha de actualizacion", "data de atualizacao",
    ];
    CancelledAt "Cancelled At", Date, [
        "cancelled at", "canceled at", "cancelled on", "cancellation date", "date cancelled", "storniert am", "date d'annulation", "fecha de cancelacion",
        "fecha y hora de cancelacion",
    ];
}

impl Field {
    /// The field of a name of [`Field::name`], whatever its case and punctuation; or of a word for such a column.
    pub fn parse(name: &str) -> Option<Self> {
        let wanted = plain(name);
        let named = Self::ALL.iter().find(|field| plain(field.name()) == wanted);
        named.copied().or_else(|| recognized(name).map(|found| found.0))
    }

    /// Whether several columns of a file may hold it: telephone numbers, and what says where an order and its money are, of
    /// which none may be passed over.
    pub(super) fn takes_several(self) -> bool {
        matches!(
            self,
            Self::Phone
                | Self::OtherPhones
                | Self::Items
                | Self::Status
                | Self::PaymentState
                | Self::RefundedAmount
                | Self::RefundState
        )
    }

    /// Whether it is about one line of an order.
    pub(super) fn of_line(self) -> bool {
        matches!(self, Self::ItemSku | Self::ItemName | Self::ItemQuantity | Self::ItemPrice | Self::ItemTotal)
    }
}

/// A name without case, accents, spaces and punctuation: `Número de pedido` is `numerodepedido`.
pub(super) fn plain(name: &str) -> String {
    let letters = name.nfkd().filter(|letter| !(is_combining_mark(*letter) && u32::from(*letter) < 0x370));
    letters.flat_map(char::to_lowercase).filter(|letter| letter.is_alphanumeric() || *letter == '#').collect()
}

/// The field that a column's name says for certain, and how far down in the list of words it stands.
pub(super) fn recognized(name: &str) -> Option<(Field, usize)> {
    static WORDS: std::sync::LazyLock<std::collections::HashMap<String, (Field, usize)>> =
        std::sync::LazyLock::new(|| {
            let mut words = std::collections::HashMap::new();
            for field in Field::ALL {
                words.insert(plain(field.name()), (*field, 0));
            }
            for field in Field::ALL {
                for (place, word) in field.words().iter().enumerate() {
                    words.entry(plain(word)).or_insert((*field, place + 1));
                }
            }
            words
        });
    let whole = plain(name);
    // `Total (USD)`.
    let bare = name.split(['(', '[']).next().map(plain).filter(|bare| !bare.is_empty());
    let found = WORDS.get(&whole).or_else(|| WORDS.get(&bare?)).copied();
    found.or_else(|| {
        // `Total USD`, `Betrag in €`.
        let (rest, last) = name.trim().rsplit_once(' ')?;
        let rest = rest.trim_end();
        let rest = rest.strip_suffix(" in").or(rest.strip_suffix(" IN")).unwrap_or(rest);
        let found = is_currency(last).then(|| WORDS.get(&plain(rest)).copied()).flatten();
        found.filter(|(field, _)| field.kind() == Kind::Amount)
    })
}

/// Whether the last word of a column's name is a currency: its code, or a sign.
pub(super) fn is_currency(word: &str) -> bool {
    let code = word.len() == 3 && word.bytes().all(|letter| letter.is_ascii_uppercase());
    (code || !word.chars().any(char::is_alphanumeric)) && is_currency_mark(word)
}

/// Whether a column's name says that its amounts are without taxes: `Total (ex tax)`, `Summe netto`, `Montant HT`.
pub(super) fn is_net(name: &str) -> bool {
    let name = name.to_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).collect();
    let any = |known: &[&str]| words.iter().any(|word| known.contains(word));
    let untaxed = any(&[
        "ex",
        "exc",
        "excl",
        "excluding",
        "exclusive",
        "exkl",
        "without",
        "before",
        "sin",
        "sans",
        "hors",
        "ohne",
        "senza",
        "sem",
        "zonder",
        "zzgl",
    ]) && any(&[
        "tax",
        "taxes",
        "gst",
        "vat",
        "mwst",
        "ust",
        "steuer",
        "steuern",
        "iva",
        "tva",
        "taxe",
        "btw",
        "impuestos",
        "imposto",
        "impostos",
    ]);
    untaxed
        || any(&["untaxed", "ht"])
        || (any(&["net", "nett", "netto", "neto", "netta"]) && !any(&["payable", "paid"]))
}

/// Words that are a part of many names, and say too little to suggest a field.
const TOO_COMMON: &[&str] = &[
    "customer",
    "client",
    "cliente",
    "kunde",
    "buyer",
    "comprador",
    "order",
    "pedido",
    "commande",
    "bestellung",
    "auftrag",
    "product",
    "produkt",
    "producto",
    "produto",
    "produit",
    "shipping",
    "payment",
    "status",
    "artikel",
    "amount",
    "discount",
    "price",
];

/// The words of each field, as they are compared, with their letters.
type Words = Vec<(Field, Vec<(String, usize)>)>;

/// The field whose words are most like a name, and how much, from 0 to 1.
pub(super) fn similar(name: &str) -> Option<(Field, f64)> {
    static WORDS: std::sync::LazyLock<Words> = std::sync::LazyLock::new(|| {
        let counted = |word: &str| {
            let word = plain(word);
            let length = word.chars().count();
            (word, length)
        };
        let words = |field: &Field| field.words().iter().copied().chain([field.name()]).map(counted).collect();
        Field::ALL.iter().map(|field| (*field, words(field))).collect()
    });
    let name = plain(name);
    let length = name.chars().count();
    if length < 3 {
        return None;
    }
    let likeness = |(word, letters): &(String, usize)| {
        // A part of a longer name: `customermobilewhatsapp`.
        let is_part = *letters >= 5 && name.contains(word) && !TOO_COMMON.contains(&word.as_str());
        let part = if is_part { 0.75 } else { 0.0 };
        // Of a word that is half as long, less than half is alike: nobody asks how much.
        if 2 * length.min(*letters) < length.max(*letters) {
            return part;
        }
        strsim::normalized_damerau_levenshtein(&name, word).max(part)
    };
    let best =
        |(field, words): &(Field, Vec<(String, usize)>)| (*field, words.iter().map(likeness).fold(0.0, f64::max));
    WORDS.iter().map(best).max_by(|a, b| a.1.total_cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_means_one_field() {
        let mut seen = std::collections::HashMap::new();
        for field in Field::ALL {
            assert_eq!(Field::parse(field.name()), Some(*field), "{field:?}");
            for word in field.words() {
                let before = seen.insert(plain(word), *field);
                assert!(before.is_none_or(|before| before == *field), "{word}: {before:?} and {field:?}");
            }
        }
    }

    #[test]
    fn names_in_other_languages_and_spellings() {
        for (name, field) in [
            ("Order No.", Field::OrderId),
            ("ORDER_NUMBER", Field::OrderId),
            ("Bestellnummer", Field::OrderId),
            ("Número de pedido", Field::OrderId),
            ("N° de commande", Field::OrderId),
            ("ऑर्डर नंबर", Field::OrderId),
            ("Total (USD)", Field::Value),
            ("Gesamtbetrag [EUR]", Field::Value),
            ("Téléphone", Field::Phone),
            ("Handynummer", Field::Phone),
            ("Mobile", Field::Phone),
            ("Status", Field::Status),
            ("E-Mail", Field::Email),
            ("Währung", Field::Currency),
            ("PIN code", Field::PostalCode),
        ] {
            assert_eq!(recognized(name).map(|found| found.0), Some(field), "{name}");
        }
        assert_eq!(recognized("Rider"), None);
        assert!(similar("Odrer numbr").is_some_and(|(field, much)| field == Field::OrderId && much > 0.7));
    }
}
