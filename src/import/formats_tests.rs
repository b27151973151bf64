//! Files of every kind, as programs write them. All of it is made up here.

use std::fmt::Write as _;

use super::*;
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use crate::domain::order::{OrderState, PaymentState};
use crate::domain::phone::Country;

fn settings() -> Settings {
    Settings { country: Country::parse("IN"), ..Settings::default() }
}

fn open(bytes: impl AsRef<[u8]>) -> Result<OrderReader, ImportError> {
    OrderReader::with(&Input::stream("a.csv", bytes.as_ref())?, &settings())
}

/// The orders, the errors as they are shown, and the summary.
fn read_all(mut reader: OrderReader) -> (Vec<Order>, Vec<String>, FileSummary) {
    let (mut orders, mut errors) = (Vec::new(), Vec::new());
    while let Some(row) = reader.read_next().unwrap() {
        match row {
            Ok(order) => orders.push(order),
            Err(error) => errors.push(error.to_string()),
        }
    }
    (orders, errors, reader.summary().clone())
}

pub(super) fn read(bytes: impl AsRef<[u8]>) -> (Vec<Order>, Vec<String>, FileSummary) {
    read_all(open(bytes).unwrap())
}

#[expect(clippy::unnecessary_wraps, reason = "what it is compared with or passed as is optional")]
fn rupees(amount: i64) -> Option<Money> {
    Some(Money::from_rupees(amount))
}

