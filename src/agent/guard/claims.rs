//! Decides what a reply claims was done, is being done or will be done.
//!
//! It must never take an offer, a question, a condition or a denial for a claim.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use super::text::{Reading, Sentence, pattern};
use crate::domain::conversation::Known;
use crate::domain::money::Money;

/// What a claim is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// Money that goes back.
    Refund,
    /// That money can go back.
    Eligible,
    /// Something, without a word on what: “Done!”.
    Done,
    /// A cancelled or changed order.
    Change,
    /// A person who was or will be asked.
    Person,
}

/// When the claim says that it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tense {
    /// It happened, or is happening.
    Done,
    /// It will happen.
    Future,
}

/// One claim of a reply.
#[derive(Debug)]
pub(super) struct Claim {
    /// What it is about.
    pub about: About,
    /// The orders it names.
    pub orders: Vec<String>,
    /// The amounts it names.
    pub amounts: Vec<Option<Money>>,
    /// How many refunds it speaks of, at least.
    pub refunds: usize,
}

/// Adverbs and helping verbs between a subject and what it did.
const ADV: &str = r"(?:(?:now|already|just|successfully|fully|also|been|being|automatically|partially|immediately|completely|finally|both|all|indeed|duly|currently|actually|since|then|safely|soon|shortly|quickly|personally|directly|gladly|happily|certainly|definitely|surely|next|right away|gone ahead and|went ahead and)\s+)*";
const AUX: &str = r"(?:\s+(?:has|have|had|was|were|is|are|been|got|gets|being|stands)|'s|'ve|'re)\s+";
const TOPIC: &str = r"(?:\b(?:refund\w*|reimburse\w*|money|amount|cash\s?back|compensation|voucher|request|claim|return|paise|paisa)\b|₹\d)";
const PERSON: &str = r"\b(?:agents?|person|humans?|managers?|supervisors?|team|representatives?|reps?|specialists?|colleagues?|someone|somebody|staff|executives?|experts?|seniors?|member|department|support|finance|accounts\s+team|billing|management|back\s?office|head\s?office|boss|customer\s+(?:care|service))\b";
const I: &str = r"(?:^|\b(?:i|we)(?:'ve|'m|'re|\s+have|\s+am|\s+are|\s+had)?\s+)";
const I_WILL: &str = r"(?:\b(?:i|we)(?:'ll|\s+will|\s+shall|'m\s+going\s+to|'re\s+going\s+to|\s+am\s+going\s+to|\s+are\s+going\s+to)|\blet\s+me)\s+";
const WILL: &str = r"(?:\s+(?:will|shall|should)|'ll|(?:'s|\s+is|\s+are)\s+(?:going|about|set)\s+to)\s+";

/// What happened to money on its way back.
const SENT: &str = r"(?:processed|issued|approved|credited|refunded|reimbursed|returned|transferred|sent|deposited|reversed|released|repaid|paid\s+(?:back|out)|on\s+(?:its|the|their)\s+way|coming)";
/// The same of a refund.
const PAID: &str = r"(?:processed|issued|approved|completed?|initiated|credited|sent|done|transferred|returned|released|reversed|deposited|granted|sanctioned|triggered|started|submitted|settled|cleared|confirmed|made|arranged|authori[sz]ed|finali[sz]ed|raised|successful|paid|on\s+(?:its|the|their)\s+way|coming|in\s+progress|under\s?way|in\s+process|through|begun)";
/// What somebody does to pay a refund.
const PAYS: &str = r"(?:process|issue|initiate|credit|complete|approve|arrange|start|make|raise|submit|trigger|send|return|transfer|pay|give|get|do|release|reverse)";
const PAYING: &str = r"(?:process(?:ed|ing)|issu(?:ed|ing)|approv(?:ed|ing)|initiat(?:ed|ing)|complet(?:ed|ing)|credit(?:ed|ing)|sent|sending|transferr(?:ed|ing)|return(?:ed|ing)|releas(?:ed|ing)|grant(?:ed|ing)|made|making|arrang(?:ed|ing)|rais(?:ed|ing)|start(?:ed|ing)|submitt(?:ed|ing)|trigger(?:ed|ing)|revers(?:ed|ing)|deposit(?:ed|ing)|given|giving|paid|paying|authori[sz](?:ed|ing)|done|put\s+through|(?:gone|went)\s+ahead\s+with|tak(?:en|ing)\s+care\s+of|confirm(?:ed|ing))";
const MONEY_BACK: &str = r"(?:\b(?:refund\w*|money|amount|cash\s?back|paise|paisa)\b|₹\d)";

