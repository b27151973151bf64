//! The words by which a report of fraud is read, of all languages: a report may mix them. One list for each part of its
//! structure; it says nothing of how they go together.

use std::sync::LazyLock;

/// Phrases, each a list of words; a star at the end of a word means any ending.
pub(super) type Phrases = LazyLock<Vec<Vec<&'static str>>>;

/// The phrases of a list, which a comma parts, in the order of their first byte.
fn phrases(list: &'static str) -> Vec<Vec<&'static str>> {
    let mut phrases: Vec<Vec<&str>> = list.split(',').map(|phrase| phrase.split_whitespace().collect()).collect();
    phrases.sort_by_key(|phrase| first_byte(phrase.first().copied().unwrap_or_default()));
    phrases
}

fn first_byte(word: &str) -> u8 {
    word.as_bytes().first().copied().unwrap_or_default()
}

/// The phrases that may begin with a word: most are told apart by their first byte.
pub(super) fn candidates<'a>(list: &'a [Vec<&'static str>], word: &str) -> &'a [Vec<&'static str>] {
    let begin = first_byte(word);
    // 0xD8 and 0xD9 begin Arabic letters, before which “and” and “so” may be written.
    let first = if begin == 0xD9 { 0xD8 } else { begin };
    let until = |byte: u8, with: bool| {
        list.partition_point(|phrase| {
            let begins = first_byte(phrase.first().copied().unwrap_or_default());
            begins < byte || (with && begins == byte)
        })
    };
    &list[until(first, false)..until(begin, true)]
}

// The lists hold words of all languages: a report may mix them.

/// Secrets of a bank and papers of a person, that nobody has to know.
pub(super) static SECRETS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    pin, pins, mpin, upi pin, cvv, cvc, ccv, cvv2, password, passwords, passcode, pass code, pasword, passwort, \
    passwörter, tan, tans, geheimzahl, kreditkartennummer, kartennummer, kartendaten, zugangsdaten, prüfnummer, card \
    number, card numbers, card no, card details, card detail, card info, number on my card, numbers on my card, number of \
    my card, digits of my card, digits of my * card, digits on my card, back of my card, back of the card, photo of my \
    card, photo of my * card, photos of my card, photos of my * card, pictures of my card, pictures of my * card, pics of \
    my card, pic of my card, picture of my card, picture of my * card, card photo, card pic, net banking password, \
    netbanking login, bank login, banking login, online banking, bank password, card ka number, card ke number, card ki \
    detail*, card ki photo, aadhaar, aadhar, adhar, adhaar, aadhaar*, aadhar*, pan card, pan number, pan photo, pan ki \
    photo, pan no, photo of my pan, photo of my id, photo of my passport, selfie with my id, id proof, पिन, यूपीआई पिन, \
    सीवीवी, कार्ड नंबर, कार्ड का नंबर, कार्ड की डिटेल*, पासवर्ड, आधार, पैन कार्ड, clave, contraseña, contrasena, nip, \
    numero de tarjeta, número de tarjeta, numero de la tarjeta, número de la tarjeta, numero de mi tarjeta, número de mi \
    tarjeta, datos de mi tarjeta, datos de la tarjeta, foto de mi tarjeta, foto de la tarjeta, foto de mi dni, foto del \
    dni, foto de mi documento, senha, senhas, numero do cartao, número do cartão, numero do meu cartao, número do meu \
    cartão, dados do cartao, dados do cartão, dados do meu cartão, foto do meu cartão, foto do cartão, foto do meu rg, \
    foto do meu cpf, foto do meu documento, الرقم السري, رقمي السري, رقم سري, كلمة السر, كلمة سر, كلمة المرور, رقم \
    البطاقة, رقم بطاقتي, بيانات البطاقة, بيانات بطاقتي, صورة بطاقتي, صورة البطاقة, صورة هويتي, صورة الهوية, mot de passe, \
    code secret, code confidentiel, code de ma carte, cryptogramme, numéro de ma carte, numero de ma carte, numéro de \
    carte, numero de carte, numéros de ma carte, coordonnées de ma carte, photo de ma carte, photo de ma pièce, ausweis, \
    foto meines ausweises, personalausweis, code pin",
    )
});

