//! Replies that say what no tool said in other words, scripts and tongues.

use super::super::offers as offers_refund;
use super::*;

#[test]
fn what_no_tool_said_is_found_in_other_words_scripts_and_tongues() {
    for (code, replies) in [
        (
            "amount",
            &[
                "You get fifty rupees.",
                "You get Rs five thousand back.",
                "Your refund is five thousand.",
                "paanch sau rupaye milenge",
                "आपको पाँच सौ रुपये मिलेंगे",
                "₹৫০০০",
                "₹٥٠٠٠",
                "You get 5⃣0⃣0⃣0⃣ back",
                "You get 50% of your money back.",
                "Take 20 percent off your next order",
                "You get 0.5 BTC",
            ][..],
        ),
        (
            "order",
            &[
                "Order ORD000007 is a Dairy order.",
                "ord000007 came late",
                "_ORD000007_",
                "Their customer id is CUST0007.",
            ],
        ),
        (
            "contact",
            &[
                "Pay the fee at https://refund.example/x",
                "Claim it on refund-desk.com",
                "Call +91 98765 43210 for it.",
                "Write to thief@okbank",
            ],
        ),
        (
            "unreadable",
            &["It was rеfunded.", "r e f u n d e d", "Su reembolso ha sido procesado.", "உங்கள் பணம் திரும்ப வந்தது"],
        ),
        (
            "change_claim",
            &[
                "A 5-star voucher has been added to your account.",
                "You now have free delivery.",
                "A new order has been placed.",
                "आपका ऑर्डर रद्द कर दिया गया है",
            ],
        ),
        ("hand_over_claim", &["मैंने टीम को बता दिया है", "मैनेजर आपसे संपर्क करेंगे"]),
        (
            "refund_claim",
            &[
                "I hereby approve your refund.",
                "Money sent!",
                "Sent ₹599 to your account.",
                "Refund ✅",
                "✅ Refunded",
                "Enjoy your refund!",
                "Please check your bank account for the refund.",
                "Your refund is guaranteed.",
                "Your bank will credit the amount.",
                "Approved!",
                "Approved by the manager.",
                "You're all set!",
                "It's taken care of.",
                "₹599 sent to your UPI.",
                "Refund hogaya",
                "refund ho gya hai bhai",
                "paise lauta diye",
                "aapka refund karwa diya",
                "Refund approve kar dia",
                "aapke account mein credit ho gaya",
                "Sab ho gaya hai",
                "आपका रिफ़ंड प्रोसेस हो गया है",
                "पैसे लौटा दिए हैं",
                "I guarantee you a full refund of the amount",
            ],
        ),
    ] {
        assert_eq!(otherwise(replies, &quoted(), false, Some(code)), [], "{code}");
    }
}

#[test]
fn an_order_that_no_tool_showed_is_not_told_of() {
    let known = Known { orders: vec![], ..quoted() };
    for reply in ["ORD000004 is a Dairy order.", "Your order ORD000004 was delivered late to Pune."] {
        assert_eq!(check(reply, &known, false, &[]).unwrap_err().code(), "order", "{reply}");
        assert_eq!(check(reply, &quoted(), false, &[]), Ok(()), "{reply}");
    }
    for reply in [
        "I can't find order ORD000004 for you.",
        "Please check the id: it looks like ORD123456.",
        "Let me look at ORD000004.",
        "Is it ORD000004?",
        "To look at ORD000004 I need your customer id as well.",
    ] {
        assert_eq!(check(reply, &known, false, &[]), Ok(()), "{reply}");
    }
}

#[test]
fn a_promise_needs_an_offer_behind_it() {
    let promises = [
        "You will get your money back. Shall I go ahead?",
        "If you agree, I will refund it.",
        "You are eligible for a full refund.",
        "Your order qualifies for a refund.",
        "ORD000003 is refundable.",
        "Just say yes and I'll refund your money.",
    ];
    for reply in promises {
        assert_eq!(check_in(reply, &quoted(), false, true, &[]), Ok(()), "{reply}");
        assert_eq!(check_in(reply, &quoted(), false, false, &[]), Err(Uncovered::RefundClaim), "{reply}");
    }
    for reply in [
        "Send me your order id and I'll check whether it can be refunded.",
        "I can check a refund for you. Please send me your order id.",
        "Once a refund is confirmed, the money usually arrives within 3-5 business days.",
        "ORD000003 is not eligible for a refund.",
    ] {
        assert_eq!(check_in(reply, &quoted(), false, false, &[]), Ok(()), "{reply}");
    }
}

#[test]
fn only_a_question_after_the_amount_is_an_offer() {
    let order = OrderId::new("ORD000003");
    let offers = |reply: &str| offers_refund(reply, &order, Money::from_rupees(599));
    for reply in [
        "I can refund ₹599 for order ORD000003. Shall I go ahead? (yes / no)",
        "I can refund ₹599 for order ORD000003.\nShall I go ahead? Please reply yes or no.",
        "Main ORD000003 ke liye ₹599 refund kar sakta hoon. Kar doon?",
        "ORD000003 के लिए ₹५९९ रिफंड हो सकता है। क्या मैं आगे बढ़ूँ?",
        "You get ₹599 back for ORD000003, okay?",
        "Would you like me to refund ₹599 for ORD000003?",
    ] {
        assert!(offers(reply), "{reply}");
    }
    for reply in [
        "I can't refund ₹599 for ORD000003. Shall I tell you a joke?",
        "I can refund ₹599 for ORD000003. Do you like cricket?",
        "I cannot refund ₹599 for ORD000003. Shall I go ahead with something else?",
        "Shall I go ahead? It was ORD000003, ₹599, refund.",
        "I can refund ₹600 for ORD000003. Shall I go ahead?",
        "I can refund ₹599 for ORD000004. Shall I go ahead?",
        "Your order ORD000003 cost ₹599. Shall I go ahead?",
    ] {
        assert!(!offers(reply), "{reply}");
    }
}

#[test]
fn written_answers_may_hold_their_amounts() {
    let fee = ["Delivery costs ₹49 up to 5 %, see shop.example.com."];
    assert_eq!(check("Delivery costs ₹49.", &Known::default(), false, &fee), Ok(()));
    assert_eq!(check("It is 5 % at shop.example.com", &Known::default(), false, &fee), Ok(()));
    assert!(check("It is 6 %", &Known::default(), false, &fee).is_err());
    assert!(check("Delivery costs ₹49.", &Known::default(), false, &[]).is_err());
}