const ESCALATED: &str = r"(?:escalated|forwarded|transferred|handed|raised|created|logged|registered|opened|passed|assigned|flagged|shared|connected|routed|filed|notified)";
const CALLS: &str = r"(?:contact|call|reply|respond|reach|get\s+(?:back|in\s+touch)|take|help|assist|look|review|join|message|follow|connect|check|handle|see|speak|talk|email|write|decide|resolve|investigate|process|ring|phone|ping|text|visit)";

static CLAIMS: LazyLock<Vec<(About, Tense, Regex)>> = LazyLock::new(|| {
    use About::{Change, Done as AllDone, Eligible, Person, Refund};
    use Tense::{Done, Future};
    let did = r"(?:diy[aei]n?|di[ae]?|rah[aei]|ga?y[aei]|ga[ei]|chuk[aei])\b";
    let will_do = r"(?:d[ou]+ng[aei]|denge)\b";
    [
        // Refunds, in English.
        (Refund, Done, format!(r"(?:\b(?:has|have|had|was|were|is|are|am|been|being|got|gets|i|we|you)\s+|'(?:ve|s|re|m)\s+){ADV}(?:refund(?:ed|ing)|reimburs(?:ed|ing))\b")),
        (Refund, Done, format!(r"^{ADV}(?:refunded|reimbursed)(?:$|\s+(?:your|the|it|to|in|for|you|both|all|successfully|₹\d|@\d))")),
        (Refund, Done, format!(r"^{ADV}(?:refunding|reimbursing)\b")),
        (Refund, Done, format!(r"(?:'ve|\bhave|\bhas|\bwent|\bgone)\b.{{0,40}}\band\s+{ADV}(?:refunded|reimbursed)\b")),
        (Refund, Done, format!(r"\b(?:refunds?|reimbursements?|request|claim)\b.{{0,60}}?{AUX}{ADV}(?:\w+\s+and\s+{ADV})?{PAID}\b")),
        (Refund, Done, r"\b(?:status|state|result|outcome)\b\W*(?:is\s+|now\s+|=\s*)*(?:refunded|reimbursed|paid\s+back|repaid)\b".to_owned()),
        (Refund, Done, format!(r"{TOPIC}.{{0,60}}?{AUX}{ADV}{SENT}\b")),
        (Refund, Done, format!(r"{I}{ADV}{PAYING}\b.{{0,60}}{TOPIC}")),
        (Refund, Future, format!(r"(?:\bwill|'ll|\bshall|\bgoing\s+to)\s+{ADV}be\s+{ADV}(?:refunded|reimbursed)\b")),
        (Refund, Future, format!(r"{TOPIC}.{{0,60}}?{WILL}{ADV}(?:be\s+{ADV}(?:{PAID}|back|with\s+you|in\s+your)|reach|arrive|reflect|come|show|hit|appear|land|get\s+\w+ed)\b")),
        (Refund, Future, format!(r"\byou{WILL}{ADV}(?:be\s+{ADV}(?:refunded|reimbursed|credited|paid)|(?:receive|get|see|have|find)\b.{{0,60}}{MONEY_BACK})")),
        (Refund, Future, format!(r"{I_WILL}{ADV}(?:refund|reimburse|{PAYS}\b.{{0,60}}{MONEY_BACK})\b")),
        (Refund, Done, format!(r"(?:@\d|\border)[^\w@₹]*\s{ADV}(?:refunded|reimbursed)\b|\bconsider\b.{{0,20}}\b(?:refunded|done)\b")),
        (Refund, Done, format!(r"{MONEY_BACK}.{{0,40}}\b(?:went|gone|has\s+cleared|have\s+cleared)\b")),
        (Refund, Future, format!(r"\bexpect\b.{{0,40}}{MONEY_BACK}|\bwhile\s+(?:i|we)\s+{ADV}(?:refund|{PAYS}\b.{{0,40}}{MONEY_BACK})")),
        (Refund, Done, format!(r"₹\d\s+{ADV}(?:credited|refunded|returned|transferred|reversed|reimbursed|sent|deposited|approved|processed|released|settled|repaid)\b|\b(?:account|wallet|card)\b{AUX}{ADV}(?:credited|refunded)\b")),
        (Refund, Future, format!(r"\b(?:it|this|that|they){WILL}{ADV}be\s+{ADV}(?:credited|reflected|deposited|returned|reversed)\b")),
        (Refund, Done, r"\b(?:i|we)\s+(?:do\s+)?(?:hereby\s+|now\s+|fully\s+|personally\s+|officially\s+)*(?:approve|grant|authori[sz]e|confirm|sanction|guarantee|promise|assure|release|credit|refund)\b.{0,60}(?:\b(?:refund|money|amount|cash\s?back|compensation)\b|₹\d)".to_owned()),
        (Refund, Done, format!(r"^\W*(?:(?:your|the|full|all|whole|entire)\s+)*(?:money|payment|amount|cash\s?back|transfer|compensation|paisa|paise)\s+{ADV}(?:sent|returned|refunded|credited|transferred|reversed|deposited|released|settled|approved|complete|completed|done)\b")),
        (Refund, Done, format!(r"^{ADV}(?:sent|transferred|wired|returned|deposited|credited|reversed|issued|processed|approved|initiated|released)\b.{{0,30}}(?:₹\d|\b(?:money|refund|amount)\b)")),
        (Refund, Done, r"\brefund(?:ed)?\b[^\w@₹]*[✅✔☑👍💸🎉💰]|[✅✔☑]\W*(?:full\s+)?(?:refunded\b|refund\W*$)".to_owned()),
        (Refund, Done, format!(r"\b(?:enjoy|congratulations\s+on|congrats\s+on)\b.{{0,20}}{MONEY_BACK}")),
        (Refund, Done, format!(r"\b(?:check|look\s+(?:at|in)|see|refresh)\b.{{0,30}}\b(?:account|bank|wallet|upi|statement)\b.{{0,40}}{MONEY_BACK}|{MONEY_BACK}.{{0,40}}\b(?:check|look\s+in)\s+your\s+(?:bank|account|wallet|upi)")),
        (Refund, Done, format!(r"{MONEY_BACK}.{{0,30}}(?:\s(?:is|are)|'s|'re)\s+{ADV}(?:there|yours|in\s+your|with\s+you|back\b|guaranteed|confirmed|secured|assured|certain|visible)")),
        (Refund, Future, r"\b(?:your|the)\s+bank\b.{0,20}\b(?:will|is\s+going\s+to|shall)\b.{0,20}\b(?:credit|refund|reverse|return)\w*".to_owned()),
        (Refund, Future, r"\b(?:you|u)\b.{0,12}\b(?:guaranteed|promised|assured)\b.{0,30}\b(?:refund|money|amount|back)\b|\b(?:guaranteed|assured)\s+(?:full\s+)?refund\b".to_owned()),
        (Refund, Done, format!(r"\b(?:funds?|sum|charges?|credit\s+note|deduction|payment|transaction)\b.{{0,40}}?{AUX}{ADV}(?:reversed|reverted|refunded|reimbursed|returned|released|repaid|credited|created|undone)\b|\b(?:transaction|payment|transfer|refund)\s+(?:reversal\s+)?(?:complete|completed|done|successful|success)\b")),
        (Refund, Done, format!(r"{I}{ADV}(?:revers|revert|undo|undid|undone|settl|honou?r|accept)\w*\b.{{0,30}}\b(?:charge|payment|claim|transaction|refund|deduction|amount)\b|\b(?:claim|refund)\b.{{0,20}}{AUX}{ADV}(?:accepted|honou?red|settled)\b")),
        (Refund, Done, r"\b(?:i|we)(?:'ve)?\b.{0,12}\b(?:paid|repaid|compensated)\s+(?:you|u)\b|\byou(?:'ve|\s+have)?\s+(?:(?:got|already|now|have)\s+)*your\s+(?:full\s+)?(?:(?:money|cash)\b.{0,12}\bback|refund\b|₹\d)".to_owned()),
        (Refund, Done, r"(?:\b(?:it|money|cash|amount|sum|paisa|paise)|₹\d)(?:\s+(?:is|are)|'s)\s+(?:\w+\s+)?(?:back\b|in\s+your\s+(?:bank|account|wallet|upi)|with\s+you\b)".to_owned()),
        (Refund, Done, r"\b(?:ran|run|executed|called|pressed|clicked|triggered|hit|used)\b.{0,30}\brefund\b|\brefund\s+success\b|\bprocess\s+refund\b.{0,40}\b(?:success\w*|returned|executed)\b".to_owned()),
        (Eligible, Done, format!(r"\byou(?:'re|\s+are|\s+do)?\s+{ADV}(?:eligible|entitled|qualified|qualify|due)\b.{{0,40}}{MONEY_BACK}")),
        (Eligible, Done, format!(r"(?:@\d|\b(?:order|it|this|that))(?:\s+(?:is|are|does)|'s)?\s+{ADV}(?:(?:eligible|approved|cleared|qualified|qualifies|qualify|entitled)\b.{{0,20}}{MONEY_BACK}|(?:fully\s+)?refundable\b)")),
        (Eligible, Done, format!(r"\b(?:owe|owed)\b.{{0,20}}{MONEY_BACK}")),
        // Refunds, in Hinglish and Hindi.
        (Refund, Done, format!(r"\b(?:refund\w*|paise|paisa|amount|credit|transfer|wapas)\b.{{0,20}}\b(?:karwa|karva|lauta|process|approve|transfer|credit|jama)\s*(?:(?:kar|ho|kr)\s*)?{did}")),
        (Refund, Done, format!(r"\bcredit\s*(?:kar|ho|kr)\s*{did}|\b(?:paise|paisa)\b.{{0,30}}\b(?:pahunch|pohonch|aa)\s*(?:{did}|hai)")),
        (Refund, Done, format!(r"(?:{MONEY_BACK}|\brupaye\b).{{0,40}}\b(?:ho|kar|kr|bhej|de|daal|dal|aa|mil|lauta|chal[ae]|nikal)\s*{did}")),
        (Refund, Future, format!(r"(?:{MONEY_BACK}|\brupaye\b).{{0,40}}\b(?:(?:aa|mil|ho|pahunch)\s*ja(?:y|e)\w*|mil(?:ega|enge|egi)|aa?y(?:ega|enge)|(?:kar|kr|bhej|de|lauta)\s*{will_do}|kar(?:unga|enge))")),
        (Refund, Done, r"(?:रिफंड|रिफण्ड|रीफंड|पैसे|पैसा|पैसों|राशि|रकम|रुपये|₹\d).{0,40}(?:हो गया|हो गई|हो चुक|हो गए|कर दिया|कर दिए|कर दी|भेज दि|भेज चुक|दे दि|मिल गए|मिल गया|मिल चुक|लौटा दि|आ गए|आ गया|आ चुक|डाल दि|हो रहा|कर रह)".to_owned()),
        (Refund, Future, r"(?:रिफंड|रिफण्ड|रीफंड|पैसे|पैसा|पैसों|राशि|रकम|रुपये|₹\d).{0,40}(?:जाएगी|कर दूंगा|कर देंगे|जाएगा|जाएंगे|जायेगा|मिलेगा|मिलेंगे|आएगा|आएंगे|दूंगा|देंगे)".to_owned()),
        (AllDone, Done, r"^(?:all |it's |it is |that's |it has been )?done\b|^(?:(?:aapka|yeh?|wo|woh|sab|kaam)\s+)*(?:ho\s*ga?y[aei]|kar\s*di(?:y)?[aei]|ho\s*chuk[aei])(?:\s+(?:hai|sir|ji|bhai|madam))*$|^(?:(?:हो गया|कर दिया)(?:\s+है)?)$".to_owned()),
        (AllDone, Done, format!(r"^(?:all\s+|fully\s+|successfully\s+)?(?:sorted|settled|completed?|approved|confirmed|granted|resolved|taken\s+care\s+of|success|processed|authori[sz]ed)(?:\s+by\b.{{0,30}})?$|\b(?:you're|you\s+are|it's|it\s+is|that's|this\s+is|everything(?:'s|\s+is|\s+has\s+been)|(?:it|this|that|all)\s+has\s+been|all)\s+{ADV}(?:all\s+)?(?:set|sorted|settled|taken\s+care\s+of|approved|granted|done|processed|authori[sz]ed)\b")),
        (AllDone, Done, format!(r"{I}.{{0,12}}\b(?:gone|went)\s+ahead\b")),
        // Orders.
        (Change, Done, format!(r"(?:\borders?|@\d|\bit|\bdelivery|\baddress|\bsubscription)\b.{{0,40}}?{AUX}{ADV}(?:cancell?ed|replaced|rescheduled|modified|changed)\b")),
        (Change, Done, format!(r"{I}{ADV}(?:cancell?(?:ed|ing)|replac(?:ed|ing)|reschedul(?:ed|ing)|modif(?:ied|ying)|chang(?:ed|ing)|updat(?:ed|ing))\b.{{0,40}}(?:\b(?:orders?|address|delivery|items?|subscription|slot|it)\b|@\d)")),
        (Change, Done, format!(r"\breplacement\b.{{0,40}}?{AUX}{ADV}(?:sent|arranged|processed|dispatched|shipped|issued|ordered|on\s+(?:its|the)\s+way)\b")),
        (Change, Done, format!(r"\border\b.{{0,30}}\bcancel\s*(?:kar|ho|kr)\s*{did}|^(?:order\s+)?cancell?ed$")),
        (Change, Done, format!(r"\bcancellation\b.{{0,40}}?{AUX}{ADV}{PAID}\b")),
        (Change, Future, format!(r"{I_WILL}{ADV}(?:cancel|replace|reschedule)\b|\b(?:order|replacement)\b.{{0,40}}?{WILL}{ADV}be\s+{ADV}(?:cancell?ed|replaced|rescheduled|sent|arranged|dispatched|shipped)\b")),
        (Change, Done, format!(r"{I}{ADV}(?:placed|arranged|ordered|sent|booked|scheduled)\b.{{0,30}}\breplacement\b|{I}{ADV}(?:applied|added|issued|given|sent)\b.{{0,30}}\b(?:coupon|voucher|discount|points)\b")),
        (Change, Done, format!(r"\b(?:discount|coupon|voucher|gift\s+card|store\s+credit|credits|points|cash\s?back)\b.{{0,30}}?{AUX}{ADV}(?:applied|added|issued|credited|sent|activated|loaded)\b|\byou(?:'ve|'ll|\s+have|\s+will|\s+get|\s+now|\s+got)+\b.{{0,20}}\bfree\s+(?:delivery|shipping|membership|gift|items?)\b")),
        (Change, Done, format!(r"\bnew\s+(?:one|item|items|order|pack|product|parcel)\b.{{0,20}}?{AUX}{ADV}(?:sent|shipped|dispatched|arranged|placed|on\s+(?:its|the)\s+way)\b|\b(?:account|data|profile)\b.{{0,20}}?{AUX}{ADV}(?:deleted|removed|erased|updated|changed)\b")),
        (Change, Done, format!(r"\b(?:parcel|package|order|items?|product|delivery|subscription|@\d)\b.{{0,30}}?{AUX}{ADV}(?:re-?sent|re-?shipped|re-?dispatched|stopped|halted|paused|upgraded|put\s+on\s+hold|waived|re-?ordered)\b|{I}{ADV}(?:stopped|halted|paused|upgraded|waived|removed|deleted|re-?sent|re-?ordered|blocked)\b.{{0,40}}\b(?:orders?|delivery|fees?|charges?|items?|account|subscription|it|parcel)\b")),
        (Change, Done, r"(?:ऑर्डर|आर्डर|पता).{0,30}(?:रद्द|कैंसिल|बदल).{0,8}(?:कर दि|दि|हो ग|हो चुक)".to_owned()),
        // Persons.
        (Person, Done, format!(r"{PERSON}\s+(?:sahab\s+|ji\s+|just\s+|also\s+|already\s+)?(?:says?|said|agrees?|agreed|okayed|approves?|confirms?|authori[sz]es?|ne\s+(?:haan|approve|ok|bol|kaha|manzoor))\b|{PERSON}.{{0,20}}\b(?:has|have|got|received)\s+(?:your|the|this)\s+(?:request|case|complaint|refund|details?|message|issue)\b")),
        (AllDone, Done, format!(r"\b(?:approve|manzoor|pass|confirm)\s*(?:kar|ho|kr)\s*{did}|(?:मंज़ूर|मंजूर|स्वीकार|अप्रूव)\s*(?:कर|हो)\s*(?:दि|ग|चुक)")),
        (Person, Done, r"(?:टीम|एजेंट|मैनेजर|प्रबंधक|किसी|अधिकारी|प्रतिनिधि|सहयोगी).{0,40}(?:बता दि|भेज दि|कह दि|सूचित कर|जोड रह|जोड दि|बोल दि|संपर्क करें|संपर्क करेग|कॉल करें|कॉल करेग|बात करें|बात करेग)".to_owned()),
        (Person, Done, format!(r"{I}{ADV}(?:escalat(?:ed|ing)|forward(?:ed|ing)|alert(?:ed|ing)|notif(?:ied|ying)|inform(?:ed|ing)|transferr(?:ed|ing)|connect(?:ed|ing)|rout(?:ed|ing)|assign(?:ed|ing)|flagg(?:ed|ing)|hand(?:ed|ing)\b.{{0,30}}\bover|pass(?:ed|ing)\b.{{0,40}}\b(?:on|along|to)|loop(?:ed|ing)\b.{{0,20}}\bin|put(?:ting)?\b.{{0,20}}\bthrough)\b")),
        (Person, Done, format!(r"{I}{ADV}(?:ask(?:ed|ing)|request(?:ed|ing)|told|telling|contact(?:ed|ing)|call(?:ed|ing)|reach(?:ed|ing)\s+out|spoken|spoke|messag(?:ed|ing)|got|getting|put|putting|brought|bringing|shared|sharing|sent|sending|arranged|arranging|had|checked|discussed)\b.{{0,40}}{PERSON}")),
        (Person, Done, format!(r"{I}{ADV}(?:rais(?:ed|ing)|creat(?:ed|ing)|open(?:ed|ing)|logg(?:ed|ing)|fil(?:ed|ing)|register(?:ed|ing))\b.{{0,30}}\b(?:tickets?|complaint|case|escalation|alert|issue)\b")),
        (Person, Done, format!(r"{PERSON}.{{0,30}}?{AUX}{ADV}(?:notified|informed|alerted|assigned|asked|contacted|told|requested|brought|on\s+(?:the|their|its)\s+way|looking|working|joining|reviewing|checking|taking|handling|aware|investigating|calling|contacting)\b")),
        (Person, Done, format!(r"(?:\b(?:this|it|issue|case|request|concern|query|complaint|tickets?|matter|chat|conversation|details?|feedback|message|you|alert)\b).{{0,30}}?{AUX}{ADV}{ESCALATED}\b")),
        (Person, Future, format!(r"(?:\b(?:this|it|issue|case|request|concern|query|complaint|tickets?|matter|chat|conversation|details?|you)\b).{{0,30}}?{WILL}{ADV}be\s+{ADV}{ESCALATED}\b")),
        (Person, Future, format!(r"{I_WILL}{ADV}(?:escalate|forward|alert|notify|inform|transfer|connect|route|assign|flag|hand\b.{{0,30}}\bover|loop\b.{{0,20}}\bin|(?:bring|ask|request|tell|contact|call|get|have|put)\b.{{0,30}}{PERSON}|(?:raise|create|open|log|file|register)\b.{{0,30}}\b(?:ticket|complaint|case|escalation))\b")),
        (Person, Future, format!(r"{PERSON}.{{0,30}}?{WILL}{ADV}(?:be\s+{ADV}(?:with|in\s+touch|calling|contacting|joining|here|reaching|looking|taking|assisting|helping|notified|informed|assigned)|{CALLS})\b")),
        (Person, Done, format!(r"{PERSON}.{{0,20}}?\s{ADV}(?:(?:has|have)\s+{ADV})?(?:approved|agreed|authori[sz]ed|reviewed|checked|confirmed)\b|\b(?:request|complaint|shikayat)\b.{{0,30}}\b(?:bhej|darj\s+kar|aage\s+kar)\s*{did}")),
        (Person, Done, format!(r"{I}{ADV}let(?:ting)?\b.{{0,20}}{PERSON}.{{0,20}}\bknow\b")),
        (Person, Future, format!(r"\byou{WILL}{ADV}(?:hear|be\s+{ADV}(?:contacted|connected|called|transferred))\b|\bwhile\s+(?:i|we)\s+{ADV}(?:connect|transfer|escalate|forward|get|bring|find|ask)\b")),
        (Person, Done, format!(r"\b(?:escalate|forward|transfer|connect|inform|notify|assign|alert|raise|report)\s*(?:kar|ho|kr)\s*{did}|(?:{PERSON}|\bkisi\b).{{0,30}}\b(?:bata|bol|keh|suchit|bula)\s*{did}")),
        (Person, Future, format!(r"\b(?:escalate|forward|transfer|connect|inform|notify|assign|alert|raise|report)\s*(?:kar|kr)\s*{will_do}|(?:{PERSON}|\bkisi\b).{{0,30}}\b(?:bata|bol|keh|bula)\s*{will_do}|(?:{PERSON}|\bkoi\b).{{0,40}}\b(?:call|contact|baat|sampark|reply|madad|message)\s*kar(?:eg[aei]|eng[ei])\b")),
    ]
    .into_iter()
    .map(|(about, tense, text)| (about, tense, pattern(&text)))
    .collect()
});