/// Codes that prove who somebody is. A rider asks for one at the door, too.
pub(super) static CODES: Phrases = LazyLock::new(|| {
    phrases(
        "\
    otp, otps, one time password, one time code, one time pin, verification code, verification number, security code, \
    authentication code, confirmation code, login code, digit code, digits code, digit number, digits number, digits, \
    digit otp, digit, code from the sms, code from sms, code from my sms, code from my messages, sms code, smscode, code i \
    received, code i got, code i get, code that came, code which came, code on my phone, code sent to my, code sent on my, \
    code by sms, code in the sms, code in my sms, code from my phone, code from whatsapp, whatsapp code, the code, ओटीपी, \
    ओ टी पी, कोड, वेरिफिकेशन कोड, otp code, codigo, código, codigos, códigos, رمز التحقق, رمز, الرمز, الكود, كود, كود \
    التفعيل, رمز التأكيد, code, bestätigungscode, bestaetigungscode, sicherheitscode, einmalcode, code reçu, code par sms, \
    code de vérification, code de verification, code de confirmation",
    )
});

/// Programs that give somebody a telephone from afar.
pub(super) static PROGRAMS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    anydesk, teamviewer, quicksupport, rustdesk, airdroid, ultraviewer, एनीडेस्क, एनी डेस्क, टीमव्यूअर, انيديسك, أنيديسك, \
    أني ديسك, اني ديسك, انى ديسك, تيم فيور",
    )
});

/// Access to a telephone or its screen.
pub(super) static ACCESSES: Phrases = LazyLock::new(|| {
    phrases(
        "\
    screen share, screen sharing, screenshare, screen sharing app, share my screen, share the screen, share screen, \
    sharing my screen, my screen, remote access, remote app, remote support app, remote control, control of my phone, \
    control my phone, control my mobile, access to my phone, access of my phone, access my phone, access to my mobile, \
    support app, apk, apk file, स्क्रीन शेयर, स्क्रीन, रिमोट, एपीके, compartir pantalla, compartir la pantalla, compartir \
    mi pantalla, comparta mi pantalla, comparta la pantalla, mi pantalla, acceso remoto, acceso a mi celular, acceso a mi \
    teléfono, controlar mi celular, compartilhar a tela, compartilhar tela, compartilhar minha tela, compartilhe a tela, \
    minha tela, acesso remoto, acesso ao meu celular, controlar meu celular, مشاركة الشاشة, أشارك الشاشة, اشارك الشاشة, \
    مشاركة شاشتي, شاشتي, التحكم في هاتفي, الدخول إلى هاتفي, fernzugriff, bildschirm, zugriff auf mein handy, accès à \
    distance, acces a distance, partage d écran, partager mon écran, mon écran, contrôle de mon téléphone, accès à mon \
    téléphone",
    )
});

/// What is paid for something.
pub(super) static FEES: Phrases = LazyLock::new(|| {
    phrases(
        "\
    fee, fees, charge, charges, customs, custom duty, duty, tax, gst, deposit, security deposit, advance, processing \
    amount, token amount, token money, gift card*, shulk, फीस, शुल्क, चार्ज, टैक्स, tasa, tarifa, aduana, aduanas, \
    comision, comisión, impuesto, impuestos, deposito, depósito, taxa, taxas, alfandega, alfândega, boleto, imposto, \
    frais, taxe, taxes, droits de douane, douane, caution, gebühr, gebühren, gebuehr, zoll, zollgebühr*, kaution, steuer, \
    رسوم, الرسوم, رسم, جمارك, الجمارك, عمولة, ضريبة",
    )
});

/// That it is paid before.
pub(super) static FIRST: Phrases = LazyLock::new(|| {
    phrases(
        "\
    first, 1st, before, upfront, up front, beforehand, in advance, pehle, pahle, phle, पहले, antes, primero, primeiro, \
    avant, d abord, dabord, zuerst, vorher, vorab, erst, أولا, أولاً, اولا, قبل, to release, to get my refund, to unlock",
    )
});

/// What takes money when it is scanned or approved.
pub(super) static SCANS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    qr, qr code, qrcode, qr kod, barcode, bar code, collect request, upi collect, collect, payment request, money request, \
    upi request, gpay request, google pay request, phonepe request, paytm request, request on gpay, request on phonepe, \
    upi mandate, mandate, क्यूआर, क्यू आर, कलेक्ट रिक्वेस्ट, codigo qr, código qr, code qr, باركود, رمز الاستجابة",
    )
});

