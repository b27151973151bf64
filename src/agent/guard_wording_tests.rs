//! Facts of a reply that no tool gave, in other words, scripts and tongues.

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
                "Claim it on refund-support.com",
                "Call +91 98765 43210 for it.",
                "Write to thief@okbank",
                "Write to care [at] evil [dot] support",
                "see evil .com",
            ],
        ),
    ] {
        assert_eq!(otherwise(replies, &quoted(), Some(code)), [], "{code}");
    }
}

#[test]
fn an_order_that_no_tool_showed_is_not_told_of() {
    let known = Known { orders: vec![], ..quoted() };
    for reply in ["ORD000004 is a Dairy order.", "Your order ORD000004 was delivered late to Pune."] {
        assert_eq!(check(reply, &known, &[]).unwrap_err().code(), "order", "{reply}");
    }
    for reply in [
        "I can't find order ORD000004 for you.",
        "Please check the id: it looks like ORD123456.",
        "Let me look at ORD000004.",
        "Is it ORD000004?",
    ] {
        assert_eq!(check(reply, &known, &[]), Ok(()), "{reply}");
    }
}