/// “Refund processed.”: no helping verb, so anything that wishes or asks before it makes it no claim.
static SHORT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"\brefunds?(?:\s+(?:request|status))?(?:\s+(?:of|for|to)\b.{{0,40}}?)?[^\w@₹]+{ADV}(?:processed|issued|approved|completed?|initiated|credited|sent|done|successful|confirmed|paid|granted|transferred|sanctioned|arranged|in\s+progress|on\s+(?:its|the)\s+way)\b"
    ))
});
static WISH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\b(?:can|could|would|may|might|want|need|like|get|getting|to|have|help|how|see|having|any)\b")
});

/// “Refunds are processed within …”: what the shop does, of no refund in particular.
static GENERAL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:all |our |any |most )?(?:refunds|refund requests|requests)\b.{0,40}\bare\b"));
static NEGATION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\b(?:not|no|never|nothing|none|nobody|cannot|unable|neither|nor|nahi|nahin|nhi)\b|n't\b|नहीं|मत\s")
});
static MODAL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(?:would|could|should|can|may|might|must|to|will|'ll)(?:\s+have)?\s*$"));
/// The bot itself does it.
static ACTS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:i|we)\b"));
/// What a sentence about an order that was not shown may do with it.
static ASIDE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:need|send|share|check|checking|look|looking|find|search|confirm|tell|give|help|sorry|unable|bata|bhej\w*|dekh\w*|can|could|shall|will|let)\b|भेज|बता|देख|चाहिए",
    )
});
/// A condition before what depends on it.
static IF: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:if|once|when|whenever|unless|until|before|as\s+soon\s+as|in\s+case|whether|agar|jab|after\s+(?:the|a|your|it|this|you))\b",
    )
});
/// “Say “agent” and I will …”.
static SAY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?:^|[,;:]\s*|\b(?:or|just|please|and)\s+)(?:say|reply|write|type|send|tell|share|give|confirm)\b")
});
/// A condition on the customer, anywhere beside a promise.
static IF_YOU: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:(?:if|once|when|whenever|after|as\s+soon\s+as|provided|unless)\s+(?:you|it|the|confirmed|approved|agreed|that)\b|(?:upon|on|with|after)\s+your\s+(?:yes|confirmation|approval|consent|ok)\b|agar|jab)",
    )
});
/// The reply asks before it does anything.
static ASKS: LazyLock<RegexSet> = LazyLock::new(|| {
    #[allow(clippy::expect_used)]
    RegexSet::new([
        r"\b(?:shall|should|may|can)\s+i\s*\?",
        r"\b(?:(?:shall|should|may|can)\s+i|(?:want|like)\s+me\s+to)\s+(?:go|proceed|refund|process|do\s+(?:it|that|this|so)|pay|initiate|bring|connect|escalate|issue|start|make|continue|transfer|ask|forward|raise|arrange)\b",
        r"\b(?:would\s+you\s+like|do\s+you\s+want)\s+to\s+(?:go|proceed|continue|confirm|accept)\b",
        r#"\b(?:reply|say|answer|write)\s+(?:with\s+)?["“']?(?:yes|haan)\b"#,
        r"\byes\s*/\s*no\b",
        r"\b(?:go\s+ahead|ok|okay|alright|fine)\s*\?",
        r"\bdo\s+you\s+(?:agree|confirm|accept)\b",
        r"\bkar\s*(?:du|doo?n?|dun|dein|doon|d[ou]n?|karu|karoon)\b",
        r"\b(?:theek|thik|thek)\s+hai(?:\s+na)?\s*\?|\bkya\s+(?:main|mai|mein|hum)\b|\bchalega\s*\?|\bkar(?:u|oo)n?\s*\?",
        r"क्या मैं|कर दूँ|कर दूं|कर दू|करूँ|करूं|ठीक है\s*\?|हाँ या ना|हां या ना|हाँ / ना",
    ])
    .expect("the patterns compile")
});
static QUESTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:or\s+|then\s+)?(?:shall|should|would|could|can|may|might|do|does|did|is|are|was|were|has|have|had|will|what|when|why|how|which|who|where|kya)\b|\b(?:want|like)\s+me\s+to\b|\b(?:shall|should|can|may)\s+i\b",
    )
});
static TWO: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:both|dono|orders|refunds|two\s+orders)\b"));
static THREE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(?:all\s+)?(?:three|teeno|3)\s+(?:orders|refunds)\b|\ball\s+three\b"));
static ORDER_PLACE: LazyLock<Regex> = LazyLock::new(|| pattern(r"@(\d+)"));
static AMOUNT_PLACE: LazyLock<Regex> = LazyLock::new(|| pattern(r"₹(\d+)"));
static PRONOUN: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:it|it's|(?:this|that|the)\s+order)\b"));