/// What a payment is said to be for. A rider who wants more money at the door is a complaint and no fraud.
pub(super) static PURPOSES: Phrases = LazyLock::new(|| {
    phrases(
        "\
    refund*, reffund*, refnd*, release*, customs, unlock*, cashback, cash back, my money, money back, my amount, the \
    amount back, get the money, receive money, receive the money, recieve money, recieve the money, receive my, recieve \
    my, paisa wapas, paise wapas, paise wapis, paisa wapis, parcel, package, shipment, रिफंड*, रिफ़ंड*, पैसे वापस, पैसा \
    वापस, पार्सल, reembolso*, devolucion, devolución, devolver*, paquete, encomenda, pacote, estorno, liberar*, \
    remboursement*, rembourse*, colis, rückerstattung, rückzahlung, erstattung, geld zurück, paket, استرداد, استرجاع, \
    المبلغ, أموالي, الطرد, طرد, الشحنة, طردي",
    )
});

/// What a stranger promises, so that something is paid for it.
pub(super) static GIFTS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    prize, prizes, lottery, lucky draw, jackpot, inaam, इनाम, लॉटरी, लकी ड्रॉ, premio, prêmio, sorteo, sorteio, جائزة, \
    الجائزة, gewinn, gewinnspiel, loterie, gros lot",
    )
});

/// Demands whose verb stands before what is demanded.
pub(super) static ASKS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    ask, asks, wants to know, want to know, wanted to know, wants to have, wants to see, asked, asking, askd, askng, \
    askin, want, wants, wanted, wanting, wnts, demand, demands, demanded, demanding, requests, requested, requesting, \
    requires, require, insists, insisted, insisting, insist, need, needs, needed, forces, forced, forcing, made me, makes \
    me, begging, begs, pressuring, pushing, after my, pide, piden, pidio, pidió, pidieron, pidiendo, solicita, solicitan, \
    solicitó, solicitaron, solicitando, quiere, quieren, exige, exigen, exigió, pediu, pede, pedem, pediram, pedindo, \
    quer, querem, solicitou, exigiu, exigem, طلب, طلبوا, يطلب, يطلبون, تطلب, طلبت مني, طالب, طالبني, يريد, يريدون, تريد, \
    يبغى, عايز, سأل, سألني, يسأل, يسألني, سألوني, demande, demandent, demandait, demandé, réclame, réclament, reclame, \
    veut, veulent, exigé, will mein*, wollen mein*, wollte mein*, will den, will die, wollen den, wollen die, verlangt, \
    verlangen, verlangte, fragt nach, fragte nach, fragen nach, möchte mein*, möchten mein*, braucht mein*, brauchen \
    mein*, fordert, fordern, bittet um, bat um, will von mir, wollen von mir",
    )
});

/// Demands whose verb stands behind what is demanded.
pub(super) static LATE_ASKS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    maang*, mang*, magne, puch*, pooch*, poochh*, chahiye, chahte, chahta, मांग*, माँग*, पूछ*, चाहि*, चाहता, चाहते, \
    gefragt, verlangt, gefordert, gebeten, wissen, haben will, haben wollen, lena chahta, lena chahte",
    )
});

/// Words of somebody, which may hold a demand.
pub(super) static SAYS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    told me, told us, tell me, tells me, telling me, telling us, told to, says, say, said, saying, sayin, sez, wrote, \
    writes, texted, claims, claiming, insists, instructed, instructs, convinced me, advised me, directed me, ordered me, \
    pushed me, trying to make me, tried to make me, trying to get me, sent, sends, sending, sent me, dice, dicen, dijo, \
    dijeron, diciendo, disse, disseram, diz, dizem, dizendo, mandou, mandaram, manda, قال, قالوا, قالت, يقول, يقولون, \
    تقول, dit, disent, a dit, sagt, sagte, sagen, gesagt, meint, schrieb, schreibt, behauptet",
    )
});

/// Words of somebody that stand behind what they say in Hindi.
pub(super) static LATE_SAYS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    bola, bole, boli, bolta, bolte, bol raha, bol rahe, bol rahi, bol rha, bol rhe, keh raha, keh rahe, keh rahi, keh rha, \
    keh rhe, kah raha, kah rahe, kaha, kehta, kehte, kahte, कह रह*, कहा, बोल रह*, बोला, बोले, बोली, bolke, बोलकर, likha, \
    dabaw, dabav, gesagt, geschrieben",
    )
});

