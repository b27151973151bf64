//! The vocabulary of answers in Spanish, Portuguese and Arabic, and more of Hindi in both scripts. As strict as the English
//! one: what may also be a condition, a question or another wish is not here. Arabic stands without vowel marks and with
//! plain letters, as [`words`](super::super::words) reads it.

use super::Role;

pub(super) const TABLE: &[(Role, &str)] = &[
    (
        Role::Yes,
        "sí, sí sí, claro, claro que sí, claro que si, por supuesto, desde luego, de acuerdo, estoy de acuerdo, acepto, \
         confirmo, puede hacerlo, puedes hacerlo, pueden hacerlo, puede proceder, puedes proceder, puede reembolsar, \
         puedes reembolsar, ya dije que sí, ya le dije que sí, ya te dije que sí, ya dije que si, ya te dije que si",
    ),
    (
        Role::Yes,
        "sim, claro que sim, com certeza, pode, pode sim, pode ser, pode fazer, pode fazer isso, pode prosseguir, \
         pode seguir, pode continuar, pode reembolsar, pode estornar, concordo, aceito, de acordo, estou de acordo, \
         combinado, já disse que sim, ja disse que sim, eu já disse que sim, eu ja disse que sim",
    ),
    (
        Role::Yes,
        "نعم, ايوه, ايوا, اي نعم, اجل, بلي, اكيد, بالتاكيد, طبعا, بالطبع, موافق, موافقه, انا موافق, انا موافقه, اوافق, \
         اقبل, قبلت, قلت نعم, لقد قلت نعم",
    ),
    (Role::Yes, "सहमत हूँ, सहमत हूं, मैं सहमत हूँ, मैं सहमत हूं, स्वीकार है, sehmat hoon, main sehmat hoon"),
    (
        Role::Proceed,
        "adelante, siga adelante, sigue adelante, proceda, procedan, dale, continúe, haga el reembolso, \
         haz el reembolso, hagan el reembolso, procese el reembolso, procesa el reembolso, proceda con el reembolso",
    ),
    (
        Role::Proceed,
        "prossiga, siga em frente, vá em frente, va em frente, manda ver, faça o reembolso, faca o reembolso, \
         faz o reembolso, faça o estorno, faca o estorno, faz o estorno",
    ),
    (
        Role::Proceed,
        "تابع, تابعي, تابعوا, استمر, استمري, استمروا, تفضل, تفضلي, تفضلوا, اكمل, اكملي, اكملوا, نفذ, نفذوا",
    ),
    (
        Role::Proceed,
        "आगे बढो, आगे बढें, आगे बढिए, आगे बढिये, जारी रखो, जारी रखें, aage badho, aage badhiye, aage badhein, \
         jaari rakho, jaari rakhein",
    ),
    (Role::Act, "hazlo, hágalo, hagalo, háganlo, haganlo, aprobado, confirmado, aceptado, definitivamente"),
    (Role::Act, "faça, faça isso, faca isso, faz isso, aprovado"),
    (Role::Act, "افعل ذلك, افعلها, قم بذلك, سويها, سوها, اعملها"),
    (
        Role::Act,
        "करें, करवा दो, करा दो, कर देना, कर दिजिए, कर दिजिये, करा दीजिए, करवा दीजिए, kara dijiye, karwa dijiye, karva dijiye",
    ),
    (Role::Weak, "vale, está bien, esta bien, bien, muy bien, correcto"),
    (
        Role::Weak,
        "está bem, esta bem, tá bem, ta bem, tá bom, ta bom, está bom, esta bom, tá, certo, tá certo, ta certo, \
         está certo, esta certo, beleza, blz, isso, isso mesmo",
    ),
    (Role::Weak, "حسنا, تمام, ماشي, طيب, اوكي, اوك, اوكيه, صح, صحيح, لا مانع, لا مانع لدي, ما في مانع, مافي مانع"),
    // Without its accent “si” is also “if”: it agrees only where that cannot be meant.
    (
        Role::Alone,
        "si, si si, si por favor, si porfavor, si porfa, por favor si, si gracias, si muchas gracias, si claro, claro si, \
         si acepto, si confirmo, si adelante, si proceda, si dale, si hágalo, si hagalo, si hazlo, si quiero, \
         si de acuerdo, si estoy de acuerdo, si señor, si señora, si ok, ok si",
    ),
    (Role::Please, "por favor, porfavor, porfa, porfis, favor, por gentileza, pfv"),
    (Role::Please, "من فضلك, من فضلكم, لو سمحت, لو سمحتم, لو سمحتي, رجاء, ارجوك, الرجاء, فضلا"),
    (
        Role::Thanks,
        "gracias, muchas gracias, mil gracias, muchísimas gracias, obrigado, obrigada, muito obrigado, muito obrigada, \
         valeu, brigado, brigada",
    ),
    (Role::Thanks, "شكرا, شكرا لك, شكرا لكم, شكرا جزيلا, مشكور, مشكورين, تسلم, يعطيك العافيه"),
    (
        Role::Address,
        "señor, señora, señorita, amigo, amiga, senhor, senhora, moço, moça, اخي, اختي, استاذ, يا اخي, يا استاذ",
    ),
    (
        Role::Refund,
        "reembolso, el reembolso, mi reembolso, o reembolso, meu reembolso, reembolsar, estorno, o estorno, meu estorno",
    ),
    (Role::Refund, "استرداد, الاسترداد, استرجاع, الاسترجاع, استرداد المبلغ, استرجاع المبلغ, رد المبلغ"),
    (Role::Money, "dinero, el dinero, mi dinero, dinheiro, o dinheiro, meu dinheiro"),
    (Role::Money, "المال, مالي, فلوس, الفلوس, فلوسي, نقودي, النقود, المبلغ"),
    (Role::Order, "pedido, pedidos, el pedido, mi pedido, o pedido, meu pedido, orden, la orden, mi orden, encomenda"),
    (Role::Order, "طلب, الطلب, طلبي, الطلبيه, اوردر, الاوردر"),
    (
        Role::Want,
        "quiero, quisiera, necesito, dame, deme, me gustaría, me gustaria, quero, queria, gostaria, preciso, me dá",
    ),
    (Role::Want, "اريد, اريده, اريدها, ابغي, ابغا, ابي, عايز, عايزه, عاوز, عاوزه, بدي, اعطني, اعطوني"),
    (Role::All, "todo, todos, todas, todos ellos, tudo, الكل, كلها, كلهم, جميعها, جميعهم"),
    (Role::Both, "ambos, ambas, los dos, las dos, os dois, as duas, كلاهما, كليهما, كلتاهما, الاثنين"),
    (Role::Only, "solo, sólo, solamente, só, somente, apenas, فقط"),
    (Role::Speed, "rápido, rapido, cuanto antes, urgente, já, agora mesmo, بسرعه, حالا, فورا"),
    (Role::Link, "mi, el, la, meu, minha"),
    (
        Role::Filler,
        "ahora, ahora mismo, bueno, perfecto, perfeito, genial, sin problema, sin problemas, no hay problema, agora, \
         sem problema, sem problemas, não tem problema, nao tem problema, eu, yo, الان, لا مشكله, لا باس, ما في مشكله, \
         مافي مشكله, انا, कोई बात नहीं, अभी",
    ),
    (
        Role::No,
        "ahora no, ya no, por ahora no, mejor no, claro que no, por supuesto que no, desde luego que no, para nada, \
         nunca, jamás, de ninguna manera, no hace falta, no es necesario, no estoy de acuerdo, no acepto",
    ),
    (
        Role::No,
        "não, nao, agora não, agora nao, por enquanto não, por enquanto nao, melhor não, melhor nao, claro que não, \
         claro que nao, de jeito nenhum, não precisa, nao precisa, não é necessário, não concordo, nao concordo, \
         não aceito, nao aceito, não pode, nao pode",
    ),
    (Role::No, "لا, لا شكرا, كلا, لا لا, ليس الان, مش الان, مو الان, لا حاجه, لا داعي, غير موافق, غير موافقه, لا اوافق, لا اقبل"),
    (Role::No, "अभी नहीं, जरूरत नहीं, कोई जरूरत नहीं, abhi nahi, abhi nahin, abhi nhi"),
    (
        Role::NegatedVerb,
        "no quiero, no lo quiero, no quiero nada, no necesito, no lo hagas, no lo haga, no lo hagan, no hagas nada, \
         no proceda, no procedas, não quero, nao quero, não preciso, nao preciso, não faça, nao faca, não faça isso, \
         nao faca isso, não prossiga, nao prossiga",
    ),
    (
        Role::NegatedVerb,
        "لا اريد, لا اريده, لا اريدها, لا ارغب, لا تفعل, لا تفعل ذلك, لا تفعلها, لا تنفذ, لا تتابع, لا تكمل, ما ابغي, ما ابغا, \
         ما ابي, ما بدي, مش عايز, مش عايزه, مش عاوز",
    ),
    (Role::NegatedVerb, "मत कीजिए, मत करें, मत करिए, ना करो, न करें, mat karein, mat kariye"),
    (
        Role::Drop,
        "cancelar, cancela, cancele, cancélalo, cancélelo, déjalo, dejalo, déjelo, dejelo, olvídalo, olvidalo, olvídelo, \
         olvidelo, deixa, deixa pra lá, deixa pra la, deixa para lá, esquece, esqueça, pare",
    ),
    (Role::Drop, "الغاء, الغ, الغي, الغه, الغيها, توقف, توقفي, اوقف, اتركه, اتركها, اترك, انس الامر, انسي الامر"),
    (
        Role::Keep,
        "me lo quedo, me la quedo, me quedo con él, lo conservo, vou ficar com ele, vou ficar com ela, fico com ele, \
         ساحتفظ به, ساحتفظ بها",
    ),
    (
        Role::Harmless,
        "adiós, adios, chao, chau, tchau, por ahora, por enquanto, lo siento, desculpa, desculpe, مع السلامه, عذرا, اسف",
    ),
    (Role::Doubt, "tudo bem, todo bien, está todo bien, esta todo bien, tudo certo, كله تمام"),
];