/// The claims of a reply that something was, is being or will be done.
/// `quoted`: an amount was offered, so that a promise can be a part of the offer.
pub(super) fn in_reply(reading: &Reading, quoted: bool) -> Vec<Claim> {
    let asks_first = ASKS.is_match(&reading.whole());
    let mut claims = Vec::new();
    let mut earlier: Option<String> = None;
    for sentence in &reading.sentences {
        for (index, clause) in sentence.clauses.iter().enumerate() {
            let question = sentence.asks && index + 1 == sentence.clauses.len() && QUESTION.is_match(clause);
            if question {
                continue;
            }
            for about in in_clause(sentence, index, asks_first, quoted) {
                let orders = match places(&ORDER_PLACE, sentence, index) {
                    places if places.is_empty() && PRONOUN.is_match(clause) => earlier.iter().cloned().collect(),
                    places => places.iter().filter_map(|place| reading.orders.get(*place).cloned()).collect(),
                };
                let amounts = places(&AMOUNT_PLACE, sentence, index)
                    .iter()
                    .filter_map(|place| sentence.amounts.get(*place).map(|(_, amount)| *amount))
                    .collect();
                let refunds = if THREE.is_match(clause) { 3 } else { 1 + usize::from(TWO.is_match(clause)) };
                claims.push(Claim { about, orders, amounts, refunds });
            }
        }
        if let Some(last) = numbers(&ORDER_PLACE, &sentence.whole).last() {
            earlier = reading.orders.get(*last).cloned();
        }
    }
    claims
}