/// What somebody makes the customer do, before what it is done with.
pub(super) static ACTS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    share, shares, sharing, give, giving, tell, telling, send, sending, read, reading, forward, provide, reveal, disclose, \
    dictate, repeat, whatsapp, mail, email, show, upload, hand over, enter, entering, type, typing, put, putting, fill, \
    submit, confirm, verify, update, key in, install, download, instal, downlod, open, click, allow, accept, approve, \
    scan, skan, scaning, scanning, authorise, authorize, buy, dar, dé, de, le dé, darle, darles, diga, decir, decirle, \
    decirles, enviar, envíe, envie, mandar, mande, mandarle, compartir, comparta, pasar, pase, pasarle, introducir, \
    ingresar, ingrese, poner, escanear, escanee, instalar, instale, descargar, dictar, passar, passe, informar, informe, \
    fornecer, compartilhar, compartilhe, digitar, digite, baixar, baixe, escaneie, dizer, falar, أعطي, أعطيه, اعطيه, \
    أعطيهم, اعطيهم, أرسل, ارسل, أرسله, ارسله, إرسال, ارسال, أشارك, اشارك, مشاركة, إدخال, ادخال, أدخل, ادخل, أمسح, امسح, \
    مسح, تثبيت, أثبت, تحميل, donner, donne, communiquer, envoyer, envoie, transmettre, dicter, lire, saisir, entrer, \
    taper, partager, installer, télécharger, scanner, flasher, cliquer, schicken, geben, nennen",
    )
});

/// The same, behind what it is done with.
pub(super) static LATE_ACTS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    share kar*, share krne, share kro, share krdo, bata do, bata de, batane, bataiye, batao, batana, bata dijiye, bta do, \
    btao, btane, bhejo, bhejne, bhej do, bhej de, bhejiye, bhejna, de do, dedo, dene, dena, dijiye, send kar*, send krne, \
    scan kar*, scan krne, scan kro, install kar*, install krne, download kar*, download krne, approve kar*, accept kar*, \
    daalo, dalo, daalne, dalne, dal do, daal do, bharne, bharo, likhne, bolo, शेयर कर*, बता दो, बताओ, बताने, बता दीजिए, \
    बताइए, बताना, भेजो, भेजने, भेज दो, भेजिए, भेजना, दे दो, देने, देना, दीजिए, स्कैन कर*, इंस्टॉल कर*, डाउनलोड कर*, डालो, \
    डालने, भरने, apruebe, durchgeben, durchzugeben, nennen, zu nennen, schicken, zu schicken, senden, geben, zu geben, \
    weitergeben, mitteilen, mitzuteilen, eingeben, einzugeben, vorlesen, vorzulesen, scannen, zu scannen, installieren, \
    herunterladen, sagen, zu sagen",
    )
});

/// Paying.
pub(super) static PAYS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    pay, paying, transfer, deposit, send, remit, make a payment, make payment, recharge, buy, pagar, pague, pagarle, \
    depositar, deposite, transferir, transfira, pix, fazer um pix, payer, paye, verser, régler, virer, أدفع, ادفع, دفع, \
    ندفع, تحويل, أحول, احول, بدفع, zahlen, bezahlen, überweisen",
    )
});

/// Paying, behind what is paid.
pub(super) static LATE_PAYS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    pay kar*, pay krne, pay kro, bhar do, bharne, bharna, bharo, bhejo, bhejne, bhej do, bhejna, dene, dena, de do, dedo, \
    dijiye, jama kar*, jama krne, transfer kar*, भरने, भरना, भरो, भेजो, भेजने, भेजना, देने, देना, दे दो, जमा कर*, ट्रांसफर \
    कर*, pe kar*, zahlen, zu zahlen, bezahlen, zu bezahlen, überweisen, zu überweisen, payer",
    )
});

/// What makes a question of the customer one about a demand.
pub(super) static DUTIES: Phrases = LazyLock::new(|| {
    phrases(
        "\
    i must, must i, i have to, have to, i should, should i, i need to, i got to, i gotta, shall i, supposed to, is it ok \
    to, is it okay to, is it safe to, is it normal to, is it right to, really need to, required to, expected to, debo, \
    tengo que, devo, tenho que, preciso, je dois, dois je, faut il, il faut, soll ich, ich soll, muss ich, يجب أن, هل, \
    لازم",
    )
});

