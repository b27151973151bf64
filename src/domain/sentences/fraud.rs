//! Warns a customer of whom somebody wants a secret, access, or money. In the language in which it was told: a warning that is
//! not understood warns nobody.

use crate::domain::fraud::{Report, Tongue};

/// The warning. `handed_over`: whether a person was asked in, on record.
pub fn warning(report: &Report, handed_over: bool) -> String {
    let [never, stop, given, person] = match report.tongue {
        Tongue::English => [
            "Please be careful: this is not us. We never ask for an OTP, PIN, CVV, card number or password, never for access to your phone or its screen, and never for a payment before a refund or parcel.",
            "Share nothing, pay nothing, scan nothing and install nothing, and end the call.",
            "What you have shared already may be misused: call your bank at once on the number printed on your card, block the card, and change your PIN and passwords; remove any app they had you install.",
            "I've asked a member of our team to take over. They will reply here.",
        ],
        Tongue::Hinglish => [
            "Kripya savdhan rahein: yeh hum nahi hain. Hum kabhi OTP, PIN, CVV, card number ya password nahi maangte, na phone ya screen ka access, na refund ya parcel ke liye pehle koi payment.",
            "Kuch share na karein, kuch pay na karein, kuch scan ya install na karein, aur call kaat dein.",
            "Jo aap bata chuke hain uska galat istemal ho sakta hai: turant apne card par likhe number par bank ko call karein, card block karwayein, PIN aur password badlein, aur unka bataya hua app hata dein.",
            "Maine hamari team ke ek member ko bula liya hai. Woh yahin jawab denge.",
        ],
        Tongue::Hindi => [
            "कृपया सावधान रहें: यह हम नहीं हैं। हम कभी OTP, PIN, CVV, कार्ड नंबर या पासवर्ड नहीं माँगते, न फ़ोन या स्क्रीन का एक्सेस, न रिफंड या पार्सल के लिए पहले कोई भुगतान।",
            "कुछ साझा न करें, कुछ भुगतान न करें, कुछ स्कैन या इंस्टॉल न करें, और कॉल काट दें।",
            "जो आप बता चुके हैं उसका ग़लत इस्तेमाल हो सकता है: तुरंत अपने कार्ड पर लिखे नंबर पर बैंक को फ़ोन करें, कार्ड ब्लॉक करवाएँ, PIN और पासवर्ड बदलें, और उनका बताया हुआ ऐप हटा दें।",
            "मैंने हमारी टीम के एक सदस्य को बुला लिया है। वे यहीं जवाब देंगे।",
        ],
        Tongue::Spanish => [
            "Tenga cuidado: no somos nosotros. Nunca pedimos códigos de verificación, PIN, CVV, número de tarjeta ni contraseñas, nunca acceso a su teléfono o a su pantalla, y nunca un pago antes de un reembolso o un paquete.",
            "No comparta nada, no pague nada, no escanee ni instale nada, y cuelgue.",
            "Lo que ya compartió puede usarse mal: llame ahora mismo a su banco al número impreso en su tarjeta, bloquee la tarjeta, cambie su PIN y sus contraseñas, y quite la aplicación que le hicieron instalar.",
            "He pedido a una persona de nuestro equipo que se ocupe. Responderá aquí.",
        ],
        Tongue::Portuguese => [
            "Cuidado: não somos nós. Nunca pedimos códigos de verificação, PIN, CVV, número do cartão nem senhas, nunca acesso ao seu telefone ou à sua tela, e nunca um pagamento antes de um reembolso ou de uma encomenda.",
            "Não compartilhe nada, não pague nada, não escaneie nem instale nada, e desligue.",
            "O que você já passou pode ser mal usado: ligue agora para o seu banco no número impresso no cartão, bloqueie o cartão, troque o PIN e as senhas, e remova o aplicativo que pediram para instalar.",
            "Pedi a uma pessoa da nossa equipe que assuma. Ela responderá aqui.",
        ],
        Tongue::Arabic => [
            "يرجى الحذر: هذا ليس نحن. نحن لا نطلب أبداً رمز التحقق أو الرقم السري أو رمز CVV أو رقم البطاقة أو كلمة المرور، ولا الدخول إلى هاتفك أو شاشته، ولا أي دفعة قبل استرداد أو طرد.",
            "يرجى عدم مشاركة أي شيء، وعدم دفع أي شيء، وعدم مسح أي رمز أو تثبيت أي تطبيق، وإنهاء المكالمة.",
            "قد يُساء استخدام ما سبقت مشاركته: يرجى الاتصال فوراً بمصرفك على الرقم المطبوع على بطاقتك، وإيقاف البطاقة، وتغيير الرقم السري وكلمات المرور، وحذف أي تطبيق طلبوا تثبيته.",
            "طلبت من أحد أعضاء فريقنا متابعة الأمر. سيرد عليك هنا.",
        ],
        Tongue::German => [
            "Bitte Vorsicht: Das sind nicht wir. Wir fragen nie nach TAN, PIN, Bestätigungscode, Prüfziffer, Kartennummer oder Passwort, nie nach Zugriff auf Ihr Telefon oder Ihren Bildschirm, und nie nach einer Zahlung vor einer Erstattung oder einem Paket.",
            "Geben Sie nichts weiter, zahlen Sie nichts, scannen und installieren Sie nichts, und legen Sie auf.",
            "Was Sie schon weitergegeben haben, kann missbraucht werden: Rufen Sie sofort Ihre Bank unter der Nummer an, die auf Ihrer Karte steht, lassen Sie die Karte sperren, ändern Sie PIN und Passwörter, und entfernen Sie die App, die Sie installieren sollten.",
            "Ich habe jemanden aus unserem Team gebeten zu übernehmen. Die Antwort kommt hier.",
        ],
        Tongue::French => [
            "Attention : ce n'est pas nous. Nous ne demandons jamais de code de vérification, de code PIN, de cryptogramme, de numéro de carte ni de mot de passe, jamais l'accès à votre téléphone ou à son écran, et jamais de paiement avant un remboursement ou un colis.",
            "Ne partagez rien, ne payez rien, ne scannez et n'installez rien, et raccrochez.",
            "Ce que vous avez déjà donné peut être utilisé contre vous : appelez tout de suite votre banque au numéro imprimé sur votre carte, faites opposition, changez votre code et vos mots de passe, et supprimez l'application qu'on vous a fait installer.",
            "J'ai demandé à une personne de notre équipe de prendre le relais. Elle répondra ici.",
        ],
    };
    let mut parts = vec![never, stop];
    parts.extend(report.given.then_some(given));
    parts.extend(handed_over.then_some(person));
    parts.join(" ")
}