/// An order that no tool has shown, in a sentence that says something about it.
pub(super) fn of_unknown_orders(reading: &Reading, known: &Known, is_order: impl Fn(&str) -> bool) -> Option<String> {
    let unknown = |order: &&String| {
        let shown = known.orders.iter().map(|order| order.as_str());
        let paid = known.refunds.iter().map(|refund| refund.order_id.as_str());
        is_order(order.as_str()) && shown.chain(paid).all(|shown| !shown.eq_ignore_ascii_case(order))
    };
    reading.sentences.iter().find_map(|sentence| {
        let named = numbers(&ORDER_PLACE, &sentence.whole);
        let order = named.iter().filter_map(|place| reading.orders.get(*place)).find(unknown)?;
        let rest = ORDER_PLACE.replace_all(&sentence.whole, " ");
        let says = rest.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count() > 2;
        let aside = sentence.asks || NEGATION.is_match(&sentence.whole) || ASIDE.is_match(&sentence.whole);
        (says && !aside).then(|| order.clone())
    })
}

/// Whether the reply asks for a yes to what it offers, from this text on.
pub(super) fn asks(text: &str) -> bool {
    ASKS.is_match(text)
}

/// Whether the text says no.
pub(super) fn negates(text: &str) -> bool {
    NEGATION.is_match(text)
}