/// What the customer did.
pub(super) static GAVE: Phrases = LazyLock::new(|| {
    phrases(
        "\
    i gave, gave my, shared my, gave otp, shared otp, told my, i told, i shared, i sent, i have given, i have shared, i \
    have told, i have sent, ive given, ive shared, ive sent, i already gave, i already shared, i already told, already \
    gave, already shared, already told, i read out, i read, i read him, i read her, i read them, i entered, i typed, i \
    installed, i downloaded, i scanned, i approved, gave him, gave them, gave her, and gave, and shared, told him, told \
    her, told them, bata diya, bata di, bata dia, bta diya, de diya, de di, dedi, share kar diya, share kar di, share kr \
    diya, bhej diya, bhej di, daal diya, dal diya, install kar liya, install kar diya, install kr liya, बता दिया, बता दी, \
    दे दिया, दे दी, शेयर कर दिया, भेज दिया, भेज दी, डाल दिया, इंस्टॉल कर लिया, le di, les di, ya le di, se lo di, se la \
    di, le dije, les dije, le pasé, les pasé, le envié, les envié, comparti, compartí, instale, instalé, passei, eu \
    passei, informei, eu dei, dei, enviei, instalei, compartilhei, أعطيته, أعطيتهم, أعطيتها, اعطيته, اعطيتهم, أرسلت, \
    ارسلت, أرسلته, شاركت, شاركته, ثبتت, je lui ai donné, jai donné, j ai donné, je leur ai donné, jai communiqué, j ai \
    envoyé, jai envoyé, jai installé, habe ich, ich habe, hab ich",
    )
});

/// What the customer paid.
pub(super) static PAID: Phrases = LazyLock::new(|| {
    phrases(
        "\
    i paid, i have paid, ive paid, already paid, i transferred, i scanned, i approved, i sent, pay kar diya, de diya, de \
    diye, bhej diya, bhej diye, भेज दिया, दे दिया, दे दिए, ya pague, ya pagué, pagué, le pague, le pagué, paguei, دفعت, \
    حولت, jai payé, j ai payé, ich habe bezahlt, schon bezahlt, habe gezahlt",
    )
});

/// That something was sent to the customer.
pub(super) static SENT: Phrases = LazyLock::new(|| {
    phrases(
        "\
    sent me, send me, sending me, sends me, sent a, sent us, i got a, i received a, got a, bheja, bheji, bhej raha, bhej \
    rahe, bhej ke, भेजा, भेजी, भेज रहा, me mandó, me mando, me envió, me envio, me enviaron, me mandaron, me mandou, me \
    enviou, enviaram, mandaram, أرسل لي, ارسل لي, أرسلوا لي, ma envoyé, m a envoyé, schickt mir, schickte mir, hat mir",
    )
});