/// A ZIP archive without compression.
pub(super) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut crc = flate2::Crc::new();
        crc.update(content.as_bytes());
        let place = u32::try_from(archive.len()).unwrap();
        let size = u32::try_from(content.len()).unwrap();
        let mut about = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        about.extend(crc.sum().to_le_bytes());
        about.extend(size.to_le_bytes());
        about.extend(size.to_le_bytes());
        about.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        about.extend([0, 0]);
        archive.extend(b"PK\x03\x04");
        archive.extend(&about);
        archive.extend(name.as_bytes());
        archive.extend(content.as_bytes());
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&about);
        directory.extend([0; 10]);
        directory.extend(place.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    let (start, size) = (u32::try_from(archive.len()).unwrap(), u32::try_from(directory.len()).unwrap());
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count);
    archive.extend(count);
    archive.extend(size.to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

/// An XLSX workbook; cells as XML with a type: `n:599`, `d:46346.7534…` (a date), `e:#N/A`, `euro:5` and `inv:43`
/// (shown as “5,00 €” and “INV-0043”), `sum:A1` (a formula without a value), or text.
pub(super) fn xlsx(sheets: &[(&str, &[&[&str]])]) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let mut files: Vec<(String, String)> = vec![
        (
            "[Content_Types].xml".into(),
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>".into(),
        ),
        (
            "_rels/.rels".into(),
            format!(
                "<Relationships xmlns=\"{package}\"><Relationship Id=\"r1\" Type=\"{relations}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/styles.xml".into(),
            format!(
                "<styleSheet xmlns=\"{main}\"><numFmts count=\"2\"><numFmt numFmtId=\"164\" formatCode=\"[$€-407] #,##0.00\"/><numFmt numFmtId=\"165\" formatCode=\"&quot;INV-&quot;0000\"/></numFmts><cellXfs count=\"4\"><xf numFmtId=\"0\"/><xf numFmtId=\"22\"/><xf numFmtId=\"164\"/><xf numFmtId=\"165\"/></cellXfs></styleSheet>"
            ),
        ),
    ];
    let (mut names, mut targets) = (String::new(), String::new());
    for (place, (name, rows)) in sheets.iter().enumerate() {
        let number = place + 1;
        write!(names, "<sheet name=\"{name}\" sheetId=\"{number}\" r:id=\"s{number}\"/>").unwrap();
        write!(
            targets,
            "<Relationship Id=\"s{number}\" Type=\"{relations}/worksheet\" Target=\"worksheets/sheet{number}.xml\"/>"
        )
        .unwrap();
        let mut xml = format!("<worksheet xmlns=\"{main}\"><sheetData>");
        for (row, cells) in rows.iter().enumerate() {
            write!(xml, "<row r=\"{}\">", row + 1).unwrap();
            for (column, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
                let at = format!("{}{}", char::from(b'A' + u8::try_from(column).unwrap()), row + 1);
                match cell.split_once(':') {
                    Some(("n", number)) => write!(xml, "<c r=\"{at}\"><v>{number}</v></c>"),
                    Some(("d", number)) => write!(xml, "<c r=\"{at}\" s=\"1\"><v>{number}</v></c>"),
                    Some(("euro", number)) => write!(xml, "<c r=\"{at}\" s=\"2\"><v>{number}</v></c>"),
                    Some(("inv", number)) => write!(xml, "<c r=\"{at}\" s=\"3\"><v>{number}</v></c>"),
                    Some(("sum", formula)) => write!(xml, "<c r=\"{at}\"><f>SUM({formula})</f></c>"),
                    Some(("e", error)) => write!(xml, "<c r=\"{at}\" t=\"e\"><v>{error}</v></c>"),
                    _ => write!(xml, "<c r=\"{at}\" t=\"inlineStr\"><is><t>{cell}</t></is></c>"),
                }
                .unwrap();
            }
            xml += "</row>";
        }
        files.push((format!("xl/worksheets/sheet{number}.xml"), xml + "</sheetData></worksheet>"));
    }
    let names = format!("<workbook xmlns=\"{main}\" xmlns:r=\"{relations}\"><sheets>{names}</sheets></workbook>");
    files.push(("xl/workbook.xml".into(), names));
    files.push((
        "xl/_rels/workbook.xml.rels".into(),
        format!("<Relationships xmlns=\"{package}\">{targets}</Relationships>"),
    ));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect();
    zip(&files)
}

#[test]
fn text_of_every_encoding() {
    let text = "Order ID,Customer Name,Total\nA-1,Ärger Über Café,5\nA-2,Größe 12,6\n";
    let wide = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    for (bytes, encoding) in [
        (wide(u16::to_le_bytes), "UTF-16LE without BOM"),
        (wide(u16::to_be_bytes), "UTF-16BE without BOM"),
        (encoding_rs::WINDOWS_1252.encode(text).0.into_owned(), "Windows-1252 (2 rows are not UTF-8)"),
    ] {
        let (orders, errors, summary) = read(bytes);
        assert_eq!((summary.encoding.as_str(), errors.len()), (encoding, 0));
        assert_eq!(orders[1].details.customer_name.as_deref(), Some("Größe 12"), "{encoding}");
    }
    let text = "Order ID;Customer Name;Total\nA-1;Иван Петров, Москва;5\nA-2;Мария Сидорова, Казань;6\n";
    for (encoding, name) in [(encoding_rs::WINDOWS_1251, "windows-1251"), (encoding_rs::IBM866, "IBM866")] {
        let (orders, _, summary) = read(encoding.encode(text).0);
        assert_eq!(summary.encoding, name);
        assert_eq!(orders[0].details.customer_name.as_deref(), Some("Иван Петров, Москва"));
    }
    let text = "Order ID,Customer Name,Total\nA-1,山田太郎 東京都,5\nA-2,鈴木花子 大阪府,6\n";
    let (orders, _, summary) = read(encoding_rs::SHIFT_JIS.encode(text).0);
    assert_eq!(
        (summary.encoding.as_str(), orders[0].details.customer_name.as_deref()),
        ("Shift_JIS", Some("山田太郎 東京都"))
    );
    // A mark inside the text, before the first name.
    assert_eq!(read("\u{FEFF}\u{FEFF}Order ID,Total\nA-1,5\n").0[0].value, rupees(5));
}

#[test]
fn line_ends_delimiters_and_announcements() {
    let text = "Order ID,Total,Customer Name\nA-1,5,X\nA-2,6,Y\n";
    for (text, kind) in [
        (text.replace('\n', "\r"), "CSV"),
        (text.replace('\n', "\r\n"), "CSV"),
        (text.replace(',', "\t"), "tab-separated text"),
        (text.replace(',', "|"), "CSV with “|”"),
        (format!("sep=;\r\n{}", text.replace(',', ";")), "CSV with “;”"),
        (format!("\"sep=;\"\n{}", text.replace(',', ";")), "CSV with “;”"),
        (text.replace("5,X", "\"1.299,00\",X").replace(',', ";").replace("1.299;00", "1.299,00"), "CSV with “;”"),
        // Every row has one delimiter more than the header, or the header has one more.
        (text.replace('X', "X,").replace('Y', "Y,"), "CSV"),
        (text.replace("Name", "Name,"), "CSV"),
        (text.replace("Order ID", "\"Order ID\"").replace("Total", "\"Total\""), "CSV"),
        (text.replace("A-1", "=\"A-1\"").replace("A-2", "\"=\"\"A-2\"\"\""), "CSV"),
    ] {
        let (orders, errors, summary) = read(&text);
        assert_eq!((summary.format.as_str(), errors), (kind, Vec::<String>::new()), "{text:?}");
        let ids: Vec<&str> = orders.iter().map(|order| order.id.as_str()).collect();
        assert_eq!(ids, ["A-1", "A-2"], "{text:?}");
        assert_eq!(orders[1].value, rupees(6), "{text:?}");
    }
}

#[test]
fn titles_above_the_header_are_passed_over() {
    let text = "Order report,,\nGenerated on,2026-11-20,\n\nOrder ID,Total,Phone\nA-1,5,98765 43210\nA-2,x,\n";
    let (orders, errors, summary) = read(text);
    assert_eq!((orders.len(), summary.header_line, summary.rows_above_header), (1, 4, 2));
    assert_eq!(errors, ["a.csv:6: Total: “x” is not an amount"]);
    // Names that nobody knows: the first wide row.
    let error = open("Bericht,,\nKennung,Wert,Bemerkung\n77,5,a\n78,6,b\n").unwrap_err();
    assert!(error.to_string().contains("in line 2 holds “Kennung”, “Wert”, “Bemerkung”"), "{error}");
}

#[test]
fn a_workbook() {
    let notes: &[&[&str]] = &[&["How to read this"], &["Ask the office"]];
    let orders: &[&[&str]] = &[
        &["Orders of November"],
        &["Order No.", "Order Date", "Total", "Mobile", "Status", "Rating"],
        &["n:1001", "d:46346.753472222219", "n:599.1000000000001", "n:919876543210", "Shipped", "n:4"],
        &["n:1002", "d:46347", "e:#N/A", "", "Delivered"],
        &["n:4.08123E+16", "d:46347", "n:5"],
        &["A-3", "d:46348.5", "free", ""],
    ];
    let (found, errors, summary) = read(xlsx(&[("Notes", notes), ("Orders", orders)]));
    assert_eq!(summary.format, "XLSX, sheet “Orders” of 2");
    assert_eq!((summary.header_line, summary.rows_above_header), (2, 1));
    assert_eq!((found[0].id.as_str(), found[0].value), ("1001", Some(Money::from_minor_units(59_910))));
    assert_eq!((found[0].phone.as_deref(), found[0].rating), (Some("919876543210"), Some(4)));
    assert_eq!(found[0].placed_at.unwrap().to_string(), "2026-11-20T18:05:00");
    assert_eq!(found[0].details.state, Some(OrderState::OutForDelivery));
    assert_eq!((found[1].value, found[1].details.state), (None, Some(OrderState::Delivered)));
    assert_eq!(
        errors,
        [
            "a.csv: sheet “Orders” row 5: Order No.: “4.08123E+16”: a spreadsheet has shortened it, and its last digits are lost",
            "a.csv: sheet “Orders” row 6: Total: “free” is not an amount",
        ]
    );
    let mut broken = xlsx(&[("Orders", orders)]);
    for cut in [60, broken.len() / 2, broken.len() - 30] {
        assert!(matches!(open(&broken[..cut]), Err(ImportError::Workbook { .. })), "{cut}");
    }
    let middle = broken.len() / 3;
    broken[middle..middle + 40].fill(b'<');
    let _ = open(&broken);
    assert!(matches!(open(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and no more"), Err(ImportError::Workbook { .. })));
}

#[test]
fn an_open_document() {
    let cell = |text: &str| {
        format!("<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>")
    };
    let row = |cells: &str| format!("<table:table-row>{cells}</table:table-row>");
    let date = "<table:table-cell office:value-type=\"date\" office:date-value=\"2026-11-20T18:05:00\"><text:p>20.11.26</text:p></table:table-cell>";
    let number = "<table:table-cell office:value-type=\"float\" office:value=\"599.5\"><text:p>599,5</text:p></table:table-cell>";
    let content = format!(
        "<?xml version=\"1.0\"?><office:document-content xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
         xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\">\
         <office:body><office:spreadsheet><table:table table:name=\"Tabelle1\">{}{}</table:table></office:spreadsheet></office:body>\
         </office:document-content>",
        row(&(cell("Bestellnummer") + cell("Bestelldatum").as_str() + cell("Gesamtbetrag").as_str())),
        row(&(cell("A-1") + date + number)),
    );
    let manifest = "<manifest:manifest xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\"/>";
    let file = zip(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", manifest),
        ("content.xml", &content),
    ]);
    let (orders, errors, summary) = read(file);
    assert_eq!((summary.format.as_str(), errors.len()), ("ODS, sheet “Tabelle1”", 0));
    assert_eq!((orders[0].id.as_str(), orders[0].value), ("A-1", Some(Money::from_minor_units(59_950))));
    assert_eq!(orders[0].placed_at.unwrap().to_string(), "2026-11-20T18:05:00");
}

#[test]
fn json_of_every_shape() {
    let order = |id: &str| {
        format!(
            r#"{{"order_id": "{id}", "total": "12.50", "customer": {{"email": "x@example.com"}}, "items": [{{"name": "Tea [x]", "quantity": 2}}]}}"#
        )
    };
    let (one, two) = (order("A-1"), order("A-2"));
    for (text, kind) in [
        (format!("[{one},\n{two}]"), "JSON"),
        (format!("{{\"count\": 2, \"orders\": [{one}, {two}], \"next\": null}}"), "JSON"),
        (format!("{{\"data\": {{\"orders\": {{\"edges\": [{{\"node\": {one}}}, {{\"node\": {two}}}]}}}}}}"), "JSON"),
        (format!("{{\"page\": [1, 2], \"Bestellungen\": [{one}, {two}]}}"), "JSON"),
        (format!("{one}\n{two}\n"), "JSONL"),
        (format!("\u{FEFF}{one}\r\n\r\n{two}"), "JSONL"),
    ] {
        let (orders, errors, summary) = read(&text);
        assert_eq!((errors, summary.format.as_str()), (Vec::<String>::new(), kind), "{text}");
        let found: Vec<_> =
            orders.iter().map(|order| (order.id.as_str(), order.value, order.details.lines.len())).collect();
        assert_eq!(
            found,
            [("A-1", Some(Money::from_minor_units(1250)), 1), ("A-2", Some(Money::from_minor_units(1250)), 1)],
            "{text}"
        );
        assert_eq!(orders[0].details.lines[0].quantity, 2);
        assert_eq!(orders[0].details.email.as_deref(), Some("x@example.com"), "{text}");
    }
    let (orders, errors, _) = read(format!("{one}\nnonsense\n{{\"order_id\": oops}}\n{two}\n"));
    assert_eq!(orders.len(), 2);
    assert_eq!(
        errors,
        ["a.csv:2: it is no JSON object that can be read", "a.csv:3: it is no JSON object that can be read"]
    );
    assert!(matches!(open("[]"), Err(ImportError::NoObjects { .. })));
}

const SHOPIFY: &str = "Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Shipping,Taxes,Total,Discount Amount,Created at,\
    Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Billing Name,Billing Phone,Shipping Street,Shipping City,Shipping Zip,Shipping Company,\
    Shipping Phone,Cancelled at,Payment Method,Refunded Amount,Id,Tags\n";

#[test]
fn an_export_of_shopify() {
    let text = format!(
        "{SHOPIFY}\
        #1001,a@example.com,paid,2026-11-20 18:05:00 +0530,fulfilled,INR,549.00,50.00,0.00,599.00,0.00,2026-11-20 18:04:00 +0530,1,Coffee,349.00,C5,A B,\
        +91 90000 00001,\"1 Road, Old Town\",Pune,'411001,ACME,+91 90000 00002,,Razorpay,0.00,6001,\n\
        #1001,a@example.com,,,,,,,,,,2026-11-20 18:04:00 +0530,2,Tumbler,100.00,,,,,,,,,,,,,\n\
        #1002,b@example.com,refunded,,unfulfilled,INR,279.00,0.00,0.00,279.00,0.00,2026-11-20 19:04:00 +0530,1,Ghee,279.00,,C D,,,,,,,2026-11-21 10:00:00 +0530,,279.00,6002,\n"
    );
    let (orders, errors, summary) = read(text);
    assert_eq!(
        (summary.preset, errors.len(), summary.rows, summary.orders, summary.lines),
        (Some("shopify"), 0, 3, 2, 3)
    );
    let details = &orders[0].details;
    assert_eq!((orders[0].id.as_str(), orders[0].value, details.display_id.as_deref()), ("#1001", rupees(599), None));
    assert_eq!(details.shop_id.as_deref(), Some("6001"));
    assert_eq!((orders[0].phone.as_deref(), details.other_phones.len()), (Some("+91 90000 00001"), 1));
    assert_eq!((details.postal_code.as_deref(), details.carrier.as_deref()), (Some("411001"), None));
    assert_eq!(details.address.as_deref(), Some("1 Road, Old Town, Pune"));
    assert_eq!((details.state, details.payment_state), (Some(OrderState::OutForDelivery), Some(PaymentState::Paid)));
    let lines: Vec<_> =
        details.lines.iter().map(|line| (line.sku.as_deref(), line.name.as_str(), line.quantity, line.price)).collect();
    assert_eq!(lines, [(Some("C5"), "Coffee", 1, rupees(349)), (None, "Tumbler", 2, rupees(100))]);
    // 18:04 in India is 12:34 of the clock of these settings.
    assert_eq!(orders[0].placed_at.unwrap().to_string(), "2026-11-20T12:34:00");
    let cancelled = &orders[1].details;
    assert_eq!((cancelled.state, cancelled.payment_state), (Some(OrderState::Cancelled), Some(PaymentState::Refunded)));
}

#[test]
fn an_order_with_a_bad_row_is_left_out_whole() {
    let row = |id: &str, total: &str, phone: &str, item: &str| {
        format!(
            "{id},a@example.com,paid,,,INR,,,,{total},,2026-11-20 18:04:00 +0530,1,{item},5.00,,,{phone},,,,,,,,,,\n"
        )
    };
    let text = SHOPIFY.to_owned()
        + row("#1", "5.00", "12", "Tea").as_str()
        + row("#1", "", "", "Ghee").as_str()
        + row("#2", "6.00", "", "Tea").as_str()
        + row("#2", "7.00", "", "Ghee").as_str()
        + row("#3", "8.00", "", "Tea").as_str()
        + row("", "", "", "Ghee").as_str();
    let (orders, errors, _) = read(text);
    assert_eq!(
        orders.iter().map(|order| (order.id.as_str(), order.details.lines.len())).collect::<Vec<_>>(),
        [("#3", 2)]
    );
    assert!(errors[0].starts_with("a.csv:2: Billing Phone: “12”"), "{errors:?}");
    assert!(errors[1].starts_with("a.csv:5: Total: the rows of order #2 give different totals"), "{errors:?}");
}

#[test]
fn exports_of_woocommerce() {
    let text = "Order Number,Order Status,Order Date,Customer Note,First Name (Billing),Last Name (Billing),Email (Billing),Phone (Billing),\
        Payment Method Title,Order Shipping Amount,Order Total Amount,SKU,Item Name,Quantity (- Refund),Item Cost\n\
        1501,Completed,2026-11-20 18:05,,A,B,a@example.com,09876543210,Cash on delivery,40,599,G1,Ghee,1,279\n\
        1501,Completed,2026-11-20 18:05,,A,B,a@example.com,09876543210,Cash on delivery,40,599,T1,Tea,2,140\n";
    let (orders, errors, summary) = read(text);
    assert_eq!((summary.preset, errors.len(), orders.len()), (Some("woocommerce"), 0, 1));
    assert_eq!((orders[0].id.as_str(), orders[0].value, orders[0].details.lines.len()), ("1501", rupees(599), 2));
    assert_eq!(orders[0].details.customer_name.as_deref(), Some("A B"));
    assert_eq!((orders[0].details.shipping, orders[0].details.payment_state), (rupees(40), Some(PaymentState::Paid)));

    let text = "order_id,order_number,order_date,status,order_total,billing_first_name,billing_email,billing_phone,line_item_1,line_item_2\n\
        90,1502,2026-11-20 18:05:00,processing,50.00,C,c@example.com,,name:Tea|sku:T1|quantity:2|total:30.00,name:Ghee|sku:|quantity:1|total:20.00\n";
    let (orders, _, _) = read(text);
    let details = &orders[0].details;
    assert_eq!(
        (orders[0].id.as_str(), details.display_id.as_deref(), details.shop_id.as_deref()),
        ("1502", None, Some("90"))
    );
    let prices: Vec<_> = orders[0].details.lines.iter().map(|line| line.price).collect();
    assert_eq!((prices, orders[0].details.payment_state), (vec![rupees(15), rupees(20)], None));

    let text = "Date,Order #,Status,Customer,Product(s),Items sold,N. Revenue\n2026-11-20 18:05:00,1503,completed,A B,\"2× Ghee, 1× Tea\",3,\"25\"\n";
    let (orders, _, summary) = read(text);
    assert_eq!(
        (summary.preset, orders[0].id.as_str(), orders[0].details.lines.len()),
        (Some("woocommerce"), "1503", 2)
    );
    assert_eq!(orders[0].value, None, "net revenue is not what was paid");
}

const AMAZON: &str = "amazon-order-id\tpurchase-date\tlast-updated-date\torder-status\tsales-channel\tproduct-name\tsku\tquantity\tcurrency\titem-price\t\
    item-tax\tshipping-price\tshipping-tax\titem-promotion-discount\tship-promotion-discount\tship-city\tship-postal-code\n";

#[test]
fn a_report_of_amazon() {
    let row = |id: &str, item: &str, amounts: [&str; 6]| {
        format!(
            "{id}\t2026-11-20T06:43:27+00:00\t2026-11-21T06:43:27+00:00\tShipped\tAmazon.in\t{item}\tS1\t2\tINR\t{}\tPune\t411001\n",
            amounts.join("\t")
        )
    };
    // An order whose rows do not stand together, a name with inches, taxes inside the prices.
    let text = AMAZON.to_owned()
        + row("402-1234567-0000001", "Pipe 12\" steel", ["640.00", "68.57", "80.00", "8.57", "-20.00", ""]).as_str()
        + row("402-1234567-0000002", "Tea", ["112.00", "12.00", "", "", "", ""]).as_str()
        + row("402-1234567-0000001", "Tea", ["112.00", "12.00", "0", "0", "", "10.00"]).as_str()
        + row("402-1234567-0000003", "Tea", ["", "", "", "", "", ""]).as_str();
    let (mut orders, errors, summary) = read(text);
    assert_eq!((summary.preset, errors, summary.format.as_str()), (Some("amazon"), vec![], "tab-separated text"));
    orders.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(orders[0].value, rupees(640 + 80 + 112 - 20 - 10));
    let details = &orders[0].details;
    assert_eq!((details.discount, details.shipping, details.currency), (rupees(30), rupees(80), Some(Currency::INR)));
    let lines: Vec<_> = details.lines.iter().map(|line| (line.name.as_str(), line.quantity, line.price)).collect();
    assert_eq!(lines, [("Pipe 12\" steel", 2, rupees(320)), ("Tea", 2, rupees(56))]);
    assert_eq!(details.updated_at, Some("2026-11-21T06:43:27Z".parse().unwrap()));
    assert_eq!((orders[1].value, orders[2].value), (rupees(112), None));
    assert!(summary.columns.iter().any(|used| used.field.contains("inside the prices")));

    // Taxes on top, as a report of the United States has them.
    let text = AMAZON.to_owned()
        + row("111-1234567-0000001", "Tea", ["100.00", "8.25", "5.00", "0.41", "", ""]).replace("INR", "USD").as_str();
    assert_eq!(read(text).0[0].value, Some(Money::from_minor_units(11_366)));
}

#[test]
fn columns_decide_and_what_stays_open_is_refused() {
    let (orders, errors, _) =
        read("Order ID;Date;Total\nA-1;12/01/2025;1.299,00\nA-2;12/31/2025;1.200\nA-3;01/02/2026;7,5\n");
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(orders[0].placed_at.unwrap().date().to_string(), "2025-12-01", "the file decides");
    assert_eq!((orders[0].value, orders[1].value), (rupees(1299), rupees(1200)));
    let ambiguous = "Order ID,Date,Total\nA-1,05/03/2026,5\nA-2,06/03/2026,6\n";
    let error = open(ambiguous).unwrap_err();
    assert_eq!(error.hint().unwrap(), "add --dates day-first or --dates month-first");
    let known = Settings { dates: Some(values::DateOrder::DayFirst), ..settings() };
    let (orders, ..) =
        read_all(OrderReader::with(&Input::stream("a.csv", ambiguous.as_bytes()).unwrap(), &known).unwrap());
    assert_eq!(orders[0].placed_at.unwrap().date().to_string(), "2026-03-05");
    // Another column of the file shows it.
    let (orders, ..) = read("Order ID,Date,Delivery date\nA-1,05/03/2026,05/13/2026\n");
    assert_eq!(orders[0].placed_at.unwrap().date().to_string(), "2026-05-03");
}

#[test]
fn lines_in_a_second_file() {
    let items = "Order No;Artikelname;SKU;Menge;Einzelpreis\nA-1;Tee;T1;2;3,50\nA-1;Ghee;;1;5,00\nA-9;Reis;;1;1,00\n;x;;1;1,00\n";
    let lines = LinesFile::read(&Input::stream("items.csv", items.as_bytes()).unwrap(), &settings()).unwrap();
    assert_eq!((lines.summary().lines, lines.bad.len()), (0, 1), "no order took them yet");
    let (orders, ..) = read_all(open("Order ID,Total\nA-1,12\nA-2,5\n").unwrap().with_lines(lines.clone()));
    assert_eq!((lines.summary().lines, lines.summary().bad_rows), (2, 2), "A-9 is no order");
    let prices: Vec<_> = orders[0].details.lines.iter().map(|line| (line.name.as_str(), line.price)).collect();
    assert_eq!(prices, [("Tee", Some(Money::from_minor_units(350))), ("Ghee", rupees(5))]);
    assert!(orders[1].details.lines.is_empty());
}

#[test]
fn a_currency_of_a_row_or_of_the_header() {
    let (orders, errors, _) = read("Order ID,Total,Currency\nA-1,5,eur\nA-2,6,?\n");
    assert_eq!(orders[0].details.currency, Currency::new("EUR"));
    assert_eq!(errors, ["a.csv:3: Currency: “?” is no currency code such as INR or EUR"]);
    assert_eq!(read("Order ID,Total (USD)\nA-1,5\n").0[0].details.currency, Currency::new("USD"));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_workbook_or_json_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300), kind in 0..4_usize) {
        let start: [&[u8]; 4] = [b"PK\x03\x04", b"[{\"order_id\": \"", b"{\"orders\": [{", &[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]];
        let file = [start[kind], bytes.as_slice()].concat();
        if let Ok(reader) = open(file) {
            read_all(reader);
        }
    }

    #[test]
    fn the_place_of_a_byte_in_a_workbook_never_panics(place in 0..3_000_usize, byte in proptest::prelude::any::<u8>()) {
        let mut file = xlsx(&[("Orders", &[&["Order ID", "Total"], &["A-1", "n:5"]])]);
        let place = place % file.len();
        file[place] = byte;
        if let Ok(reader) = open(file) {
            read_all(reader);
        }
    }
}