/// What one clause claims.
fn in_clause(sentence: &Sentence, index: usize, asks_first: bool, quoted: bool) -> Vec<About> {
    let clause = sentence.clauses[index].as_str();
    let mut found = Vec::new();
    for (about, tense, pattern) in CLAIMS.iter() {
        for hit in pattern.find_iter(clause) {
            let before = &clause[..hit.start()];
            let until = &clause[..hit.end()];
            // A promise of money needs an offer behind it, whatever it depends on.
            let bare = *about == About::Refund && *tense == Tense::Future && !quoted;
            // “After your request I have …” sets no condition, “if I have …” does.
            let acts = *tense == Tense::Done && ACTS.is_match(hit.as_str());
            let condition = IF.find_iter(until).any(|word| {
                !(acts && word.end() < hit.start() && clause[word.end()..hit.start()].contains(char::is_alphanumeric))
            });
            let conditional = (condition && !(bare && IF_YOU.is_match(&sentence.whole)))
                || (*tense == Tense::Future
                    && !bare
                    && (asks_first
                        || IF_YOU.is_match(&sentence.whole)
                        || sentence.clauses[..index].iter().any(|clause| IF.is_match(clause) || SAY.is_match(clause))
                        || SAY.is_match(before)));
            let general = *about == About::Refund && GENERAL.is_match(clause);
            if !conditional && !general && !NEGATION.is_match(until) && !MODAL.is_match(before) {
                found.push(*about);
            }
        }
    }
    let short = SHORT.find(clause).is_some_and(|hit| {
        let until = &clause[..hit.end()];
        !WISH.is_match(&clause[..hit.start()]) && !IF.is_match(until) && !NEGATION.is_match(until)
    });
    if short {
        found.push(About::Refund);
    }
    found
}

/// The numbers of the placeholders of a clause, or of the nearest clause before it that has any.
fn places(pattern: &Regex, sentence: &Sentence, index: usize) -> Vec<usize> {
    sentence.clauses[..=index]
        .iter()
        .rev()
        .map(|clause| numbers(pattern, clause))
        .find(|numbers| !numbers.is_empty())
        .unwrap_or_default()
}

fn numbers(pattern: &Regex, text: &str) -> Vec<usize> {
    pattern.captures_iter(text).filter_map(|hit| hit[1].parse().ok()).collect()
}