/// Somebody else.
pub(super) static PARTIES: Phrases = LazyLock::new(|| {
    phrases(
        "\
    someone, somebody, some one, sum1, some1, some guy, some man, some lady, some woman, some person, some people, a man, \
    a guy, guy, stranger, strangers, scammer*, fraudster*, imposter*, impostor*, man on, on phone, on the phone, over \
    phone, over the phone, person called, person phoned, man called, man phoned, lady called, they called, he called, she \
    called, they rang, they phoned, he phoned, she phoned, called and said, he messaged, she messaged, they messaged, \
    usne, unhone, उसने, उन्होंने, a lady, a woman, a person, a girl, this man, this guy, this lady, this woman, this \
    person, that man, that guy, that lady, the man, the guy, the lady, the woman, the person, a boy, people, a caller, the \
    caller, caller, callers, unknown number, strange number, a number, this number, an executive, executive, executives, \
    an agent, agent, agents, your company, ur company, your team, ur team, your office, your staff, your employee*, your \
    representative, representative, your rep, rep, manager, your colleague, colleague, colleagues, one of your, from your, \
    from ur, your side, your shop, your store, your support, ur support, the support, support team, support person, \
    support guy, your people, your helpdesk, helpdesk, claiming to be, claims to be, pretend*, on behalf of, in your name, \
    saying he, saying she, saying they, got a call, get a call, getting a call, received a call, receiving a call, \
    receiving calls, getting call*, got call, phone call, a call, call from, calls from, called me, calling me, calls me, \
    rang me, phoned me, texted me, messaged me, message from, message on whatsapp, message on telegram, telegram, an sms, \
    a sms, got sms, sms came, got an email, an email, a mail, a whatsapp, whatsapp from, a text, sent me a link, customer \
    care, customer service, helpline, call center, call centre, bank wale, bank wala, bank se, from the bank, from my \
    bank, bank manager, from rbi, koi, kisi ne, kisi ka, ek aadmi, ek admi, ek banda, ek bande, ek ladka, ek ladki, ek \
    aurat, ek sir, ek madam, aapki company, apki company, aapke company, aapke yahan, apke yahan, aapke naam, apke naam, \
    aapki team, call aaya, call aya, call aayi, phone aaya, phone aya, phone aa raha, call aa raha, phone karke, call \
    karke, call kar ke, phone pe, call pe, aapka aadmi, apka aadmi, aapke executive, aapka banda, company se, company \
    wale, company wala, support wale, support wala, care wale, care wala, helpline wale, courier wale bankar, कोई, किसी, \
    एक आदमी, एक व्यक्ति, एक महिला, एक लड़का, कॉल आया, कॉल आई, फोन आया, फ़ोन आया, कॉल करके, कॉल पर, फोन पर, call par, फोन \
    करके, फ़ोन करके, आपकी कंपनी, कंपनी से, कंपनी वाले, आपके नाम, कस्टमर केयर, बैंक वाले, बैंक से, एजेंट, alguien, un \
    hombre, un señor, una señora, un chico, una persona, una mujer, un agente, un empleado, un supuesto, una supuesta, me \
    llamo, me llamó, me llamaron, me llaman, me escribieron, una llamada, me escribio, me escribió, un número, un numero, \
    su empresa, de su tienda, de la tienda, de su parte, de parte de, un tal, un mensaje, un correo, atención al cliente, \
    servicio al cliente, alguem, alguém, um homem, uma pessoa, uma mulher, uma moça, um rapaz, um cara, um atendente, uma \
    atendente, atendente, um funcionário, um número, um suposto, me ligou, me ligaram, ligaram, ligacao, ligação, sua \
    empresa, da loja, da empresa, de vocês, uma mensagem, um sms, um email, suporte, شخص, احد, أحد, أحدهم, احدهم, واحد, \
    رجل, سيدة, اتصل*, يتصل*, اتصال, مكالمة, شركتكم, متجركم, موظف*, رقم غريب, من طرفكم, خدمة العملاء, رسالة, وصلتني رسالة, \
    jemand, ein mann, eine frau, ein herr, ein anrufer, der anrufer, anrufer, eine person, ein mitarbeiter, mitarbeiter, \
    mitarbeiterin, eurer firma, ihrer firma, eure firma, ihr support, euer support, ihr kundendienst, kundendienst, \
    kundenservice, ein anruf, einen anruf, angerufen, rief mich an, ruft mich an, von euch, von ihnen, eine sms, eine \
    mail, eine nachricht, quelqu un, quelquun, un homme, une femme, un monsieur, une dame, une personne, un agent, un \
    conseiller, une conseillère, un type, un individu, un employé, de chez vous, votre service, votre société, votre \
    entreprise, service client, un appel, ma appelé, m a appelé, mappelle, un sms, un mail, un message, un numéro, on m, \
    on me, conseiller, einem mann, einer frau, einem anrufer, einem mitarbeiter, piden, pidieron, dicen, dijeron, quieren, \
    pediram, disseram, dizem, querem, pedem, قالوا, يقولون, يطلبون, طلبوا, يقول, يطلب",
    )
});

/// Somebody who brings or fetches parcels: a code at the door is part of the delivery.
pub(super) static RIDERS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    delivery boy, delivery boys, delivery guy, delivery man, delivery person, delivery partner, delivery agent, delivery \
    executive, delivery associate, delivery woman, delivery fellow, delivery bhaiya, deliveryman, rider, riders, courier, \
    courier guy, courier boy, courier agent, driver, valet, pickup boy, pickup guy, pickup agent, pickup executive, pickup \
    person, pickup, delivery wala, delivery wale, delivery ke, delivery otp, delivery code, delivery pin, otp for \
    delivery, at delivery, at the door, at my door, doorstep, dunzo, डिलीवरी*, राइडर, repartidor, repartidora, mensajero, \
    cadete, entregador, motoboy, motorista, livreur, livreuse, bote, zusteller, lieferant, paketbote, fahrer, السائق, \
    المندوب, مندوب, الكابتن, عامل التوصيل",
    )
});

/// What a code at the door has nothing to do with.
pub(super) static ABOUT_MONEY: Phrases = LazyLock::new(|| {
    phrases(
        "\
    refund*, bank*, card, upi, pin, cvv, account, रिफंड*, बैंक*, कार्ड, reembolso*, banco, tarjeta, cartao, cartão, \
    estorno, البنك, استرداد, بطاقة*, remboursement, erstattung, rückerstattung",
    )
});

/// Demands of a rider.
pub(super) static RIDER_ASKS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    asks, asked, asking, wants, wanted, demanded, demands, needs, pidió, pide, pediu, pede, verlangt, demande",
    )
});

/// Whom the customer gave it.
pub(super) static RECEIVERS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    him, her, them, he, she, they, usko, unko, use, unhe, उसको, उनको, उसे",
    )
});

/// A card, which is a secret only where somebody has it typed in.
pub(super) static CARDS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    my card, card, my debit card, my credit card, debit card, credit card, the card, kyc, my kyc, mi tarjeta, la tarjeta, \
    meu cartão, meu cartao, o cartão, ma carte, meine karte, بطاقتي",
    )
});

/// A page that somebody sent.
pub(super) static LINKS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    link, links, url, website link, enlace, lien, رابط, लिंक",
    )
});

/// Typing in.
pub(super) static ENTERING: Phrases = LazyLock::new(|| {
    phrases(
        "\
    enter*, type, typing, put, putting, fill, submit, confirm, verify, update, key, ingresar, ingrese, introducir, \
    introduzca, poner, digitar, digite, saisir, entrer, taper, eingeben, إدخال, ادخال, أدخل, ادخل",
    )
});

/// The shop's own app or page.
pub(super) static OWN_APP: Phrases = LazyLock::new(|| {
    phrases(
        "\
    app, website, site, login, checkout, payment, signup, signin, screen, log, sign, लॉगिन",
    )
});

/// Not.
pub(super) static NEGATIONS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    not, didnt, dont, doesnt, never, nahi, nhi, nai, no, wasnt, isnt, hasnt, havent, cant, didn, नहीं, wont, nunca, não, \
    nao, nicht, kein, keine, pas, jamais, لم, ما, لا, still, galat, wrong, invalid, expired",
    )
});

/// Coming, of a code.
pub(super) static COMING: Phrases = LazyLock::new(|| {
    phrases(
        "\
    receiv*, reciev*, come, comes, came, coming, arriv*, work*, got, get, getting, delivered, show*, wrong, invalid, \
    expired, aaya, aa, aya, ayi, aayi, aata, mila, mil, आया, आ, मिला, मिल, llega, llegó, llego, chega, chegou, kommt, \
    angekommen, gekommen, arrive, arrivé, reçu, يصل, وصل, يصلني",
    )
});

/// Words between a subject and its verb.
pub(super) static FILLERS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    is, are, was, were, am, r, be, been, being, has, have, had, keeps, keep, kept, just, also, now, again, really, only, \
    then, even, already, still, constantly, repeatedly, always, me, le, and, y, e, et, und, m, a, ma, nous, mich, mir, on, \
    who, there, today, yesterday, actually, urgently, got, getting, wurde, werde, é, fui, ha, han, está, están, estão, \
    started, s, his, name, first",
    )
});

/// That the subject is the one of whom it is demanded.
pub(super) static PASSIVES: Phrases = LazyLock::new(|| {
    phrases(
        "\
    was, been, being, got, wurde, werde, fui, were, mujhse, mere, मुझसे, मेरे, jaa, ja",
    )
});

/// That the word before the verb only says where somebody is from.
pub(super) static OF_WHOM: Phrases = LazyLock::new(|| {
    phrases(
        "\
    from, of, at, in, behalf, on, named, de, da, do, von, der, chez, call, called, sms, message, email, mail",
    )
});

/// The customer, the shop that reads this, and programs.
pub(super) static NOBODY_ELSE: Phrases = LazyLock::new(|| {
    phrases(
        "\
    i, we, ive, im, id, ill, to, please, pls, plz, you, u, ya, your, app, website, site, page, it, checkout, system, \
    gateway, machine, atm, bank, form, yo, ich, wir, je, jai, nous, vous, eu, nós, if, cant, dont, didnt, couldnt, wont, \
    not, never, will, would, could, should, can, my, أنا, لا, aap, tum, main, do, did, let, screen, option, refund, order, \
    no, nicht, ne, não",
    )
});

/// Where somebody may say they are from.
pub(super) static SHOPS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    app, website, site, page, bank, form, order, refund, your, option, vous, you, u, euch, ihnen, vocês, ustedes",
    )
});

/// After which `to ask` is the act of another.
pub(super) static ALLOWED: Phrases = LazyLock::new(|| {
    phrases(
        "\
    allowed, supposed, entitled, permitted, trying, tries, tried, going, right, keep, started, ok, normal",
    )
});

/// And.
pub(super) static ANDS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    and, y, e, et, und, n",
    )
});

/// Politeness before a demand.
pub(super) static POLITE: Phrases = LazyLock::new(|| {
    phrases(
        "\
    please, pls, plz, kindly, to, por, bitte, just",
    )
});

/// Somebody told of before.
pub(super) static PRONOUNS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    he, she, they, who, him, her, them, guy, man, lady, woman, person, hes, shes, theyre, theyve, caller, boy, girl, \
    number, er, sie, il, elle, ils, él, ella, ellos, ele, ela, eles, هو, هم",
    )
});

/// The customer as subject of a verb at the end of the clause.
pub(super) static CUSTOMERS: Phrases = LazyLock::new(|| {
    phrases(
        "\
    maine, mene, main, mai, mein, humne, hum, hamne, mujhe, मैंने, मैं, हमने, मुझे, i, ive, we, yo, je, jai, eu, ich, wir",
    )
});

/// That another shall do it, or nobody.
pub(super) static NOT_TO_GIVE: Phrases = LazyLock::new(|| {
    phrases(
        "\
    you, u, he, she, they, it, will, would, wont, cant, cannot, not, never, dont, didnt, doesnt, nobody, please, pls, plz, \
    kindly, could, may, can, your, ur, yet, aap, aapne, tum, na, mat, no, nunca, não, nao, nicht, ne, pas, vous, sie, er, \
    usted, você, لا, لم, سوف, number, order, nahi, नहीं, मत",
    )
});

/// Words that only look like those of a report.
pub(super) static ORDINARY: Phrases = LazyLock::new(|| {
    phrases(
        "\
    pin code, pincode, pin codes, area pin, postal pin, pin cod, location pin, pin location, map pin, drop pin, dropped \
    pin, pin drop, digit pin code, digit pincode, digit mobile, digit phone, digit order, digit tracking, digit awb, \
    digits of my order, digits of the order, digits of my phone, digits of my mobile, digits of the card used, promo code, \
    coupon code, discount code, voucher code, referral code, tracking code, order code, gift code, product code, zip code, \
    postal code, return code, error code, code of the order, पिन कोड, पिनकोड, कूपन कोड, प्रोमो कोड, codigo postal, código \
    postal, codigo de rastreo, código de rastreo, codigo de rastreio, código de rastreio, codigo de seguimiento, código de \
    seguimiento, codigo do pedido, código do pedido, código del pedido, codigo de descuento, código de descuento, código \
    de desconto, codigo de desconto, código promocional, código de barras, code postal, code promo, code de réduction, \
    code de suivi, rabattcode, gutscheincode, code promotionnel, رمز الطلب, رمز التتبع, كود الخصم, رمز الخصم, رمز بريدي, \
    الرمز البريدي, screen shot, screen recording, first time, first order, first of all, gift card, forgot password, reset \
    password, reset my password, reset the password, change my password, change password, customer care number",
    )
});

/// Names of programs that show or steer a telephone from afar, and other words that are often misspelt.
pub(super) const OFTEN_MISSPELT: &[&str] = &[
    "anydesk",
    "teamviewer",
    "quicksupport",
    "rustdesk",
    "airdroid",
    "ultraviewer",
    "password",
    "verification",
    "install",
];
